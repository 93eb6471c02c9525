//! The arrays after a patch, and where each entry came from.

use serde_json::{Map, Value};

use crate::domain::toolset::{
    config_name::{ConfigKey, removed_configs},
    identity::{Identity, Kind, Section, pair},
    patch::{Mode, Patch, Toolset},
    problem::{Problem, ProblemKind},
    resolve::CONFIGS,
    value::{same, text},
};

/// An entry of the result, with what it was made of.
pub(crate) struct MergedEntry<'a> {
    pub(crate) value: Value,
    /// Computed once: arrays may be long.
    pub(crate) identity: Option<Identity>,
    /// Index and value in the arguments.
    pub(crate) given: Option<(usize, &'a Value)>,
    /// Index and value in the session.
    pub(crate) before: Option<(usize, &'a Value)>,
}

impl<'a> MergedEntry<'a> {
    fn of(
        section: Section,
        value: &Value,
        given: Option<(usize, &'a Value)>,
        before: Option<(usize, &'a Value)>,
    ) -> Self {
        Self { value: value.clone(), identity: section.identity(value), given, before }
    }
}

/// Both arrays after a patch.
pub(crate) struct MergeResult<'a> {
    pub(crate) tools: Vec<MergedEntry<'a>>,
    pub(crate) servers: Vec<MergedEntry<'a>>,
    /// The servers whose toolsets were removed together with them.
    pub(crate) removed_with_server: Vec<&'a str>,
    pub(crate) removed_configs: Vec<ConfigKey<'a>>,
}

/// Applies the patch. What cannot be applied is left out of the result and added to `problems`.
pub(crate) fn merge<'a>(
    current: &'a Toolset,
    patch: &'a Patch,
    problems: &mut Vec<Problem>,
) -> MergeResult<'a> {
    check_given(patch, problems);
    let mut gone_tools = removals(Section::Tools, &current.tools, patch, problems);
    let gone_servers = removals(Section::Servers, &current.mcp_servers, patch, problems);
    let removed_configs = removed_configs(&current.tools, patch, problems);
    let removed_with_server = remove_orphans(current, patch, &gone_servers, &mut gone_tools);
    let array =
        |section, now: &'a [Value], given: &'a Option<Vec<Value>>, gone: &[usize]| match given {
            Some(given) if patch.mode == Mode::Replace => replaced(section, now, given),
            given => {
                let kept = now.iter().enumerate();
                let kept = kept.filter(|(index, _)| !gone.contains(index));
                let given = given.as_deref().unwrap_or_default();
                merged(section, kept, &removed_configs, given)
            }
        };
    MergeResult {
        tools: array(Section::Tools, &current.tools, &patch.tools, &gone_tools),
        servers: array(Section::Servers, &current.mcp_servers, &patch.mcp_servers, &gone_servers),
        removed_with_server,
        removed_configs,
    }
}

fn check_given(patch: &Patch, problems: &mut Vec<Problem>) {
    let removals = [&patch.remove_tools, &patch.remove_mcp_servers, &patch.remove_configs];
    if removals.iter().any(|names| !names.is_empty()) {
        return;
    }
    let arrays = [(Section::Tools, &patch.tools), (Section::Servers, &patch.mcp_servers)];
    let given = arrays.into_iter();
    let given = given.filter_map(|(section, array)| Some((section.name(), array.as_ref()?)));
    let given: Vec<_> = given.collect();
    if given.is_empty() {
        let section = Section::Tools.name();
        problems.push(Problem::new(section, ProblemKind::NothingGiven));
    } else if patch.mode == Mode::Merge && given.iter().all(|(_, array)| array.is_empty()) {
        let sections = given.into_iter().map(|(section, _)| section);
        problems.extend(sections.map(|each| Problem::new(each, ProblemKind::EmptyMerge)));
    }
}

/// The indices of the entries to remove.
fn removals(
    section: Section,
    now: &[Value],
    patch: &Patch,
    problems: &mut Vec<Problem>,
) -> Vec<usize> {
    let (names, given) = match section {
        Section::Tools => (&patch.remove_tools, &patch.tools),
        Section::Servers => (&patch.remove_mcp_servers, &patch.mcp_servers),
    };
    let argument = section.removal_argument();
    if patch.mode == Mode::Replace && given.is_some() && !names.is_empty() {
        let kind = ProblemKind::RemovalWithReplacement(section, names.len());
        problems.push(Problem::new(argument, kind));
        return Vec::new();
    }
    let mut gone = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match find(section, name, now, given.as_deref().unwrap_or_default()) {
            Ok(found) => gone.extend(found),
            Err(kind) => problems.push(Problem::new(format!("{argument}[{index}]"), kind)),
        }
    }
    gone
}

