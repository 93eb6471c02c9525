//! The one step that helps, as a call that would work. What this server has no tool for is an
//! event to send, and where.

use serde_json::{Value, json};

use super::{Answer, Facts, Verdict};

pub(super) fn next(facts: &Facts<'_>, verdict: Verdict) -> String {
    let id = json!({"session_id": facts.session.head.id});
    match verdict {
        Verdict::Working => format!("call wait_for_session with {id}"),
        Verdict::WaitingForConfirmation | Verdict::WaitingForToolResult => answer(facts),
        Verdict::WaitingForMessage => format!(
            "{}; or, if nothing is left to do, call archive_session with {id}",
            send(facts, &message(), "to go on")
        ),
        Verdict::BudgetReached => {
            let cost = facts.session.head.usage.list_cost.as_ref();
            let cost = cost.and_then(super::shown_amount);
            format!(
                "ask whether it may cost more; if so, call update_session with {id} and a budget \
                 above {}, else archive_session",
                cost.as_deref().unwrap_or("what it has cost")
            )
        }
        Verdict::RetriesExhausted => after_error(facts),
        Verdict::Refused => format!(
            "read what led to it: list_session_events with {id}; then {}",
            send(facts, &message(), "to go on in another way")
        ),
        Verdict::StuckRunning | Verdict::ReschedulingLong => format!(
            "call interrupt_session with {}, then diagnose_session again",
            json!({"session_id": facts.session.head.id, "wait_seconds": 20})
        ),
        Verdict::TerminatedError => format!(
            "start a new session for what is left to do; archive_session with {id} puts this one \
             away and keeps its history"
        ),
        Verdict::Archived => format!(
            "nothing can be sent to it any more; list_session_events with {id} reads its history"
        ),
        Verdict::Unknown => format!(
            "call get_session with {}",
            json!({"session_id": facts.session.head.id, "detail": "full"})
        ),
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
        "{place}by POST /v1/sessions/{{id}}/events (SDK: beta.sessions.events.send), send {event} {why}"
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
