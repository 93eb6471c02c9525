//! What texts of elsewhere, and answers that were lost, look like in answers and failures.

use managed_sessions_mcp::{
    cli::Flags,
    sandbox::{Effect, Fault},
};
use serde_json::json;

use super::{found, obliging};
use crate::support::{Api, Came, Host, error, sandbox, session, with};

#[tokio::test]
async fn long_titles_are_cut_in_changes_too() {
    let (old, new) = ("o".repeat(10_000), "n".repeat(10_000));
    let api = Api::new().await;
    let before = with(found("idle", false), json!({"title": old}));
    let after = with(before.clone(), json!({"title": new}));
    api.answers("GET", "/v1/sessions/sesn_1", 200, before).await;
    api.answers("POST", "/v1/sessions/sesn_1", 200, after).await;
    let host = Host::on(&api.0.uri()).await;
    let arguments = json!({"session_id": "sesn_1", "title": new});
    let answer = host.call("update_session", arguments).await.answer();
    let cut = |letter: &str| format!("{}… (9700 more characters)", letter.repeat(300));
    assert_eq!(
        answer["changes"]["title"],
        json!({"before": cut("o"), "after": cut("n")})
    );
    assert_eq!(api.body().await["title"], json!(new), "sent in full");
}

#[tokio::test]
async fn a_session_without_a_status_has_none_and_no_flag_for_it() {
    let mut silent = found("idle", false);
    silent.as_object_mut().expect("an object").remove("status");
    let api = obliging(&silent).await;
    let host = Host::on(&api.0.uri()).await;
    let id = json!({"session_id": "sesn_1"});
    let record = host.call("get_session", id.clone()).await.answer();
    assert_eq!(record.get("status"), None);
    let failure = host.call("delete_session", id).await.failure();
    assert!(failure.starts_with("status_unrecognized: "), "{failure}");
    assert!(!failure.contains("--idle-status"), "{failure}");
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_seen_has_one_form() {
    let title = json!({"title": "bell \u{7}, override \u{202e}"});
    let api = obliging(&with(found("running", false), title)).await;
    let host = Host::on(&api.0.uri()).await;
    let id = json!({"session_id": "sesn_1"});
    let shown = r"bell \u{7}, override \u{202e}";
    let record = host.call("get_session", id.clone()).await.answer();
    assert_eq!(record["title"], shown);
    let failure = host.call("delete_session", id).await.failure();
    assert!(failure.contains(shown), "{failure}");
    let wrong = json!({"session_id": "a\u{7}"});
    let failure = host.call("get_session", wrong).await.failure();
    assert!(failure.contains(r"a\u{7}"), "{failure}");
}

#[tokio::test]
async fn a_limit_after_a_lost_write_says_that_the_write_may_have_been_carried_out() {
    for status in [429, 529] {
        let sandbox = sandbox().await;
        let host = Host::on(&sandbox.base_url()).await;
        let refused = Effect::Status {
            status,
            retry_after: Some("3600".to_owned()),
            should_retry: None,
        };
        sandbox.fail(Fault::new(Effect::ResetAfter).on("POST", "/v1/sessions/"));
        sandbox.fail(Fault::new(refused).on("POST", "/v1/sessions/"));
        let arguments = json!({"session_id": "sesn_01", "title": "Another"});
        let Came::Failure(text, parts) = host.call("update_session", arguments).await else {
            panic!("HTTP {status} is a failure")
        };
        assert_eq!(parts["http_status"], status, "{text}");
        assert!(text.contains("may have been carried out"), "{text}");
        assert!(
            text.contains("Next: read the session with get_session"),
            "{text}"
        );
    }
}

/// The service says yes without a word, and then lets nobody look.
#[tokio::test]
async fn a_delete_that_cannot_be_looked_at_is_not_called_refused() {
    for (status, kind, code, told) in [
        (
            403,
            "permission_error",
            "bad_response",
            "deleted is not known",
        ),
        (
            429,
            "rate_limit_error",
            "rate_limited",
            "may have been carried out",
        ),
    ] {
        let api = Api::new().await;
        let path = "/v1/sessions/sesn_1";
        api.answers_once("GET", path, 200, session("sesn_1", "idle"))
            .await;
        api.answers("GET", path, status, error(kind, "no")).await;
        api.answers("DELETE", path, 200, json!({})).await;
        let flags = Flags {
            timeout_seconds: Some("3".to_owned()),
            ..Flags::default()
        };
        let host = Host::with(flags, &api.0.uri()).await;
        let arguments = json!({"session_id": "sesn_1"});
        let failure = host.call("delete_session", arguments).await.failure();
        assert!(failure.starts_with(&format!("{code}: ")), "{failure}");
        assert!(failure.contains(told), "{failure}");
    }
}

#[tokio::test]
async fn no_turn_is_stopped_for_what_is_impossible_or_already_so() {
    let nowhere = json!([{"type": "mcp_toolset", "mcp_server_name": "nowhere"}]);
    for (if_busy, tools, expected) in [
        ("interrupt", nowhere.clone(), "invalid_toolset"),
        ("wait", nowhere, "invalid_toolset"),
        ("interrupt", json!([]), "unchanged"),
    ] {
        let api = Api::new().await;
        let agent = json!({"agent": {"id": "agent_1", "tools": [], "mcp_servers": []}});
        let running = with(session("sesn_1", "running"), agent);
        api.answers("GET", "/v1/sessions/sesn_1", 200, running)
            .await;
        let host = Host::on(&api.0.uri()).await;
        let arguments = json!({"session_id": "sesn_1", "if_busy": if_busy, "tools": tools});
        let came = host.call("update_session_tools", arguments).await;
        assert_eq!(came.word(), expected, "{if_busy}");
        let asked = api.0.received_requests().await.expect("they are kept");
        assert_eq!(asked.len(), 1, "{asked:?}");
    }
}

#[tokio::test]
async fn a_failure_after_an_interrupt_says_that_the_turn_was_stopped() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let flags = Flags {
        export_dir: Some(folder.path().join("missing")),
        ..Flags::default()
    };
    let host = Host::with(flags, &sandbox.base_url()).await;
    let arguments = json!({"session_id": "sesn_04", "if_busy": "interrupt"});
    let failure = host.call("delete_session", arguments).await.failure();
    assert!(failure.starts_with("export_failed: "), "{failure}");
    assert!(failure.contains("its turn was stopped before"), "{failure}");
    assert!(!failure.contains("nothing was changed"), "{failure}");
}
