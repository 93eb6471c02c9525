//! Which sessions have a certain tool or MCP server.
//!
//! What the API fills in counts as if it were written out; see [`super::resolve`]. So a tool of an
//! MCP server is had unless it is off: a session does not name those that it may call by default.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::domain::toolset::{
    identity::Kind,
    patch::Toolset,
    resolve::{CONFIGS, Resolved},
    value::{present, text},
    warning::BUILT_IN_TOOLS,
};

/// Most names kept to suggest others, and the longest of them in bytes.
const MAX_NAMES: usize = 1_000;
const LONGEST_NAME: usize = 256;

/// What a session is wanted to have: the name of an MCP server, of a tool of one (`server.tool`),
/// of a custom tool or of a built-in tool that is on; with `:always_ask` and the like behind it,
/// under this permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    given: String,
    /// In lower case.
    name: String,
}

impl Wanted {
    /// Upper and lower case are alike.
    pub fn of(given: &str) -> Self {
        Self { given: given.to_owned(), name: given.trim().to_lowercase() }
    }

    /// Whether the tools of a session include it.
    pub fn is_in(&self, toolset: &Toolset) -> bool {
        // Names of servers may contain colons.
        has(toolset, &self.name, None)
            || self.under().is_some_and(|(name, policy)| has(toolset, name, Some(policy)))
    }

    /// The name and the permission, if there is one.
    fn under(&self) -> Option<(&str, &str)> {
        let (name, policy) = self.name.rsplit_once(':')?;
        Some((name.trim_end(), policy.trim_start()))
    }
}

fn has(toolset: &Toolset, name: &str, policy: Option<&str>) -> bool {
    let is_server = || toolset.mcp_servers.iter().any(|server| is_called(server, name));
    (policy.is_none() && is_server())
        || toolset.tools.iter().any(|entry| has_tool(entry, name, policy))
}

/// Whether an entry has this name, or is the name itself.
fn is_called(entry: &Value, name: &str) -> bool {
    let own = entry.as_str().or_else(|| text(entry, "name"));
    own.is_some_and(|own| own.to_lowercase() == name)
}

fn has_tool(entry: &Value, name: &str, policy: Option<&str>) -> bool {
    let Value::Object(fields) = entry else {
        return policy.is_none() && is_called(entry, name);
    };
    let kind = Kind::of(entry);
    let server = || text(entry, "mcp_server_name").map(str::to_lowercase);
    match kind {
        Kind::Custom => policy.is_none() && is_called(entry, name),
        Kind::BuiltIn => Settings::of(fields, kind).of_tool(name, policy),
        Kind::Mcp => server().is_some_and(|server| {
            let tool = name.strip_prefix(&server).and_then(|rest| rest.strip_prefix('.'));
            match tool.filter(|tool| !tool.is_empty()) {
                Some(tool) => Settings::of(fields, kind).of_tool(tool, policy),
                None if name != server => false,
                None => policy.is_none() || Settings::of(fields, kind).of_any_tool(policy),
            }
        }),
        Kind::Other => {
            let is_named = is_called(entry, name) || server().is_some_and(|server| server == name);
            is_named && Settings::of(fields, kind).allow(fields, policy)
        }
    }
}

/// What holds for the tools of a toolset.
struct Settings<'a> {
    kind: Kind,
    default: Map<String, Value>,
    configs: Vec<(&'a str, &'a Map<String, Value>)>,
}

impl<'a> Settings<'a> {
    fn of(fields: &'a Map<String, Value>, kind: Kind) -> Self {
        let configs = fields.get(CONFIGS).and_then(Value::as_array).into_iter().flatten();
        let configs =
            configs.filter_map(|config| Some((text(config, "name")?, config.as_object()?)));
        let default = Resolved::of(fields, kind).default;
        Self { kind, default: default.unwrap_or_default(), configs: configs.collect() }
    }

    /// Whether this tool, in lower case, is on, and has this permission if one is wanted.
    fn of_tool(&self, tool: &str, policy: Option<&str>) -> bool {
        let mut own =
            self.configs.iter().filter(|(name, _)| name.to_lowercase() == tool).peekable();
        if own.peek().is_some() {
            return own.any(|(_, config)| self.allow(config, policy));
        }
        // What follows a colon is a permission, unless a session names such a tool.
        let is_of_server = self.kind == Kind::Mcp && !tool.contains(':');
        (is_of_server || BUILT_IN_TOOLS.contains(&tool)) && self.allow(&self.default, policy)
    }

