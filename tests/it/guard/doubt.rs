//! What a failure says when a write before it took effect, or may have.

use managed_sessions_mcp::{
    cli::Flags,
    sandbox::{Effect, Fault},
};
use serde_json::json;

use crate::{
    reply::{DOUBT, Reply},
    support::{Api, Host, error, sandbox, session},
};

#[tokio::test]
async fn a_limit_after_a_lost_write_says_that_the_write_may_have_been_carried_out() {
    for status in [429, 529] {
        let sandbox = sandbox().await;
        let host = Host::new(&sandbox.base_url()).await;
        let limit =
            Effect::Status { status, retry_after: Some("3600".to_owned()), should_retry: None };
        let lost = Effect::Status { status: 500, retry_after: None, should_retry: None };
        for effect in [lost, limit] {
            sandbox.fail(Fault::new(effect).on("POST", "/v1/sessions/"));
        }
        let arguments = json!({"session_id": "sesn_01", "title": "Another"});
        let Reply::Failure(text, parts) = host.call("update_session", arguments).await else {
            panic!("HTTP {status} is a failure")
        };
        assert_eq!(parts["http_status"], status, "{text}");
        assert!(text.contains("may have been carried out"), "{text}");
        let next = "Next: call get_session with";
        assert!(text.contains(next), "{text}");
    }
}

#[tokio::test]
async fn a_delete_that_cannot_be_verified_is_in_doubt_and_not_refused() {
    for (status, kind, code, doubt) in [
        (403, "permission_error", "bad_response", DOUBT),
        (429, "rate_limit_error", "rate_limited", "may have been carried out"),
    ] {
        let api = Api::new().await;
        let path = "/v1/sessions/sesn_1";
        api.answers_times(2, ("GET", path), 200, session("sesn_1", "idle")).await;
        api.answers("GET", path, status, error(kind, "no")).await;
        // Accepted, but the answer does not confirm it.
        api.answers("DELETE", path, 200, json!({})).await;
        let host = api.host().await;
        let failure = host.failure("delete_session", json!({"session_id": "sesn_1"}));
        let failure = failure.await;
        assert!(failure.starts_with(&format!("{code}: ")), "{failure}");
        assert!(failure.contains(doubt), "{failure}");
    }
}

#[tokio::test]
async fn a_failure_after_an_interrupt_says_that_the_turn_was_stopped() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let flags = Flags { export_dir: Some(folder.path().join("missing")), ..Flags::default() };
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    let arguments = json!({"session_id": "sesn_04", "if_busy": "interrupt"});
    let failure = host.failure("delete_session", arguments).await;
    assert!(failure.starts_with("export_failed: "), "{failure}");
    assert!(failure.contains("its turn was stopped before"), "{failure}");
    assert!(!failure.contains("nothing was changed"), "{failure}");
}
