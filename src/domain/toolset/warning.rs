//! What is valid in a result, but worth a look.

use serde_json::Value;

use crate::domain::toolset::{
    config_name::short_name,
    diff::{Changed, Changes},
    identity::{Identity, Kind, Section},
    merge::{MergeResult, MergedEntry},
    patch::{Mode, Patch, Toolset},
    resolve::{CONFIGS, DEFAULT, INHERITED, Resolved},
    value::{alike, text},
    value_path::ValuePath,
};

/// The only built-in toolset whose tools are known, and its tools. A version of a toolset keeps
/// its tools.
const BUILT_IN: &str = "agent_toolset_20260401";
/// See [`Warning::UnknownTool`].
pub const BUILT_IN_TOOLS: [&str; 8] =
    ["bash", "read", "write", "edit", "glob", "grep", "web_fetch", "web_search"];

/// What mode replace drops, since it is not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Tools.
    pub tools: Vec<Identity>,
    /// Servers, by name.
    pub servers: Vec<String>,
    /// Configs, by the names under which they could be removed.
    pub configs: Vec<String>,
    /// Toolsets that go back to the API's defaults.
    pub defaults: Vec<Identity>,
}

/// Something in a change that the caller may not have meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The toolset of this server is removed together with it.
    RemovedWithServer(String),
    /// No toolset uses these servers, which the session already had.
    UnusedServers(Vec<String>),
    /// No toolset uses this server, which is added.
    AddedWithoutToolset(String),
    /// These servers are added to a session that has no vault with credentials for them.
    AddedWithoutVault(Vec<String>),
    /// This goes in mode replace.
    Dropped(Dropped),
    /// The default at this path changes, but the configs of these tools keep their own setting.
    Overridden(String, Vec<String>),
    /// The name at this path is not in [`BUILT_IN_TOOLS`].
    UnknownTool(String, String),
    /// The type at this path is unknown, and differs from this known one only in its suffix.
    AlmostKnownType(String, &'static str),
    /// The permission of the tool at this path changes, but the tool stays off.
    StaysOff(String),
    /// The same for the default at this path, and all tools without a config of their own.
    DefaultStaysOff(String),
}

pub(crate) fn warnings(result: &MergeResult<'_>) -> Vec<Warning> {
    let removed = result.removed_with_server.iter();
    removed
        .map(|&server| Warning::RemovedWithServer(server.to_owned()))
        .chain(unused_servers(result))
        .chain(result.tools.iter().filter_map(overridden))
        .chain(result.tools.iter().flat_map(unknown_tools))
        .chain(result.tools.iter().filter_map(almost_known_type))
        .chain(result.tools.iter().flat_map(stays_off))
        .chain(result.tools.iter().filter_map(default_stays_off))
        .collect()
}

/// Servers that a change adds to a session without any vault.
pub(crate) fn added_without_vault(changes: &Changes) -> Option<Warning> {
    let added = changes.mcp_servers.added.iter();
    let names: Vec<_> = added.filter_map(|server| text(server, "name")).collect();
    let names = names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    (!names.is_empty()).then_some(Warning::AddedWithoutVault(names))
}

/// What is lost because mode replace does not give it.
pub(crate) fn dropped(patch: &Patch, new: &Toolset, changes: &Changes) -> Option<Warning> {
    if patch.mode != Mode::Replace {
        return None;
    }
    let mut dropped = Dropped::default();
    if patch.mcp_servers.is_some() {
        let servers = changes.mcp_servers.removed.iter();
        let names = servers.filter_map(|server| text(server, "name"));
        dropped.servers.extend(names.map(str::to_owned));
    }
    if patch.tools.is_some() {
        let removed = changes.tools.removed.iter();
        dropped.tools.extend(removed.filter_map(|tool| Section::Tools.identity(tool)));
        for changed in &changes.tools.changed {
            let of_identity =
                |tool: &&Value| Section::Tools.identity(tool).as_ref() == Some(&changed.identity);
            if let Some(tool) = new.tools.iter().find(of_identity) {
                dropped.settings(changed, tool);
            }
        }
    }
    (dropped != Dropped::default()).then_some(Warning::Dropped(dropped))
}

impl Dropped {
    /// Adds what is no longer set in the entry.
    fn settings(&mut self, changed: &Changed, tool: &Value) {
        if changed.before.contains_key(DEFAULT) && tool.get(DEFAULT).is_none_or(Value::is_null) {
            self.defaults.push(changed.identity.clone());
        }
        let configs = |configs: Option<&Value>| -> Vec<String> {
            let configs = configs.and_then(Value::as_array).into_iter().flatten();
            configs.filter_map(|config| text(config, "name").map(str::to_owned)).collect()
        };
        let left = configs(tool.get(CONFIGS));
        let gone = configs(changed.before.get(CONFIGS)).into_iter();
        let gone = gone.filter(|name| !left.contains(name));
        self.configs.extend(gone.map(|name| short_name(tool, &name)));
    }
}

