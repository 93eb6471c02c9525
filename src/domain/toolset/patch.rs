//! The tools of a session, and what a caller wants changed about them.

use serde_json::Value;

use crate::model::Session;

/// `agent.tools` and `agent.mcp_servers` of a session, empty where the service leaves them out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Toolset {
    /// Toolsets and custom tools, as the service sent them.
    pub tools: Vec<Value>,
    /// The servers that MCP toolsets refer to by name.
    pub mcp_servers: Vec<Value>,
}

impl Toolset {
    /// The tools of a session.
    pub(crate) fn of(session: &Session) -> Self {
        let array = |field| match session.agent_field(field) {
            Some(Value::Array(values)) => values.clone(),
            _ => Vec::new(),
        };
        Self { tools: array("tools"), mcp_servers: array("mcp_servers") }
    }
}

/// What the arrays of a patch mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Given entries are added, or update the entry of the same identity; the others stay.
    #[default]
    Merge,
    /// A given array is the new value, as in the API itself. `[]` clears.
    Replace,
}

/// The changes asked for. An array that is not given stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    /// What the arrays mean.
    pub mode: Mode,
    /// New or changed tools.
    pub tools: Option<Vec<Value>>,
    /// New or changed servers.
    pub mcp_servers: Option<Vec<Value>>,
    /// Tools to remove: the type of a toolset, the name of an MCP server or of a custom tool.
    pub remove_tools: Vec<String>,
    /// Servers to remove by name, together with the toolsets that refer to them.
    pub remove_mcp_servers: Vec<String>,
}