/// The indices of the entries that a name to remove stands for.
fn find(
    section: Section,
    name: &str,
    now: &[Value],
    given: &[Value],
) -> Result<Vec<usize>, ProblemKind> {
    let is_meant = |entry: &Value| section.removal_names(entry).contains(&name);
    let found = now.iter().enumerate().filter(|(_, entry)| is_meant(entry));
    let (found, mut identities): (Vec<_>, Vec<_>) =
        found.map(|(index, entry)| (index, section.identity(entry))).unzip();
    identities.sort();
    identities.dedup();
    let name = name.to_owned();
    if found.is_empty() {
        let known = now.iter().filter_map(|entry| section.removal_names(entry).into_iter().next());
        let mut known: Vec<_> = known.map(str::to_owned).collect();
        known.dedup();
        return Err(ProblemKind::UnknownName(section, name, known));
    }
    if identities.len() > 1 {
        let entries = identities.into_iter().flatten().collect();
        return Err(ProblemKind::AmbiguousName(section, name, entries));
    }
    match given.iter().position(is_meant) {
        Some(index) => Err(ProblemKind::RemovedAndGiven(section, name, index)),
        None => Ok(found),
    }
}

/// Also removes the toolsets of removed servers, which the API would refuse, and returns the names
/// of those servers. Given toolsets stay: removing them would contradict the arguments.
fn remove_orphans<'a>(
    current: &'a Toolset,
    patch: &Patch,
    gone_servers: &[usize],
    gone_tools: &mut Vec<usize>,
) -> Vec<&'a str> {
    if patch.mode == Mode::Replace && patch.tools.is_some() {
        return Vec::new();
    }
    let servers = gone_servers.iter();
    let servers = servers.filter_map(|index| text(current.mcp_servers.get(*index)?, "name"));
    let mut removed = Vec::new();
    for server in servers {
        for (index, tool) in current.tools.iter().enumerate() {
            let refers = text(tool, "mcp_server_name") == Some(server);
            if refers && Kind::of(tool) == Kind::Mcp && !gone_tools.contains(&index) {
                gone_tools.push(index);
                removed.push(server);
            }
        }
    }
    removed
}

fn replaced<'a>(section: Section, now: &'a [Value], given: &'a [Value]) -> Vec<MergedEntry<'a>> {
    let entries = given.iter().enumerate().zip(pair(section, now, given));
    entries
        .map(|((index, value), before)| {
            let before = before.and_then(|index| Some((index, now.get(index)?)));
            MergedEntry::of(section, value, Some((index, value)), before)
        })
        .collect()
}

fn merged<'a>(
    section: Section,
    kept: impl Iterator<Item = (usize, &'a Value)>,
    removed: &[ConfigKey<'_>],
    given: &'a [Value],
) -> Vec<MergedEntry<'a>> {
    let mut entries: Vec<_> = kept
        .map(|(index, value)| MergedEntry::of(section, value, None, Some((index, value))))
        .collect();
    for entry in &mut entries {
        remove_configs(entry, removed);
    }
    for (index, value) in given.iter().enumerate() {
        let given = Some((index, value));
        let new = MergedEntry::of(section, value, given, None);
        // A second one in the arguments is not merged, so that it is reported as a duplicate.
        let target = entries.iter_mut().find(|entry| {
            entry.given.is_none() && new.identity.is_some() && entry.identity == new.identity
        });
        match target {
            Some(target) => {
                merge_entry(&mut target.value, value);
                target.given = given;
            }
            None => entries.push(new),
        }
    }
    entries
}

fn remove_configs(entry: &mut MergedEntry<'_>, removed: &[ConfigKey<'_>]) {
    let of_entry = removed.iter().filter(|key| key.toolset == entry.identity);
    let tools: Vec<_> = of_entry.map(|key| key.tool).collect();
    if let (false, Some(Value::Array(configs))) = (tools.is_empty(), entry.value.get_mut(CONFIGS)) {
        configs.retain(|config| text(config, "name").is_none_or(|name| !tools.contains(&name)));
    }
}

/// Merges `configs` by tool name, `default_config` key by key, so that changing its policy does
/// not enable what was disabled; other keys override.
fn merge_entry(entry: &mut Value, new: &Value) {
    let (Value::Object(entry), Value::Object(new)) = (entry, new) else {
        return;
    };
    for (key, new) in new {
        match (key.as_str(), entry.get_mut(key), new) {
            ("configs", Some(Value::Array(configs)), Value::Array(new)) => {
                merge_configs(configs, new);
            }
            ("default_config", Some(Value::Object(default)), Value::Object(new)) => {
                merge_members(default, new);
            }
            _ => put(entry, key, new),
        }
    }
}

fn merge_configs(configs: &mut Vec<Value>, new: &[Value]) {
    for new in new {
        let name = text(new, "name");
        let old = configs.iter_mut().find(|old| match name {
            Some(_) => text(old, "name") == name,
            None => same(old, new),
        });
        match (old, new) {
            (Some(Value::Object(old)), Value::Object(new)) => merge_members(old, new),
            (Some(old), new) => *old = new.clone(),
            (None, new) => configs.push(new.clone()),
        }
    }
}

fn merge_members(object: &mut Map<String, Value>, new: &Map<String, Value>) {
    for (key, value) in new {
        put(object, key, value);
    }
}

/// Null removes a key (RFC 7396), the only way to undo a setting in a merge; the API refuses some
/// keys that are null. What was null before stays as the service sent it.
fn put(object: &mut Map<String, Value>, key: &str, value: &Value) {
    if !value.is_null() {
        object.insert(key.to_owned(), value.clone());
    } else if object.get(key).is_some_and(|old| !old.is_null()) {
        // Not `swap_remove`, which would reorder the other keys.
        object.shift_remove(key);
    }
}
