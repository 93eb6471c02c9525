//! What makes an entry of `tools` or `mcp_servers` the same entry as another.

use std::{collections::BTreeSet, fmt};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::domain::toolset::value::{cut, same, shown, text};

/// What is known about a tool entry from its `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `agent_toolset_…`: the tools that come with the agent; there is one of each version.
    BuiltIn,
    /// `mcp_toolset`: the tools of one server of `mcp_servers`.
    Mcp,
    /// `custom`: a tool the application carries out itself.
    Custom,
    /// A type this project does not know.
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

/// The keys by which an entry is recognised: a built-in toolset by `type`, an MCP toolset by
/// `mcp_server_name`, a custom tool by `name`, a server by `name`. A tool of a type that is not
/// known is recognised by its `type` and whichever of the two names it has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Identity {
    /// The `type` of a tool; left out for servers, which are recognised by name alone.
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
    /// Whether nothing but an unknown `type` is known. The service may allow several of those, so
    /// they are duplicates only where one of them has to be picked out.
    pub(crate) fn is_vague(&self) -> bool {
        self.name.is_none()
            && self.mcp_server_name.is_none()
            && !self
                .kind
                .as_deref()
                .is_some_and(|kind| kind.starts_with("agent_toolset_"))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_deref().unwrap_or("server");
        match self.mcp_server_name.as_ref().or(self.name.as_ref()) {
            Some(name) => write!(f, "{} {}", cut(kind), quoted(name)),
            None => f.write_str(&cut(kind)),
        }
    }
}

/// A name that came from elsewhere, as a JSON string, cut.
pub(crate) fn quoted(name: &str) -> String {
    shown(&Value::from(name))
}

/// The two arrays of a session that can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Tools,
    Servers,
}

impl Section {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Servers => "mcp_servers",
        }
    }

    /// `None` for an entry that lacks what would identify it.
    pub(crate) fn identity(self, entry: &Value) -> Option<Identity> {
        let own = |key| text(entry, key).map(str::to_owned);
        if self == Self::Servers {
            return Some(Identity {
                kind: None,
                mcp_server_name: None,
                name: Some(own("name")?),
            });
        }
        let kind = Some(own("type")?);
        let (mcp_server_name, name) = match Kind::of(entry) {
            Kind::BuiltIn => (None, None),
            Kind::Mcp => (Some(own("mcp_server_name")?), None),
            Kind::Custom => (None, Some(own("name")?)),
            Kind::Other => (own("mcp_server_name"), own("name")),
        };
        Some(Identity {
            kind,
            mcp_server_name,
            name,
        })
    }

    /// The names by which a caller can ask for this entry to be taken away.
    pub(crate) fn handles(self, entry: &Value) -> Vec<&str> {
        let keys: &[&str] = match (self, Kind::of(entry)) {
            (Self::Servers, _) | (Self::Tools, Kind::Custom) => &["name"],
            (Self::Tools, Kind::BuiltIn) => &["type"],
            (Self::Tools, Kind::Mcp) => &["mcp_server_name"],
            (Self::Tools, Kind::Other) => &["name", "mcp_server_name", "type"],
        };
        keys.iter().filter_map(|key| text(entry, key)).collect()
    }
}

/// The entries of one array recognised in the other: for each of `after` its index in `before`.
/// Entries without an identity are recognised only when they mean exactly the same.
pub(crate) fn pair(which: Section, before: &[Value], after: &[Value]) -> Vec<Option<usize>> {
    let known: Vec<_> = before.iter().map(|entry| which.identity(entry)).collect();
    let mut free: BTreeSet<usize> = (0..before.len()).collect();
    let mut partners = vec![None; after.len()];
    // Among entries that share an identity the unchanged ones belong together, so they go first.
    for unchanged in [true, false] {
        for (partner, entry) in partners.iter_mut().zip(after) {
            let identity = which.identity(entry);
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
