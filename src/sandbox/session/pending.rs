//! Tool calls that wait for clients, and the answers to them.

use crate::sandbox::toolset::ToolKind;

/// What a pending call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Awaited {
    Confirmation,
    /// `user.custom_tool_result`
    CustomResult,
    /// `user.tool_result`, in self-hosted environments.
    ToolResult,
}

/// A tool call that a client has to answer before the session continues.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct PendingCall {
    pub(in crate::sandbox) event_id: String,
    pub(in crate::sandbox) tool: ToolKind,
    pub(in crate::sandbox) awaits: Awaited,
}

/// The answer to a tool call.
#[derive(Debug)]
pub(super) struct Answer {
    /// The id of the call's event.
    pub(super) call: String,
    pub(super) awaited: Awaited,
    /// Of a confirmation that denies.
    pub(super) deny_message: Option<String>,
}

impl Answer {
    pub(super) fn fits(&self, pending: &PendingCall) -> bool {
        pending.event_id == self.call && pending.awaits == self.awaited
    }
}
