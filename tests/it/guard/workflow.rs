//! Writes that the API refuses until the session's workflow runs have ended.

use serde_json::json;

use super::{guarded_calls, record};
use crate::support::Api;

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
            for part in ["sesn_1", "wait_for_session", "user.message", "(request_id req_1)"] {
                assert!(failure.contains(part), "{tool}: {failure}");
            }
            assert_eq!(api.writes().await.len(), 1, "{tool}");
        }
    }
}
