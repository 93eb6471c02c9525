//! `list_session_events`: what is shown of each kind, and paging within the size of an answer.

use managed_sessions_mcp::{cli::Flags, sandbox::Options};
use serde_json::{Value, json};

use super::{all, ids, ignoring_filters, sandbox};
use crate::support::{Api, Host, error, session};

const EVENTS: &str = "/v1/sessions/sesn_1/events";

fn event(number: usize, kind: &str, fields: Value) -> Value {
    let at = format!("2026-03-01T00:00:{number:02}Z");
    crate::support::with(
        json!({"id": format!("evt_{number:02}"), "type": kind, "processed_at": at}),
        fields,
    )
}

#[tokio::test]
async fn events_are_short_and_newest_first() {
    let sandbox = sandbox(Options::default()).await;
    let host = Host::on(&sandbox.base_url()).await;
    let asked = json!({"session_id": "sesn_02", "limit": 3});
    let newest = host.call("list_session_events", asked).await.answer();
    let events = newest["events"].as_array().expect("events");
    assert_eq!(events[0]["type"], "session.status_idle");
    assert_eq!(events[0]["stop_reason"]["type"], "requires_action");
    assert_eq!(events[1]["tool"], "bash");
    assert_eq!(events[1]["permission"], "ask");
    assert!(
        events[1]["input"]["command"]
            .as_str()
            .expect("a command")
            .starts_with("kubectl")
    );
    assert!(newest["next_page"].is_string());
    let asked =
        json!({"session_id": "sesn_01", "order": "asc", "types": ["user.message"], "after": "1d"});
    let messages = host.call("list_session_events", asked).await.answer();
    let messages = messages["events"].as_array().expect("events").clone();
    assert_eq!(messages.len(), 2);
    assert!(
        messages[0]["text"]
            .as_str()
            .expect("a text")
            .starts_with("The checkout test fails")
    );
    let oldest_first = json!({"session_id": "sesn_01", "order": "asc", "limit": 200});
    let mut whole = all(&host, "list_session_events", oldest_first, "events").await;
    whole.reverse();
    let paged = all(
        &host,
        "list_session_events",
        json!({"session_id": "sesn_01", "limit": 2}),
        "events",
    )
    .await;
    assert_eq!(ids(&Value::Array(paged)), ids(&Value::Array(whole)));
}

#[tokio::test]
async fn long_events_share_an_answer_and_nothing_is_skipped() {
    let text = |number: usize| json!({"content": [{"type": "text", "text": "\u{200b}x".repeat(1_000 * (number + 1))}]});
    let data: Vec<_> = (0..50)
        .map(|n| event(n, "agent.message", text(n)))
        .collect();
    let api = ignoring_filters(EVENTS, data).await;
    let host = Host::on(&api.0.uri()).await;
    for limit in [1, 7, 50, 200] {
        let asked = json!({"session_id": "sesn_1", "limit": limit});
        let found = all(&host, "list_session_events", asked, "events").await;
        let expected: Vec<_> = (0..50).map(|n| format!("evt_{n:02}")).collect();
        assert_eq!(ids(&Value::Array(found.clone())), expected, "{limit}");
        assert!(found[49]["cut"].as_u64().expect("a number") > 90_000);
    }
}

#[tokio::test]
async fn types_and_times_hold_although_the_service_ignores_them() {
    let kind = |n: usize| {
        if n % 10 == 3 {
            "session.error"
        } else {
            "span.model_request_start"
        }
    };
    let data: Vec<_> = (0..50).map(|n| event(n, kind(n), json!({}))).collect();
    let api = ignoring_filters(EVENTS, data).await;
    let host = Host::on(&api.0.uri()).await;
    let asked = json!({"session_id": "sesn_1", "types": ["session.error"], "order": "asc", "limit": 2,
                       "after": "2026-03-01T00:00:13Z", "before": "2026-03-01T00:00:43Z"});
    let found = all(&host, "list_session_events", asked, "events").await;
    assert_eq!(ids(&Value::Array(found)), ["evt_13", "evt_23", "evt_33"]);
}

#[tokio::test]
async fn a_monstrous_event_is_still_named() {
    let fields: serde_json::Map<_, _> = (0..5_000)
        .map(|n| (format!("field_{n}"), json!("v")))
        .collect();
    let api = ignoring_filters(EVENTS, vec![event(1, "galaxy.new", fields.into())]).await;
    let host = Host::on(&api.0.uri()).await;
    let answer = host
        .call("list_session_events", json!({"session_id": "sesn_1"}))
        .await
        .answer();
    assert_eq!(answer["events"][0]["type"], "galaxy.new");
    assert!(answer["events"][0]["cut"].as_u64().expect("a number") > 10_000);
}

#[tokio::test]
async fn a_session_that_is_gone_or_not_allowed_shows_nothing() {
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions/sesn_1", 200, session("sesn_1", "idle"))
        .await;
    api.answers("GET", EVENTS, 200, json!({"data": []})).await;
    let gone = error("not_found_error", "No such session.");
    api.answers("GET", "/v1/sessions/sesn_2/events", 404, gone)
        .await;
    let host = Host::on(&api.0.uri()).await;
    let code = host
        .call("list_session_events", json!({"session_id": "sesn_2"}))
        .await
        .code();
    assert_eq!(code, "not_found");
    let flags = Flags {
        allow_agent: vec!["agent_other".into()],
        ..Flags::default()
    };
    let host = Host::with(flags, &api.0.uri()).await;
    let code = host
        .call("list_session_events", json!({"session_id": "sesn_1"}))
        .await
        .code();
    assert_eq!(code, "agent_not_allowed");
    let page = json!({"session_id": "sesn_1", "page": "x", "limit": 201});
    assert_eq!(
        host.call("list_session_events", page).await.code(),
        "invalid_arguments"
    );
}
