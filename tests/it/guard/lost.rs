//! What a deletion takes away, and what is known of it afterwards.

use std::time::Duration;

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use super::record;
use crate::support::{
    Api, Host, config, error, sandbox, sandbox_ids, serve, with_fields, with_timeout,
};

const SESSION: &str = "/v1/sessions/sesn_1";
const EVENTS: &str = "/v1/sessions/sesn_1/events";
const THREADS: &str = "/v1/sessions/sesn_1/threads";
const FILES: &str = "/v1/files";

fn id() -> Value {
    json!({"session_id": "sesn_1"})
}

async fn api() -> Api {
    let api = Api::with_session(record("idle", false)).await;
    api.accepts_delete(SESSION).await;
    api
}

fn events(count: usize) -> Value {
    let event = |n: usize| json!({"id": format!("evt_{n}"), "type": "agent.message"});
    (0..count).map(event).collect()
}

fn thread(id: &str, parent: Option<&str>) -> Value {
    json!({"id": id, "type": "session_thread", "parent_thread_id": parent, "status": "idle"})
}

fn file(n: usize) -> Value {
    json!({"id": format!("file_{n}"), "filename": format!("report {n}.pdf"), "size_bytes": 10 + n,
        "downloadable": true, "scope": {"type": "session", "id": "sesn_1"}})
}

fn data(data: Value) -> (u16, Value) {
    (200, Value::from_iter([("data", data)]))
}

fn first_page(data: Value) -> (u16, Value) {
    (200, Value::from_iter([("data", data), ("next_page", "page_2".into())]))
}

fn failing(status: u16) -> (u16, Value) {
    (status, error("api_error", "no"))
}

#[tokio::test]
async fn a_delete_and_its_dry_run_count_what_is_lost_with_one_request_each() {
    let own = thread("sthr_1", None);
    let child = thread("sthr_2", Some("sthr_1"));
    let uploaded = with_fields(file(8), json!({"downloadable": false}));
    let foreign = with_fields(file(9), json!({"scope": {"id": "sesn_2"}}));
    let named = json!({"id": "file_1", "name": "report 1.pdf", "bytes": 11});
    let cases = [
        (
            [data(events(3)), data(json!([own])), data(json!([file(1), uploaded, foreign]))],
            json!({"events": 3, "threads": 0, "files": {"count": 1, "first": [named]}}),
        ),
        (
            [first_page(events(1000)), data(json!([own])), first_page(json!([file(1)]))],
            json!({"events": 1000, "at_least": true, "threads": 0,
                "files": {"count": 1, "at_least": true, "first": [named]}}),
        ),
        // What child threads did is in their own histories.
        (
            [data(events(3)), data(json!([own, child])), data(json!([]))],
            json!({"events": 3, "at_least": true, "threads": 1, "files": {"count": 0}}),
        ),
        (
            [data(events(3)), failing(404), failing(405)],
            json!({"events": 3, "threads": 0, "files": {"count": 0}}),
        ),
        (
            [data(events(3)), failing(403), failing(501)],
            json!({"events": 3, "at_least": true, "files": {"count": 0}}),
        ),
        ([failing(403), data(json!([own])), failing(403)], json!({"threads": 0})),
        ([failing(403), failing(403), failing(403)], Value::Null),
    ];
    for (answers, expected) in cases {
        let api = api().await;
        for (path, (status, body)) in [EVENTS, THREADS, FILES].iter().zip(answers) {
            api.answers("GET", path, status, body).await;
        }
        let host = api.host().await;
        let dry_run = with_fields(id(), json!({"dry_run": true}));
        let dry_run = host.answer("delete_session", dry_run).await;
        assert_eq!(dry_run["lost"], expected, "{dry_run}");
        let before = api.asked().await.len();
        let deleted = host.answer("delete_session", id()).await;
        assert_eq!(deleted["outcome"], "deleted");
        assert_eq!(deleted["lost"], expected, "{deleted}");
        let mut asked = api.asked().await.split_off(before);
        let read = format!("GET {SESSION}");
        let end = asked.split_off(asked.len() - 3);
        let delete = format!("DELETE {SESSION}");
        assert_eq!(end, [read.clone(), delete, read.clone()], "nothing before the write but that");
        let look = format!("GET {EVENTS}");
        let counts = [&look, &look, &format!("GET {THREADS}"), &format!("GET {FILES}")];
        asked.retain(|each| *each != read);
        asked.sort();
        let mut counts = counts.to_vec();
        counts.sort();
        assert_eq!(asked.iter().collect::<Vec<_>>(), counts);
    }
}

