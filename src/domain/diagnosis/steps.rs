//! The one step that helps, as a call that would work. What this server has no tool for is an
//! event to send, and where.

use serde_json::{Value, json};

use crate::domain::{
    diagnosis::{Answer, Facts, Verdict},
    step::Step,
};

pub(crate) fn next(facts: &Facts<'_>, verdict: Verdict) -> Step {
    let id = json!({"session_id": facts.session.head.id});
    match verdict {
        Verdict::Working => format!("call wait_for_session with {id}").into(),
        Verdict::WaitingForConfirmation | Verdict::WaitingForToolResult => answer(facts).into(),
        Verdict::WaitingForMessage => {
            let message = send(facts, &message(), "to go on");
            Step::from(format!(
                "{message}; or, if nothing is left to do, call archive_session with {id}"
            ))
            .or(message)
        }
        Verdict::BudgetReached => {
            let cost = facts.session.head.usage.list_cost.as_ref();
            let cost = cost.and_then(super::shown_amount);
            let cost = cost.as_deref().unwrap_or("what it has cost");
            Step::from(format!(
                "ask whether it may cost more; if so, call update_session with {id} and a budget \
                 above {cost}, else archive_session"
            ))
            .or(format!(
                "ask whether it may cost more; if so, its budget must be raised above {cost}"
            ))
        }
        Verdict::RetriesExhausted => after_error(facts).into(),
        Verdict::Refused => format!(
            "read what led to it: list_session_events with {id}; then {}",
            send(facts, &message(), "to go on in another way")
        )
        .into(),
        Verdict::StuckRunning | Verdict::ReschedulingLong => {
            let then = "then call diagnose_session again";
            let interrupt = json!({"type": "user.interrupt"});
            Step::from(format!(
                "call interrupt_session with {}, {then}",
                json!({"session_id": facts.session.head.id, "wait_seconds": 20})
            ))
            .or(format!(
                "{}, {then}",
                send(facts, &interrupt, "to stop its turn")
            ))
        }
        Verdict::TerminatedError => {
            let new = "start a new session for what is left to do";
            Step::from(format!(
                "{new}; archive_session with {id} puts this one away and keeps its history"
            ))
            .or(new)
        }
        Verdict::Archived => format!(
            "nothing can be sent to it any more; list_session_events with {id} reads its history"
        )
        .into(),
        Verdict::Unknown => Step::from(format!(
            "call get_session with {}",
            json!({"session_id": facts.session.head.id, "detail": "full"})
        ))
        .or(format!(
            "call list_session_events with {id} to see what it does"
        )),
    }
}

fn message() -> Value {
    json!({"type": "user.message", "content": [{"type": "text", "text": "…"}]})
}

/// How to answer the first call that waits.
fn answer(facts: &Facts<'_>) -> String {
    let calls = facts.calls();
    let unknown = || calls.first().map(|(id, _)| (*id, Answer::Confirmation));
    let known = || {
        calls
            .iter()
            .filter_map(|(id, call)| Some((*id, Answer::to((*call)?))))
    };
    let confirmation = known().find(|(_, answer)| answer.is_confirmation());
    let (id, answer) = confirmation
        .or_else(|| known().next())
        .or_else(unknown)
        .unwrap_or(("…", Answer::Confirmation));
    let result = json!([{"type": "text", "text": "…"}]);
    match answer {
        Answer::Confirmation => {
            let event =
                json!({"type": "user.tool_confirmation", "tool_use_id": id, "result": "allow"});
            let why = "once a person has decided (\"deny\" takes a deny_message)";
            send(facts, &event, why)
        }
        Answer::CustomResult => {
            let event = json!({"type": "user.custom_tool_result", "custom_tool_use_id": id, "content": result});
            send(facts, &event, "from the program that provides this tool")
        }
        Answer::Result => {
            let event = json!({"type": "user.tool_result", "tool_use_id": id, "content": result});
            send(facts, &event, "from the program that carries out its tools")
        }
    }
}

/// This server sends no such events: where it is done.
fn send(facts: &Facts<'_>, event: &Value, why: &str) -> String {
    let place = match facts.console_url {
        Some(url) => format!("on the console page {url} or "),
        None => String::new(),
    };
    format!(
        "{place}by POST /v1/sessions/{}/events (SDK: beta.sessions.events.send), send {event} {why}",
        facts.session.head.id
    )
}

/// What helps depends on what went wrong.
fn after_error(facts: &Facts<'_>) -> String {
    let error = facts
        .newest("session.error")
        .and_then(|event| event.get("error"));
    let kind = error
        .and_then(|error| error.get("type"))
        .and_then(Value::as_str);
    let first = match kind.unwrap_or_default() {
        kind if kind.starts_with("mcp_") => "see to that MCP server or its credential",
        kind if kind.starts_with("billing") => "see to the organization's billing",
        kind if kind.starts_with("repository") => "see to the repository's access",
        _ => "give it some minutes",
    };
    format!("{first}; then {}", send(facts, &message(), "to try again"))
}
