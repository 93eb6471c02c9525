//! No text sends a model to a tool that the operator's configuration leaves out.

use futures_util::future::join_all;
use managed_sessions_mcp::cli::Flags;
use rmcp::model::Tool;
use serde_json::{Map, Value, json};

use super::found;
use crate::support::{Api, Host, error, with};

/// Sessions in every state that a next step depends on.
async fn world() -> Api {
    let api = Api::new().await;
    let day = "2026-11-02T00:00:00Z";
    let reason = |kind: &str| {
        json!({"data": [{"type": "session.status_idle", "id": "evt_1",
        "processed_at": day, "stop_reason": {"type": kind}}]})
    };
    for (id, status, archived, stopped) in [
        ("idle", "idle", false, "end_turn"),
        ("broke", "idle", false, "budget_reached"),
        ("refused", "idle", false, "refusal"),
        ("puzzling", "idle", false, "whim"),
        ("running", "running", false, "end_turn"),
        ("retrying", "rescheduling", false, "end_turn"),
        ("dead", "terminated", false, "end_turn"),
        ("odd", "hibernating", false, "end_turn"),
        ("silent", "", false, "end_turn"),
        ("put-away", "idle", true, "end_turn"),
        ("restless", "running", true, "end_turn"),
    ] {
        let session = with(found(status, archived), json!({"id": id}));
        let path = format!("/v1/sessions/{id}");
        api.answers("GET", &path, 200, session.clone()).await;
        // The service says yes to everything and does nothing.
        api.answers("POST", &path, 200, session.clone()).await;
        api.answers("POST", &format!("{path}/archive"), 200, session)
            .await;
        api.answers("DELETE", &path, 200, json!({})).await;
        let events = format!("{path}/events");
        api.answers("POST", &events, 200, json!({})).await;
        api.answers("GET", &events, 200, reason(stopped)).await;
    }
    for (id, status) in [("clash", 409), ("late", 504), ("locked", 403)] {
        let path = format!("/v1/sessions/{id}");
        let no = error("api_error", "no");
        api.answers("GET", &path, status, no).await;
    }
    api
}

const SESSIONS: [&str; 15] = [
    "idle", "broke", "refused", "puzzling", "running", "retrying", "dead", "odd", "silent",
    "put-away", "restless", "clash", "late", "locked", "gone",
];

/// What a tool is called with to do something to the session, in its ways to deal with a busy one.
fn arguments(tool: &Tool, id: &str) -> Vec<Value> {
    let known = tool.input_schema["properties"].as_object();
    let mut plain = Map::new();
    for name in known.into_iter().flat_map(Map::keys) {
        let value = match name.as_str() {
            "session_id" => json!(id),
            "wait_seconds" => json!(1),
            "tools" if tool.name == "update_session_tools" => {
                json!([{"type": "custom", "name": "x", "description": "d",
                        "input_schema": {"type": "object"}}])
            }
            "title" if tool.name == "update_session" => json!("Another title"),
            "plan_id" => json!("plan_1"),
            "action" => json!("delete"),
            "session_ids" => json!([id]),
            _ => continue,
        };
        plain.insert(name.clone(), value);
    }
    let plain = Value::Object(plain);
    let stale = json!({"expected_updated_at": "2026-01-01T00:00:00Z"});
    let ways = tool.input_schema["properties"].get("if_busy").map(|_| {
        let wait = json!({"if_busy": "wait"});
        let interrupt = json!({"if_busy": "interrupt"});
        [wait, interrupt, stale].map(|way| with(plain.clone(), way))
    });
    std::iter::once(plain)
        .chain(ways.into_iter().flatten())
        .collect()
}

#[tokio::test]
async fn no_text_names_a_tool_that_is_left_out() {
    let api = world().await;
    let uri = api.0.uri();
    let all = Host::on(&uri).await.tools().await;
    for (toolsets, read_only) in [
        ("sessions", false),
        ("events", false),
        ("fleet", false),
        ("all", true),
        ("sessions", true),
        ("events", true),
        ("fleet", true),
    ] {
        let flags = Flags {
            toolsets: Some(toolsets.to_owned()),
            read_only,
            max_rpm: Some("60000".to_owned()),
            ..Flags::default()
        };
        let host = Host::with(flags, &uri).await;
        let offered = host.tools().await;
        let published = serde_json::to_string(&offered).expect("JSON");
        let calls = offered.iter().flat_map(|tool| {
            let calls = SESSIONS.iter().flat_map(|id| arguments(tool, id));
            calls.map(|arguments| host.raw(&tool.name, arguments))
        });
        let mut texts: Vec<String> = join_all(calls)
            .await
            .iter()
            .map(|result| serde_json::to_string(result).expect("JSON"))
            .collect();
        texts.push(published);
        let offered: Vec<&str> = offered.iter().map(|tool| tool.name.as_ref()).collect();
        let left_out = all.iter().map(|tool| tool.name.as_ref());
        for name in left_out.filter(|name| !offered.contains(name)) {
            let is_named = |text: &&String| {
                let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
                words.any(|word| word == name)
            };
            let named: Vec<_> = texts.iter().filter(is_named).collect();
            assert!(
                named.is_empty(),
                "{toolsets}, read only: {read_only}: {named:#?} name {name}"
            );
            let failure = host.call(name, json!({})).await.failure();
            assert!(
                failure.starts_with("invalid_arguments: ")
                    && failure.contains("left out by the operator's configuration")
                    && failure.contains(offered[0]),
                "{failure}"
            );
        }
    }
}
