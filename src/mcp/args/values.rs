//! Types of arguments that several tools share. The schema keyword `x-check` names the check that
//! the parser runs on a value.
//!
//! The types have no doc comments, which schemars would publish in the schemas of the tools.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    domain::{money::Money, time, view::summary::Part},
    explain::values,
    model::{ApiTime, ObjectId, Order, SessionId},
};

/// `N`, as the default of an argument.
pub(crate) fn number<const N: u32>() -> u32 {
    N
}

// The check includes the length: its messages are clearer than those for a range.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("x-check" = "session_id"))]
pub(crate) struct SessionIdArg(SessionId);

impl SessionIdArg {
    pub(crate) fn id(&self) -> &SessionId {
        &self.0
    }
}

impl Serialize for SessionIdArg {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl TryFrom<String> for SessionIdArg {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        SessionId::parse(&text).map(Self).map_err(values::session_id)
    }
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("x-check" = "session_id"))]
pub(crate) struct ObjectIdArg(pub(crate) ObjectId);

impl TryFrom<String> for ObjectIdArg {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        ObjectId::parse(&text).map(Self).map_err(values::session_id)
    }
}

// RFC 3339, a date, or an age counted back from the time of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(with = "String", extend("x-check" = "time"))]
pub(crate) struct TimeArg(String);

impl TimeArg {
    /// The instant; ages count back from `now`.
    pub(crate) fn at(&self, now: Timestamp) -> Timestamp {
        // It was valid when it was parsed, so this is an age that exceeds the range of times.
        Self::parse(&self.0, now).unwrap_or(Timestamp::MIN)
    }

    /// Parses `text`; ages count back from `now`.
    pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
        time::parse(text, now).map_err(|invalid| values::time(invalid).to_owned())
    }
}

// An amount of money in major units.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(with = "String", extend("x-check" = "amount"))]
pub(crate) struct AmountArg(String);

impl AmountArg {
    pub(crate) fn money(&self) -> Option<Money> {
        Money::parse_major(&self.0).ok()
    }
}

// An object of strings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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

    // The derived one has `additionalProperties` as well.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "x-check": "pairs"})
    }
}

// A type of events to filter by.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(with = "String", extend("x-check" = "event_type"))]
pub(crate) struct EventTypeArg(pub(crate) String);

// Text, or JSON, which becomes its text.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(with = "String", extend("x-check" = "text_or_json"))]
pub(crate) struct TextOrJsonArg(pub(crate) String);

// What a summary shows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("x-check" = "summary_part"))]
pub(crate) struct SummaryPartArg(pub(crate) Part);

impl TryFrom<String> for SummaryPartArg {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Part::named(&name).map(Self).ok_or_else(values::summary_part)
    }
}

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

// The `updated_at` of an earlier answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(with = "String", extend("x-check" = "api_time"))]
pub(crate) struct ApiTimeArg(pub(crate) ApiTime);

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::mcp::args::values::TimeArg;

    #[test]
    fn a_time_is_a_date_or_an_age_before_now() {
        let now: Timestamp = "2026-03-15T12:00:00Z".parse().unwrap();
        let check = |text: &str, expected: &str| {
            let read = TimeArg::parse(text, now).map(|at| at.to_string());
            assert_eq!(read.as_deref().unwrap_or("refused"), expected, "{text}");
        };
        check("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z");
        check("2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00Z");
        check("2026-01-31", "2026-01-31T00:00:00Z");
        check("7d", "2026-03-08T12:00:00Z");
        check("36h", "2026-03-14T00:00:00Z");
        check("2 weeks", "2026-03-01T12:00:00Z");
        check("1 month", "2026-02-15T12:00:00Z");
        check("7 days ago", "2026-03-08T12:00:00Z");
        check("2 weeks AGO ", "2026-03-01T12:00:00Z");
        check("1 day, 12 hours ago", "2026-03-14T00:00:00Z");
        check("P7D ago", "2026-03-08T12:00:00Z");
        check("-7d ago", "refused");
        check("7 days ago ago", "refused");
        check("2026-01-31 ago", "refused");
        check("ago", "refused");
        check(" 90 minutes ", "2026-03-15T10:30:00Z");
        check("-7d", "refused");
        check("yesterday", "refused");
        check("", "refused");
        check("7", "refused");
    }
}
