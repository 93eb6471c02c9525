//! When two entries of `tools` or `mcp_servers` are the same entry.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::domain::toolset::value::{same, text};

/// The kind of a tool, by its `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `agent_toolset_…`: the tools that come with the agent, once for each version.
    BuiltIn,
    /// `mcp_toolset`: the tools of one server of `mcp_servers`.
    Mcp,
    /// `custom`: a tool that the application runs itself.
    Custom,
    /// An unknown type.
    Other,
}

impl Kind {
    pub(crate) fn of(entry: &Value) -> Self {
        match text(entry, "type") {
            Some("mcp_toolset") => Self::Mcp,
            Some("custom") => Self::Custom,
            Some(name) if name.starts_with("agent_toolset_") => Self::BuiltIn,
            _ => Self::Other,
        }
    }

    /// The permission policy of a toolset that sets none: built-in tools run without asking, the
    /// tools of MCP servers ask (the API's documentation of permission policies).
    pub(crate) fn default_policy(self) -> Option<&'static str> {
        match self {
            Self::BuiltIn => Some("always_allow"),
            Self::Mcp => Some("always_ask"),
            Self::Custom | Self::Other => None,
        }
    }

    pub(crate) fn is_toolset(self) -> bool {
        matches!(self, Self::BuiltIn | Self::Mcp)
    }
}

/// The keys that identify an entry: `type` for a built-in toolset, `mcp_server_name` for an MCP
/// toolset, `name` for a custom tool or a server. A tool of an unknown type is identified by its
/// `type` and whichever of the two names it has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Identity {
    /// The `type` of a tool; absent for servers, which are identified by name alone.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The server an MCP toolset belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_server_name: Option<String>,
    /// The name of a custom tool or of a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Identity {
    /// Whether there is nothing but an unknown `type`. The service may allow several of those, so
    /// they are duplicates only where one of them has to be picked.
    pub fn is_vague(&self) -> bool {
        let kind = self.kind.as_deref().unwrap_or_default();
        self.name.is_none() && self.mcp_server_name.is_none() && !kind.starts_with("agent_toolset_")
    }
}

/// One of the two arrays that can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `agent.tools`.
    Tools,
    /// `agent.mcp_servers`.
    Servers,
}

impl Section {
    /// The name of the array.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Servers => "mcp_servers",
        }
    }

    /// The argument that removes its entries by name.
    pub(crate) fn removal_argument(self) -> &'static str {
        match self {
            Self::Tools => "remove_tools",
            Self::Servers => "remove_mcp_servers",
        }
    }

    /// The kind of an entry; servers are all of one kind.
    pub(crate) fn kind(self, entry: &Value) -> Kind {
        match self {
            Self::Tools => Kind::of(entry),
            Self::Servers => Kind::Other,
        }
    }

    /// `None` for an entry that lacks what would identify it.
    pub fn identity(self, entry: &Value) -> Option<Identity> {
        let own = |key| text(entry, key).map(str::to_owned);
        let kind = match self {
            Self::Tools => Some(own("type")?),
            Self::Servers => None,
        };
        let (mcp_server_name, name) = match self.kind(entry) {
            _ if self == Self::Servers => (None, Some(own("name")?)),
            Kind::BuiltIn => (None, None),
            Kind::Mcp => (Some(own("mcp_server_name")?), None),
            Kind::Custom => (None, Some(own("name")?)),
            Kind::Other => (own("mcp_server_name"), own("name")),
        };
        Some(Identity { kind, mcp_server_name, name })
    }

    /// The names by which a caller can remove this entry.
    pub(crate) fn removal_names(self, entry: &Value) -> Vec<&str> {
        let keys: &[&str] = match (self, Kind::of(entry)) {
            (Self::Servers, _) | (Self::Tools, Kind::Custom) => &["name"],
            (Self::Tools, Kind::BuiltIn) => &["type"],
            (Self::Tools, Kind::Mcp) => &["mcp_server_name"],
            (Self::Tools, Kind::Other) => &["name", "mcp_server_name", "type"],
        };
        keys.iter().filter_map(|key| text(entry, key)).collect()
    }
}

/// The partners of entries in another array: for each of `after` its index in `before`. Entries
/// without an identity have a partner only if it is equal.
pub(crate) fn pair(section: Section, before: &[Value], after: &[Value]) -> Vec<Option<usize>> {
    let known: Vec<_> = before.iter().map(|entry| section.identity(entry)).collect();
    let mut free: BTreeSet<usize> = (0..before.len()).collect();
    let mut partners = vec![None; after.len()];
    // Among entries that share an identity the unchanged ones belong together, so they come first.
    for unchanged in [true, false] {
        for (partner, entry) in partners.iter_mut().zip(after) {
            let identity = section.identity(entry);
            if partner.is_some() || (!unchanged && identity.is_none()) {
                continue;
            }
            *partner = free.iter().copied().find(|index| {
                known.get(*index) == Some(&identity)
                    && (!unchanged || before.get(*index).is_some_and(|before| same(before, entry)))
            });
            if let Some(taken) = partner {
                free.remove(taken);
            }
        }
    }
    partners
}
