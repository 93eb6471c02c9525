//! The session changes between what was read and what is sent, or its stored status lags.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::record;
use crate::support::{
    Api, Host, error, in_time, real_pauses, sandbox, sandbox_ids, session, with_fields,
};

const SESSION: &str = "/v1/sessions/sesn_1";
const ARCHIVE: &str = "/v1/sessions/sesn_1/archive";
const EVENTS: &str = "/v1/sessions/sesn_1/events";

/// As often as anybody asks.
const ALWAYS: u64 = u64::MAX;

fn idle() -> Value {
    record("idle", false)
}

fn archived() -> Value {
    let at = json!({"archived_at": "2026-11-03T00:00:00Z"});
    with_fields(idle(), at)
}

/// An API whose session has one status for so many reads, and is idle from then on.
async fn idle_after(reads: u64, status: &str) -> Api {
    let api = Api::new().await;
    let record = record(status, false);
    api.answers_times(reads, ("GET", SESSION), 200, record).await;
    api.answers("GET", SESSION, 200, idle()).await;
    api.answers("POST", ARCHIVE, 200, archived()).await;
    api
}

async fn archive(api: &Api, more: Value) -> String {
    call(api, "archive_session", more).await
}

/// The outcome of a call on the session.
async fn call(api: &Api, tool: &str, more: Value) -> String {
    let arguments = with_fields(json!({"session_id": "sesn_1"}), more);
    in_time(api.host().await.outcome(tool, arguments)).await
}

#[tokio::test]
async fn a_stale_running_right_after_a_turn_is_read_again() {
    let api = idle_after(2, "running").await;
    assert_eq!(archive(&api, json!({})).await, "archived");
}

#[tokio::test]
async fn a_session_that_stays_busy_is_read_three_times_and_refused() {
    let api = idle_after(ALWAYS, "running").await;
    assert_eq!(archive(&api, json!({})).await, "session_running");
    assert_eq!(api.asked().await, [format!("GET {SESSION}").as_str(); 3]);
}

#[tokio::test]
async fn a_wait_ends_with_the_turn() {
    let api = idle_after(3, "running").await;
    assert_eq!(archive(&api, json!({"if_busy": "wait"})).await, "archived");
    assert_eq!(api.writes().await, [format!("POST {ARCHIVE}")]);
}

