//! Why a session does what it does: from its record and its newest events to one verdict, the
//! facts it rests on, and one step.

mod steps;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    domain::{
        events,
        events::{at, kind},
        guard::State,
        money::Money,
        step::Step,
        text,
        view::row::{shown_amount, status},
    },
    model::{Amount, ApiTime, Event, Session},
};

/// A session that is busy and has shown nothing for longer is stuck.
const QUIET: SignedDuration = SignedDuration::from_mins(15);
/// How much of an input, an error or an explanation is shown.
const SHOWN_CHARACTERS: usize = 300;
/// How many waiting calls and threads are named.
const NAMED: usize = 10;

/// What a session is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// at work, or about to be
    Working,
    /// a person must allow or deny a tool call
    WaitingForConfirmation,
    /// a program must send the result of a tool call
    WaitingForToolResult,
    /// its turn has ended
    WaitingForMessage,
    /// its budget is used up
    BudgetReached,
    /// errors ended its turn
    RetriesExhausted,
    /// the model refused
    Refused,
    /// running, without a sign of life for 15 minutes
    StuckRunning,
    /// retrying for more than 15 minutes
    ReschedulingLong,
    /// ended by an error
    TerminatedError,
    /// archived
    Archived,
    /// a state this server does not know
    Unknown,
}

/// What is known of a session.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The session as it was just read.
    pub session: &'a Session,
    /// What its status means.
    pub state: State,
    /// Its newest events, newest first.
    pub events: &'a [Event],
    /// The threads of a multi-agent session.
    pub threads: &'a [Event],
    /// Its page in the console, if it has one.
    pub console_url: Option<&'a str>,
    /// The time of reading.
    pub now: Timestamp,
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// The verdict.
    pub verdict: Verdict,
    /// Facts: events, tools that wait, ages.
    pub evidence: Map<String, Value>,
    /// The one thing to do.
    pub next: Step,
}

/// The ids that the newest pause of the session, or of one of its threads, waits for and that
/// nobody has answered.
#[must_use]
pub fn waited_for(events: &[Event]) -> Vec<&str> {
    let pauses = events.iter().filter(|event| {
        matches!(
            kind(event),
            "session.status_idle" | "session.thread_status_idle"
        )
    });
    let mut ids = pauses.filter_map(|event| match stop_reason(event) {
        "requires_action" => {
            let ids = event.get("stop_reason")?.get("event_ids")?.as_array()?;
            let open = ids.iter().filter_map(Value::as_str);
            let open: Vec<_> = open.filter(|id| !is_answered(events, id)).collect();
            (!open.is_empty()).then_some(open)
        }
        _ => None,
    });
    ids.next().unwrap_or_default()
}

fn stop_reason(event: &Event) -> &str {
    let kind = event
        .get("stop_reason")
        .and_then(|reason| reason.get("type"));
    kind.and_then(Value::as_str).unwrap_or_default()
}

fn is_answered(events: &[Event], id: &str) -> bool {
    let mut answers = events
        .iter()
        .filter(|event| kind(event).starts_with("user.") || kind(event).ends_with("tool_result"));
    answers.any(|event| {
        let fields = ["tool_use_id", "custom_tool_use_id", "mcp_tool_use_id"];
        fields
            .iter()
            .any(|field| events::text(event, field) == Some(id))
    })
}

/// Finds out what a session is doing or waiting for.
#[must_use]
pub fn diagnose(facts: &Facts<'_>) -> Diagnosis {
    let verdict = facts.verdict();
    Diagnosis {
        verdict,
        evidence: facts.evidence(verdict),
        next: steps::next(facts, verdict),
    }
}

