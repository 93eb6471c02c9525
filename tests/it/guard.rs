//! What the guard refuses and what is waited for: every cell of its matrix, and every race with
//! the session and with the API.

mod details;
mod disabled_tools;
mod doubt;
mod interleavings;
mod races;
mod unseen;
mod wording;

use futures_util::future::join_all;
use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};

use crate::{
    reply::Reply,
    support::{Api, session, with_fields},
};

/// The guarded calls, with what they need beside the session's id.
fn guarded_calls() -> [(&'static str, Value); 6] {
    let server = json!({"type": "url", "name": "x", "url": "https://example.com"});
    [
        ("update_session_tools", json!({"mcp_servers": [server]})),
        ("archive_session", json!({})),
        ("delete_session", json!({})),
        ("interrupt_session", json!({})),
        ("update_session", json!({"title": "New"})),
        ("update_session", json!({"budget": "90.00 USD"})),
    ]
    .map(|(tool, arguments)| (tool, with_fields(json!({"session_id": "sesn_1"}), arguments)))
}

/// Session `sesn_1` with a budget, as the API sends it.
fn record(status: &str, archived: bool) -> Value {
    let at = archived.then_some("2026-11-02T09:30:00Z");
    let budget = json!({"type": "limit", "max_list_cost": {"amount": "5000", "currency": "USD"}});
    with_fields(session("sesn_1", status), json!({"archived_at": at, "budget": budget}))
}

/// An API with one session that accepts every guarded call, whatever the session's status.
async fn accepting(record: &Value) -> Api {
    let api = Api::with_session(record.clone()).await;
    let mut updated = record.clone();
    updated["title"] = "New".into();
    updated["budget"]["max_list_cost"]["amount"] = "9000".into();
    updated["agent"]["mcp_servers"] = guarded_calls()[0].1["mcp_servers"].clone();
    let archived = json!({"archived_at": "2026-11-03T00:00:00Z"});
    let archived = with_fields(record.clone(), archived);
    let session = "/v1/sessions/sesn_1";
    for (method, path, body) in [
        ("POST", session.to_owned(), updated),
        ("POST", format!("{session}/archive"), archived),
        ("POST", format!("{session}/events"), json!({"data": []})),
    ] {
        api.answers(method, &path, 200, body).await;
    }
    api.accepts_delete(session).await;
    api
}

/// Of a session in each status, archived or not: the outcome of an update of its tools, of
/// archiving, deleting and interrupting it, and of an update of its title and of its budget.
const MATRIX: &str = "
idle          open      updated              archived             deleted              nothing_to_do       updated           updated
running       open      session_running      session_running      session_running      interrupt_sent      updated           updated
rescheduling  open      session_rescheduling session_rescheduling session_rescheduling interrupt_sent      updated           updated
terminated    open      session_terminated   archived             deleted              session_terminated  updated           session_terminated
hibernating   open      status_unrecognized  status_unrecognized  status_unrecognized  interrupt_sent      updated           updated
idle          archived  session_archived     already_archived     deleted              session_archived    session_archived  session_archived
running       archived  session_archived     already_archived     session_running      session_archived    session_archived  session_archived
rescheduling  archived  session_archived     already_archived     session_rescheduling session_archived    session_archived  session_archived
terminated    archived  session_archived     already_archived     deleted              session_archived    session_archived  session_archived
hibernating   archived  session_archived     already_archived     status_unrecognized  session_archived    session_archived  session_archived
";
/// Outcomes of calls that send a write, and only one.
const SENT: [&str; 5] = ["updated", "archived", "deleted", "interrupted", "interrupt_sent"];

#[tokio::test]
async fn every_cell_of_the_matrix_holds_and_a_refusal_sends_nothing() {
    let rows = MATRIX.lines().filter(|row| !row.is_empty()).map(async |row| {
        let cells: Vec<&str> = row.split_whitespace().collect();
        let api = accepting(&record(cells[0], cells[1] == "archived")).await;
        let host = api.host().await;
        assert_eq!(cells.len(), 2 + guarded_calls().len(), "{row}");
        for ((tool, arguments), expected) in guarded_calls().into_iter().zip(&cells[2..]) {
            let before = api.writes().await.len();
            let outcome = host.outcome(tool, arguments).await;
            assert_eq!(outcome, *expected, "{tool}: {row}");
            let sent = api.writes().await.len() - before;
            assert_eq!(sent, usize::from(SENT.contains(expected)), "{tool}: {row}");
        }
    });
    join_all(rows).await;
}

#[tokio::test]
async fn a_status_declared_idle_is_as_safe_as_idle() {
    let api = accepting(&record("hibernating", false)).await;
    let flags = Flags { idle_status: vec!["hibernating".to_owned()], ..Flags::default() };
    let host = api.host_with(flags).await;
    let archive = json!({"session_id": "sesn_1"});
    assert_eq!(host.outcome("archive_session", archive).await, "archived");
    let tools = host.tools().await;
    let list = tools.iter().find(|tool| tool.name == "list_sessions");
    let schema = &list.expect("it is offered").input_schema["properties"];
    let statuses = schema["statuses"]["items"]["enum"].to_string();
    assert!(statuses.contains("hibernating"), "{statuses}");
}

#[tokio::test]
async fn a_dry_run_reports_what_would_happen_and_sends_nothing() {
    let refused = ["session_running"; 3];
    let possible = ["would_update", "would_archive", "would_delete"];
    for (status, if_busy, expected, first) in [
        ("idle", "refuse", possible, None),
        ("idle", "interrupt", possible, None),
        ("running", "refuse", refused, None),
        ("running", "interrupt", possible, Some("interrupt")),
        ("rescheduling", "wait", possible, Some("wait")),
    ] {
        let api = accepting(&record(status, false)).await;
        let host = api.host().await;
        for ((tool, arguments), expected) in guarded_calls().into_iter().zip(expected) {
            let more = json!({"if_busy": if_busy, "dry_run": true});
            let reads = api.asked().await.len();
            let reply = host.call(tool, with_fields(arguments, more)).await;
            assert_eq!(reply.outcome(), expected, "{tool} {status} {if_busy}");
            if let Reply::Answer(answer) = reply {
                let said = answer.get("first").and_then(Value::as_str);
                assert_eq!(said, first, "{tool} {status} {if_busy}");
                let is_at_once = first.is_none() || api.asked().await.len() == reads + 1;
                assert!(is_at_once, "{tool}: {:?}", api.asked().await.split_off(reads));
            }
        }
        assert_eq!(api.writes().await, [""; 0]);
    }
    let api = accepting(&record("running", false)).await;
    let host = api.host().await;
    for (tool, arguments) in guarded_calls().into_iter().skip(3) {
        let arguments = with_fields(arguments, json!({"dry_run": true}));
        let outcome = host.outcome(tool, arguments).await;
        assert!(outcome.starts_with("would_"), "{tool}: {outcome}");
    }
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn an_expected_updated_at_must_match_the_session() {
    for (expected, outcome) in [
        ("2026-11-02T09:30:00.500Z", "archived"),
        ("2026-11-02T10:30:00.5+01:00", "archived"),
        // As rows show it: to the second.
        ("2026-11-02T09:30:00Z", "archived"),
        ("2026-11-02T09:30:01Z", "session_changed"),
        ("2026-11-02T09:30:00.400Z", "session_changed"),
    ] {
        let api = accepting(&record("idle", false)).await;
        let arguments = json!({"session_id": "sesn_1", "expected_updated_at": expected});
        let archived = api.host().await.outcome("archive_session", arguments).await;
        assert_eq!(archived, outcome, "{expected}");
        let sent = api.writes().await.len();
        assert_eq!(sent, usize::from(outcome == "archived"));
    }
}

#[tokio::test]
async fn a_service_that_accepts_a_write_and_ignores_it_is_noticed() {
    let record = record("idle", false);
    let api = Api::with_session(record.clone()).await;
    for path in ["/v1/sessions/sesn_1", "/v1/sessions/sesn_1/archive"] {
        api.answers("POST", path, 200, record.clone()).await;
    }
    let host = api.host().await;
    for (tool, arguments) in guarded_calls() {
        let expected = match tool {
            "delete_session" => continue,
            "interrupt_session" => "nothing_to_do",
            _ => "not_applied",
        };
        assert_eq!(host.outcome(tool, arguments).await, expected, "{tool}");
    }
}

#[tokio::test]
async fn a_delete_whose_answer_confirms_nothing_is_verified_by_a_read() {
    for (still_there, outcome) in [(true, "not_applied"), (false, "deleted")] {
        let api = Api::new().await;
        let path = "/v1/sessions/sesn_1";
        let reads = if still_there { u64::MAX } else { 2 };
        let record = record("idle", false);
        api.answers_times(reads, ("GET", path), 200, record).await;
        api.answers("DELETE", path, 200, json!({})).await;
        let host = api.host().await;
        let deleted = host.outcome("delete_session", json!({"session_id": "sesn_1"}));
        assert_eq!(deleted.await, outcome);
    }
}

#[tokio::test]
async fn a_record_of_another_session_is_a_bad_response() {
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions/sesn_2", 200, record("idle", false)).await;
    let host = api.host().await;
    let deleted = host.outcome("delete_session", json!({"session_id": "sesn_2"}));
    assert_eq!(deleted.await, "bad_response");
    assert_eq!(api.writes().await, [""; 0]);
}