#[tokio::test]
async fn a_wait_in_vain_reports_the_last_status() {
    let api = idle_after(ALWAYS, "rescheduling").await;
    let arguments = json!({"session_id": "sesn_1", "if_busy": "wait", "wait_seconds": 1});
    let host = api.host().await;
    let failure = in_time(host.failure("archive_session", arguments)).await;
    assert!(failure.starts_with("busy_timeout: "), "{failure}");
    let status = "still rescheduling after 1 s";
    assert!(failure.contains(status), "{failure}");
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn an_interrupt_is_sent_once_and_then_waited_for() {
    let api = idle_after(3, "running").await;
    api.answers("POST", EVENTS, 202, json!(null)).await;
    let interrupt = json!({"if_busy": "interrupt"});
    assert_eq!(archive(&api, interrupt).await, "archived");
    let expected = [format!("POST {EVENTS}"), format!("POST {ARCHIVE}")];
    assert_eq!(api.writes().await, expected);
}

#[tokio::test]
async fn expected_updated_at_survives_our_own_interrupt_but_no_other_change() {
    let changed = json!({"updated_at": "2026-11-05T00:00:00Z"});
    let changed = with_fields(idle(), changed);
    // An interrupt marks the turn that it is meant for, and reads the session again.
    for (if_busy, reads, outcome) in [("interrupt", 2, "archived"), ("wait", 1, "session_changed")]
    {
        let api = Api::new().await;
        let running = record("running", false);
        api.answers_times(reads, ("GET", SESSION), 200, running).await;
        api.answers("GET", SESSION, 200, changed.clone()).await;
        api.answers("POST", EVENTS, 200, json!({"data": []})).await;
        api.answers("POST", ARCHIVE, 200, archived()).await;
        let more = json!({"if_busy": if_busy, "expected_updated_at": "2026-11-02T09:30:00.5Z"});
        assert_eq!(archive(&api, more).await, outcome, "{if_busy}");
    }
}

#[tokio::test]
async fn a_write_rejected_because_of_a_lagging_status_is_repeated() {
    for status in [400, 409] {
        let api = Api::with_session(idle()).await;
        let rejection = error("invalid_request_error", "Session cannot be archived");
        api.answers_times(2, ("POST", ARCHIVE), status, rejection).await;
        api.answers("POST", ARCHIVE, 200, archived()).await;
        assert_eq!(archive(&api, json!({})).await, "archived", "HTTP {status}");
        let (read, write) = (format!("GET {SESSION}"), format!("POST {ARCHIVE}"));
        // It is looked at once for what it waits for; each write follows a read.
        let first = [read.as_str(), "GET /v1/sessions/sesn_1/events"];
        let expected = [&first[..], &[read.as_str(), write.as_str()].repeat(3)].concat();
        assert_eq!(api.asked().await, expected);
    }
}

#[tokio::test]
async fn a_lasting_rejection_is_a_conflict_with_the_apis_words() {
    let api = Api::with_session(idle()).await;
    let rejection = error("conflict_error", "the moon is wrong");
    api.answers("POST", ARCHIVE, 409, rejection).await;
    let host = api.host().await;
    let archive = json!({"session_id": "sesn_1"});
    let failure = in_time(host.failure("archive_session", archive)).await;
    assert!(failure.starts_with("conflict: "), "{failure}");
    assert!(failure.contains("the moon is wrong"), "{failure}");
    assert!(failure.ends_with("(request_id req_1)"), "{failure}");
    let writes = api.writes().await;
    assert_eq!(writes, [format!("POST {ARCHIVE}").as_str(); 6]);
}

/// Tests have shorter ones.
#[test]
fn real_pauses_are_long_enough_for_a_service_and_short_enough_for_a_host() {
    let milliseconds = |each: &[u64]| each.iter().copied().map(Duration::from_millis).collect();
    let expected: [(&str, Vec<Duration>); 5] = [
        ("stale status", milliseconds(&[150, 250])),
        ("conflict", milliseconds(&[100, 200, 400, 600, 700])),
        ("poll", milliseconds(&[250, 2_000])),
        ("slow down", milliseconds(&[1_000])),
        ("retry", milliseconds(&[500, 8_000])),
    ];
    assert_eq!(real_pauses(), expected);
}

#[tokio::test]
async fn a_session_that_starts_before_the_write_is_busy_and_not_written_again() {
    let tools = json!({"tools": [{"type": "agent_toolset_20260401"}]});
    for (tool, path, more, reads) in
        [("archive_session", ARCHIVE, json!({}), 2), ("update_session_tools", SESSION, tools, 1)]
    {
        let api = Api::new().await;
        api.answers_times(reads, ("GET", SESSION), 200, idle()).await;
        api.answers("GET", SESSION, 200, record("running", false)).await;
        let rejection = error("invalid_request_error", "no");
        api.answers("POST", path, 400, rejection).await;
        assert_eq!(call(&api, tool, more).await, "session_running");
        assert_eq!(api.writes().await, [format!("POST {path}")]);
    }
}

#[tokio::test]
async fn an_update_rejected_for_its_content_is_not_repeated() {
    let api = Api::with_session(idle()).await;
    let rejection = error("invalid_request_error", "tools.0: not on a Sunday");
    api.answers("POST", SESSION, 400, rejection).await;
    let tool = json!({"type": "agent_toolset_20260401"});
    let arguments = json!({"session_id": "sesn_1", "tools": [tool]});
    let host = api.host().await;
    let failure = in_time(host.failure("update_session_tools", arguments)).await;
    assert!(failure.starts_with("rejected: "), "{failure}");
    assert!(failure.contains("not on a Sunday"), "{failure}");
    assert_eq!(api.writes().await, [format!("POST {SESSION}")]);
}

fn custom_tool(name: &str) -> Value {
    json!({"type": "custom", "name": name, "description": "d", "input_schema": {"type": "object"}})
}

#[tokio::test]
async fn an_update_after_a_conflict_starts_from_the_newest_read() {
    let with_tools = |tools: &[&str]| {
        let mut record = idle();
        record["agent"]["tools"] = tools.iter().copied().map(custom_tool).collect();
        record
    };
    let both = with_tools(&["theirs", "ours"]);
    let api = Api::new().await;
    api.answers_once("GET", SESSION, 200, idle()).await;
    api.answers("GET", SESSION, 200, with_tools(&["theirs"])).await;
    let conflict = error("conflict_error", "changed meanwhile");
    api.answers_once("POST", SESSION, 409, conflict).await;
    api.answers("POST", SESSION, 200, both.clone()).await;
    let more = json!({"mode": "merge", "tools": [custom_tool("ours")]});
    let outcome = call(&api, "update_session_tools", more).await;
    assert_eq!(outcome, "updated");
    let sent = api.last_body().await;
    assert_eq!(sent["agent"]["tools"], both["agent"]["tools"]);
}

#[tokio::test]
async fn concurrent_writes_to_one_session_are_serialized_and_none_is_lost() {
    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let host = Host::new(&sandbox.base_url()).await;
    let names: Vec<String> = (0..8).map(|n| format!("tool_{n}")).collect();
    let updates = names.iter().map(|name| {
        let tools = [custom_tool(name)];
        let arguments = json!({"session_id": id, "mode": "merge", "tools": tools});
        host.outcome("update_session_tools", arguments)
    });
    assert_eq!(join_all(updates).await, ["updated"; 8]);
    let record = host.answer("get_session", json!({"session_id": id})).await;
    let tools = record["tools"].to_string();
    for name in names {
        assert!(tools.contains(&name), "{name} was lost: {tools}");
    }
}

#[tokio::test]
async fn no_turn_is_stopped_for_an_update_that_is_impossible_or_changes_nothing() {
    let nowhere = json!([{"type": "mcp_toolset", "mcp_server_name": "nowhere"}]);
    for (if_busy, tools, outcome) in [
        ("interrupt", nowhere.clone(), "invalid_toolset"),
        ("wait", nowhere, "invalid_toolset"),
        ("interrupt", json!([]), "unchanged"),
    ] {
        let agent = json!({"agent": {"id": "agent_1", "tools": [], "mcp_servers": []}});
        let running = with_fields(session("sesn_1", "running"), agent);
        let api = Api::with_session(running).await;
        let more = json!({"mode": "replace", "if_busy": if_busy, "tools": tools});
        let updated = call(&api, "update_session_tools", more).await;
        assert_eq!(updated, outcome, "{if_busy}");
        assert_eq!(api.asked().await, [format!("GET {SESSION}")]);
    }
}
