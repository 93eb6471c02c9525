//! Arguments: lenient types, strict meaning, once for all tools.
//!
//! The derived schema of a tool's `Args` is the only statement of what it takes. Values are
//! read against it, so that every mistake of a call is found and told at once.

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use rmcp::model::JsonObject;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{error::Failure, schema::CHECK};
use crate::{
    api::types::{Moment, SessionId},
    domain::{details::Field, text},
};

/// How much of a mistaken value is shown back.
const SHOWN_CHARACTERS: usize = 80;

/// Reads a tool's arguments.
///
/// # Errors
/// `invalid_arguments` with every mistake: its place, what was given and what is valid.
pub(crate) fn parse<A: DeserializeOwned>(
    tool: &str,
    schema: &JsonObject,
    given: JsonObject,
) -> Result<A, Failure> {
    let mut reader = Reader {
        mistakes: Vec::new(),
    };
    let read = reader.object(schema, given);
    if reader.mistakes.is_empty() {
        match serde_path_to_error::deserialize(Value::Object(read)) {
            Ok(args) => return Ok(args),
            Err(error) => reader.mistakes.push(error.to_string()),
        }
    }
    Err(Failure::invalid_arguments(tool, &reader.mistakes))
}

/// Collects mistakes while it turns what was given into what was meant.
struct Reader {
    mistakes: Vec<String>,
}

impl Reader {
    fn object(&mut self, schema: &JsonObject, mut given: JsonObject) -> JsonObject {
        let empty = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        let mut read = Map::new();
        for (name, property) in properties {
            let nullable = is_nullable(property);
            match given.shift_remove(name) {
                // A host that holds strings to their type cannot send null.
                Some(Value::Null) if nullable => {
                    read.insert(name.clone(), Value::Null);
                }
                Some(Value::String(text)) if nullable && text.trim().is_empty() => {
                    read.insert(name.clone(), Value::Null);
                }
                Some(value) if !value.is_null() => {
                    let value = self.value(name, property, value);
                    read.insert(name.clone(), value);
                }
                _ if is_required(schema, name) => {
                    self.mistakes
                        .push(format!("{name} is missing; {}", expected(property)));
                }
                _ => {}
            }
        }
        for name in given.keys() {
            let name = text::quoted(name);
            let valid = properties
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            self.mistakes.push(format!(
                "{name} is not an argument; valid names are {valid}"
            ));
        }
        read
    }

    /// The value as its schema means it; a mistake leaves it as it was.
    fn value(&mut self, path: &str, schema: &Value, given: Value) -> Value {
        let kind = schema
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let read = match (kind, &given) {
            ("integer", Value::Number(number)) => whole_number(&number.to_string()),
            ("integer", Value::String(text)) => whole_number(text.trim()),
            ("boolean", Value::Bool(_)) | ("string", Value::String(_)) => Some(given.clone()),
            ("boolean", Value::String(text)) => match text.trim() {
                "true" => Some(true.into()),
                "false" => Some(false.into()),
                _ => None,
            },
            ("string", Value::Number(number)) => Some(number.to_string().into()),
            ("array", Value::String(text)) => from_json(text).filter(Value::is_array),
            ("object", Value::String(text)) => from_json(text).filter(Value::is_object),
            ("array", Value::Array(_)) | ("object", Value::Object(_)) | ("", _) => {
                Some(given.clone())
            }
            _ => None,
        };
        match read {
            Some(Value::Array(items)) if kind == "array" => {
                self.count(path, schema, items.len());
                let item = schema.get("items").cloned().unwrap_or_default();
                let read = items.into_iter().enumerate();
                read.map(|(at, each)| self.value(&format!("{path}[{at}]"), &item, each))
                    .collect()
            }
            Some(read) if is_within(schema, &read) => {
                let check = schema.get(CHECK).and_then(Value::as_str);
                if let Some(Err(wrong)) = check.map(|check| run_check(check, &read)) {
                    self.mistakes
                        .push(format!("{path} {wrong}, was {}", shown(&given)));
                }
                read
            }
            _ => {
                let expected = expected(schema);
                self.mistakes
                    .push(format!("{path} was {}; {expected}", shown(&given)));
                given
            }
        }
    }

    fn count(&mut self, path: &str, schema: &Value, count: usize) {
        let most = schema.get("maxItems").and_then(Value::as_u64);
        if most.is_some_and(|most| count as u64 > most) {
            self.mistakes
                .push(format!("{path} has {count} entries; {}", expected(schema)));
        }
    }
}

fn is_required(schema: &JsonObject, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|each| each == name))
}

/// Whether null is a value of its own here.
fn is_nullable(schema: &Value) -> bool {
    schema.get(CHECK).is_some_and(|check| check == "nullable")
}

fn from_json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// `5`, `5.0` and `"5"`, but not `5.5`.
fn whole_number(text: &str) -> Option<Value> {
    let whole = match text.split_once('.') {
        Some((whole, fraction)) if fraction.chars().all(|digit| digit == '0') => whole,
        Some(_) => return None,
        None => text,
    };
    whole.parse::<i64>().ok().map(Value::from)
}

