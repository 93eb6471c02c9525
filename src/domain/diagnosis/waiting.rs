//! What a paused session waits for.

use serde_json::Value;

use crate::{
    domain::{events, events::kind},
    model::Event,
};

/// The ids of the unanswered events that the newest pause of the session, or of one of its
/// threads, waits for.
pub(crate) fn waited_for(events: &[Event]) -> Vec<&str> {
    let pauses = events.iter().filter(|event| {
        let kind = kind(event);
        ["session.status_idle", "session.thread_status_idle"].contains(&kind)
            && stop_reason(event) == "requires_action"
    });
    let mut waiting = pauses.filter_map(|pause| {
        let ids = pause.get("stop_reason")?.get("event_ids")?.as_array()?;
        let ids = ids.iter().filter_map(Value::as_str);
        let open: Vec<_> = ids.filter(|id| !is_answered(events, id)).collect();
        (!open.is_empty()).then_some(open)
    });
    waiting.next().unwrap_or_default()
}

/// The type of the event's stop reason.
pub(crate) fn stop_reason(event: &Event) -> &str {
    let reason = event.get("stop_reason");
    reason.and_then(|reason| reason.get("type")?.as_str()).unwrap_or_default()
}

fn is_answered(events: &[Event], id: &str) -> bool {
    let mut answers = events
        .iter()
        .filter(|event| kind(event).starts_with("user.") || kind(event).ends_with("tool_result"));
    answers.any(|event| {
        let fields = ["tool_use_id", "custom_tool_use_id", "mcp_tool_use_id"];
        fields.iter().any(|field| events::text(event, field) == Some(id))
    })
}

/// The event that answers a waiting tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// `user.tool_confirmation`, by a person.
    Confirmation,
    /// `user.custom_tool_result`.
    CustomToolResult,
    /// `user.tool_result`: the call is allowed, and carried out elsewhere.
    ToolResult,
}

impl AnswerKind {
    pub(crate) fn of(call: &Event) -> Self {
        match (kind(call), events::text(call, "evaluated_permission")) {
            ("agent.custom_tool_use", _) => Self::CustomToolResult,
            ("agent.tool_use", Some("allow")) => Self::ToolResult,
            _ => Self::Confirmation,
        }
    }
}
