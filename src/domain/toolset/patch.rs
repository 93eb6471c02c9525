//! The tools of a session, and what a caller wants changed about them.

use serde_json::{Map, Value};

use crate::{domain::toolset::identity::Section, model::Session};

/// The argument that removes configs by name.
pub(crate) const REMOVE_CONFIGS: &str = "remove_configs";

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
    /// Configs to remove: the name of a built-in tool, or of a server and its tool with a dot
    /// between them. The tool is back to the default of its toolset.
    pub remove_configs: Vec<String>,
}

impl Patch {
    /// The patch as the arguments it was, or would be, given as.
    pub fn arguments(&self) -> Map<String, Value> {
        let mut arguments = Map::new();
        if self.mode == Mode::Replace {
            arguments.insert("mode".to_owned(), "replace".into());
        }
        for (section, entries) in
            [(Section::Tools, &self.tools), (Section::Servers, &self.mcp_servers)]
        {
            if let Some(entries) = entries {
                arguments.insert(section.name().to_owned(), entries.clone().into());
            }
        }
        for (name, removed) in [
            (Section::Tools.removal_argument(), &self.remove_tools),
            (Section::Servers.removal_argument(), &self.remove_mcp_servers),
            (REMOVE_CONFIGS, &self.remove_configs),
        ] {
            if !removed.is_empty() {
                arguments.insert(name.to_owned(), removed.clone().into());
            }
        }
        arguments
    }
}
