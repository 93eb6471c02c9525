//! What a verdict rests on.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    domain::{
        diagnosis::{facts::Facts, verdict::Verdict},
        events,
        guard::Activity,
        text, time,
        view::row::{shown_amount, status},
    },
    model::Event,
};

/// Longest value of an event shown, in characters.
const SHOWN_CHARACTERS: usize = 300;
/// Longest agent name of a thread shown, in characters.
const AGENT_CHARACTERS: usize = 80;
/// How many waiting calls and threads are named.
const NAMED: usize = 10;

/// The facts that matter for the verdict; what is unknown is left out.
pub(crate) fn evidence(facts: &Facts<'_>, verdict: Verdict) -> Map<String, Value> {
    let head = &facts.session.head;
    let mut evidence = Map::new();
    let mut add = |name: &str, value: Value| {
        if !value.is_null() {
            evidence.insert(name.to_owned(), value);
        }
    };
    add("status", json!(status(head)));
    if let (Activity::Idle, Some(pause)) = (facts.activity, facts.pause()) {
        add("stopped", event(facts, pause));
    }
    match verdict {
        Verdict::WaitingForConfirmation | Verdict::WaitingForToolResult => {
            let calls = facts.calls();
            let named = calls.iter().take(NAMED).map(|(id, call)| match call {
                Some(call) => event(facts, call),
                None => json!({"id": id}),
            });
            add("waiting", named.collect());
            let more = calls.len().saturating_sub(NAMED);
            if more > 0 {
                add("waiting_more", more.into());
            }
        }
        Verdict::RetriesExhausted | Verdict::TerminatedError | Verdict::ReschedulingLong => {
            if let Some(error) = facts.newest("session.error") {
                add("error", event(facts, error));
            }
        }
        Verdict::BudgetReached => {
            let budget = facts.session.budget();
            add("budget", json!(budget.as_ref().and_then(shown_amount)));
            let cost = head.usage.list_cost.as_ref();
            add("list_cost", json!(cost.and_then(shown_amount)));
        }
        _ => {}
    }
    if verdict == Verdict::ReschedulingLong {
        add("rescheduling_for", age(facts, facts.rescheduled_at()));
    }
    if let Some(newest) = facts.events.first() {
        let mut newest = event(facts, newest);
        if let Value::Object(fields) = &mut newest {
            fields.retain(|name, _| ["id", "type", "at", "age", "tool"].contains(&name.as_str()));
        }
        add("last_event", newest);
    }
    add("quiet_for", age(facts, facts.last_activity()));
    add("threads", busy_threads(facts));
    evidence
}

/// The event as lists show it, with its age.
fn event(facts: &Facts<'_>, event: &Event) -> Value {
    let mut shown = events::shown(event, SHOWN_CHARACTERS);
    if let age @ Value::String(_) = age(facts, events::at(event)) {
        shown.insert("age".to_owned(), age);
    }
    Value::Object(shown)
}

/// The threads that are not idle, if the session has several.
fn busy_threads(facts: &Facts<'_>) -> Value {
    let thread = |thread: &Event| {
        let status = events::text(thread, "status").unwrap_or_default();
        let agent = thread.get("agent").and_then(|agent| agent.get("name"));
        let agent = agent.and_then(Value::as_str);
        let agent = agent.map(|name| text::shortened(name, AGENT_CHARACTERS));
        let shown = json!({"id": thread.get("id"), "status": status, "agent": agent});
        (status != "idle").then_some(shown)
    };
    let busy = facts.threads.iter().filter_map(thread).take(NAMED);
    let busy: Vec<Value> = busy.collect();
    if facts.threads.len() < 2 || busy.is_empty() {
        return Value::Null;
    }
    busy.into()
}

fn age(facts: &Facts<'_>, since: Option<Timestamp>) -> Value {
    json!(since.map(|since| time::compact(facts.now.duration_since(since))))
}