/// Like [`stays_off`], for the default of all tools.
fn default_stays_off(entry: &MergedEntry<'_>) -> Option<Warning> {
    let default = ValuePath::of(Section::Tools, entry).key(DEFAULT);
    let (enabled, policy) = (default.key("enabled"), default.key("permission_policy"));
    let is_off = enabled.given.is_none() && enabled.value.is_some_and(|on| *on == false);
    let changes = policy.given.is_some_and(|policy| !policy.is_null()) && !policy.is_old();
    (is_off && changes).then(|| Warning::DefaultStaysOff(default.location()))
}

/// A suffix that was forgotten, or made up.
fn almost_known_type(entry: &MergedEntry<'_>) -> Option<Warning> {
    let (index, given) = entry.given?;
    let kind = text(given, "type")?;
    let is_new = entry.before.is_none();
    let known = ["agent_toolset_20260401", "mcp_toolset", "custom"];
    let stem = |kind: &str| {
        let kind = kind.to_ascii_lowercase().replace('-', "_");
        let end = kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_').len();
        kind.get(..end).map(|stem| stem.trim_end_matches("_tool").to_owned())
    };
    let meant = known.into_iter().find(|known| stem(known) == stem(kind))?;
    let path = format!("{}[{index}].type", Section::Tools.name());
    (is_new && kind != meant).then_some(Warning::AlmostKnownType(path, meant))
}

/// Of the configs given: those of tools whose permission changes and that are off all the same.
fn stays_off(entry: &MergedEntry<'_>) -> Vec<Warning> {
    let Some(object) = entry.value.as_object() else {
        return Vec::new();
    };
    let kind = Kind::of(&entry.value);
    if entry.given.is_none() || !kind.is_toolset() {
        return Vec::new();
    }
    let resolved = Resolved::of(object, kind);
    let configs = ValuePath::of(Section::Tools, entry).key(CONFIGS).configs();
    let is_off = |name| resolved.setting(name, "enabled").is_some_and(|on| *on == false);
    let changed = configs.iter().filter(|config| {
        let policy = config.key("permission_policy");
        policy.given.is_some() && !policy.is_old()
    });
    let off = changed.filter(|config| {
        let name = config.value.and_then(|config| text(config, "name"));
        // Who turns it off in the same call knows.
        config.key("enabled").given.is_none() && name.is_some_and(is_off)
    });
    off.map(|config| Warning::StaysOff(config.location())).collect()
}

fn unused_servers(result: &MergeResult<'_>) -> Vec<Warning> {
    let is_used = |name: &&str| {
        let mut tools = result.tools.iter();
        tools.any(|tool| text(&tool.value, "mcp_server_name") == Some(name))
    };
    let (mut added, mut old) = (Vec::new(), Vec::new());
    for server in &result.servers {
        if let Some(name) = text(&server.value, "name").filter(|name| !is_used(name)) {
            match server.before {
                Some(_) => old.push(name.to_owned()),
                None => added.push(Warning::AddedWithoutToolset(name.to_owned())),
            }
        }
    }
    added.extend((!old.is_empty()).then_some(Warning::UnusedServers(old)));
    added
}

/// Most likely a mistake, but the API decides.
fn unknown_tools(entry: &MergedEntry<'_>) -> Vec<Warning> {
    if text(&entry.value, "type") != Some(BUILT_IN) || entry.given.is_none() {
        return Vec::new();
    }
    let configs = ValuePath::of(Section::Tools, entry).key(CONFIGS).configs();
    let given = configs.iter().filter(|config| config.given.is_some());
    let unknown = given.filter_map(|config| {
        let path = config.key("name");
        let name = path.value.and_then(Value::as_str)?;
        let is_unknown = !path.is_old() && !BUILT_IN_TOOLS.contains(&name);
        is_unknown.then(|| Warning::UnknownTool(path.location(), name.to_owned()))
    });
    unknown.collect()
}

/// The API answers with configs filled in, so a changed default can be without effect.
fn overridden(entry: &MergedEntry<'_>) -> Option<Warning> {
    entry.given.and(entry.before)?;
    let path = ValuePath::of(Section::Tools, entry);
    let default = path.key(DEFAULT);
    let mut tools = Vec::new();
    for key in INHERITED {
        let new = default.key(key);
        let Some(value) = new.given.filter(|_| !new.is_old()) else {
            continue;
        };
        for config in path.key(CONFIGS).configs() {
            let own = config.key(key);
            let name = config.value.and_then(|config| text(config, "name"));
            if own.given.is_none() && own.present().is_some_and(|own| !alike(own, value)) {
                tools.extend(name.map(str::to_owned));
            }
        }
    }
    tools.dedup();
    (!tools.is_empty()).then(|| Warning::Overridden(default.location(), tools))
}
