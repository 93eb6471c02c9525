//! At least one case for each verdict.

use serde_json::{Value, json};

use managed_sessions_mcp::{
    domain::{
        diagnosis::{Facts, diagnose},
        guard::Statuses,
    },
    model::{Event, Session},
};

/// The diagnosis of each case of a session, its events and its threads.
fn page(cases: &Value) -> String {
    let diagnosis = |case: &Value| {
        let session: Session = serde_json::from_str(&case[0].to_string()).unwrap();
        let events: Vec<Event> = serde_json::from_value(case[1].clone()).unwrap();
        let threads: Vec<Event> = serde_json::from_value(case[2].clone()).unwrap_or_default();
        let found = diagnose(&Facts {
            activity: Statuses::default().activity(&session.head),
            session: &session,
            events: &events,
            threads: &threads,
            thread_events: &[],
            console_url: None,
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
        });
        let (verdict, advice) = (found.verdict, found.next.advice);
        let evidence = Value::Object(found.evidence);
        format!("{verdict:?}, {advice:?}\n  {evidence}")
    };
    let cases: Vec<String> = cases.as_array().unwrap().iter().map(diagnosis).collect();
    cases.join("\n")
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
    let retries = event("evt_3", "session.status_rescheduled", "11:40:00");
    let overloaded = error("model_overloaded_error", "Overloaded.");
    let old = session("running", "08:00:00");
    insta::assert_snapshot!(page(&json!([
        [old, [running("11:50:00")]],
        [old, [running("11:44:59")]],
        [old, []],
        [session("running", "11:59:00"), []],
        [{"id": "s", "status": "running"}, []],
        [session("rescheduling", "11:59:00"), [retries, overloaded]],
        [session("rescheduling", "11:59:00"), []],
    ])));
}

#[test]
fn an_idle_session_waits_for_what_its_newest_pause_says() {
    let idle = session("idle", "11:30:00");
    let asks = calls("evt_8", "agent.tool_use", "ask");
    let custom = calls("evt_7", "agent.custom_tool_use", "");
    let elsewhere = calls("evt_6", "agent.tool_use", "allow");
    let mut answer = event("evt_10", "user.tool_confirmation", "11:59:00");
    answer["tool_use_id"] = json!("evt_8");
    let failed = paused("retries_exhausted");
    let mut raised = idle.clone();
    raised["budget"]["max_list_cost"]["amount"] = json!("5002");
    insta::assert_snapshot!(page(&json!([
        [idle, [waits_for(&["evt_8"]), asks]],
        [idle, [waits_for(&["evt_gone"])]],
        [idle, [waits_for(&["evt_7"]), custom]],
        [idle, [waits_for(&["evt_6"]), elsewhere]],
        [idle, [waits_for(&["evt_7", "evt_8"]), asks, custom]],
        [idle, [answer, waits_for(&["evt_8"]), asks]],
        [idle, [paused("end_turn")]],
        [idle, [paused("budget_reached")]],
        [raised, [paused("budget_reached")]],
        [idle, [failed]],
        [idle, [failed, error("mcp_connection_failed_error", "")]],
        [idle, [failed, error("billing_error", "")]],
        [idle, [paused("refusal")]],
        [idle, [paused("galaxy")]],
        [idle, []],
    ])));
}

fn with(mut event: Value, fields: &[(&str, Value)]) -> Value {
    for (name, value) in fields {
        event[*name] = value.clone();
    }
    event
}

fn of_thread(call: Value) -> Value {
    with(call, &[("session_thread_id", json!("sthr_2"))])
}

fn thread(status: &str, updated: &str) -> Value {
    json!({"id": "sthr_2", "status": status, "agent": {"name": "Reviewer"},
        "updated_at": format!("2026-03-01T{updated}Z")})
}

#[test]
fn a_waiting_call_of_any_thread_counts_whatever_the_coordinator_does() {
    let running = session("running", "11:00:00");
    let busy = event("evt_20", "agent.message", "11:59:50");
    let asks = of_thread(calls("evt_8", "agent.tool_use", "ask"));
    let custom = of_thread(calls("evt_7", "agent.custom_tool_use", ""));
    let request = event("evt_19", "span.model_request_start", "11:59:49");
    let allowed = with(
        event("evt_10", "user.tool_confirmation", "11:59:00"),
        &[("tool_use_id", json!("evt_8")), ("result", json!("allow"))],
    );
    let result =
        with(event("evt_11", "agent.tool_result", "11:59:01"), &[("tool_use_id", json!("evt_8"))]);
    let ended = of_thread(with(
        event("evt_12", "session.thread_status_idle", "11:59:02"),
        &[("stop_reason", json!({"type": "end_turn"}))],
    ));
    let interrupt = event("evt_13", "user.interrupt", "11:59:03");
    insta::assert_snapshot!(page(&json!([
        [running, [busy, request, asks]],
        [running, [busy, request, custom]],
        [session("rescheduling", "11:59:00"), [busy, asks]],
        [session("idle", "11:59:00"), [paused("end_turn"), asks]],
        [running, [busy, allowed, asks]],
        [running, [busy, result, allowed, asks]],
        [running, [busy, ended, asks]],
        [running, [busy, interrupt, asks]],
    ])));
}

