//! What a session that is not busy waits for, in short.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::{
        diagnosis::{AnswerKind, OpenCall, open_calls, reason_type},
        events::{self, kind},
        text,
    },
    model::Event,
};

/// Longest tool or input shown, in characters.
const SHOWN_CHARACTERS: usize = 160;
/// How many calls are shown.
const SHOWN_CALLS: usize = 10;

/// The events that tell what a session waits for, beside the calls.
pub(crate) const KINDS: [&str; 6] = [
    "session.status_idle",
    "session.status_running",
    "user.interrupt",
    "user.tool_confirmation",
    "user.custom_tool_result",
    "user.tool_result",
];

/// The events that tell whether threads have ended, or wait.
pub(crate) const THREAD_KINDS: [&str; 4] = [
    "session.thread_status_idle",
    "session.thread_status_running",
    "session.thread_status_terminated",
    "session.status_terminated",
];

/// A tool call that waits for a person or a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WaitingCall {
    /// The id of its event.
    pub event_id: String,
    /// The tool, `linear.create_issue` if it is one of an MCP server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The input: its only text, or JSON, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// What answers it: a decision, or a result.
    pub answer: AnswerKind,
}

impl WaitingCall {
    /// `None` for a call that is being carried out.
    pub(crate) fn of(call: &OpenCall<'_>) -> Option<Self> {
        let field = |name| call.event.and_then(|event| events::text(event, name));
        let tool = field("name").map(|name| match field("mcp_server_name") {
            Some(server) => format!("{server}.{name}"),
            None => name.to_owned(),
        });
        let input = call.event.and_then(|event| event.get("input"));
        Some(Self {
            event_id: call.id.to_owned(),
            tool: tool.map(|tool| text::shortened(&tool, SHOWN_CHARACTERS)),
            input: input.map(|input| short_input(input, SHOWN_CHARACTERS)),
            answer: call.waits_for?,
        })
    }

    /// `bash: kubectl rollout undo …`, or what of it is known.
    pub fn label(&self) -> String {
        let parts = [self.tool.as_deref(), self.input.as_deref()];
        let known: Vec<&str> = parts.into_iter().flatten().collect();
        match known.as_slice() {
            [] => self.event_id.clone(),
            known => text::shortened(&known.join(": "), SHOWN_CHARACTERS),
        }
    }
}

/// The first calls, and how many more there are.
pub(crate) fn first_calls(mut calls: Vec<WaitingCall>) -> (Vec<WaitingCall>, Option<usize>) {
    let more = calls.len().saturating_sub(SHOWN_CALLS);
    calls.truncate(SHOWN_CALLS);
    (calls, (more > 0).then_some(more))
}

/// The calls that a session waits for, by its events, newest first; of one that runs, or ended its
/// turn, those of its threads.
///
/// `recorded` is the `stop_reason` of its record, which some services have.
pub(crate) fn waiting_calls(recorded: Option<&Value>, events: &[Event]) -> Vec<WaitingCall> {
    let statuses = ["session.status_idle", "session.status_running"];
    let newest = events.iter().find(|event| statuses.contains(&kind(event)));
    let reason = newest.map_or(recorded, |status| status.get("stop_reason"));
    if matches!(reason.and_then(reason_type), Some("budget_reached" | "retries_exhausted")) {
        return Vec::new();
    }
    let calls = open_calls(events, recorded);
    calls.iter().filter_map(WaitingCall::of).collect()
}

/// The input of a call: its only text, or JSON, cut.
pub(crate) fn short_input(input: &Value, characters: usize) -> String {
    let only_text = match input {
        Value::Object(fields) if fields.len() == 1 => {
            fields.values().next().and_then(Value::as_str)
        }
        other => other.as_str(),
    };
    match only_text {
        Some(only) => text::shortened(only, characters),
        None => text::shortened(&text::json(input), characters),
    }
}
