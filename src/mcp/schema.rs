//! Makes the schemas that are derived from Rust types portable: some hosts reject references,
//! unions or numeric formats, and with them the whole list of tools.

use rmcp::model::JsonObject;
use schemars::{
    JsonSchema,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

/// A keyword of this server that names a check of the argument; not published.
pub(crate) const CHECK: &str = "x-check";

/// A keyword of this server that gives another name under which an argument is accepted; not
/// published.
pub(crate) const ALIAS: &str = "x-alias";

/// A keyword of this server on a property whose description mentions this tool; not published.
pub(crate) const MENTIONS: &str = "x-mentions";

/// A keyword of this server that lists choices which the operator disabled; not published.
pub(crate) const WITHDRAWN: &str = "x-withdrawn";

/// The schema of a tool's arguments: a closed object.
pub(crate) fn input<T: JsonSchema>() -> JsonObject {
    let mut schema = derived::<T>(Contract::Deserialize);
    schema.entry("properties").or_insert_with(|| json!({}));
    schema.insert("additionalProperties".into(), false.into());
    schema
}

/// The schema of a tool's answer. Only its top level is detailed: models read answers, not their
/// schemas. A description that [`MENTIONS`] a tool is left out unless that tool `is_offered`.
pub(crate) fn output<T: JsonSchema>(is_offered: impl Fn(&str) -> bool) -> JsonObject {
    let mut schema = derived::<T>(Contract::Serialize);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            *property = loose(property, &is_offered);
        }
    }
    schema
}

/// The schema without the keywords that are only for this server.
pub(crate) fn published(schema: &JsonObject) -> JsonObject {
    let mut schema = schema.clone();
    remove_checks(&mut schema);
    schema
}

fn remove_checks(schema: &mut JsonObject) {
    schema.remove(CHECK);
    schema.remove(ALIAS);
    schema.remove(WITHDRAWN);
    for value in schema.values_mut() {
        if let Value::Object(nested) = value {
            remove_checks(nested);
        }
    }
}

/// Adds values to the choices of a property, or of its items.
pub(crate) fn allow(schema: &mut JsonObject, property: &str, values: &[String]) {
    let property = schema.get_mut("properties").and_then(|all| all.get_mut(property));
    let choices = property.and_then(|property| match property.get("items") {
        Some(_) => property.pointer_mut("/items/enum"),
        None => property.get_mut("enum"),
    });
    if let Some(Value::Array(choices)) = choices {
        choices.extend(values.iter().cloned().map(Value::from));
    }
}

/// Removes the descriptions of the properties that `other` has too.
pub(crate) fn undescribe(schema: &mut JsonObject, other: &JsonObject) {
    let is_there = |name: &str| other.get("properties").is_some_and(|all| all.get(name).is_some());
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (_, property) in properties.iter_mut().filter(|(name, _)| is_there(name)) {
            if let Value::Object(property) = property {
                property.remove("description");
            }
        }
    }
}

/// Removes one of the documented choices of a property, with its words, and notes that it was one.
pub(crate) fn withdraw(schema: &mut JsonObject, property: &str, choice: &str) {
    let property = schema.get_mut("properties").and_then(|all| all.get_mut(property));
    let Some(Value::Object(property)) = property else {
        return;
    };
    let Some(Value::Array(choices)) = property.get_mut("enum") else {
        return;
    };
    choices.retain(|each| each != choice);
    let withdrawn = property.entry(WITHDRAWN).or_insert_with(|| json!([]));
    if let Value::Array(withdrawn) = withdrawn {
        withdrawn.push(choice.into());
    }
    if let Some(Value::String(description)) = property.get_mut("description")
        && let Some((before, words)) = description.split_once(&format!("{choice}: "))
    {
        let after = words.split_once("; ").map_or("", |(_, after)| after);
        let kept = format!("{before}{after}");
        kept.trim_end_matches("; ").clone_into(description);
    }
}

fn derived<T: JsonSchema>(contract: Contract) -> JsonObject {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.contract = contract;
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let generator = settings.into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    simplify(&mut schema);
    let mut schema = match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    schema.insert("type".into(), "object".into());
    schema.remove("description");
    schema
}

/// Removes null from unions, folds documented enums, drops titles and numeric formats.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Bool(true) => *schema = json!({}),
        Value::Array(schemas) => schemas.iter_mut().for_each(simplify),
        Value::Object(keywords) => {
            fold_union(keywords);
            for name in ["title", "$schema", "format"] {
                keywords.remove(name);
            }
            if keywords.get("default").is_some_and(is_empty) {
                keywords.remove("default");
            }
            if let Some(Value::String(description)) = keywords.get_mut("description") {
                *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            if let Some(Value::Array(choices)) = keywords.get_mut("enum") {
                choices.retain(|choice| !choice.is_null());
            }
            if let Some(Value::Array(types)) = keywords.get("type") {
                let first = types.iter().find(|name| *name != "null").cloned();
                keywords.insert("type".into(), first.unwrap_or_else(|| "object".into()));
            }
            for (name, value) in keywords.iter_mut() {
                match (name.as_str(), value) {
                    // These hold values, not schemas.
                    ("default" | "enum" | "const" | "required" | "examples", _)
                    | ("additionalProperties", Value::Bool(_)) => {}
                    ("properties", Value::Object(properties)) => {
                        properties.values_mut().for_each(simplify);
                    }
                    (_, value) => simplify(value),
                }
            }
        }
        _ => {}
    }
}

