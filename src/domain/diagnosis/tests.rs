//! At least one case for each verdict.

use serde_json::{Value, json};

use crate::{
    domain::{
        diagnosis::{Facts, diagnose},
        guard::Statuses,
    },
    model::{Event, Session},
};

/// Checks verdict and advice (`found`), and a part of the evidence, of each case; a case may have
/// a session and evidence of its own.
#[track_caller]
fn check(session: &Value, evidence: &str, cases: &Value) {
    for case in cases.as_array().unwrap() {
        let session = case.get("session").unwrap_or(session);
        let session: Session = serde_json::from_str(&session.to_string()).unwrap();
        let events: Vec<Event> = serde_json::from_value(case["events"].clone()).unwrap();
        let found = diagnose(&Facts {
            activity: Statuses::default().activity(&session.head),
            session: &session,
            events: &events,
            threads: &[],
            console_url: None,
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
        });
        let shown = format!("{:?}, {:?}", found.verdict, found.next.advice);
        assert_eq!(case["found"], shown, "{case}");
        let shown = Value::Object(found.evidence).to_string();
        let expected = case["evidence"].as_str().unwrap_or(evidence);
        assert!(shown.contains(expected), "{case}: {shown}");
    }
}

fn session(status: &str, updated: &str) -> Value {
    json!({
        "id": "sesn_1", "status": status, "updated_at": format!("2026-03-01T{updated}Z"),
        "usage": {"list_cost": {"amount": "5001", "currency": "USD"}},
        "budget": {"type": "limit", "max_list_cost": {"amount": "5000", "currency": "USD"}},
    })
}

fn event(id: &str, kind: &str, time: &str) -> Value {
    json!({"id": id, "type": kind, "processed_at": format!("2026-03-01T{time}Z")})
}

fn paused(reason: &str) -> Value {
    let mut event = event("evt_9", "session.status_idle", "11:30:00");
    event["stop_reason"] = json!({"type": reason});
    event
}

fn waits_for(ids: &[&str]) -> Value {
    let mut event = paused("requires_action");
    event["stop_reason"]["event_ids"] = json!(ids);
    event
}

fn calls(id: &str, kind: &str, permission: &str) -> Value {
    let mut event = event(id, kind, "11:29:00");
    event["name"] = json!("bash");
    event["evaluated_permission"] = json!(permission);
    event["input"] = json!({"command": "ls"});
    event
}

fn error(kind: &str, message: &str) -> Value {
    let mut event = event("evt_2", "session.error", "11:40:00");
    event["error"] = json!({"type": kind, "message": message});
    event
}

