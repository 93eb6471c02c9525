//! Why a patch cannot be applied.

use serde_json::Value;

use crate::domain::toolset::identity::{Identity, Section};

/// The longest list of domains.
pub const MOST_DOMAINS: usize = 64;
const LONGEST_SERVER_NAME: usize = 255;
const LONGEST_TOOL_NAME: usize = 128;
const POLICIES: [&str; 3] = ["always_allow", "always_ask", "auto"];

/// One reason why a patch cannot be applied, and where. May hold untrusted text.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// A path into the arguments (`tools[2].configs[0].permission_policy.type`), or into the
    /// session for what was already there (`session.tools[3].mcp_server_name`).
    pub path: String,
    /// What is wrong there.
    pub kind: ProblemKind,
}

impl Problem {
    pub(crate) fn new(path: impl Into<String>, kind: ProblemKind) -> Self {
        let path = path.into();
        Self { path, kind }
    }
}

/// What is wrong with a patch or its result.
#[derive(Debug, Clone, PartialEq)]
pub enum ProblemKind {
    /// This value, or its absence, is not what is expected.
    Invalid(Option<Value>, Expected),
    /// The array would have so many entries, more than this limit.
    TooManyEntries(usize, usize),
    /// Both `allowed_domains` and `blocked_domains` are set.
    BothDomainLists,
    /// There is already a config for this tool, at this path.
    RepeatedConfig(String, String),
    /// There is already an entry with this identity, at this path.
    RepeatedEntry(Identity, String),
    /// An MCP toolset refers to this server; only these exist.
    UnknownServer(String, Vec<String>),
    /// An MCP toolset refers to this server, which the patch removes, leaving these.
    RemovedServer(String, Vec<String>),
    /// The patch is empty.
    NothingGiven,
    /// Only empty arrays are given in mode merge.
    EmptyMerge,
    /// So many names to remove are given beside the whole new value of this array.
    RemovalWithReplacement(Section, usize),
    /// The name to remove is not in the array, which has these names.
    UnknownName(Section, String, Vec<String>),
    /// The name to remove is that of all these entries.
    AmbiguousName(Section, String, Vec<Identity>),
    /// The name of a config to remove is that of none; these are there.
    UnknownConfig(String, Vec<String>),
    /// The name of a config to remove is that of these: their toolsets, and their tools.
    AmbiguousConfig(String, Vec<(Identity, String)>),
    /// The config to remove by this name is also given, at this path.
    ConfigRemovedAndGiven(String, String),
    /// The entry to remove by this name is also given, at this index.
    RemovedAndGiven(Section, String, usize),
}

/// What the API accepts in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A tool or server.
    Entry,
    /// The type of a tool.
    ToolType,
    /// The type of a server.
    ServerType,
    /// The name of a server.
    ServerName,
    /// The name of a server, to which a toolset refers.
    ServerReference,
    /// The address of a server.
    HttpsUrl,
    /// The name of a custom tool.
    CustomToolName,
    /// The description of a custom tool.
    Description,
    /// The schema of a custom tool.
    InputSchema,
    /// The type of that schema.
    InputSchemaType,
    /// No permission policy: it is a custom tool.
    NoPolicy,
    /// `default_config`.
    DefaultConfig,
    /// `configs`.
    Configs,
    /// An entry of `configs`.
    Config,
    /// The name of a tool in a config.
    ToolName,
    /// `enabled`.
    Enabled,
    /// `permission_policy`.
    Policy,
    /// The type of a permission policy.
    PolicyType,
    /// `allowed_domains` or `blocked_domains`.
    Domains,
}

impl Expected {
    pub(crate) fn accepts(self, value: &Value) -> bool {
        let text = value.as_str().unwrap_or_default();
        match self {
            Self::Entry | Self::InputSchema | Self::DefaultConfig | Self::Config | Self::Policy => {
                value.is_object()
            }
            Self::ToolType | Self::ServerType | Self::Description => !text.is_empty(),
            Self::ServerName | Self::ServerReference | Self::ToolName => {
                (1..=LONGEST_SERVER_NAME).contains(&text.chars().count())
            }
            Self::HttpsUrl => is_https(text),
            Self::CustomToolName => {
                let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                (1..=LONGEST_TOOL_NAME).contains(&text.len()) && text.bytes().all(is_valid)
            }
            Self::InputSchemaType => text == "object",
            Self::NoPolicy => false,
            Self::Configs => value.is_array(),
            Self::Enabled => value.is_boolean(),
            Self::PolicyType => POLICIES.contains(&text),
            Self::Domains => value.as_array().is_some_and(|domains| {
                (1..=MOST_DOMAINS).contains(&domains.len()) && domains.iter().all(Value::is_string)
            }),
        }
    }
}

fn is_https(url: &str) -> bool {
    let rest =
        url.split_at_checked(8).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("https://"));
    let host = rest.and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| !host.is_empty())
        && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}
