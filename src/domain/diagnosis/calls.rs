//! Tool calls without a result: what a session waits for, and what it is doing.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::{events, events::kind},
    model::Event,
};

/// The events that are tool calls.
pub(crate) const CALL_KINDS: [&str; 3] =
    ["agent.tool_use", "agent.mcp_tool_use", "agent.custom_tool_use"];

/// A tool call without a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OpenCall<'a> {
    /// The id of its event.
    pub id: &'a str,
    /// Its event, if that is known.
    pub event: Option<&'a Event>,
    /// What it waits for; `None` while it is carried out.
    pub waits_for: Option<AnswerKind>,
}

/// The event that answers a waiting tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(into = "Wanted")]
#[schemars(with = "Wanted")]
pub enum AnswerKind {
    /// `user.tool_confirmation`, by a person.
    Confirmation,
    /// `user.custom_tool_result`.
    CustomToolResult,
    /// `user.tool_result`: the call is allowed, and carried out elsewhere.
    ToolResult,
}

/// What has to be given, whatever event it is sent as.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    Decision,
    Result,
}

impl From<AnswerKind> for Wanted {
    fn from(kind: AnswerKind) -> Self {
        match kind {
            AnswerKind::Confirmation => Self::Decision,
            AnswerKind::CustomToolResult | AnswerKind::ToolResult => Self::Result,
        }
    }
}

impl AnswerKind {
    fn of(call: Option<&Event>) -> Self {
        let Some(call) = call else {
            return Self::Confirmation;
        };
        match (kind(call), events::text(call, "evaluated_permission")) {
            ("agent.custom_tool_use", _) => Self::CustomToolResult,
            ("agent.tool_use", Some("allow")) => Self::ToolResult,
            _ => Self::Confirmation,
        }
    }
}

/// The type of an event's stop reason; some services send the type alone.
pub(crate) fn stop_reason(event: &Event) -> Option<&str> {
    reason_type(event.get("stop_reason")?)
}

/// See [`stop_reason`].
pub(crate) fn reason_type(reason: &Value) -> Option<&str> {
    reason.as_str().or_else(|| reason.get("type")?.as_str())
}

/// The ids of the events that a `requires_action` waits for.
pub(crate) fn required_ids(reason: &Value) -> impl Iterator<Item = &str> {
    let ids = reason.get("event_ids").and_then(Value::as_array);
    ids.into_iter().flatten().filter_map(Value::as_str)
}

/// The thread an event is about; `None` for the session's own.
fn thread(event: &Event) -> Option<&str> {
    events::text(event, "session_thread_id")
}

/// The calls without a result among `events` (newest first), and those that the newest pause of
/// the session or of one of its threads names; a pause on the record counts like the session's.
pub(crate) fn open_calls<'a>(
    events: &'a [Event],
    recorded_pause: Option<&'a Value>,
) -> Vec<OpenCall<'a>> {
    let answered = answered_ids(events);
    let required = required_by_pauses(events, recorded_pause);
    let by_id: HashMap<_, _> = events
        .iter()
        .filter(|event| CALL_KINDS.contains(&kind(event)))
        .filter_map(|event| Some((events::text(event, "id")?, event)))
        .collect();
    let named = required.iter().filter(|id| !answered.contains_key(*id)).map(|&id| {
        let event = by_id.get(id).copied();
        OpenCall { id, event, waits_for: Some(AnswerKind::of(event)) }
    });
    let mut open: Vec<_> = named.collect();
    let mut closed = Closed::default();
    for event in events {
        closed.note(event);
        let Some(id) = events::text(event, "id").filter(|id| !required.contains(id)) else {
            continue;
        };
        if !CALL_KINDS.contains(&kind(event)) || closed.contains(thread(event)) {
            continue;
        }
        let permission = events::text(event, "evaluated_permission");
        let waits_for = match (answered.get(id), kind(event), permission) {
            (Some(Answer::Result | Answer::Denied), ..) | (_, _, Some("deny")) => continue,
            (None, "agent.custom_tool_use", _) => Some(AnswerKind::CustomToolResult),
            (None, _, Some("ask")) => Some(AnswerKind::Confirmation),
            (Some(Answer::Allowed) | None, ..) => None,
        };
        open.push(OpenCall { id, event: Some(event), waits_for });
    }
    open
}

#[derive(Clone, Copy)]
enum Answer {
    Allowed,
    Denied,
    Result,
}

/// The answered calls, each with its newest answer.
fn answered_ids(events: &[Event]) -> HashMap<&str, Answer> {
    let mut answered = HashMap::new();
    for event in events {
        let answer = match (kind(event), events::text(event, "result")) {
            ("user.tool_confirmation", Some("deny")) => Answer::Denied,
            ("user.tool_confirmation", _) => Answer::Allowed,
            (kind, _) if kind.ends_with("tool_result") => Answer::Result,
            _ => continue,
        };
        for field in ["tool_use_id", "custom_tool_use_id", "mcp_tool_use_id"] {
            if let Some(id) = events::text(event, field) {
                answered.entry(id).or_insert(answer);
            }
        }
    }
    answered
}

/// What the newest pauses wait for: that of the session, and that of each thread.
fn required_by_pauses<'a>(events: &'a [Event], recorded_pause: Option<&'a Value>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    let mut reasons = Vec::new();
    for event in events {
        let key = match kind(event) {
            kind if kind.starts_with("session.thread_status_") => thread(event),
            kind if kind.starts_with("session.status_") => None,
            _ => continue,
        };
        if seen.insert(key) && kind(event).ends_with("status_idle") {
            reasons.extend(event.get("stop_reason"));
        }
    }
    if !seen.contains(&None) {
        reasons.extend(recorded_pause);
    }
    let waits = |reason: &&Value| reason_type(reason) == Some("requires_action");
    let mut ids: Vec<&str> = reasons.into_iter().filter(waits).flat_map(required_ids).collect();
    let mut unique = HashSet::new();
    ids.retain(|id| unique.insert(*id));
    ids
}

/// The threads whose earlier calls have ended, although no result says so.
#[derive(Default)]
struct Closed<'a> {
    all: bool,
    threads: HashSet<Option<&'a str>>,
}

impl<'a> Closed<'a> {
    fn note(&mut self, event: &'a Event) {
        match kind(event) {
            "session.status_terminated" | "session.deleted" => self.all = true,
            "user.interrupt" if thread(event).is_none() => self.all = true,
            // A model is called again once every call has a result.
            "user.interrupt" | "span.model_request_start" | "session.thread_status_terminated" => {
                self.threads.insert(thread(event));
            }
            "session.status_idle" if stop_reason(event) != Some("requires_action") => {
                self.threads.insert(None);
            }
            "session.thread_status_idle" if stop_reason(event) != Some("requires_action") => {
                self.threads.insert(thread(event));
            }
            _ => {}
        }
    }

    fn contains(&self, thread: Option<&str>) -> bool {
        self.all || self.threads.contains(&thread)
    }
}
