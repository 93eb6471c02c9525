//! Answers to tool calls that wait.

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        diagnosis::{AnswerKind, CALL_KINDS},
        events::{self, kind},
        waiting::WaitingCall,
    },
    model::Event,
};

/// What is said to a tool call that waits.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It may be carried out.
    Allow,
    /// It may not.
    Deny {
        /// What the agent is told about it.
        reason: Option<String>,
    },
    /// It was carried out elsewhere.
    Result {
        /// What came of it.
        text: String,
        /// It failed.
        is_error: bool,
    },
}

impl Answer {
    /// Whether this is the kind of answer that the call waits for.
    pub(crate) fn fits(&self, call: &WaitingCall) -> bool {
        let is_result = matches!(self, Self::Result { .. });
        is_result == (call.answer != AnswerKind::Confirmation)
    }

    /// The event to send.
    pub(crate) fn event(&self, call: &WaitingCall) -> Value {
        let (kind, id) = match call.answer {
            AnswerKind::Confirmation => ("user.tool_confirmation", "tool_use_id"),
            AnswerKind::CustomToolResult => ("user.custom_tool_result", "custom_tool_use_id"),
            AnswerKind::ToolResult => ("user.tool_result", "tool_use_id"),
        };
        let mut event = Map::new();
        event.insert("type".to_owned(), kind.into());
        event.insert(id.to_owned(), call.event_id.clone().into());
        match self {
            Self::Allow => {
                event.insert("result".to_owned(), "allow".into());
            }
            Self::Deny { reason } => {
                event.insert("result".to_owned(), "deny".into());
                if let Some(reason) = reason {
                    event.insert("deny_message".to_owned(), reason.clone().into());
                }
            }
            Self::Result { text, is_error } => {
                event.insert("content".to_owned(), json!([{"type": "text", "text": text}]));
                if *is_error {
                    event.insert("is_error".to_owned(), true.into());
                }
            }
        }
        Value::Object(event)
    }
}

/// The first answer to this call among `events`, newest first.
pub(crate) fn first_answer<'a>(events: &'a [Event], call_id: &str) -> Option<&'a Event> {
    let is_answer = |event: &&Event| {
        let kind = kind(event);
        let is_one = kind == "user.tool_confirmation" || kind.ends_with("tool_result");
        let ids = ["tool_use_id", "custom_tool_use_id", "mcp_tool_use_id"];
        is_one && ids.iter().any(|field| events::text(event, field) == Some(call_id))
    };
    events.iter().rfind(is_answer)
}

/// Whether this event of the history says what `sent` says, as far as the service keeps it.
pub(crate) fn is_same(event: &Event, sent: &Value) -> bool {
    let kept = |name: &str| event.get(name).filter(|value| !value.is_null());
    let is_kept = |name: &str| kept(name).is_none_or(|kept| Some(kept) == sent.get(name));
    let said = sent.get("content").map(events::said).unwrap_or_default();
    is_kept("type")
        && is_kept("result")
        && kept("content").is_none_or(|content| events::said(content) == said)
}

/// Why a call does not wait, by the newest events of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotWaitingReason {
    /// No call of this id is among the newest events.
    Unknown,
    /// It has been answered, or has its result.
    Answered,
    /// Its permission denies it.
    Denied,
    /// Its permission allows it: it waits for nobody.
    Allowed,
    /// Its turn or its thread has ended.
    Closed,
}

/// Why the call of this id, which does not wait, does not.
pub(crate) fn why_not(events: &[Event], call_id: &str) -> NotWaitingReason {
    let is_call = |event: &&Event| {
        CALL_KINDS.contains(&kind(event)) && events::text(event, "id") == Some(call_id)
    };
    match events.iter().find(is_call) {
        _ if first_answer(events, call_id).is_some() => NotWaitingReason::Answered,
        None => NotWaitingReason::Unknown,
        Some(call) => match events::text(call, "evaluated_permission") {
            Some("deny") => NotWaitingReason::Denied,
            Some("allow") => NotWaitingReason::Allowed,
            _ => NotWaitingReason::Closed,
        },
    }
}
