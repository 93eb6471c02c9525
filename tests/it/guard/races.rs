//! The session changes between what was read and what was sent, and the status lags.

use std::time::Duration;

use serde_json::{Value, json};

use super::found;
use crate::support::{Api, Host, error, soon, with};

const SESSION: &str = "/v1/sessions/sesn_1";
const ARCHIVE: &str = "/v1/sessions/sesn_1/archive";
const EVENTS: &str = "/v1/sessions/sesn_1/events";

fn archived() -> Value {
    with(
        found("idle", false),
        json!({"archived_at": "2026-11-03T00:00:00Z"}),
    )
}

/// An API whose session is first in one state and then, for good, in another.
async fn turning(first: &str, times: usize, then: &str) -> Api {
    let api = Api::new().await;
    for _ in 0..times {
        api.answers_once("GET", SESSION, 200, found(first, false))
            .await;
    }
    api.answers("GET", SESSION, 200, found(then, false)).await;
    api.answers("POST", ARCHIVE, 200, archived()).await;
    api
}

async fn archive(api: &Api, more: Value) -> String {
    let host = Host::on(&api.0.uri()).await;
    let arguments = with(json!({"session_id": "sesn_1"}), more);
    soon(host.call("archive_session", arguments)).await.word()
}

#[tokio::test]
async fn a_stale_running_right_after_a_turn_is_not_believed() {
    let api = turning("running", 2, "idle").await;
    assert_eq!(archive(&api, json!({})).await, "archived");
}

#[tokio::test]
async fn a_session_that_stays_busy_is_read_three_times_and_refused() {
    let api = turning("running", 9, "idle").await;
    assert_eq!(archive(&api, json!({})).await, "session_running");
    assert_eq!(api.asked().await, [format!("GET {SESSION}").as_str(); 3]);
}

#[tokio::test]
async fn waiting_ends_when_the_turn_does() {
    let api = turning("running", 3, "idle").await;
    assert_eq!(archive(&api, json!({"if_busy": "wait"})).await, "archived");
    assert_eq!(api.writes().await, [format!("POST {ARCHIVE}")]);
}