#[tokio::test]
async fn fifty_files_are_named_and_all_of_the_page_are_counted() {
    let api = api().await;
    let long = "x".repeat(5_000);
    let files: Value =
        (0..60).map(|n| with_fields(file(n), json!({"filename": format!("{n}-{long}")}))).collect();
    api.answers("GET", FILES, 200, json!({"data": files})).await;
    let short: Value = (0..60).map(file).collect();
    let host = api.host().await;
    let deleted = host.answer("delete_session", id()).await;
    let lost = &deleted["lost"]["files"];
    assert_eq!(lost["count"], 60);
    let named = lost["first"].as_array().expect("a list").len();
    assert!((30..=50).contains(&named), "{named}");
    assert!(deleted.to_string().len() < 20_000);
    let api = self::api().await;
    api.answers("GET", FILES, 200, json!({"data": short})).await;
    let deleted = api.host().await.answer("delete_session", id()).await;
    assert_eq!(deleted["lost"]["files"]["first"].as_array().map(Vec::len), Some(50));
}

#[tokio::test]
async fn a_service_that_never_counts_does_not_hold_up_the_delete() {
    let api = api().await;
    api.answers("GET", EVENTS, 200, data(events(2)).1).await;
    for path in [THREADS, FILES] {
        let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
        Mock::given(matchers::path(path)).respond_with(slow).mount(&api.0).await;
    }
    let config = with_timeout(config(Flags::default(), &api.url()), Duration::from_secs(2));
    let host = Host::connect(serve(config)).await;
    let deleted = host.answer("delete_session", id()).await;
    assert_eq!(deleted["outcome"], "deleted");
    assert_eq!(deleted["lost"], json!({"events": 2, "at_least": true}));
}

#[tokio::test]
async fn a_count_of_a_session_that_changed_since_is_a_lower_bound() {
    let api = Api::new().await;
    api.accepts_delete(SESSION).await;
    api.answers_once("GET", SESSION, 200, record("idle", false)).await;
    let later = json!({"updated_at": "2026-11-02T09:31:00Z"});
    api.answers("GET", SESSION, 200, with_fields(record("idle", false), later)).await;
    api.answers("GET", EVENTS, 200, data(events(2)).1).await;
    api.answers("GET", FILES, 200, data(json!([file(1)])).1).await;
    let deleted = api.host().await.answer("delete_session", id()).await;
    assert_eq!(deleted["lost"]["at_least"], true);
    assert_eq!(deleted["lost"]["files"]["at_least"], true);
    let mut counts = api.asked().await;
    counts.retain(|each| each.ends_with("/threads") || each.ends_with("/files"));
    assert_eq!(counts.len(), 2, "it is counted once: {counts:?}");
}

#[tokio::test]
async fn a_snapshot_of_what_is_gone_offers_no_operations_and_says_what_it_lacks() {
    let tool = |n: usize| {
        json!({"type": "custom", "name": format!("tool_{n}"), "description": "d",
            "input_schema": {"type": "object", "properties": {"a": {"description": "x".repeat(2_000)}}}})
    };
    for (tools, cut) in [(1, false), (60, true)] {
        let mut record = record("idle", false);
        record["agent"]["tools"] = (0..tools).map(tool).collect();
        let api = Api::with_session(record).await;
        api.accepts_delete(SESSION).await;
        let host = api.host().await;
        for dry_run in [true, false] {
            let arguments = with_fields(id(), json!({"dry_run": dry_run}));
            let answer = host.answer("delete_session", arguments).await;
            assert_eq!(answer["snapshot"]["operations"].is_object(), dry_run, "{answer}");
            let warnings = answer["warnings"].to_string();
            assert_eq!(warnings.contains("snapshot is cut"), cut, "{warnings}");
            if cut {
                let said = if dry_run { "that will be gone" } else { "that is gone" };
                assert!(warnings.contains(said), "{warnings}");
                assert!(warnings.contains(" input_schemas"), "{warnings}");
            }
        }
    }
}

/// What an idle session with an open run and one that has ended tells.
fn paused_run() -> Value {
    let event = |kind: &str, run: &str, minute: u32| {
        json!({"id": format!("evt_{minute}"), "type": format!("workflow_run.{kind}"),
            "workflow_run_id": run, "name": "Audit\u{202e}",
            "processed_at": format!("2026-11-02T09:{minute}:00Z")})
    };
    json!({"data": [
        event("status_ended", "wrun_2", 25), event("status_idle", "wrun_1", 24),
        event("created", "wrun_2", 23), event("created", "wrun_1", 22),
    ]})
}

#[tokio::test]
async fn an_open_workflow_run_is_warned_of_before_and_after_it_is_ended() {
    for tool in ["archive_session", "delete_session"] {
        let api = api().await;
        let archived = json!({"archived_at": "2026-11-03T00:00:00Z"});
        let archived = with_fields(record("idle", false), archived);
        api.answers("POST", &format!("{SESSION}/archive"), 200, archived).await;
        api.answers("GET", EVENTS, 200, paused_run()).await;
        let host = api.host().await;
        for (dry_run, parts) in [
            (true, ["has not ended and ends with it", "workflow_run_open"]),
            (false, ["had not ended and ends with it", "wrun_1 (Audit\\u{202e})"]),
        ] {
            let arguments = with_fields(id(), json!({"dry_run": dry_run}));
            let answer = host.answer(tool, arguments).await;
            let warnings = answer["warnings"].as_array().expect("warnings");
            assert_eq!(warnings.len(), 1, "{tool}: {answer}");
            let warning = warnings[0].as_str().expect("a text");
            assert!(parts.iter().all(|part| warning.contains(part)), "{tool}: {warning}");
            assert!(!warning.contains("wrun_2"), "{tool}: {warning}");
        }
    }
}