#[test]
fn a_sign_of_life_anywhere_counts() {
    let running = session("running", "08:00:00");
    let quiet = event("evt_1", "agent.message", "10:00:00");
    let call = calls("evt_8", "agent.tool_use", "allow");
    let request = event("evt_19", "span.model_request_start", "11:29:30");
    let run = |kind: &str, time| {
        let event = event("evt_30", &format!("workflow_run.{kind}"), time);
        with(event, &[("workflow_run_id", json!("wrun_1")), ("name", json!("Audit"))])
    };
    let created = run("created", "11:00:00");
    insta::assert_snapshot!(page(&json!([
        [running, [quiet], [thread("running", "11:59:57")]],
        [running, [quiet], [thread("running", "10:00:00")]],
        [running, [call]],
        [running, [request, call]],
        [running, [run("status_running", "11:20:00"), created]],
        [running, [run("status_idle", "11:20:00"), created]],
        [running, [run("status_ended", "11:20:00"), created]],
        [
            session("idle", "11:20:00"),
            [paused("end_turn"), run("status_idle", "11:20:00"), created]
        ],
        [
            session("idle", "11:20:00"),
            [paused("end_turn"), run("status_ended", "11:20:00"), created]
        ],
    ])));
}

#[test]
fn what_an_idle_session_says_is_compared_with_its_events() {
    let idle = session("idle", "11:30:00");
    let asks = calls("evt_8", "agent.tool_use", "ask");
    let answer = |time| {
        with(
            event("evt_10", "user.tool_confirmation", time),
            &[("tool_use_id", json!("evt_8")), ("result", json!("deny"))],
        )
    };
    let recorded = |reason: Value| with(idle.clone(), &[("stop_reason", reason)]);
    let bare = with(paused(""), &[("stop_reason", json!("interrupted"))]);
    let started = event("evt_3", "session.status_running", "11:20:00");
    let interrupt = event("evt_4", "user.interrupt", "11:29:00");
    let failed = |id: &str, kind: &str| {
        let error = json!({"type": kind, "mcp_server_name": "linear", "message": "No."});
        with(event(id, "session.error", "11:25:00"), &[("error", error)])
    };
    let server = failed("evt_5", "mcp_authentication_failed_error");
    let unlimited = with(
        idle.clone(),
        &[("budget", Value::Null), ("updated_at", json!("2026-03-01T11:59:30Z"))],
    );
    insta::assert_snapshot!(page(&json!([
        [idle, [waits_for(&[]), asks]],
        [idle, [paused("requires_action"), asks]],
        [idle, [waits_for(&[])]],
        [idle, [answer("11:00:00"), waits_for(&["evt_8"]), asks]],
        [recorded(json!({"type": "requires_action", "event_ids": ["evt_8"]})), [asks]],
        [recorded(json!("requires_action")), [asks]],
        [recorded(json!("end_turn")), []],
        [idle, [bare]],
        [idle, [paused("end_turn"), interrupt, started]],
        [idle, [paused("end_turn"), server, server, started, failed("evt_0", "billing_error")]],
        [idle, [event("evt_40", "session.status_running", "11:59:30"), paused("end_turn")]],
        [unlimited, [paused("budget_reached")]],
    ])));
}

#[test]
fn other_states_have_verdicts_of_their_own() {
    let mut archived = session("running", "11:59:00");
    archived["archived_at"] = json!("2026-03-01T11:59:00Z");
    let long = error("unknown_error", &"m".repeat(400));
    let mut thread_waits = waits_for(&["evt_8"]);
    thread_waits["type"] = json!("session.thread_status_idle");
    let call = calls("evt_8", "agent.mcp_tool_use", "ask");
    insta::assert_snapshot!(page(&json!([
        [archived, []],
        [session("terminated", "11:40:00"), [long]],
        [session("terminated", "11:40:00"), []],
        [session("paused", "11:40:00"), []],
        [session("running", "11:00:00"), [thread_waits, call]],
    ])));
}