    fn of_any_tool(&self, policy: Option<&str>) -> bool {
        self.allow(&self.default, policy)
            || self.configs.iter().any(|(_, config)| self.allow(config, policy))
    }

    fn allow(&self, own: &Map<String, Value>, policy: Option<&str>) -> bool {
        let setting = |key| present(own, key).or_else(|| present(&self.default, key));
        let is_off = setting("enabled").is_some_and(|enabled| *enabled == false);
        let has = |policy: &str| {
            let own = setting("permission_policy").and_then(|policy| text(policy, "type"));
            own.is_some_and(|own| own.to_lowercase() == policy)
        };
        !is_off && policy.is_none_or(has)
    }
}

/// Why no session has what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// What was given.
    pub wanted: String,
    /// Without its permission there are sessions that have it.
    pub under_others: bool,
    /// What the sessions have, what is most like it first.
    pub names: Vec<String>,
}

/// What the sessions that were looked at in vain have instead.
#[derive(Debug, Default)]
pub(crate) struct Lacking {
    is_any: bool,
    under_others: bool,
    names: BTreeSet<String>,
}

impl Lacking {
    pub(crate) fn add(&mut self, toolset: &Toolset, wanted: &Wanted) {
        self.is_any = true;
        self.under_others |= wanted.under().is_some_and(|(name, _)| has(toolset, name, None));
        let names = names(toolset).filter(|name| name.len() <= LONGEST_NAME);
        for name in names {
            if self.names.len() < MAX_NAMES {
                self.names.insert(name);
            }
        }
    }

    /// `None` if no session was looked at.
    pub(crate) fn explained(&self, wanted: &Wanted) -> Option<Unused> {
        let mut names: Vec<String> = self.names.iter().cloned().collect();
        names.sort_by_cached_key(|name| {
            let name = name.to_lowercase();
            (!name.contains(&wanted.name), std::cmp::Reverse(pairs_shared(&name, &wanted.name)))
        });
        let under_others = self.under_others;
        self.is_any.then(|| Unused { wanted: wanted.given.clone(), under_others, names })
    }
}

/// The names under which what a session has can be wanted.
fn names(toolset: &Toolset) -> impl Iterator<Item = String> {
    let of_tools = toolset.tools.iter().flat_map(|entry| {
        let kind = Kind::of(entry);
        let own = |key| text(entry, key).map(str::to_owned).into_iter().collect::<Vec<_>>();
        let Value::Object(fields) = entry else {
            return entry.as_str().map(str::to_owned).into_iter().collect();
        };
        match kind {
            Kind::Custom | Kind::Other => own("name"),
            Kind::BuiltIn => {
                let settings = Settings::of(fields, kind);
                let named = settings.configs.iter().map(|(name, _)| *name);
                let all: BTreeSet<&str> = named.chain(BUILT_IN_TOOLS).collect();
                let is_on = |name: &&str| settings.of_tool(&name.to_lowercase(), None);
                all.into_iter().filter(is_on).map(str::to_owned).collect()
            }
            Kind::Mcp => {
                let mut all = own("mcp_server_name");
                let settings = Settings::of(fields, kind);
                let configs = settings.configs.iter();
                let is_on = configs.filter(|(_, config)| settings.allow(config, None));
                let tools = is_on.map(|(tool, _)| format!("{}.{tool}", all.concat()));
                let tools: Vec<String> = tools.collect();
                all.extend(tools);
                all
            }
        }
    });
    let of_servers = toolset
        .mcp_servers
        .iter()
        .filter_map(|server| server.as_str().or_else(|| text(server, "name")).map(str::to_owned));
    of_servers.chain(of_tools)
}

/// How many neighbouring pairs of characters two names share.
fn pairs_shared(one: &str, other: &str) -> usize {
    let pairs =
        |text: &str| -> BTreeSet<(char, char)> { text.chars().zip(text.chars().skip(1)).collect() };
    pairs(one).intersection(&pairs(other)).count()
}
