//! Records that are not what they seem.

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::support::{Api, session, with_fields};

#[tokio::test]
async fn an_agent_without_a_plain_id_is_no_allowed_agent() {
    for agent in [
        json!(["agent_A"]),
        json!([["agent_A"]]),
        json!({"id": ["agent_A"]}),
        json!({"id": {"id": "agent_A"}}),
        json!([{"id": "agent_A"}]),
        json!({"agent": "agent_A"}),
        json!("agent_A "),
        json!("Agent_A"),
        json!(null),
        json!({}),
    ] {
        let record = with_fields(session("sesn_1", "idle"), json!({"agent": agent}));
        let api = Api::with_session(record.clone()).await;
        api.answers("GET", "/v1/sessions", 200, json!({"data": [record]})).await;
        let allowed = vec!["agent_A".to_owned()];
        let flags = Flags { allow_agent: allowed, ..Flags::default() };
        let host = api.host_with(flags).await;
        for tool in ["get_session", "archive_session", "delete_session", "interrupt_session"] {
            let outcome = host.outcome(tool, json!({"session_id": "sesn_1"})).await;
            assert_eq!(outcome, "agent_not_allowed", "{tool} with {agent}");
        }
        let list = host.answer("list_sessions", json!({})).await;
        assert_eq!(list["sessions"], json!([]), "{agent}");
        assert_eq!(api.writes().await, Vec::<String>::new(), "{agent}");
    }
}

#[tokio::test]
async fn an_archived_session_of_unknown_status_is_deleted_only_if_the_status_is_declared_idle() {
    let archived = json!({"archived_at": "2026-11-03T00:00:00Z"});
    for status in ["hibernating", "", "Idle", "running "] {
        let record = with_fields(session("sesn_1", status), archived.clone());
        let api = Api::with_session(record).await;
        let host = api.host().await;
        let outcome = host.outcome("delete_session", json!({"session_id": "sesn_1"})).await;
        assert_eq!(outcome, "status_unrecognized", "{status:?}");
        let got = host.answer("get_session", json!({"session_id": "sesn_1"})).await;
        assert_eq!(got["operations"]["delete"], "status_unrecognized");
        assert_eq!(api.writes().await, Vec::<String>::new());
    }
    let record = with_fields(session("sesn_1", "hibernating"), archived);
    let api = Api::with_session(record).await;
    let flags = Flags { idle_status: vec!["hibernating".to_owned()], ..Flags::default() };
    let dry = json!({"session_id": "sesn_1", "dry_run": true});
    let outcome = api.host_with(flags).await.outcome("delete_session", dry).await;
    assert_eq!(outcome, "would_delete");
}

/// Answers with this text, which need not be what a JSON library would write.
async fn answers_text(api: &Api, path: &str, status: u16, body: String) {
    let answer = ResponseTemplate::new(status).set_body_raw(body, "application/json");
    let mock = Mock::given(matchers::method("GET")).and(matchers::path(path));
    mock.respond_with(answer).mount(&api.0).await;
}

#[tokio::test]
async fn half_an_emoji_is_read_wherever_it_stands() {
    let broken = |value: &Value| value.to_string().replace("HALF", r"a\ud83d");
    let record = with_fields(
        session("sesn_1", "idle"),
        json!({"title": "HALF", "metadata": {"HALF": "HALF"}, "x": {"HALF": ["HALF"]}}),
    );
    let event = json!({"id": "evt_1", "type": "user.message", "processed_at": "2026-11-02T09:30:00Z",
                       "content": [{"type": "text", "text": "HALF"}]});
    let api = Api::new().await;
    answers_text(&api, "/v1/sessions/sesn_1", 200, broken(&record)).await;
    answers_text(&api, "/v1/sessions", 200, broken(&json!({"data": [record]}))).await;
    let events = broken(&json!({"data": [event]}));
    answers_text(&api, "/v1/sessions/sesn_1/events", 200, events).await;
    let failure = broken(&json!({"error": {"type": "x", "message": "HALF"}}));
    answers_text(&api, "/v1/sessions/sesn_2", 400, failure).await;
    let host = api.host().await;
    let of = json!({"session_id": "sesn_1", "detail": "full"});
    let record = host.answer("get_session", of).await;
    assert_eq!(record["title"], "a\u{fffd}");
    assert_eq!(record["metadata"], json!({"a\u{fffd}": "a\u{fffd}"}));
    let list = host.answer("list_sessions", json!({})).await;
    assert_eq!(list["sessions"][0]["title"], "a\u{fffd}");
    let events = host.answer("list_session_events", json!({"session_id": "sesn_1"})).await;
    assert!(events["events"][0].to_string().contains("a\u{fffd}"), "{events}");
    let failure = host.failure("get_session", json!({"session_id": "sesn_2"})).await;
    assert!(failure.contains("\"a\u{fffd}\""), "{failure}");
}