/// Whether a default says nothing that a model needs to know.
fn is_empty(default: &Value) -> bool {
    match default {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// A union of documented constants becomes an `enum` whose description includes their docs; a
/// union with null becomes its other member.
fn fold_union(keywords: &mut JsonObject) {
    let mut unions = ["oneOf", "anyOf"].into_iter();
    let union = unions.find_map(|name| keywords.shift_remove(name));
    let Some(Value::Array(mut members)) = union else {
        return;
    };
    members.retain(|member| member.get("type").is_none_or(|name| name != "null"));
    let constants = members.iter().map(|member| member.get("const").cloned());
    let constants: Option<Vec<Value>> = constants.collect();
    match (constants, members.as_slice()) {
        (Some(constants), [_, ..]) => {
            let text = |schema: &Value, name| schema.get(name)?.as_str().map(str::to_owned);
            let docs = members.iter().filter_map(|member| {
                let doc = text(member, "description")?;
                Some(format!("{}: {doc}", text(member, "const")?))
            });
            let docs = docs.collect::<Vec<_>>().join("; ");
            let description = keywords.get("description").and_then(Value::as_str);
            let description = format!("{} {docs}", description.unwrap_or_default());
            let description = description.trim().to_owned();
            keywords.insert("type".into(), "string".into());
            keywords.insert("enum".into(), constants.into());
            if !description.is_empty() {
                keywords.insert("description".into(), description.into());
            }
        }
        (None, [Value::Object(only)]) => {
            for (name, value) in only {
                keywords.entry(name).or_insert_with(|| value.clone());
            }
            // That member may be a union itself.
            fold_union(keywords);
        }
        _ => {}
    }
}

/// Type, choices and description, one level deep.
fn loose(schema: &Value, is_offered: impl Fn(&str) -> bool) -> Value {
    let mut kept = Map::new();
    for keyword in ["type", "description", "enum"] {
        if let Some(value) = schema.get(keyword) {
            kept.insert(keyword.into(), value.clone());
        }
    }
    let mentions = schema.get(MENTIONS).and_then(Value::as_str);
    if mentions.is_some_and(|tool| !is_offered(tool)) {
        kept.remove("description");
    }
    if let Some(kind) = schema.pointer("/items/type") {
        kept.insert("items".into(), json!({ "type": kind }));
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde_json::{Value, json};

    use crate::mcp::schema::{allow, input, output, published};

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only the schema is used")]
    enum Choice {
        /// the first one
        One,
        /// the other one
        Two,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only the schema is used")]
    struct Nested {
        deep: u32,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only the schema is used")]
    struct Sample {
        /// How many.
        #[schemars(range(min = 1, max = 9))]
        count: Option<u32>,
        /// Which one.
        choice: Option<Choice>,
        /// Many.
        choices: Vec<Choice>,
        /// Anything.
        any: Value,
        /// Inside.
        nested: Nested,
    }

    #[test]
    fn an_input_schema_has_no_unions_references_or_formats() {
        let mut schema = input::<Sample>();
        allow(&mut schema, "choice", &["Three".to_owned()]);
        assert_eq!(
            Value::Object(published(&schema)),
            json!({
                "type": "object",
                "properties": {
                    "count": {"description": "How many.", "type": "integer", "minimum": 1, "maximum": 9},
                    "choice": {
                        "description": "Which one. One: the first one; Two: the other one",
                        "type": "string", "enum": ["One", "Two", "Three"],
                    },
                    "choices": {"description": "Many.", "type": "array", "items": {
                        "description": "One: the first one; Two: the other one",
                        "type": "string", "enum": ["One", "Two"],
                    }},
                    "any": {"description": "Anything."},
                    "nested": {
                        "description": "Inside.", "type": "object",
                        "properties": {"deep": {"type": "integer", "minimum": 0}}, "required": ["deep"],
                    },
                },
                "required": ["choices", "any", "nested"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn an_output_schema_is_loose_below_the_top_level() {
        let schema = output::<Sample>(|_| true);
        let nested = schema.get("properties").and_then(|all| all.get("nested"));
        let expected = json!({"type": "object", "description": "Inside."});
        assert_eq!(nested, Some(&expected));
    }
}
