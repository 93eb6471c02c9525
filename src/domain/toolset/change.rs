//! What a patch comes to.

use serde_json::Value;

use crate::domain::toolset::{diff::Changes, warning::Warning};

/// What to send, and what that changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolsetChange {
    /// The new `agent.tools`; `None` if they do not change and are not to be sent.
    pub tools: Option<Vec<Value>>,
    /// The new `agent.mcp_servers`; `None` if they are not to be sent.
    pub mcp_servers: Option<Vec<Value>>,
    /// What will be different; empty if there is nothing to send.
    pub changes: Changes,
    /// What is valid, but worth a look.
    pub warnings: Vec<Warning>,
}
