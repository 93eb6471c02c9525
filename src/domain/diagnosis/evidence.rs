//! What a verdict rests on.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    domain::{
        diagnosis::{
            calls::OpenCall,
            facts::{Facts, updated_at},
            runs::OpenRun,
            verdict::Verdict,
        },
        events,
        guard::Activity,
        text, time,
        view::row::{shown_amount, status},
    },
    model::Event,
};

/// Longest value of an event shown, in characters.
const SHOWN_CHARACTERS: usize = 300;
/// Longest name of an agent or a run shown, in characters.
const NAME_CHARACTERS: usize = 80;
/// How many calls, runs and threads are named.
const NAMED: usize = 10;
/// How many errors are shown.
const ERRORS: usize = 3;

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
    if facts.activity == Activity::Idle {
        match (facts.pause(), facts.recorded_pause()) {
            (Some(pause), _) => add("stopped", event(facts, pause)),
            (None, Some(reason)) => add("stop_reason", reason.clone()),
            (None, None) => {}
        }
    }
    let waiting = facts.waiting_calls();
    if matches!(verdict, Verdict::WaitingForConfirmation | Verdict::WaitingForToolResult) {
        let call = |call: &OpenCall<'_>| match call.event {
            Some(known) => event(facts, known),
            None => json!({"id": call.id}),
        };
        let named: Vec<Value> = waiting.iter().take(NAMED).map(call).collect();
        add("waiting", named.into());
        add("waiting_more", more(waiting.len()));
    }
    let running = facts.running_calls();
    if verdict == Verdict::ToolRunning {
        let call = |(call, thread): &(&Event, Option<&str>)| {
            let mut shown = event(facts, call);
            if let (Value::Object(shown), Some(thread)) = (&mut shown, thread) {
                shown.insert("session_thread_id".to_owned(), json!(thread));
            }
            shown
        };
        let named: Vec<Value> = running.iter().take(NAMED).map(call).collect();
        add("running_calls", named.into());
        add("running_calls_more", more(running.len()));
    }
    let errors = errors(facts, verdict);
    if !errors.is_empty() {
        let shown = errors.iter().take(ERRORS).map(|error| event(facts, error));
        add("errors", shown.collect());
    }
    if verdict == Verdict::BudgetReached || facts.stop_reason() == Some("budget_reached") {
        let budget = facts.session.budget();
        add("budget", json!(budget.as_ref().and_then(shown_amount)));
        let cost = head.usage.list_cost.as_ref();
        add("list_cost", json!(cost.and_then(shown_amount)));
    }
    if verdict == Verdict::ReschedulingLong {
        add("rescheduling_for", age(facts, facts.rescheduled_at()));
    }
    add("workflow_runs", runs(facts));
    if let Some(newest) = facts.events.first() {
        let mut newest = event(facts, newest);
        if let Value::Object(fields) = &mut newest {
            fields.retain(|name, _| ["id", "type", "at", "age", "tool"].contains(&name.as_str()));
        }
        add("last_event", newest);
    }
    add("quiet_for", age(facts, facts.last_activity()));
    let threads = threads_that_matter(facts);
    // The only thread of a session is the session itself, unless it has another above it.
    let is_child = |thread: &Event| events::text(thread, "parent_thread_id").is_some();
    let has_several = facts.threads.len() > 1 || facts.threads.iter().any(is_child);
    if has_several && !threads.is_empty() {
        let named: Vec<Value> = threads.iter().take(NAMED).cloned().collect();
        add("threads", named.into());
        add("threads_more", more(threads.len()));
    }
    evidence
}

/// How many are not named; null for none.
fn more(count: usize) -> Value {
    let more = count.saturating_sub(NAMED);
    if more > 0 { more.into() } else { Value::Null }
}

/// Errors of the last turn, even if it ended well; for a state that an error explains, the newest
/// one, whenever it was.
pub(crate) fn errors<'a>(facts: &Facts<'a>, verdict: Verdict) -> Vec<&'a Event> {
    use Verdict::{ReschedulingLong, RetriesExhausted, TerminatedError};
    let errors = facts.errors();
    if errors.is_empty() && matches!(verdict, RetriesExhausted | TerminatedError | ReschedulingLong)
    {
        return facts.newest("session.error").into_iter().collect();
    }
    errors
}

fn runs(facts: &Facts<'_>) -> Value {
    let runs = facts.open_runs();
    if runs.is_empty() {
        return Value::Null;
    }
    let run = |run: &OpenRun| {
        let mut shown = json!(run);
        if let (Value::Object(shown), age @ Value::String(_)) = (&mut shown, age(facts, run.since))
        {
            shown.insert("age".to_owned(), age);
        }
        shown
    };
    runs.iter().take(NAMED).map(run).collect()
}

/// The event as lists show it, with its age.
fn event(facts: &Facts<'_>, event: &Event) -> Value {
    let mut shown = events::shown(event, SHOWN_CHARACTERS);
    if let age @ Value::String(_) = age(facts, events::at(event)) {
        shown.insert("age".to_owned(), age);
    }
    Value::Object(shown)
}

/// The threads at work, those of an unknown status among them; neither idle nor ended ones.
fn threads_that_matter(facts: &Facts<'_>) -> Vec<Value> {
    let thread = |thread: &Event| {
        let status = events::text(thread, "status").unwrap_or_default();
        if ["idle", "terminated", ""].contains(&status) {
            return None;
        }
        let agent = thread.get("agent").and_then(|agent| agent.get("name"));
        let agent = agent.and_then(Value::as_str);
        let agent = agent.map(|name| text::shortened(name, NAME_CHARACTERS));
        let quiet_for = age(facts, updated_at(thread));
        let mut shown = json!({"id": thread.get("id"), "status": status, "agent": agent, "quiet_for": quiet_for});
        if let Value::Object(shown) = &mut shown {
            shown.retain(|_, value| !value.is_null());
        }
        Some(shown)
    };
    facts.threads.iter().filter_map(thread).collect()
}

fn age(facts: &Facts<'_>, since: Option<Timestamp>) -> Value {
    json!(since.map(|since| time::compact(facts.now.duration_since(since))))
}