#[tokio::test]
async fn waiting_in_vain_says_how_it_stood_at_the_end() {
    let api = turning("rescheduling", 99, "idle").await;
    let host = Host::on(&api.0.uri()).await;
    let arguments = json!({"session_id": "sesn_1", "if_busy": "wait", "wait_seconds": 1});
    let failure = soon(host.call("archive_session", arguments))
        .await
        .failure();
    assert!(failure.starts_with("busy_timeout: "), "{failure}");
    assert!(
        failure.contains("still rescheduling after 1 s"),
        "{failure}"
    );
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn an_interrupt_is_sent_once_and_then_waited_for() {
    let api = turning("running", 3, "idle").await;
    api.answers("POST", EVENTS, 202, json!(null)).await;
    assert_eq!(
        archive(&api, json!({"if_busy": "interrupt"})).await,
        "archived"
    );
    assert_eq!(
        api.writes().await,
        [format!("POST {EVENTS}"), format!("POST {ARCHIVE}")]
    );
}

#[tokio::test]
async fn an_expectation_outlives_our_own_interrupt_but_not_somebody_elses_change() {
    let moved = with(
        found("idle", false),
        json!({"updated_at": "2026-11-05T00:00:00Z"}),
    );
    for (if_busy, word) in [("interrupt", "archived"), ("wait", "session_changed")] {
        let api = Api::new().await;
        api.answers_once("GET", SESSION, 200, found("running", false))
            .await;
        api.answers("GET", SESSION, 200, moved.clone()).await;
        api.answers("POST", EVENTS, 200, json!({"data": []})).await;
        api.answers("POST", ARCHIVE, 200, archived()).await;
        let more = json!({"if_busy": if_busy, "expected_updated_at": "2026-11-02T09:30:00.5Z"});
        assert_eq!(archive(&api, more).await, word, "{if_busy}");
    }
}

#[tokio::test]
async fn a_refusal_after_the_guard_is_a_lagging_state_and_worth_another_try() {
    for status in [400, 409] {
        let api = Api::new().await;
        let refusal = error("invalid_request_error", "Session cannot be archived");
        api.answers_once("POST", ARCHIVE, status, refusal.clone())
            .await;
        api.answers_once("POST", ARCHIVE, status, refusal).await;
        api.answers("GET", SESSION, 200, found("idle", false)).await;
        api.answers("POST", ARCHIVE, 200, archived()).await;
        assert_eq!(archive(&api, json!({})).await, "archived", "HTTP {status}");
        let read_before_each = [
            format!("GET {SESSION}"),
            format!("POST {ARCHIVE}"),
            format!("GET {SESSION}"),
            format!("POST {ARCHIVE}"),
            format!("GET {SESSION}"),
            format!("POST {ARCHIVE}"),
        ];
        assert_eq!(api.asked().await, read_before_each);
    }
}

#[tokio::test]
async fn a_lasting_refusal_is_a_conflict_with_the_apis_words() {
    let api = Api::new().await;
    api.answers("GET", SESSION, 200, found("idle", false)).await;
    api.answers(
        "POST",
        ARCHIVE,
        409,
        error("conflict_error", "the moon is wrong"),
    )
    .await;
    let host = Host::on(&api.0.uri()).await;
    let started = std::time::Instant::now();
    let call = soon(host.call("archive_session", json!({"session_id": "sesn_1"}))).await;
    assert!(
        started.elapsed() >= Duration::from_millis(1_500),
        "it is tried for about 2 s"
    );
    let failure = call.failure();
    assert!(
        failure.starts_with("conflict: ") && failure.contains("the moon is wrong"),
        "{failure}"
    );
    assert!(failure.ends_with("(request_id req_1)"), "{failure}");
}

#[tokio::test]
async fn a_session_that_starts_between_read_and_write_is_busy_and_not_written_again() {
    let api = Api::new().await;
    api.answers_once("GET", SESSION, 200, found("idle", false))
        .await;
    api.answers("GET", SESSION, 200, found("running", false))
        .await;
    api.answers("POST", ARCHIVE, 400, error("invalid_request_error", "no"))
        .await;
    assert_eq!(archive(&api, json!({})).await, "session_running");
    assert_eq!(api.writes().await, [format!("POST {ARCHIVE}")]);
}

#[tokio::test]
async fn an_update_refused_for_what_it_says_is_not_repeated() {
    let api = Api::new().await;
    api.answers("GET", SESSION, 200, found("idle", false)).await;
    api.answers(
        "POST",
        SESSION,
        400,
        error("invalid_request_error", "tools.0: not on a Sunday"),
    )
    .await;
    let host = Host::on(&api.0.uri()).await;
    let tool = json!({"type": "agent_toolset_20260401"});
    let arguments = json!({"session_id": "sesn_1", "tools": [tool]});
    let failure = soon(host.call("update_session_tools", arguments))
        .await
        .failure();
    assert!(
        failure.starts_with("rejected: ") && failure.contains("not on a Sunday"),
        "{failure}"
    );
    assert_eq!(api.writes().await, [format!("POST {SESSION}")]);
}

#[tokio::test]
async fn an_update_refused_because_it_runs_now_is_told_as_busy() {
    let api = Api::new().await;
    api.answers_once("GET", SESSION, 200, found("idle", false))
        .await;
    api.answers("GET", SESSION, 200, found("running", false))
        .await;
    api.answers("POST", SESSION, 400, error("invalid_request_error", "no"))
        .await;
    let host = Host::on(&api.0.uri()).await;
    let tool = json!({"type": "agent_toolset_20260401"});
    let arguments = json!({"session_id": "sesn_1", "tools": [tool]});
    assert_eq!(
        soon(host.call("update_session_tools", arguments))
            .await
            .code(),
        "session_running"
    );
}

#[tokio::test]
async fn an_update_after_a_conflict_is_computed_from_the_newest_reading() {
    let custom = |name: &str| json!({"type": "custom", "name": name, "description": "d", "input_schema": {"type": "object"}});
    let mut theirs = found("idle", false);
    theirs["agent"]["tools"] = json!([custom("theirs")]);
    let mut both = found("idle", false);
    both["agent"]["tools"] = json!([custom("theirs"), custom("ours")]);
    let api = Api::new().await;
    api.answers_once("GET", SESSION, 200, found("idle", false))
        .await;
    api.answers("GET", SESSION, 200, theirs).await;
    api.answers_once(
        "POST",
        SESSION,
        409,
        error("conflict_error", "changed meanwhile"),
    )
    .await;
    api.answers("POST", SESSION, 200, both.clone()).await;
    let host = Host::on(&api.0.uri()).await;
    let arguments = json!({"session_id": "sesn_1", "mode": "merge", "tools": [custom("ours")]});
    assert_eq!(
        soon(host.call("update_session_tools", arguments))
            .await
            .word(),
        "updated"
    );
    assert_eq!(api.body().await["agent"]["tools"], both["agent"]["tools"]);
}

#[tokio::test]
async fn writes_to_one_session_run_one_after_the_other_and_none_is_lost() {
    let sandbox = crate::support::sandbox().await;
    let host = Host::on(&sandbox.base_url()).await;
    let list = host
        .call("list_sessions", json!({"statuses": ["idle"]}))
        .await
        .answer();
    let id = list["sessions"][0]["id"]
        .as_str()
        .expect("an idle session")
        .to_owned();
    let calls = (0..8).map(|n| {
        let tool = json!({"type": "custom", "name": format!("tool_{n}"), "description": "d",
                          "input_schema": {"type": "object"}});
        host.call(
            "update_session_tools",
            json!({"session_id": id, "mode": "merge", "tools": [tool]}),
        )
    });
    for came in futures_util::future::join_all(calls).await {
        assert_eq!(came.word(), "updated");
    }
    let record = host
        .call("get_session", json!({"session_id": id}))
        .await
        .answer();
    let tools = record["tools"].to_string();
    for n in 0..8 {
        assert!(
            tools.contains(&format!("tool_{n}")),
            "tool_{n} was lost: {tools}"
        );
    }
}
