//! What part of a history is looked at.

use crate::model::Event;

/// What people and agents said, and what began or ended what they said it in.
const CONVERSATION: [&str; 11] = [
    "agent.message",
    "agent.thread_message_received",
    "agent.thread_message_sent",
    "session.status_idle",
    "session.status_terminated",
    // In the histories of threads.
    "session.thread_status_idle",
    "session.thread_status_terminated",
    "system.message",
    "user.define_outcome",
    "user.interrupt",
    "user.message",
];
const TOOLS: [&str; 8] = [
    "agent.custom_tool_use",
    "agent.mcp_tool_result",
    "agent.mcp_tool_use",
    "agent.tool_result",
    "agent.tool_use",
    "user.custom_tool_result",
    "user.tool_confirmation",
    "user.tool_result",
];
/// Those among which errors are.
const ERRORS: [&str; 8] = [
    "agent.mcp_tool_result",
    "agent.tool_result",
    "session.error",
    "session.status_idle",
    "session.thread_status_idle",
    "user.custom_tool_result",
    "user.tool_result",
    "workflow_run.error",
];

/// A part of a history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum View {
    /// Everything.
    #[default]
    All,
    /// What people and agents said, and what ended their turns.
    Conversation,
    /// Tool calls, their results and confirmations.
    Tools,
    /// Errors, failed tool calls, and turns that an error or a refusal ended.
    Errors,
}

impl View {
    /// Its name as an argument.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Conversation => "conversation",
            Self::Tools => "tools",
            Self::Errors => "errors",
        }
    }

    /// The types that have what it shows; empty if any type can.
    pub fn types(self) -> &'static [&'static str] {
        match self {
            Self::All => &[],
            Self::Conversation => &CONVERSATION,
            Self::Tools => &TOOLS,
            Self::Errors => &ERRORS,
        }
    }

    /// Whether it has this event, of this kind.
    pub(crate) fn shows(self, kind: &str, event: &Event) -> bool {
        match self {
            Self::All => true,
            Self::Errors => ERRORS.contains(&kind) && is_error(kind, event),
            Self::Conversation | Self::Tools => self.types().contains(&kind),
        }
    }
}

fn is_error(kind: &str, event: &Event) -> bool {
    match kind {
        kind if kind.ends_with("tool_result") => {
            event.get("is_error").is_some_and(|is_error| *is_error == true)
        }
        kind if kind.ends_with("status_idle") => {
            let reason = event.get("stop_reason");
            // Some services send the type alone.
            let reason = reason.and_then(|it| it.get("type").unwrap_or(it).as_str());
            matches!(reason, Some("retries_exhausted" | "refusal"))
        }
        _ => true,
    }
}
