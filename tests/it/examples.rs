//! Models copy the examples in the descriptions of arguments, so none of them may lose anything.

use serde_json::{Map, Value, json};

use crate::{plain::Plain, reply::Reply, support::Host};

/// Every session, archived ones included, as the API shows it.
async fn sessions(sandbox: &Plain) -> Vec<Value> {
    let page = sandbox.ask("sessions?limit=100&include_archived=true", None).await;
    assert_eq!(page["next_page"], Value::Null, "all fit into one page");
    page["data"].as_array().expect("sessions").clone()
}

/// What of a session is gone or switched off.
fn lost(before: &Value, after: Option<&Value>) -> Vec<String> {
    let Some(after) = after else {
        return vec!["the session".to_owned()];
    };
    let mut lost = Vec::new();
    if before["archived_at"].is_null() != after["archived_at"].is_null() {
        lost.push("it is archived".to_owned());
    }
    for field in ["title", "budget", "metadata", "vault_ids", "resources"] {
        let is_gone = |one: &Value, other: &Value| !one.is_null() && other.is_null();
        if is_gone(&before[field], &after[field]) {
            lost.push(field.to_owned());
        }
        let keys = before[field].as_object().into_iter().flatten();
        lost.extend(
            keys.filter(|(key, _)| after[field].get(key).is_none())
                .map(|(key, _)| format!("{field}.{key}")),
        );
    }
    let agent = |field: &str| {
        let entries =
            |session: &Value| session["agent"][field].as_array().cloned().unwrap_or_default();
        (entries(before), entries(after))
    };
    let name = |entry: &Value| {
        ["type", "mcp_server_name", "name"].map(|key| entry.get(key).cloned().unwrap_or_default())
    };
    for field in ["tools", "mcp_servers"] {
        let (old, new) = agent(field);
        for entry in &old {
            let Some(now) = new.iter().find(|other| name(other) == name(entry)) else {
                lost.push(format!("{field}: {:?}", name(entry)));
                continue;
            };
            let enabled = |entry: &Value| entry["default_config"]["enabled"] != false;
            if enabled(entry) && !enabled(now) {
                lost.push(format!("{:?} is off", name(entry)));
            }
            for config in entry["configs"].as_array().into_iter().flatten() {
                let mut configs = now["configs"].as_array().into_iter().flatten();
                match configs.find(|other| other["name"] == config["name"]) {
                    Some(now) if config["enabled"] == true && now["enabled"] == false => {
                        lost.push(format!("{} is off", config["name"]));
                    }
                    Some(now)
                        if config["permission_policy"]["type"] == "always_ask"
                            && now["permission_policy"]["type"] != "always_ask" =>
                    {
                        lost.push(format!("{} is no longer asked for", config["name"]));
                    }
                    Some(_) => {}
                    None => lost.push(format!("config {}", config["name"])),
                }
            }
        }
    }
    lost
}

/// The JSON values in a text, quoted words included.
fn values_in(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut end = 0;
    for (start, _) in text.match_indices(['{', '[', '"']) {
        let rest = text.get(start..).filter(|_| start >= end).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(value)) = values.next() {
            found.push(value);
            end = start + values.byte_offset();
        }
    }
    found
}

/// What a model could copy into an argument.
fn examples(schema: &Value) -> Vec<Value> {
    let of = |schema: &Value| {
        let text = schema["description"].as_str().map(values_in).unwrap_or_default();
        let more = schema["examples"].as_array().cloned().unwrap_or_default();
        let more = more.into_iter().chain(schema.get("example").cloned());
        text.into_iter().chain(more).collect::<Vec<_>>()
    };
    let all = of(schema);
    match schema["type"].as_str() {
        Some("array") => {
            let items = &schema["items"];
            let one = all.into_iter().chain(of(items)).filter_map(|value| match value {
                Value::Array(_) => Some(value),
                _ if is_a(items, &value) => Some(json!([value])),
                _ => None,
            });
            one.collect()
        }
        _ => all.into_iter().filter(|value| is_a(schema, value)).collect(),
    }
}

fn is_a(schema: &Value, value: &Value) -> bool {
    let kind = match value {
        Value::String(_) => "string",
        Value::Object(_) => "object",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        _ => "",
    };
    schema["type"] == kind && schema["enum"].as_array().is_none_or(|all| all.contains(value))
}

/// Arguments that are needed beside an example.
fn required(schema: &Value, session: &Value) -> Map<String, Value> {
    let names = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let value = |name: &str| {
        let property = &schema["properties"][name];
        match property["type"].as_str() {
            _ if name == "session_id" => session["id"].clone(),
            _ if property["enum"].is_array() => property["enum"][0].clone(),
            Some("array") if name == "session_ids" => json!([session["id"]]),
            Some("array") => json!([]),
            Some("integer") => json!(1),
            Some("boolean") => json!(true),
            Some("object") => json!({}),
            _ => json!("x"),
        }
    };
    names.map(|name| (name.to_owned(), value(name))).collect()
}

#[tokio::test]
async fn no_example_of_any_tool_loses_anything_when_it_is_copied() {
    let seeded = Plain::new().await;
    let tools = Host::new(&seeded.sandbox.base_url()).await.tools().await;
    let all = sessions(&seeded).await;
    let mut changed = Vec::new();
    for tool in &tools {
        let schema = Value::Object(tool.input_schema.as_ref().clone());
        let properties = schema["properties"].as_object().expect("properties");
        for (argument, property) in properties {
            for example in examples(property) {
                let sandbox = Plain::new().await;
                let host = Host::new(&sandbox.sandbox.base_url()).await;
                let of_one = properties.contains_key("session_id");
                for session in all.iter().take(if of_one { all.len() } else { 1 }) {
                    let mut arguments = required(&schema, session);
                    arguments.insert(argument.clone(), example.clone());
                    let reply = host.call(&tool.name, arguments.clone().into()).await;
                    if let Reply::Answer(answer) = reply
                        && answer["outcome"] == "updated"
                    {
                        changed.push(format!("{} {argument}", tool.name));
                    }
                }
                let now = sessions(&sandbox).await;
                for before in &all {
                    let after = now.iter().find(|after| after["id"] == before["id"]);
                    let lost = lost(before, after);
                    let id = &before["id"];
                    assert!(lost.is_empty(), "{} {argument} {example} {id}: {lost:?}", tool.name);
                }
            }
        }
    }
    changed.dedup();
    for expected in
        ["update_session_tools tools", "update_session_tools mcp_servers", "update_session budget"]
    {
        assert!(
            changed.iter().any(|each| each == expected),
            "{expected} changes nothing: {changed:?}"
        );
    }
}
