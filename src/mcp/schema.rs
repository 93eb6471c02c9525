//! Makes the schemas derived from Rust types portable: hosts refuse references, unions and
//! numeric formats, sometimes together with the whole list of tools.

use rmcp::model::JsonObject;
use schemars::{
    JsonSchema,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

use crate::mcp::offered::OfferedTools;

/// A keyword of our own that names a check of the argument; removed before schemas are published.
pub(crate) const CHECK: &str = "x-check";

/// A keyword of our own on an answer's property whose description mentions this tool.
const MENTIONS: &str = "x-mentions";

/// The schema of a tool's arguments: a closed object of described properties.
pub(crate) fn input<T: JsonSchema>() -> JsonObject {
    let mut schema = derived::<T>(Contract::Deserialize);
    schema.entry("properties").or_insert_with(|| json!({}));
    schema.insert("additionalProperties".into(), false.into());
    schema.remove("description");
    schema
}

/// The schema of a tool's answer: its top level described, nested values loosely, since models
/// read answers and not their schemas.
pub(crate) fn output<T: JsonSchema>(offered: &OfferedTools) -> JsonObject {
    let mut schema = derived::<T>(Contract::Serialize);
    schema.remove("description");
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for property in properties.values_mut() {
            *property = loose(property, offered);
        }
    }
    schema
}

/// The schema as it is published: without the keywords that are for this program only.
pub(crate) fn published(schema: &JsonObject) -> JsonObject {
    let mut schema = schema.clone();
    remove_checks(&mut schema);
    schema
}

fn remove_checks(schema: &mut JsonObject) {
    schema.remove(CHECK);
    for value in schema.values_mut() {
        if let Value::Object(nested) = value {
            remove_checks(nested);
        }
    }
}

/// Lets a string property (or the items of an array property) take further values.
pub(crate) fn allow(schema: &mut JsonObject, property: &str, further: &[String]) {
    let Some(property) = schema
        .get_mut("properties")
        .and_then(|all| all.get_mut(property))
    else {
        return;
    };
    let place = if property.get("items").is_some() {
        "/items/enum"
    } else {
        "/enum"
    };
    if let Some(Value::Array(values)) = property.pointer_mut(place) {
        values.extend(further.iter().cloned().map(Value::from));
    }
}

fn derived<T: JsonSchema>(contract: Contract) -> JsonObject {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.contract = contract;
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    simplify(&mut schema);
    match schema {
        Value::Object(mut schema) => {
            schema.insert("type".into(), "object".into());
            schema
        }
        _ => Map::new(),
    }
}

/// Removes null from unions, folds documented enums, drops titles and numeric formats.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Bool(true) => *schema = json!({}),
        Value::Array(schemas) => schemas.iter_mut().for_each(simplify),
        Value::Object(keywords) => {
            fold_union(keywords);
            keywords.remove("title");
            keywords.remove("$schema");
            keywords.remove("format");
            // A default that only says "nothing" costs a model more than it tells.
            if keywords.get("default").is_some_and(is_nothing) {
                keywords.remove("default");
            }
            if let Some(Value::String(description)) = keywords.get_mut("description") {
                *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            if let Some(Value::Array(types)) = keywords.get("type") {
                let first = types.iter().find(|name| *name != "null").cloned();
                keywords.insert("type".into(), first.unwrap_or_else(|| "object".into()));
            }
            for (name, value) in keywords.iter_mut() {
                match name.as_str() {
                    // Values, not schemas.
                    "default" | "enum" | "const" | "required" | "examples" => {}
                    // Names to schemas.
                    "properties" => {
                        if let Value::Object(properties) = value {
                            properties.values_mut().for_each(simplify);
                        }
                    }
                    // `false` here closes an object, `true` opens it: neither is a schema to us.
                    "additionalProperties" if value.is_boolean() => {}
                    _ => simplify(value),
                }
            }
        }
        _ => {}
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// `oneOf` of documented constants becomes `enum`, with the variants' docs in the description;
/// a union with null becomes its other member.
fn fold_union(keywords: &mut JsonObject) {
    let union = ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|name| keywords.shift_remove(name));
    let Some(Value::Array(mut members)) = union else {
        return;
    };
    members.retain(|member| member.get("type").is_none_or(|name| name != "null"));
    let constants: Option<Vec<Value>> = members
        .iter()
        .map(|member| member.get("const").cloned())
        .collect();
    match (constants, members.as_slice()) {
        (Some(constants), [_, ..]) => {
            let meanings: Vec<String> = members
                .iter()
                .filter_map(|member| {
                    let name = member.get("const")?.as_str()?;
                    Some(format!("{name}: {}", member.get("description")?.as_str()?))
                })
                .collect();
            let described = keywords
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let description = format!("{described} {}", meanings.join("; "));
            let description = description.trim().to_owned();
            keywords.insert("type".into(), "string".into());
            keywords.insert("enum".into(), constants.into());
            if !description.is_empty() {
                keywords.insert("description".into(), description.into());
            }
        }
        (None, [Value::Object(only)]) => {
            for (name, value) in only {
                keywords
                    .entry(name.clone())
                    .or_insert_with(|| value.clone());
            }
            // The other member may be a union itself.
            fold_union(keywords);
        }
        _ => {}
    }
}

/// Type and description only, one level deep.
fn loose(schema: &Value, offered: &OfferedTools) -> Value {
    let mut kept = Map::new();
    for keyword in ["type", "description", "enum"] {
        if let Some(value) = schema.get(keyword) {
            kept.insert(keyword.into(), value.clone());
        }
    }
    let mentions = schema.get(MENTIONS).and_then(Value::as_str);
    if mentions.is_some_and(|tool| !offered.has(tool)) {
        kept.remove("description");
    }
    if let Some(kind) = schema.get("items").and_then(|items| items.get("type")) {
        kept.insert("items".into(), json!({ "type": kind }));
    }
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde_json::{Value, json};

    use crate::mcp::schema::{OfferedTools, allow, input, output, published};

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Choice {
        /// the first one
        One,
        /// the other one
        Two,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Nested {
        deep: u32,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
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
                        "type": "string",
                        "enum": ["One", "Two", "Three"],
                    },
                    "choices": {
                        "description": "Many.",
                        "type": "array",
                        "items": {
                            "type": "string",
                            "enum": ["One", "Two"],
                            "description": "One: the first one; Two: the other one",
                        },
                    },
                    "any": {"description": "Anything."},
                    "nested": {
                        "description": "Inside.",
                        "type": "object",
                        "properties": {"deep": {"type": "integer", "minimum": 0}},
                        "required": ["deep"],
                    },
                },
                "required": ["choices", "any", "nested"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn an_output_schema_is_loose_below_the_top_level() {
        let schema = output::<Sample>(&OfferedTools::default());
        let nested = schema.get("properties").and_then(|all| all.get("nested"));
        assert_eq!(
            nested,
            Some(&json!({"type": "object", "description": "Inside."}))
        );
    }
}
