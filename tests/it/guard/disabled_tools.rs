//! No text sends a model to a tool that the operator's configuration disables.

use futures_util::future::join_all;
use managed_sessions_mcp::cli::Flags;
use rmcp::model::Tool;
use serde_json::{Map, Value, json};

use super::record;
use crate::support::{Api, Host, error, every_tool, with_fields};

/// One session in each state that a next step depends on: id, status, archived, stop reason.
const SESSIONS: [(&str, &str, bool, &str); 11] = [
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
];
/// Sessions that cannot be read, with the HTTP status of the answer.
const UNREADABLE: [(&str, u16); 4] =
    [("clash", 409), ("late", 504), ("locked", 403), ("gone", 404)];

/// A service that accepts every write and ignores it.
async fn service() -> Api {
    let api = Api::new().await;
    for (id, status, archived, stopped) in SESSIONS {
        let session = with_fields(record(status, archived), json!({"id": id}));
        let idle = json!({
            "type": "session.status_idle", "id": "evt_1",
            "processed_at": "2026-11-02T00:00:00Z", "stop_reason": {"type": stopped},
        });
        for (method, path, body) in [
            ("GET", "", session.clone()),
            ("POST", "", session.clone()),
            ("POST", "/archive", session),
            ("DELETE", "", json!({})),
            ("POST", "/events", json!({})),
            ("GET", "/events", json!({"data": [idle]})),
        ] {
            let path = format!("/v1/sessions/{id}{path}");
            api.answers(method, &path, 200, body).await;
        }
    }
    for (id, status) in UNREADABLE {
        let path = format!("/v1/sessions/{id}");
        let body = error("api_error", "no");
        api.answers("GET", &path, status, body).await;
    }
    api
}

/// Arguments with which a tool does something to the session, with each way to treat a busy one.
fn arguments(tool: &Tool, id: &str) -> Vec<Value> {
    let properties = &tool.input_schema["properties"];
    let mut plain = Map::new();
    for name in properties.as_object().expect("properties").keys() {
        let value = match name.as_str() {
            "session_id" | "like_session" => json!(id),
            "wait_seconds" => json!(1),
            "tools" if tool.name == "update_session_tools" => {
                json!([{"type": "custom", "name": "x", "description": "d",
                        "input_schema": {"type": "object"}}])
            }
            "title" if tool.name == "update_session" => json!("Another title"),
            "plan_id" => json!("plan_1"),
            "action" => json!("delete"),
            "session_ids" if tool.name == "plan_changes" => json!([id]),
            "text" => json!("Go on."),
            "decision" => json!("deny"),
            _ => continue,
        };
        plain.insert(name.clone(), value);
    }
    let mut all = vec![Value::Object(plain)];
    if properties.get("if_busy").is_some() {
        let ways = [
            json!({"if_busy": "wait"}),
            json!({"if_busy": "interrupt"}),
            json!({"expected_updated_at": "2026-01-01T00:00:00Z"}),
        ];
        all.extend(ways.map(|way| with_fields(all[0].clone(), way)));
    }
    all
}

/// Every text that a server with these tools shows: its tools, and what calls reply.
async fn texts(host: &Host, tools: &[Tool]) -> Vec<String> {
    let readable = SESSIONS.iter().map(|(id, ..)| *id);
    let ids: Vec<&str> = readable.chain(UNREADABLE.map(|(id, _)| id)).collect();
    let calls = tools.iter().flat_map(|tool| {
        let arguments = ids.iter().flat_map(|id| arguments(tool, id));
        arguments.map(|arguments| host.call_raw(&tool.name, arguments))
    });
    let mut texts: Vec<String> = join_all(calls)
        .await
        .iter()
        .map(|result| serde_json::to_string(result).expect("JSON"))
        .collect();
    texts.push(serde_json::to_string(tools).expect("JSON"));
    texts
}

fn names(text: &str, tool: &str) -> bool {
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.any(|word| word == tool)
}

#[tokio::test]
async fn a_session_named_like_a_tool_is_diagnosed_as_any_other() {
    let api = Api::new().await;
    let ids = ["sesn_1", "archive_session", "delete_session"];
    for id in ids {
        let session = with_fields(record("running", false), json!({"id": id}));
        api.answers("GET", &format!("/v1/sessions/{id}"), 200, session).await;
        for list in ["events", "threads"] {
            let path = format!("/v1/sessions/{id}/{list}");
            api.answers("GET", &path, 200, json!({"data": [], "next_page": null})).await;
        }
    }
    for read_only in [false, true] {
        let host = api.host_with(Flags { read_only, ..Flags::default() }).await;
        let mut steps = Vec::new();
        for id in ids {
            let answer = host.answer("diagnose_session", json!({"session_id": id})).await;
            let next = answer["next"].as_str().expect("a step");
            steps.push((answer["verdict"].clone(), next.replace(id, "ID")));
        }
        assert!(steps.iter().all(|step| *step == steps[0]), "{steps:#?}");
    }
}

async fn check_texts(api: &Api, all: &[Tool], flags: Flags) {
    let server = format!("{:?} {:?} {}", flags.toolsets, flags.disable_tools, flags.read_only);
    let host = api.host_with(flags).await;
    let tools = host.tools().await;
    let mut texts = texts(&host, &tools).await;
    let instructions = host.client.peer_info().and_then(|server| server.instructions.clone());
    texts.push(instructions.expect("instructions"));
    let is_offered = |tool: &Tool| tools.iter().any(|offered| offered.name == tool.name);
    for disabled in all.iter().filter(|tool| !is_offered(tool)) {
        let name = &disabled.name;
        let naming: Vec<&String> = texts.iter().filter(|text| names(text, name)).collect();
        assert!(naming.is_empty(), "{server}: {naming:#?} name {name}");
        let failure = host.failure(name, json!({})).await;
        assert!(failure.starts_with("invalid_arguments: "), "{failure}");
        for part in ["the operator's configuration", tools[0].name.as_ref()] {
            assert!(failure.contains(part), "{failure}");
        }
    }
}

#[tokio::test]
async fn no_text_names_a_disabled_tool() {
    let api = service().await;
    let all = Host::with_every_tool(&api.url()).await.tools().await;
    let sets = [
        ("sessions", false),
        ("events", false),
        ("fleet", false),
        ("all", true),
        ("sessions", true),
        ("events", true),
        ("fleet", true),
    ];
    let sets = sets.map(|(toolsets, read_only)| Flags {
        toolsets: Some(toolsets.to_owned()),
        read_only,
        ..every_tool()
    });
    let names = all.iter().map(|tool| tool.name.to_string());
    let single = names.map(|disabled| Flags { disable_tools: Some(disabled), ..every_tool() });
    let checks = sets.into_iter().chain(single).map(|flags| check_texts(&api, &all, flags));
    join_all(checks).await;
}