impl<'a> Facts<'a> {
    fn verdict(&self) -> Verdict {
        if self.session.head.is_archived() {
            return Verdict::Archived;
        }
        match self.state {
            State::Terminated => Verdict::TerminatedError,
            State::Unknown => Verdict::Unknown,
            State::Rescheduling if self.is_quiet(self.rescheduled_at()) => {
                Verdict::ReschedulingLong
            }
            State::Running if self.is_quiet(self.last_sign()) => {
                self.waiting().unwrap_or(Verdict::StuckRunning)
            }
            State::Running | State::Rescheduling => Verdict::Working,
            State::Idle => self.rests(),
        }
    }

    /// Why it is idle.
    fn rests(&self) -> Verdict {
        let Some(pause) = self.pause() else {
            return Verdict::WaitingForMessage;
        };
        match stop_reason(pause) {
            "end_turn" => Verdict::WaitingForMessage,
            // What it waited for was answered a moment ago.
            "requires_action" => self.waiting().unwrap_or(Verdict::Working),
            // It was raised since.
            "budget_reached" if self.has_budget_left() => Verdict::WaitingForMessage,
            "budget_reached" => Verdict::BudgetReached,
            "retries_exhausted" => Verdict::RetriesExhausted,
            "refusal" => Verdict::Refused,
            _ => Verdict::Unknown,
        }
    }

    /// Whether it may cost more than it has.
    fn has_budget_left(&self) -> bool {
        let money = |amount: &Amount| Money::from_minor(&amount.amount, &amount.currency);
        let budget = self.budget().as_ref().and_then(money);
        let cost = self.session.head.usage.list_cost.as_ref().and_then(money);
        matches!((budget, cost), (Some(budget), Some(cost)) if budget > cost)
    }

    fn budget(&self) -> Option<Amount> {
        let budget = self.session.fields.get("budget")?;
        serde_json::from_value(budget.get("max_list_cost")?.clone()).ok()
    }

    /// What it waits for, a person first: a program can answer by itself.
    fn waiting(&self) -> Option<Verdict> {
        let calls = self.calls();
        let mut kinds = calls.iter().map(|(_, call)| call.map(Answer::to));
        if kinds
            .clone()
            .any(|kind| kind.is_none_or(Answer::is_confirmation))
        {
            return Some(Verdict::WaitingForConfirmation);
        }
        kinds.next().map(|_| Verdict::WaitingForToolResult)
    }

    /// The calls that wait, with their events where those are known.
    fn calls(&self) -> Vec<(&'a str, Option<&'a Event>)> {
        let by_id = |id| {
            let mut events = self.events.iter();
            events.find(|event| events::text(event, "id") == Some(id))
        };
        let ids = waited_for(self.events).into_iter();
        ids.map(|id| (id, by_id(id))).collect()
    }