#[tokio::test]
async fn a_service_without_workflow_runs_still_tells_what_the_session_waits_for() {
    let api = api().await;
    let unknown = Mock::given(matchers::path(EVENTS))
        .and(matchers::query_param("types[]", "workflow_run.created"));
    let rejected = error("invalid_request_error", "types: unknown value");
    unknown.respond_with(ResponseTemplate::new(400).set_body_json(rejected)).mount(&api.0).await;
    let call = json!({"id": "evt_8", "type": "agent.custom_tool_use", "name": "ask",
        "input": {}, "processed_at": "2026-11-02T09:29:00Z"});
    let reason = json!({"type": "requires_action", "event_ids": ["evt_8"]});
    let idle = json!({"id": "evt_9", "type": "session.status_idle", "stop_reason": reason,
        "processed_at": "2026-11-02T09:29:01Z"});
    api.answers("GET", EVENTS, 200, json!({"data": [idle, call]})).await;
    let answer = api.host().await.answer("delete_session", id()).await;
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("it waits for an answer"), "{warnings}");
}

#[tokio::test]
async fn who_asks_for_a_session_that_this_server_deleted_is_told_so() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let deleted = sandbox_ids(&sandbox, "idle").await.remove(0);
    let by_plan = sandbox_ids(&sandbox, "terminated").await.remove(0);
    host.answer("delete_session", json!({"session_id": deleted})).await;
    let plan = json!({"action": "delete", "session_ids": [by_plan]});
    let plan = host.answer("plan_changes", plan).await;
    let applied = json!({"plan_id": plan["plan_id"]});
    sandbox.forget_requests();
    assert_eq!(host.answer("apply_changes", applied).await["done"], 1);
    let counts = |path: &str| path.ends_with("/threads") || path == "/v1/files";
    assert!(!sandbox.requests().iter().any(|each| counts(&each.path)), "a plan counts nothing");
    let tools = [
        ("get_session", json!({})),
        ("list_session_events", json!({})),
        ("wait_for_session", json!({})),
        ("diagnose_session", json!({})),
        ("archive_session", json!({})),
        ("delete_session", json!({})),
        ("interrupt_session", json!({})),
        ("interrupt_session", json!({"session_thread_id": "sthr_1"})),
        ("update_session", json!({"title": "x"})),
        ("update_session_tools", json!({"mode": "replace", "tools": []})),
    ];
    let other = Host::new(&sandbox.base_url()).await;
    for (tool, arguments) in tools {
        for id in [&deleted, &by_plan] {
            let arguments = with_fields(arguments.clone(), json!({"session_id": id}));
            let failure = host.failure(tool, arguments.clone()).await;
            let start = format!(
                "not_found: session {id} does not exist any more: this server deleted it at 2"
            );
            assert!(failure.starts_with(&start), "{tool}: {failure}");
            assert!(failure.contains("Next: call list_sessions"), "{tool}: {failure}");
            let failure = other.failure(tool, arguments).await;
            assert!(failure.starts_with("not_found: "), "{tool}: {failure}");
            assert!(!failure.contains("deleted"), "another process: {failure}");
        }
    }
    let unknown = host.failure("get_session", json!({"session_id": "sesn_none"})).await;
    assert!(!unknown.contains("deleted"), "{unknown}");
}

#[tokio::test]
async fn answers_of_writes_hold_the_session_in_short() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let idle = sandbox_ids(&sandbox, "idle").await;
    let running = sandbox_ids(&sandbox, "running").await.remove(0);
    let calls = [
        ("update_session", &idle[0], json!({"title": "New", "dry_run": true})),
        ("update_session", &idle[0], json!({"title": "New"})),
        ("update_session_tools", &idle[0], json!({"mode": "replace", "tools": []})),
        ("interrupt_session", &running, json!({"dry_run": true})),
        ("interrupt_session", &running, json!({})),
        ("archive_session", &idle[0], json!({"dry_run": true})),
        ("archive_session", &idle[0], json!({})),
        ("archive_session", &idle[0], json!({})),
    ];
    for (tool, id, arguments) in calls {
        let arguments = with_fields(arguments, json!({"session_id": id}));
        let answer = host.answer(tool, arguments).await;
        let session = answer["session"].as_object().expect("an object");
        assert_eq!(session["id"], **id, "{tool}");
        let mut fields: Vec<_> = session.keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["id", "status", "title", "updated_at"], "{tool}: {answer}");
    }
}