#[test]
fn a_busy_session_is_working_until_it_has_been_quiet_for_15_minutes() {
    let running = |time| event("evt_1", "session.status_running", time);
    let old = session("running", "08:00:00");
    check(
        &old,
        "",
        &json!([
            {"events": [running("11:50:00")], "found": "Working, Wait", "evidence": "10m"},
            {"events": [running("11:44:59")], "found": "StuckRunning, Interrupt",
             "evidence": r#""quiet_for":"15m 1s""#},
            {"events": [], "found": "StuckRunning, Interrupt", "evidence": r#""quiet_for":"4h""#},
            {"session": session("running", "11:59:00"), "events": [], "found": "Working, Wait"},
            {"session": {"id": "s", "status": "running"}, "events": [], "found": "Working, Wait"},
        ]),
    );
    let retries = event("evt_3", "session.status_rescheduled", "11:40:00");
    let overloaded = error("model_overloaded_error", "Overloaded.");
    check(
        &session("rescheduling", "11:59:00"),
        "",
        &json!([
            {"events": [retries, overloaded], "found": "ReschedulingLong, Interrupt",
             "evidence": r#""rescheduling_for":"20m""#},
            {"events": [], "found": "Working, Wait"},
        ]),
    );
}

#[test]
fn an_idle_session_waits_for_what_its_newest_pause_says() {
    let asks = calls("evt_8", "agent.tool_use", "ask");
    let custom = calls("evt_7", "agent.custom_tool_use", "");
    let elsewhere = calls("evt_6", "agent.tool_use", "allow");
    let mut answer = event("evt_10", "user.tool_confirmation", "11:59:00");
    answer["tool_use_id"] = json!("evt_8");
    let confirmation =
        |id| format!("WaitingForConfirmation, Answer {{ event_id: {id:?}, kind: Confirmation }}");
    let result =
        |id, kind| format!("WaitingForToolResult, Answer {{ event_id: {id:?}, kind: {kind} }}");
    let source = |source| format!("RetriesExhausted, RetryAfterError({source})");
    check(
        &session("idle", "11:30:00"),
        r#""age":"30m""#,
        &json!([
            {"events": [waits_for(&["evt_8"]), asks], "found": confirmation("evt_8")},
            {"events": [waits_for(&["evt_gone"])], "found": confirmation("evt_gone")},
            {"events": [waits_for(&["evt_7"]), custom], "found": result("evt_7", "CustomToolResult")},
            {"events": [waits_for(&["evt_6"]), elsewhere], "found": result("evt_6", "ToolResult")},
            {"events": [waits_for(&["evt_7", "evt_8"]), asks, custom], "found": confirmation("evt_8")},
            {"events": [answer, waits_for(&["evt_8"]), asks], "found": "Working, Wait"},
            {"events": [paused("end_turn")], "found": "WaitingForMessage, ContinueOrArchive"},
            {"events": [paused("budget_reached")],
             "found": r#"BudgetReached, RaiseBudgetOrArchive(Some("50.01 USD"))"#},
            {"events": [paused("retries_exhausted")], "found": source("Other")},
            {"events": [paused("retries_exhausted"), error("mcp_connection_failed_error", "")],
             "found": source("McpServer")},
            {"events": [paused("retries_exhausted"), error("billing_error", "")],
             "found": source("Billing")},
            {"events": [paused("refusal")], "found": "Refused, Rephrase"},
            {"events": [paused("galaxy")], "found": "Unknown, Inspect"},
        ]),
    );
}

#[test]
fn a_raised_budget_no_longer_counts_as_reached() {
    let mut raised = session("idle", "11:59:00");
    raised["budget"]["max_list_cost"]["amount"] = json!("5002");
    check(
        &raised,
        "",
        &json!([
            {"events": [paused("budget_reached")], "found": "WaitingForMessage, ContinueOrArchive"},
        ]),
    );
}

#[test]
fn other_states_have_verdicts_of_their_own() {
    let mut archived = session("running", "11:59:00");
    archived["archived_at"] = json!("2026-03-01T11:59:00Z");
    let error = error("unknown_error", &"m".repeat(400));
    check(
        &archived,
        "",
        &json!([
            {"events": [], "found": "Archived, ReadHistory"},
            {"session": session("terminated", "11:40:00"), "events": [error],
             "found": "TerminatedError, Replace", "evidence": r#""cut":"#},
            {"session": session("paused", "11:40:00"), "events": [],
             "found": "Unknown, Inspect", "evidence": "paused"},
            {"session": session("idle", "11:40:00"), "events": [],
             "found": "WaitingForMessage, ContinueOrArchive"},
        ]),
    );
}

#[test]
fn a_running_session_can_wait_for_one_of_its_threads() {
    let mut waits = waits_for(&["evt_8"]);
    waits["type"] = json!("session.thread_status_idle");
    let found = r#"WaitingForConfirmation, Answer { event_id: "evt_8", kind: Confirmation }"#;
    check(
        &session("running", "11:00:00"),
        r#""tool":"bash""#,
        &json!([
            {"events": [waits, calls("evt_8", "agent.mcp_tool_use", "ask")], "found": found},
        ]),
    );
}
