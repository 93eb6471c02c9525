//! Parses the arguments of all tools: lenient about types, strict about meaning.
//!
//! The schema derived from a tool's `Args` is the only statement of what the tool takes. Values
//! are checked against it, so that all mistakes of a call are reported at once.
//!
//! Hosts in strict mode fill in every optional argument. So a blank one (null, an empty string, an
//! array of nothing) means "not given", everywhere; what clears something says so in words.

pub(crate) mod conditions;
pub(crate) mod filter;
#[cfg(test)]
mod tests;
pub(crate) mod values;

use jiff::Timestamp;
use rmcp::model::JsonObject;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    domain::{event_types, money::Money, text, view::summary::Part},
    explain,
    mcp::{
        args::values::TimeArg,
        schema::{ALIAS, CHECK, WITHDRAWN},
    },
    model::{ApiTime, SessionId},
};

const QUOTED_CHARACTERS: usize = 80;

/// Parses a tool's arguments, or names all mistakes.
pub(crate) fn parse<A: DeserializeOwned>(
    schema: &JsonObject,
    given: JsonObject,
) -> Result<A, Vec<String>> {
    let mut parser = Parser::default();
    let arguments = parser.object(schema, given);
    if parser.mistakes.is_empty() {
        serde_path_to_error::deserialize(Value::Object(arguments))
            .map_err(|error| vec![error.to_string()])
    } else {
        Err(parser.mistakes)
    }
}

/// Converts what was given to what was meant, and collects mistakes.
#[derive(Default)]
struct Parser {
    mistakes: Vec<String>,
}

impl Parser {
    fn object(&mut self, schema: &JsonObject, mut given: JsonObject) -> JsonObject {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties = properties.unwrap_or(&none);
        let mut arguments = Map::new();
        for (name, property) in properties {
            let value = self.given(name, property, &mut given);
            match value {
                None if is_required(schema, name) => {
                    let mistake = format!("{name} is missing; {}", expected(property));
                    self.mistakes.push(mistake);
                }
                None => {}
                Some(value) => {
                    let value = self.value(name, property, value);
                    arguments.insert(name.clone(), value);
                }
            }
        }
        let valid: Vec<&str> = properties.keys().map(String::as_str).collect();
        self.mistakes.extend(given.keys().map(|name| {
            let (name, valid) = (text::quoted(name), valid.join(", "));
            format!("{name} is not an argument; valid names are {valid}")
        }));
        arguments
    }

    /// Takes out the value of an argument, under its name or its alias, unless it is blank.
    fn given(&mut self, name: &str, schema: &Value, given: &mut JsonObject) -> Option<Value> {
        let mut take = |name: &str| unless_blank(schema, given.shift_remove(name)?);
        let alias = keyword(schema, ALIAS);
        let by_alias = if alias.is_empty() { None } else { take(alias) };
        match (take(name), by_alias) {
            (Some(one), Some(other)) if one != other => {
                let mistake = format!(
                    "{name} was {} and {alias} was {}, which is the same argument; give {name} only",
                    quoted(&one),
                    quoted(&other)
                );
                self.mistakes.push(mistake);
                Some(one)
            }
            (one, other) => one.or(other),
        }
    }

    /// The value as its schema means it; an invalid one stays as it is.
    fn value(&mut self, path: &str, schema: &Value, given: Value) -> Value {
        match coerce(schema, &given) {
            Some(Value::Array(items)) if kind(schema) == "array" => self.array(path, schema, items),
            Some(value) if is_within(schema, &value) => {
                if let Err(wrong) = run_check(check(schema), &value) {
                    let mistake = format!("{path} {wrong}, was {}", quoted(&given));
                    self.mistakes.push(mistake);
                }
                value
            }
            _ => {
                let disabled = if is_withdrawn(schema, &given) {
                    ", which the operator of this server disabled (--disable-tools)"
                } else {
                    ""
                };
                let given_as = quoted(&given);
                let mistake = format!("{path} was {given_as}{disabled}; {}", expected(schema));
                self.mistakes.push(mistake);
                given
            }
        }
    }

    fn array(&mut self, path: &str, schema: &Value, items: Vec<Value>) -> Value {
        let count = items.len();
        let size = i64::try_from(count).unwrap_or(i64::MAX);
        if !is_between(size, limit(schema, "minItems"), limit(schema, "maxItems")) {
            let mistake = format!("{path} has {count} entries; {}", expected(schema));
            self.mistakes.push(mistake);
        }
        if check(schema) == "entries" {
            // Entries that are not objects are reported with all other mistakes of the toolset.
            let objects = items.into_iter();
            return objects.map(|each| parse_object(&each).unwrap_or(each)).collect();
        }
        let item = schema.get("items").unwrap_or(&Value::Null);
        let items = items.into_iter().enumerate();
        items.map(|(index, each)| self.value(&format!("{path}[{index}]"), item, each)).collect()
    }
}

/// The value without its blank entries, or nothing if it is blank itself. Arrays that choose what
/// is acted on, which need an entry, and arrays that are a new value are as long as they are.
fn unless_blank(schema: &Value, value: Value) -> Option<Value> {
    let is_text = kind(schema) == "string";
    match value {
        Value::Null => None,
        Value::String(text) if text.trim().is_empty() || (!is_text && text.trim() == "null") => {
            None
        }
        value if !is_filter(schema) => Some(value),
        value => match coerce(schema, &value) {
            Some(Value::Array(mut items)) => {
                items.retain(|item| match item {
                    Value::Null => false,
                    Value::String(text) => !text.trim().is_empty(),
                    _ => true,
                });
                (!items.is_empty()).then_some(items.into())
            }
            _ => Some(value),
        },
    }
}