/// Within the schema's range, length and choices.
fn is_within(schema: &Value, value: &Value) -> bool {
    let limit = |keyword| schema.get(keyword).and_then(Value::as_i64);
    let number = match value {
        Value::String(text) => {
            let length = i64::try_from(text.chars().count()).ok();
            return length >= limit("minLength")
                && limit("maxLength").is_none_or(|most| length <= Some(most))
                && is_choice(schema, value);
        }
        other => other.as_i64(),
    };
    number.is_none_or(|number| {
        limit("minimum").is_none_or(|least| number >= least)
            && limit("maximum").is_none_or(|most| number <= most)
    }) && is_choice(schema, value)
}

fn is_choice(schema: &Value, value: &Value) -> bool {
    schema
        .get("enum")
        .and_then(Value::as_array)
        .is_none_or(|choices| choices.contains(value))
}

/// The checks a type may ask for with the schema keyword `x-check`.
fn run_check(check: &str, value: &Value) -> Result<(), String> {
    match (check, value) {
        ("session_id", Value::String(text)) => {
            SessionId::parse(text).map(drop).map_err(str::to_owned)
        }
        ("when", Value::String(text)) => When::parse(text, Timestamp::now()).map(drop),
        ("moment", Value::String(text)) => match Moment::from(text.clone()).at() {
            Some(_) => Ok(()),
            None => Err("must be the RFC 3339 time of an earlier answer".to_owned()),
        },
        _ => Ok(()),
    }
}

/// What would be valid, in words.
fn expected(schema: &Value) -> String {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
        return format!("give one of {}", choices.join(", "));
    }
    let limit = |keyword| schema.get(keyword).and_then(Value::as_i64);
    if is_nullable(schema) {
        return "give a string, or null".to_owned();
    }
    match schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "integer" => match (limit("minimum"), limit("maximum")) {
            (Some(least), Some(most)) => format!("give a whole number from {least} to {most}"),
            (Some(least), None) => format!("give a whole number of at least {least}"),
            _ => "give a whole number".to_owned(),
        },
        "boolean" => "give true or false".to_owned(),
        "string" => match (limit("minLength"), limit("maxLength")) {
            (Some(least), Some(most)) => format!("give a string of {least} to {most} characters"),
            _ => "give a string".to_owned(),
        },
        "array" => match limit("maxItems") {
            Some(most) => format!("give an array of at most {most} entries"),
            None => match schema.pointer("/items/type").and_then(Value::as_str) {
                Some(items) => format!("give an array of {items}s"),
                None => "give an array".to_owned(),
            },
        },
        "object" => "give an object".to_owned(),
        _ => "see the schema".to_owned(),
    }
}

/// A mistaken value as it may stand in a sentence.
fn shown(value: &Value) -> String {
    let json = value.to_string();
    let seen = text::visible(&json);
    match text::cut(&seen, SHOWN_CHARACTERS) {
        (all, 0) => all.to_owned(),
        (head, more) => format!("{head}… ({more} more characters)"),
    }
}

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
            .map_err(serde::de::Error::custom)
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

/// A point in time: RFC 3339, a date, or an age counted back from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When(pub(crate) Timestamp);

impl When {
    /// Reads `text`; an age is counted back from `now`.
    fn parse(text: &str, now: Timestamp) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self(at));
        }
        if let Ok(date) = text.parse::<Date>()
            && let Ok(start) = date.to_zoned(TimeZone::UTC)
        {
            return Ok(Self(start.timestamp()));
        }
        let back = text.parse::<Span>().ok().filter(|age| !age.is_negative());
        let at = back.and_then(|age| now.to_zoned(TimeZone::UTC).checked_sub(age).ok());
        at.map(|at| Self(at.timestamp())).ok_or_else(|| {
            "must be an RFC 3339 time such as \"2026-01-31T12:00:00Z\", or an age such as \"7d\""
                .to_owned()
        })
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text, Timestamp::now()).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for When {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "When".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "x-check": "when"})
    }
}

/// The `updated_at` of an earlier answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct MomentArg(pub(crate) Moment);

impl JsonSchema for MomentArg {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
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
        // A list of types, a union or no type at all are not portable. Null is taken as well, and
        // an empty string means the same for hosts that hold arguments to the schema.
        json_schema!({"type": "string", "x-check": "nullable"})
    }
}

#[cfg(test)]
mod tests {
    use super::When;
    use jiff::Timestamp;

    #[test]
    fn a_time_is_a_date_or_an_age_before_now() {
        let now: Timestamp = "2026-03-15T12:00:00Z".parse().unwrap();
        let check = |text: &str, expected: &str| {
            let read = When::parse(text, now).map(|when| when.0.to_string());
            assert_eq!(
                read.unwrap_or_else(|_| "refused".to_owned()),
                expected,
                "{text}"
            );
        };
        check("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z");
        check("2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00Z");
        check("2026-01-31", "2026-01-31T00:00:00Z");
        check("7d", "2026-03-08T12:00:00Z");
        check("36h", "2026-03-14T00:00:00Z");
        check("2 weeks", "2026-03-01T12:00:00Z");
        check("1 month", "2026-02-15T12:00:00Z");
        check(" 90 minutes ", "2026-03-15T10:30:00Z");
        check("-7d", "refused");
        check("yesterday", "refused");
        check("", "refused");
        check("7", "refused");
    }
}
