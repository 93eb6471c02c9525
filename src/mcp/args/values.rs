//! Kinds of arguments that several tools take. `x-check` names the check that the reader runs.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    api::Order,
    domain::{details::Field, money::Money, time},
    explain,
    model::{ApiTime, SessionId},
};

/// A session's id as an argument.
#[derive(Debug, Clone)]
pub(crate) struct SessionIdArg(SessionId);

impl SessionIdArg {
    pub(crate) fn id(&self) -> &SessionId {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SessionIdArg {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        SessionId::parse(&text)
            .map(Self)
            .map_err(|error| serde::de::Error::custom(explain::values::session_id(error)))
    }
}

impl JsonSchema for SessionIdArg {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SessionId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The length is part of the check, whose words are clearer than those of a range.
        json_schema!({"type": "string", "x-check": "session_id"})
    }
}

/// A point in time: RFC 3339, a date, or an age counted back from when the question was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct TimeArg(String);

impl TimeArg {
    /// The instant that is meant, if the question was asked at `now`.
    pub(crate) fn at(&self, now: Timestamp) -> Timestamp {
        // It was read once when it was taken; an age that reaches before all time is all time.
        Self::parse(&self.0, now).unwrap_or(Timestamp::MIN)
    }

    /// Reads `text`; an age is counted back from `now`.
    pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
        time::parse(text, now).map_err(|error| explain::values::time(error).to_owned())
    }
}

impl<'de> Deserialize<'de> for TimeArg {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Self::parse(&text, Timestamp::now()) {
            Ok(_) => Ok(Self(text)),
            Err(wrong) => Err(serde::de::Error::custom(wrong)),
        }
    }
}

impl JsonSchema for TimeArg {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeArg".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "x-check": "when"})
    }
}

/// An amount of money in major units.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct AmountArg(String);

impl AmountArg {
    pub(crate) fn money(&self) -> Option<Money> {
        Money::parse_major(&self.0).ok()
    }
}

impl JsonSchema for AmountArg {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "x-check": "amount"})
    }
}

/// Keys with texts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PairsArg(Map<String, Value>);

impl PairsArg {
    pub(crate) fn pairs(self) -> impl Iterator<Item = (String, String)> {
        self.0.into_iter().map(|(key, value)| match value {
            Value::String(text) => (key, text),
            other => (key, other.to_string()),
        })
    }
}

impl JsonSchema for PairsArg {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pairs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "x-check": "pairs"})
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderArg {
    #[default]
    Desc,
    Asc,
}

impl From<OrderArg> for Order {
    fn from(order: OrderArg) -> Self {
        match order {
            OrderArg::Desc => Self::Desc,
            OrderArg::Asc => Self::Asc,
        }
    }
}

/// The `updated_at` of an earlier answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct ApiTimeArg(pub(crate) ApiTime);

impl JsonSchema for ApiTimeArg {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ApiTime".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "x-check": "moment"})
    }
}

/// A value, or null where that means something, or nothing at all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nullable<T>(Field<T>);

impl<T> From<Nullable<T>> for Field<T> {
    fn from(nullable: Nullable<T>) -> Self {
        nullable.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Serde leaves the field at its default when it is not given.
        Ok(Self(
            Option::<T>::deserialize(deserializer)?.map_or(Field::Clear, Field::Set),
        ))
    }
}

impl<T> JsonSchema for Nullable<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Nullable".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // A list of types, a union or no type at all are not portable. Null is taken as well; for
        // hosts that hold arguments to the schema each tool has a word that means the same.
        json_schema!({"type": "string", "x-check": "nullable"})
    }
}
