//! The views of `list_session_events`.

use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use crate::support::{Api, all_pages, error, ids, session};

const HISTORY: &str = "/v1/sessions/sesn_1/events";
const THREAD: &str = "/v1/sessions/sesn_1/threads/sthr_1/events";

/// Oldest first.
fn events() -> Vec<Value> {
    let kinds = [
        ("user.message", json!({})),
        ("agent.thinking", json!({})),
        ("agent.tool_use", json!({"name": "bash"})),
        ("user.tool_confirmation", json!({"result": "allow"})),
        ("agent.tool_result", json!({"is_error": false})),
        ("agent.mcp_tool_result", json!({"is_error": true})),
        ("session.error", json!({"error": {"type": "unknown_error"}})),
        ("agent.message", json!({})),
        ("session.status_idle", json!({"stop_reason": {"type": "end_turn"}})),
        ("acme.note", json!({})),
        ("workflow_run.error", json!({})),
        ("session.status_idle", json!({"stop_reason": "retries_exhausted"})),
    ];
    let event = |(number, (kind, fields)): (usize, (&str, Value))| {
        let at = format!("2026-03-01T00:00:{number:02}Z");
        let event = json!({"id": format!("evt_{number:02}"), "type": kind, "processed_at": at});
        crate::support::with_fields(event, fields)
    };
    kinds.into_iter().enumerate().map(event).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Types {
    Honoured,
    Ignored,
    Rejected,
}

async fn api(types: Types) -> Api {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    for path in [HISTORY, THREAD] {
        let answer = move |request: &Request| {
            let pairs: Vec<_> = request.url.query_pairs().into_owned().collect();
            let value = |name: &str| pairs.iter().find(|(each, _)| each == name).map(|(_, it)| it);
            let asked: Vec<_> = pairs.iter().filter(|(name, _)| name == "types[]").collect();
            if types == Types::Rejected && asked.len() > 1 {
                let body = error("invalid_request_error", "unknown type");
                return ResponseTemplate::new(400).set_body_json(body);
            }
            let mut data = events();
            if types == Types::Honoured {
                data.retain(|event| {
                    asked.is_empty() || asked.iter().any(|(_, kind)| event["type"] == **kind)
                });
            }
            if value("order").is_some_and(|order| order == "desc") {
                data.reverse();
            }
            let number = |name: &str| value(name).map(|it| it.parse::<usize>().expect("a number"));
            let start = number("page").unwrap_or(0);
            let end = data.len().min(start + number("limit").unwrap_or(1_000));
            let next = (end < data.len()).then(|| end.to_string());
            let body = json!({"data": data[start..end], "next_page": next});
            ResponseTemplate::new(200).set_body_json(body)
        };
        let mock = Mock::given(matchers::method("GET")).and(matchers::path(path));
        mock.respond_with(answer).mount(&api.0).await;
    }
    api
}

fn numbers(events: &Value) -> Vec<usize> {
    let number = |id: &String| id.trim_start_matches("evt_").parse().expect("a number");
    ids(events).iter().map(number).collect()
}

#[tokio::test]
async fn a_view_shows_its_part_whatever_the_service_filters_by() {
    for types in [Types::Honoured, Types::Ignored, Types::Rejected] {
        let api = api(types).await;
        let host = api.host().await;
        for thread in [None, Some("sthr_1")] {
            for (view, also, expected) in [
                ("all", json!([]), (0..12).collect()),
                ("conversation", json!(null), vec![0, 7, 8, 11]),
                ("tools", json!([]), vec![2, 3, 4, 5]),
                ("errors", json!([]), vec![5, 6, 10, 11]),
                ("errors", json!(["agent.mcp_tool_result", "agent.tool_use"]), vec![5]),
            ] {
                for limit in [1, 3, 50] {
                    let arguments = json!({
                        "session_id": "sesn_1", "session_thread_id": thread, "view": view,
                        "types": also, "order": "asc", "limit": limit,
                    });
                    let found = all_pages(&host, "list_session_events", arguments, "events").await;
                    assert_eq!(numbers(&found), expected, "{view} {also} {limit} {thread:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_view_keeps_to_since_and_newest_and_its_cursors_are_its_own() {
    let api = api(Types::Honoured).await;
    let host = api.host().await;
    let list = |fields: Value| {
        let arguments = crate::support::with_fields(json!({"session_id": "sesn_1"}), fields);
        host.call("list_session_events", arguments)
    };
    for thread in [Value::Null, json!("sthr_1")] {
        let newer = json!({"view": "errors", "since": "evt_05", "session_thread_id": thread});
        let newer = list(newer).await.answer();
        assert_eq!(numbers(&newer["events"]), [11, 10, 6]);
        assert_eq!(newer["newest"], "evt_11");
        // The newest of all is not of this view, and counts all the same.
        let tools = json!({"view": "tools", "session_thread_id": thread});
        assert_eq!(list(tools).await.answer()["newest"], "evt_11");
    }
    let first = list(json!({"view": "tools", "limit": 1})).await.answer();
    let page = &first["next_page"];
    assert!(page.is_string(), "{first}");
    let other = list(json!({"view": "errors", "limit": 1, "page": page})).await;
    assert_eq!(other.outcome(), "invalid_arguments");
    let same = list(json!({"view": "tools", "limit": 1, "page": page})).await.answer();
    assert_eq!(numbers(&same["events"]), [4]);
}

#[tokio::test]
async fn a_view_without_any_of_the_types_is_refused_before_anything_is_sent() {
    let api = api(Types::Honoured).await;
    let host = api.host().await;
    for (view, types) in [
        (json!("tools"), json!(["user.message"])),
        (json!("errors"), json!("agent.tool_use")),
        (json!("conversation"), json!(["acme.note"])),
        (json!("talk"), json!([])),
    ] {
        let arguments = json!({"session_id": "sesn_1", "view": view, "types": types});
        let failure = host.failure("list_session_events", arguments).await;
        assert!(failure.starts_with("invalid_arguments"), "{failure}");
        assert!(failure.contains("view"), "{failure}");
    }
    assert_eq!(api.asked().await.len(), 0);
}
