//! What a new session takes over of another one.

use serde_json::{Map, Value, json};

use crate::{
    domain::{new_session::warning::StartWarning, toolset::same},
    model::{Event, Session},
};

/// The fields of a session's agent that a session can have in a form of its own, beside its tools.
const OWN_FIELDS: [&str; 3] = ["model", "system", "skills"];

/// The session's pairs with these set, or left out.
pub(crate) fn metadata(
    copied: Option<&Session>,
    given: &[(String, Option<String>)],
) -> Map<String, Value> {
    let pairs = copied.into_iter().flat_map(|session| &session.head.metadata);
    let text = |value: &Value| match value {
        Value::String(_) => value.clone(),
        // Strings by the API's rules, but not everywhere.
        other => other.to_string().into(),
    };
    let mut all: Map<String, Value> = pairs
        .filter(|(_, value)| !value.is_null())
        .map(|(key, v)| (key.clone(), text(v)))
        .collect();
    for (key, value) in given {
        match value {
            Some(value) => {
                all.insert(key.clone(), json!(value));
            }
            None => {
                all.shift_remove(key);
            }
        }
    }
    all
}

/// The ids of its vaults.
pub(crate) fn vaults(session: &Session) -> Vec<String> {
    let ids = session.fields.get("vault_ids").and_then(Value::as_array);
    let ids = ids.into_iter().flatten().filter_map(Value::as_str);
    ids.map(str::to_owned).collect()
}

/// What is mounted into it, as the API takes it for another session, and what is lost.
pub(crate) fn resources(session: &Session) -> (Vec<Value>, Vec<StartWarning>) {
    let all = session.fields.get("resources").and_then(Value::as_array);
    let (mut taken, mut warnings) = (Vec::new(), Vec::new());
    for resource in all.into_iter().flatten() {
        let text = |field: &str| {
            let text = resource.get(field).and_then(Value::as_str);
            text.filter(|text| !text.is_empty())
        };
        let kind = text("type").unwrap_or_default();
        let (required, optional): (&str, &[&str]) = match kind {
            "file" => ("file_id", &["mount_path"]),
            "github_repository" => ("url", &["checkout", "mount_path"]),
            "memory_store" => ("memory_store_id", &["access", "instructions"]),
            _ => ("", &[]),
        };
        let Some(id) = text(required) else {
            let which = text("mount_path").or_else(|| text("id")).map(str::to_owned);
            warnings.push(StartWarning::ResourceLeftOut(kind.to_owned(), which));
            continue;
        };
        if kind == "github_repository" {
            warnings.push(StartWarning::WithoutToken(id.to_owned()));
        }
        let mut new = Map::from_iter([("type".to_owned(), json!(kind))]);
        for field in std::iter::once(&required).chain(optional) {
            let value = resource.get(*field).filter(|value| !value.is_null());
            new.extend(value.map(|value| ((*field).to_owned(), value.clone())));
        }
        taken.push(new.into());
    }
    (taken, warnings)
}

/// The fields, beside its tools, in which a session's agent differs from the agent itself.
pub(crate) fn agent_fields_of_its_own(session: &Session, agent: &Event) -> Vec<&'static str> {
    let differs = |field: &&str| match (session.agent_field(field), agent.get(*field)) {
        // Some services send the model's id alone.
        (Some(Value::String(id)), Some(Value::Object(model)))
        | (Some(Value::Object(model)), Some(Value::String(id)))
            if *field == "model" =>
        {
            model.get("id").is_some_and(|own| own != id.as_str())
        }
        (Some(own), Some(original)) => !same(own, original),
        _ => false,
    };
    OWN_FIELDS.into_iter().filter(differs).collect()
}
