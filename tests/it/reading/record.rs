//! `get_session` with `detail` "full".

use serde_json::json;

use crate::support::{Api, Host, error, session, with};

#[tokio::test]
async fn a_full_record_adds_prompt_stop_reason_and_unknown_fields() {
    let api = Api::new().await;
    let mut full = with(
        session("sesn_1", "idle"),
        serde_json::from_str(r#"{"shiny": {"new": [1.50, null]}}"#).expect("JSON"),
    );
    full["agent"]["system"] = "p".repeat(5_000).into();
    api.answers("GET", "/v1/sessions/sesn_1", 200, full).await;
    let reason = json!({"type": "requires_action", "event_ids": ["evt_7"]});
    let event = json!({"type": "session.status_idle", "id": "evt_9", "stop_reason": reason});
    api.answers(
        "GET",
        "/v1/sessions/sesn_1/events",
        200,
        json!({"data": [event]}),
    )
    .await;
    let host = Host::on(&api.0.uri()).await;
    let concise = host
        .call("get_session", json!({"session_id": "sesn_1"}))
        .await
        .answer();
    assert!(concise.get("system").is_none() && concise.get("extra").is_none());
    let arguments = json!({"session_id": "sesn_1", "detail": "full"});
    let full = host.call("get_session", arguments).await.answer();
    assert_eq!(full["system"].as_str().map(str::len), Some(4_000));
    assert_eq!(full["system_cut"], 1_000);
    assert_eq!(full["stop_reason"], reason);
    assert_eq!(
        full["extra"].to_string(),
        r#"{"shiny":{"new":[1.50,null]}}"#
    );
}

#[tokio::test]
async fn a_full_record_does_without_events_that_cannot_be_read() {
    let api = Api::new().await;
    let found = with(session("sesn_1", "idle"), json!({"shiny": 1}));
    api.answers("GET", "/v1/sessions/sesn_1", 200, found).await;
    let no = error("permission_error", "no");
    api.answers("GET", "/v1/sessions/sesn_1/events", 403, no)
        .await;
    let host = Host::on(&api.0.uri()).await;
    let arguments = json!({"session_id": "sesn_1", "detail": "full"});
    let full = host.call("get_session", arguments).await.answer();
    assert_eq!(full["extra"], json!({"shiny": 1}));
    assert_eq!(full.get("stop_reason"), None);
}
