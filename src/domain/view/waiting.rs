//! What a session waits for.

use schemars::JsonSchema;
use serde::Serialize;

use super::row::short;
use crate::domain::{diagnosis::AnswerKind, waiting::WaitingCall};

/// A tool call that waits for a person or a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Waiting {
    /// The id of the event to answer.
    pub event_id: String,
    /// The call in short: `bash: kubectl rollout undo …`.
    pub waiting_for: String,
    /// The tool, `linear.create_issue` if it is one of an MCP server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What answers it.
    pub answer: Answer,
}

/// The kind of event that answers a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A person allows or denies it.
    Confirmation,
    /// The program that provides the tool sends its result.
    CustomToolResult,
    /// The program that carries out tools sends its result.
    ToolResult,
}

impl Waiting {
    /// What of a call is shown.
    pub(crate) fn of(call: &WaitingCall) -> Self {
        Self {
            event_id: short(&call.event_id),
            waiting_for: call.label(),
            tool: call.tool.clone(),
            answer: match call.answer {
                AnswerKind::Confirmation => Answer::Confirmation,
                AnswerKind::CustomToolResult => Answer::CustomToolResult,
                AnswerKind::ToolResult => Answer::ToolResult,
            },
        }
    }
}
