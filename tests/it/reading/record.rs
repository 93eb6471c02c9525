//! `get_session` with `detail` "full".

use serde_json::json;

use crate::support::{Api, error, session, with_fields};

const EVENTS: &str = "/v1/sessions/sesn_1/events";

#[tokio::test]
async fn a_full_record_adds_prompt_stop_reason_and_unknown_fields() {
    let unknown = r#"{"shiny": {"new": [1.50, null]}}"#;
    let unknown = serde_json::from_str(unknown).expect("JSON");
    let mut record = with_fields(session("sesn_1", "idle"), unknown);
    record["agent"]["system"] = "p".repeat(5_000).into();
    let api = Api::with_session(record).await;
    let reason = json!({"type": "requires_action", "event_ids": ["evt_7"]});
    let event = json!({"type": "session.status_idle", "id": "evt_9", "stop_reason": reason});
    let events = json!({"data": [event]});
    api.answers("GET", EVENTS, 200, events).await;
    let host = api.host().await;
    let concise = host.answer("get_session", json!({"session_id": "sesn_1"}));
    let concise = concise.await;
    assert!(concise.get("system").is_none() && concise.get("extra").is_none());
    let full = json!({"session_id": "sesn_1", "detail": "full"});
    let full = host.answer("get_session", full).await;
    assert_eq!(full["system"].as_str().map(str::len), Some(4_000));
    assert_eq!(full["system_cut"], 1_000);
    assert_eq!(full["stop_reason"], reason);
    let extra = full["extra"].to_string();
    assert_eq!(extra, r#"{"shiny":{"new":[1.50,null]}}"#);
}

#[tokio::test]
async fn a_full_record_is_shown_without_events_that_cannot_be_read() {
    let record = with_fields(session("sesn_1", "idle"), json!({"shiny": 1}));
    let api = Api::with_session(record).await;
    let no = error("permission_error", "no");
    api.answers("GET", EVENTS, 403, no).await;
    let full = json!({"session_id": "sesn_1", "detail": "full"});
    let full = api.host().await.answer("get_session", full).await;
    assert_eq!(full["extra"], json!({"shiny": 1}));
    assert_eq!(full.get("stop_reason"), None);
}
