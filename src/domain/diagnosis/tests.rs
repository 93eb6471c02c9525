//! One case at least for each verdict.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    domain::{
        diagnosis::{Facts, Verdict, age, diagnose},
        guard::Statuses,
        step::LeftOut,
    },
    model::{Event, Session},
};

#[expect(
    clippy::needless_pass_by_value,
    reason = "a table reads better without borrowing"
)]
fn check(session: Value, events: &[Value], verdict: Verdict, evidence: &str, next: &str) {
    let events: Vec<Event> = events
        .iter()
        .map(|event| event.as_object().unwrap().clone())
        .collect();
    let session: Session = serde_json::from_str(&session.to_string()).unwrap();
    let found = diagnose(&Facts {
        state: Statuses::default().state(&session.head),
        session: &session,
        events: &events,
        threads: &[],
        console_url: None,
        now: "2026-03-01T12:00:00Z".parse().unwrap(),
    });
    let shown = Value::Object(found.evidence).to_string();
    assert_eq!(found.verdict, verdict, "{shown}");
    assert!(shown.contains(evidence), "{shown}");
    let step = found.next.on(&LeftOut::default());
    assert!(step.contains(next), "{step}");
    assert!(!step.contains("{id}"), "{step}");
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

#[test]
fn a_busy_session_works_until_it_has_been_quiet_for_a_quarter_of_an_hour() {
    let running = |time| event("evt_1", "session.status_running", time);
    let old = session("running", "08:00:00");
    check(
        old.clone(),
        &[running("11:50:00")],
        Verdict::Working,
        "10m",
        "wait_for_session",
    );
    let stuck = r#""quiet_for":"15m 1s""#;
    check(
        old.clone(),
        &[running("11:44:59")],
        Verdict::StuckRunning,
        stuck,
        "interrupt_session",
    );
    check(
        old,
        &[],
        Verdict::StuckRunning,
        r#""quiet_for":"4h""#,
        "interrupt_session",
    );
    check(
        session("running", "11:59:00"),
        &[],
        Verdict::Working,
        "",
        "",
    );
    check(
        json!({"id": "s", "status": "running"}),
        &[],
        Verdict::Working,
        "",
        "",
    );

    let mut error = event("evt_2", "session.error", "11:40:00");
    error["error"] = json!({"type": "model_overloaded_error", "message": "Overloaded."});
    let retries = event("evt_3", "session.status_rescheduled", "11:40:00");
    let long = r#""rescheduling_for":"20m""#;
    let events = [retries, error];
    check(
        session("rescheduling", "11:59:00"),
        &events,
        Verdict::ReschedulingLong,
        long,
        "interrupt",
    );
    check(
        session("rescheduling", "11:59:00"),
        &[],
        Verdict::Working,
        "",
        "wait_for_session",
    );
}

#[test]
fn an_idle_session_says_what_it_waits_for() {
    let idle = || session("idle", "11:30:00");
    let asks = calls("evt_8", "agent.tool_use", "ask");
    let custom = calls("evt_7", "agent.custom_tool_use", "");
    let elsewhere = calls("evt_6", "agent.tool_use", "allow");
    let check = |events: &[Value], verdict, next: &str| {
        check(idle(), events, verdict, r#""age":"30m""#, next);
    };
    let (confirm, result) = (
        Verdict::WaitingForConfirmation,
        Verdict::WaitingForToolResult,
    );
    check(
        &[waits_for(&["evt_8"]), asks.clone()],
        confirm,
        r#""tool_use_id":"evt_8","result":"allow""#,
    );
    check(
        &[waits_for(&["evt_gone"])],
        confirm,
        r#""tool_use_id":"evt_gone""#,
    );
    check(
        &[waits_for(&["evt_7"]), custom.clone()],
        result,
        r#""custom_tool_use_id":"evt_7""#,
    );
    check(
        &[waits_for(&["evt_6"]), elsewhere],
        result,
        r#""type":"user.tool_result""#,
    );
    check(
        &[waits_for(&["evt_7", "evt_8"]), asks.clone(), custom],
        confirm,
        r#""evt_8""#,
    );
    let mut answer = event("evt_10", "user.tool_confirmation", "11:59:00");
    answer["tool_use_id"] = json!("evt_8");
    check(
        &[answer, waits_for(&["evt_8"]), asks],
        Verdict::Working,
        "wait_for_session",
    );
    check(
        &[paused("end_turn")],
        Verdict::WaitingForMessage,
        "user.message",
    );
    check(
        &[paused("budget_reached")],
        Verdict::BudgetReached,
        "above 50.01 USD",
    );
    check(
        &[paused("retries_exhausted")],
        Verdict::RetriesExhausted,
        "user.message",
    );
    check(
        &[paused("refusal")],
        Verdict::Refused,
        "list_session_events",
    );
    check(&[paused("galaxy")], Verdict::Unknown, "get_session");
}

#[test]
fn a_budget_that_was_raised_holds_nobody_up() {
    let mut raised = session("idle", "11:59:00");
    raised["budget"]["max_list_cost"]["amount"] = json!("5002");
    let events = [paused("budget_reached")];
    check(
        raised,
        &events,
        Verdict::WaitingForMessage,
        "",
        "user.message",
    );
}

#[test]
fn other_states_are_verdicts_of_their_own() {
    let mut archived = session("running", "11:59:00");
    archived["archived_at"] = json!("2026-03-01T11:59:00Z");
    check(archived, &[], Verdict::Archived, "", "list_session_events");
    let mut error = event("evt_2", "session.error", "11:40:00");
    error["error"] = json!({"type": "unknown_error", "message": "m".repeat(400)});
    let cut = r#""cut":"#;
    check(
        session("terminated", "11:40:00"),
        &[error],
        Verdict::TerminatedError,
        cut,
        "archive_session",
    );
    check(
        session("paused", "11:40:00"),
        &[],
        Verdict::Unknown,
        "paused",
        "get_session",
    );
    check(
        session("idle", "11:40:00"),
        &[],
        Verdict::WaitingForMessage,
        "",
        "user.message",
    );
}

#[test]
fn a_running_session_whose_thread_waits_says_so() {
    let mut waits = waits_for(&["evt_8"]);
    waits["type"] = json!("session.thread_status_idle");
    let events = [waits, calls("evt_8", "agent.mcp_tool_use", "ask")];
    let verdict = Verdict::WaitingForConfirmation;
    check(
        session("running", "11:00:00"),
        &events,
        verdict,
        r#""tool":"bash""#,
        "evt_8",
    );
}

#[test]
fn an_age_has_two_units_at_most() {
    let check = |seconds, expected: &str| {
        assert_eq!(age(SignedDuration::from_secs(seconds)), expected);
    };
    check(0, "0s");
    check(-5, "0s");
    check(59, "59s");
    check(3_600, "1h");
    check(3_601, "1h");
    check(90_061, "1d 1h");
    check(843, "14m 3s");
}
