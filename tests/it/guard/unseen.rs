//! Writes that the API refuses for what the session's record does not show.

use serde_json::json;

use super::{guarded_calls, record};
use crate::support::{Api, error};

#[tokio::test]
async fn an_open_workflow_run_is_named_after_one_request() {
    let body = json!({"type": "error", "error": {"type": "invalid_request_error",
        "message": "A workflow run is open.", "details": {"error_code": "workflow_run_open"}},
        "request_id": "req_7"});
    for (tool, arguments) in guarded_calls().into_iter().take(3) {
        for status in [400, 409] {
            let api = Api::with_session(record("idle", false)).await;
            let session = "/v1/sessions/sesn_1";
            api.answers("POST", session, status, body.clone()).await;
            api.answers("POST", &format!("{session}/archive"), status, body.clone()).await;
            api.answers("DELETE", session, status, body.clone()).await;
            let failure = api.host().await.failure(tool, arguments.clone()).await;
            assert!(failure.starts_with("workflow_run_open: "), "{tool}: {failure}");
            for part in ["sesn_1", "its runs are paused", "send_message", "(request_id req_1)"] {
                assert!(failure.contains(part), "{tool}: {failure}");
            }
            assert_eq!(api.writes().await.len(), 1, "{tool}");
        }
    }
}

#[tokio::test]
async fn a_write_refused_while_the_session_waits_names_what_it_waits_for() {
    let call = json!({"id": "evt_8", "type": "agent.mcp_tool_use", "mcp_server_name": "linear",
        "name": "create_issue", "input": {"title": "Broken \u{202e}build"},
        "evaluated_permission": "ask", "processed_at": "2026-11-02T09:29:00Z"});
    let reason = json!({"type": "requires_action", "event_ids": ["evt_8"]});
    let idle = json!({"id": "evt_9", "type": "session.status_idle", "stop_reason": reason,
        "processed_at": "2026-11-02T09:29:01Z"});
    for (tool, arguments) in guarded_calls().into_iter().take(3) {
        let api = Api::with_session(record("idle", false)).await;
        let session = "/v1/sessions/sesn_1";
        let body = error("conflict_error", "not now");
        api.answers("POST", session, 409, body.clone()).await;
        api.answers("POST", &format!("{session}/archive"), 409, body.clone()).await;
        api.answers("DELETE", session, 409, body).await;
        let events = json!({"data": [idle, call]});
        api.answers("GET", &format!("{session}/events"), 200, events).await;
        let failure = api.host().await.failure(tool, arguments).await;
        assert!(failure.starts_with("session_waiting: "), "{tool}: {failure}");
        for part in ["linear.create_issue: Broken \\u{202e}build", "answer_session"] {
            assert!(failure.contains(part), "{tool}: {failure}");
        }
    }
}
