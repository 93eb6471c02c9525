//! Arguments: lenient types, strict meaning, once for all tools.
//!
//! The derived schema of a tool's `Args` is the only statement of what it takes. Values are
//! read against it, so that every mistake of a call is found and told at once.

pub mod conditions;
pub mod filter;
#[cfg(test)]
mod laws;
pub mod values;

use jiff::Timestamp;
use rmcp::model::JsonObject;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(crate) use crate::mcp::args::values::TimeArg;
use crate::{
    domain::{money::Money, text},
    explain,
    explain::Failure,
    mcp::schema::CHECK,
    model::{ApiTime, SessionId},
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
                Some(Value::Null) if nullable => {
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
            ("array", Value::String(text)) => {
                from_json(text).filter(Value::is_array).or_else(|| {
                    is_one_of_its_words(schema, &given).then(|| vec![given.clone()].into())
                })
            }
            ("object", Value::String(_)) => read_object(&given),
            ("array", Value::Array(_)) | ("object", Value::Object(_)) | ("", _) => {
                Some(given.clone())
            }
            _ => None,
        };
        match read {
            Some(Value::Array(items)) if kind == "array" => {
                self.count(path, schema, items.len());
                let item = schema.get("items").cloned().unwrap_or_default();
                if schema.get(CHECK).is_some_and(|check| check == "entries") {
                    // What is no object is told together with all else that is wrong with the
                    // entries, where the whole is judged.
                    let read = items
                        .into_iter()
                        .map(|each| read_object(&each).unwrap_or(each));
                    return read.collect();
                }
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
        let limit = |keyword| schema.get(keyword).and_then(Value::as_u64);
        let count_given = count as u64;
        if limit("maxItems").is_some_and(|most| count_given > most)
            || limit("minItems").is_some_and(|least| count_given < least)
        {
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

/// An object that was given as a string.
fn read_object(given: &Value) -> Option<Value> {
    from_json(given.as_str()?).filter(Value::is_object)
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

/// One word where an array of given words is asked for.
fn is_one_of_its_words(schema: &Value, value: &Value) -> bool {
    let words = schema.pointer("/items/enum").and_then(Value::as_array);
    words.is_some_and(|words| words.contains(value))
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
        ("session_id", Value::String(text)) => SessionId::parse(text)
            .map(drop)
            .map_err(|error| explain::values::session_id(error).to_owned()),
        ("when", Value::String(text)) => TimeArg::parse(text, Timestamp::now()).map(drop),
        ("amount", Value::String(text)) => Money::parse_major(text)
            .map(drop)
            .map_err(|error| explain::values::amount(error).to_owned()),
        ("pairs", Value::Object(pairs)) => match pairs.values().find(|value| !is_plain(value)) {
            Some(_) => Err("must have texts as values".to_owned()),
            None => Ok(()),
        },
        ("moment", Value::String(text)) => match ApiTime::from(text.clone()).at() {
            Some(_) => Ok(()),
            None => Err("must be the RFC 3339 time of an earlier answer".to_owned()),
        },
        _ => Ok(()),
    }
}

/// A text, or what is the same text to everyone.
fn is_plain(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
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
        "array" => match (limit("minItems"), limit("maxItems")) {
            (Some(least), Some(most)) => format!("give an array of {least} to {most} entries"),
            (None, Some(most)) => format!("give an array of at most {most} entries"),
            (_, None) => match schema.pointer("/items/type").and_then(Value::as_str) {
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
    text::shortened(&text::json(value), SHOWN_CHARACTERS)
}