    /// The newest time the session came to rest.
    fn pause(&self) -> Option<&'a Event> {
        self.newest("session.status_idle")
    }

    fn newest(&self, wanted: &str) -> Option<&'a Event> {
        self.events.iter().find(|event| kind(event) == wanted)
    }

    fn updated_at(&self) -> Option<Timestamp> {
        self.session.head.updated_at.as_ref().and_then(ApiTime::at)
    }

    /// When something last happened: by its events, else by its record.
    fn last_sign(&self) -> Option<Timestamp> {
        let newest = self.events.iter().filter_map(at).max();
        newest.or_else(|| self.updated_at())
    }

    /// Since when it has been retrying.
    fn rescheduled_at(&self) -> Option<Timestamp> {
        let event = self.newest("session.status_rescheduled");
        event.and_then(at).or_else(|| self.updated_at())
    }

    fn is_quiet(&self, since: Option<Timestamp>) -> bool {
        since.is_some_and(|since| self.now.duration_since(since) > QUIET)
    }

    fn evidence(&self, verdict: Verdict) -> Map<String, Value> {
        let mut evidence = Map::new();
        let mut add = |name: &str, value: Value| {
            if !value.is_null() {
                evidence.insert(name.to_owned(), value);
            }
        };
        add("status", json!(status(&self.session.head)));
        if let (State::Idle, Some(pause)) = (self.state, self.pause()) {
            add("stopped", self.event(pause));
        }
        if matches!(
            verdict,
            Verdict::WaitingForConfirmation | Verdict::WaitingForToolResult
        ) {
            let calls = self.calls();
            let named = calls.iter().take(NAMED).map(|(id, call)| match call {
                Some(call) => self.event(call),
                None => json!({"id": id}),
            });
            add("waiting", named.collect());
            let more = calls.len().saturating_sub(NAMED);
            if more > 0 {
                add("waiting_more", more.into());
            }
        }
        let is_error = matches!(
            verdict,
            Verdict::RetriesExhausted | Verdict::TerminatedError | Verdict::ReschedulingLong
        );
        if is_error && let Some(error) = self.newest("session.error") {
            add("error", self.event(error));
        }
        if verdict == Verdict::ReschedulingLong {
            add("rescheduling_for", self.age(self.rescheduled_at()));
        }
        if verdict == Verdict::BudgetReached {
            let budget = self.budget();
            add("budget", json!(budget.as_ref().and_then(shown_amount)));
            let cost = self.session.head.usage.list_cost.as_ref();
            add("list_cost", json!(cost.and_then(shown_amount)));
        }
        if let Some(newest) = self.events.first() {
            let mut newest = self.event(newest);
            if let Value::Object(fields) = &mut newest {
                fields.retain(|name, _| {
                    matches!(name.as_str(), "id" | "type" | "at" | "age" | "tool")
                });
            }
            add("last_event", newest);
        }
        add("quiet_for", self.age(self.last_sign()));
        add("threads", self.threads());
        evidence
    }

    /// The event as lists show it, and how old it is.
    fn event(&self, event: &Event) -> Value {
        let mut shown = events::shown(event, SHOWN_CHARACTERS);
        if let age @ Value::String(_) = self.age(at(event)) {
            shown.insert("age".to_owned(), age);
        }
        Value::Object(shown)
    }

    /// Threads that are not at rest, of a session that has several.
    fn threads(&self) -> Value {
        let status = |thread: &Event| {
            events::text(thread, "status")
                .unwrap_or_default()
                .to_owned()
        };
        let busy = self
            .threads
            .iter()
            .filter(|thread| status(thread) != "idle");
        let shown: Vec<Value> = busy
            .take(NAMED)
            .map(|thread| {
                let agent = thread.get("agent").and_then(|agent| agent.get("name"));
                let agent = agent
                    .and_then(Value::as_str)
                    .map(|name| text::shortened(name, 80));
                json!({"id": thread.get("id"), "status": status(thread), "agent": agent})
            })
            .collect();
        if self.threads.len() < 2 || shown.is_empty() {
            return Value::Null;
        }
        shown.into()
    }

    fn age(&self, since: Option<Timestamp>) -> Value {
        since.map_or(Value::Null, |since| {
            age(self.now.duration_since(since)).into()
        })
    }
}

/// What a waiting call is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// `user.tool_confirmation`
    Confirmation,
    /// `user.custom_tool_result`
    CustomResult,
    /// `user.tool_result`: the call is allowed, and carried out elsewhere.
    Result,
}

impl Answer {
    fn to(call: &Event) -> Self {
        let permission = events::text(call, "evaluated_permission");
        match (kind(call), permission) {
            ("agent.custom_tool_use", _) => Self::CustomResult,
            ("agent.tool_use", Some("allow")) => Self::Result,
            _ => Self::Confirmation,
        }
    }

    fn is_confirmation(self) -> bool {
        self == Self::Confirmation
    }
}

/// The two largest units of a time span: `2d 5h`, `14m 3s`.
fn age(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut left = seconds;
    let mut parts = 0;
    let mut shown = String::new();
    for (name, length) in units {
        let count = left / length;
        left %= length;
        if count > 0 || parts > 0 {
            parts += 1;
        }
        if count > 0 && parts <= 2 {
            let space = if shown.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = write!(shown, "{space}{count}{name}");
        }
    }
    if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown
    }
}
