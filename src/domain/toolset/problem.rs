//! Why a patch cannot be applied.

use serde_json::Value;

use crate::domain::toolset::identity::{Identity, Section};

/// One reason why a patch cannot be applied, and where. May hold untrusted text.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// A path into the arguments (`tools[2].configs[0].permission_policy.type`), or into the
    /// session for what was already there (`session.tools[3].mcp_server_name`).
    pub path: String,
    /// What is wrong there.
    pub kind: ProblemKind,
}

/// What is wrong with a patch or its result.
#[derive(Debug, Clone, PartialEq)]
pub enum ProblemKind {
    /// The value, if there is one, is not what the API accepts there.
    Invalid {
        /// The value.
        found: Option<Value>,
        /// What the API accepts.
        expected: Expected,
    },
    /// The array would be longer than the API allows.
    TooManyEntries {
        /// Its length after the change.
        count: usize,
        /// The longest the API allows.
        most: usize,
    },
    /// A domain list is longer than the API allows.
    TooManyDomains(usize),
    /// Both `allowed_domains` and `blocked_domains` are set.
    BothDomainLists,
    /// Two configs are for the same tool.
    RepeatedConfig {
        /// The tool.
        name: String,
        /// The path of the first.
        first: String,
    },
    /// Two entries have the same identity.
    RepeatedEntry {
        /// Their identity.
        identity: Identity,
        /// The path of the first.
        first: String,
    },
    /// An MCP toolset refers to a server that would not exist.
    UnknownServer {
        /// The server.
        name: String,
        /// It exists now, but this change removes it.
        removed: bool,
        /// The servers that would exist.
        servers: Vec<String>,
    },
    /// The patch is empty.
    NothingGiven,
    /// An empty array, which changes nothing in mode merge.
    EmptyMerge,
    /// Names to remove beside an array that is the whole new value.
    RemovalWithReplacement {
        /// The array.
        section: Section,
        /// How many names.
        names: usize,
    },
    /// The session has no entry of the name to remove.
    UnknownName {
        /// The name.
        name: String,
        /// Where it was looked for.
        section: Section,
        /// The names there are.
        known: Vec<String>,
    },
    /// The name to remove is that of several entries.
    AmbiguousName {
        /// The name.
        name: String,
        /// Where they are.
        section: Section,
        /// The entries.
        entries: Vec<Identity>,
    },
    /// The entry to remove is also given.
    RemovedAndGiven {
        /// Its name.
        name: String,
        /// Where it is given.
        section: Section,
        /// Its index there.
        index: usize,
    },
}

/// What the API accepts in some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// An entry.
    Object,
    /// The type of a tool.
    ToolType,
    /// The type of a server, `url`.
    ServerType,
    /// The name of a server, where a toolset refers to it.
    ServerReference,
    /// The name of a server.
    ServerName,
    /// The address of a server.
    HttpsUrl,
    /// The name of a custom tool.
    CustomToolName,
    /// The description of a custom tool.
    Description,
    /// The schema of a custom tool.
    InputSchema,
    /// The type of that schema, `object`.
    InputSchemaType,
    /// Custom tools have no permission policy.
    NoPolicy,
    /// `default_config`.
    DefaultConfig,
    /// `configs`.
    Configs,
    /// An entry of `configs`.
    Config,
    /// The name of a tool in a config.
    ToolName,
    /// true or false.
    Boolean,
    /// A permission policy.
    Policy,
    /// The type of a permission policy.
    PolicyType,
    /// A list of domains.
    Domains,
}