/// Whether the argument is an array of which fewer entries say less.
fn is_filter(schema: &Value) -> bool {
    kind(schema) == "array" && check(schema) != "entries" && limit(schema, "minItems").is_none()
}

fn kind(schema: &Value) -> &str {
    keyword(schema, "type")
}

fn check(schema: &Value) -> &str {
    keyword(schema, CHECK)
}

fn keyword<'a>(schema: &'a Value, name: &str) -> &'a str {
    let value = schema.get(name).and_then(Value::as_str);
    value.unwrap_or_default()
}

fn limit(schema: &Value, keyword: &str) -> Option<i64> {
    schema.get(keyword).and_then(Value::as_i64)
}

fn is_between(number: i64, min: Option<i64>, max: Option<i64>) -> bool {
    min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max)
}

fn is_required(schema: &JsonObject, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|each| each == name))
}

/// The value as the type of its schema, if it can be understood as that.
fn coerce(schema: &Value, given: &Value) -> Option<Value> {
    match (kind(schema), given) {
        ("integer", Value::Number(number)) => whole_number(&number.to_string()),
        ("integer", Value::String(text)) => whole_number(text.trim()),
        ("boolean", Value::String(text)) => {
            let flag: Option<bool> = text.trim().parse().ok();
            flag.map(Value::from)
        }
        ("string", Value::Number(number)) => Some(number.to_string().into()),
        ("string", Value::Object(_) | Value::Array(_) | Value::Bool(_))
            if check(schema) == "text_or_json" =>
        {
            Some(text::json(given).into())
        }
        ("array", Value::String(text)) => {
            if let Ok(Value::Array(items)) = serde_json::from_str(text) {
                return Some(items.into());
            }
            // One word instead of an array of words.
            let is_word = schema.get("items").is_some_and(|items| kind(items) == "string")
                && !text.trim_start().starts_with('[');
            is_word.then(|| vec![given.clone()].into())
        }
        ("object", Value::String(_)) => parse_object(given),
        ("boolean", Value::Bool(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_))
        | ("", _) => Some(given.clone()),
        _ => None,
    }
}

fn parse_object(given: &Value) -> Option<Value> {
    let object: Map<String, Value> = serde_json::from_str(given.as_str()?).ok()?;
    Some(object.into())
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

/// Whether the value meets the range, length and choices of its schema.
fn is_within(schema: &Value, value: &Value) -> bool {
    let (size, min, max) = match value {
        Value::String(text) => {
            let length = i64::try_from(text.chars().count()).ok();
            (length, "minLength", "maxLength")
        }
        other => (other.as_i64(), "minimum", "maximum"),
    };
    let choices = schema.get("enum").and_then(Value::as_array);
    size.is_none_or(|size| is_between(size, limit(schema, min), limit(schema, max)))
        && choices.is_none_or(|choices| choices.contains(value))
}

/// Runs the check that a schema names with the keyword `x-check`.
fn run_check(check: &str, value: &Value) -> Result<(), String> {
    match (check, value) {
        ("session_id", Value::String(text)) => SessionId::parse(text)
            .map(drop)
            .map_err(|invalid| explain::values::session_id(invalid).to_owned()),
        ("time", Value::String(text)) => TimeArg::parse(text, Timestamp::now()).map(drop),
        ("amount", Value::String(text)) => Money::parse_major(text)
            .map(drop)
            .map_err(|invalid| explain::values::amount(invalid).to_owned()),
        ("api_time", Value::String(text)) if ApiTime::from(text.clone()).at().is_none() => {
            Err("must be the RFC 3339 time of an earlier answer".to_owned())
        }
        ("event_type", Value::String(text)) => {
            event_types::check(text).map_err(|near| explain::values::event_type(&near))
        }
        ("summary_part", Value::String(text)) if Part::named(text).is_none() => {
            Err(explain::values::summary_part())
        }
        // Numbers and booleans are the same text to everyone.
        ("pairs", Value::Object(pairs))
            if (pairs.values())
                .any(|value| value.is_null() || value.is_array() || value.is_object()) =>
        {
            Err("must have strings as values".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether the value is a choice that the operator disabled.
fn is_withdrawn(schema: &Value, value: &Value) -> bool {
    let withdrawn = schema.get(WITHDRAWN).and_then(Value::as_array);
    withdrawn.is_some_and(|withdrawn| withdrawn.contains(value))
}

fn expected(schema: &Value) -> String {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let choices: Vec<String> = choices.iter().map(Value::to_string).collect();
        return format!("give one of {}", choices.join(", "));
    }
    let limits = |min, max| (limit(schema, min), limit(schema, max));
    match kind(schema) {
        "integer" => match limits("minimum", "maximum") {
            (Some(min), Some(max)) => format!("give a whole number from {min} to {max}"),
            (Some(min), None) => format!("give a whole number of at least {min}"),
            _ => "give a whole number".to_owned(),
        },
        "boolean" => "give true or false".to_owned(),
        "string" => match limit(schema, "maxLength") {
            Some(max) => format!("give a string of at most {max} characters"),
            None => "give a string".to_owned(),
        },
        "array" => match limits("minItems", "maxItems") {
            (Some(min), Some(max)) => format!("give an array of {min} to {max} entries"),
            (None, Some(max)) => format!("give an array of at most {max} entries"),
            (_, None) => match schema.get("items").map(kind) {
                None | Some("") => "give an array".to_owned(),
                Some(items) => format!("give an array of {items}s"),
            },
        },
        "object" => "give an object".to_owned(),
        _ => "see the schema".to_owned(),
    }
}

fn quoted(value: &Value) -> String {
    text::json_within(value, QUOTED_CHARACTERS)
}
