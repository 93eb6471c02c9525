//! The patch that takes a change back.
//!
//! A patch counts only if [`plan`] accepts it and computes the old arrays from the new ones, entry
//! by entry and in their order. The smallest one is a merge of what differs. Where a merge cannot
//! do it (it neither reorders entries nor sets a key to null), the old arrays are given whole.

use serde_json::{Map, Value};

use crate::domain::{
    text::make_visible,
    toolset::{
        config_name::unique_name,
        identity::{Kind, Section, pair},
        patch::{Mode, Patch, Toolset},
        plan::plan,
        problem::Problem,
        resolve::{CONFIGS, DEFAULT, by_name},
        value::{same, text},
    },
};

/// Why a change cannot be taken back by one call.
#[derive(Debug, Clone, PartialEq)]
pub enum NoUndo {
    /// The old state has what would be refused if it were given.
    Refused(Vec<Problem>),
    /// No patch restores the old state exactly.
    Inexact,
    /// The old state has invisible characters, which are answered as escapes, or numbers that
    /// hosts round.
    Altered,
    /// So many bytes do not fit into an answer.
    TooLarge(usize),
}

/// The patch that makes `before` of `after`; `None` if they are the same.
pub fn undo(before: &Toolset, after: &Toolset) -> Option<Result<Patch, NoUndo>> {
    if before == after {
        return None;
    }
    let merge = merging(before, after);
    if let Some(patch) = merge.as_ref().filter(|patch| attempt(before, after, patch).is_ok()) {
        return Some(Ok(patch.clone()));
    }
    let replace = replacing(before, after);
    let reason = match attempt(before, after, &replace) {
        Ok(()) => return Some(Ok(replace)),
        Err(reason) => reason,
    };
    // What an array given leaves out can be asked to be removed all the same.
    let removals = merge.map(|merge| merge.remove_configs).unwrap_or_default();
    let replace = Patch { remove_configs: removals, ..replace };
    match attempt(before, after, &replace) {
        Ok(()) => Some(Ok(replace)),
        Err(_) => Some(Err(reason)),
    }
}

/// Whether the patch restores `before`, and arrives as it is answered.
fn attempt(before: &Toolset, after: &Toolset, patch: &Patch) -> Result<(), NoUndo> {
    let change = plan(after, patch).map_err(NoUndo::Refused)?;
    let restored = change.applied_to(after);
    let is_same = |one: &[Value], two: &[Value]| {
        one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
    };
    if !is_same(&restored.tools, &before.tools)
        || !is_same(&restored.mcp_servers, &before.mcp_servers)
    {
        return Err(NoUndo::Inexact);
    }
    if arrives_unchanged(patch) { Ok(()) } else { Err(NoUndo::Altered) }
}

fn arrives_unchanged(patch: &Patch) -> bool {
    let arguments = Value::Object(patch.arguments());
    let mut answered = arguments.clone();
    make_visible(&mut answered);
    let mut names =
        patch.remove_tools.iter().chain(&patch.remove_mcp_servers).chain(&patch.remove_configs);
    let mut entries = patch.tools.iter().chain(&patch.mcp_servers).flatten();
    // Blank names count as not given, and text that is JSON as that JSON.
    answered == arguments
        && !is_rounded(&arguments)
        && names.all(|name| !name.trim().is_empty())
        && entries.all(Value::is_object)
}

/// Whether a host that reads every number as a double would change it.
fn is_rounded(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().map(Value::from);
            !double.is_some_and(|double| same(&double, value))
        }
        Value::Array(values) => values.iter().any(is_rounded),
        Value::Object(members) => members.values().any(is_rounded),
        _ => false,
    }
}

/// The arrays that differ, as they were.
fn replacing(before: &Toolset, after: &Toolset) -> Patch {
    let old = |old: &[Value], new: &[Value]| (old != new).then(|| old.to_vec());
    Patch {
        mode: Mode::Replace,
        tools: old(&before.tools, &after.tools),
        mcp_servers: old(&before.mcp_servers, &after.mcp_servers),
        ..Patch::default()
    }
}

/// Only what differs; `None` if an entry that differs has nothing to be identified by.
fn merging(before: &Toolset, after: &Toolset) -> Option<Patch> {
    let mut patch = Patch::default();
    let servers = Merging::of(Section::Servers, &before.mcp_servers, &after.mcp_servers)?;
    let mut tools = Merging::of(Section::Tools, &before.tools, &after.tools)?;
    // The toolset of a server goes with it.
    tools.gone.retain(|tool| {
        let server = text(tool, "mcp_server_name").filter(|_| Kind::of(tool) == Kind::Mcp);
        !servers.gone.iter().any(|gone| server.is_some() && text(gone, "name") == server)
    });
    patch.remove_mcp_servers = servers.removal_names()?;
    patch.remove_tools = tools.removal_names()?;
    for (now, tool) in tools.configs_gone {
        patch.remove_configs.push(unique_name(&after.tools, now, tool)?);
    }
    patch.tools = (!tools.given.is_empty()).then_some(tools.given);
    patch.mcp_servers = (!servers.given.is_empty()).then_some(servers.given);
    Some(patch)
}

/// What to merge into one array.
struct Merging<'a> {
    section: Section,
    now: &'a [Value],
    given: Vec<Value>,
    gone: Vec<&'a Value>,
    /// Each with its entry.
    configs_gone: Vec<(&'a Value, &'a str)>,
}

impl<'a> Merging<'a> {
    fn of(section: Section, old: &'a [Value], now: &'a [Value]) -> Option<Self> {
        let mut merging =
            Self { section, now, given: Vec::new(), gone: Vec::new(), configs_gone: Vec::new() };
        let partners = pair(section, now, old);
        for (old, partner) in old.iter().zip(&partners) {
            match partner.and_then(|index| now.get(index)) {
                Some(now) if now == old => {}
                Some(now) => merging.change(old, now)?,
                None => merging.given.push(old.clone()),
            }
        }
        let stays = |index: &usize| partners.contains(&Some(*index));
        let gone = now.iter().enumerate().filter(|(index, _)| !stays(index));
        merging.gone = gone.map(|(_, entry)| entry).collect();
        Some(merging)
    }

    /// Names that stand for nothing else, as far as there are any.
    fn removal_names(&self) -> Option<Vec<String>> {
        let names = self.gone.iter().map(|entry| {
            let names = self.section.removal_names(entry);
            let count = |name: &&str| {
                let mut same = self.now.iter().map(|other| self.section.removal_names(other));
                same.by_ref().filter(|names| names.contains(name)).count()
            };
            let unique = names.iter().find(|name| count(name) == 1);
            unique.or(names.first()).map(|name| (*name).to_owned())
        });
        names.collect()
    }

    fn change(&mut self, old: &'a Value, now: &'a Value) -> Option<()> {
        let identity = serde_json::to_value(self.section.identity(old)?).ok()?;
        let (Value::Object(mut given), Value::Object(old_members), Value::Object(members)) =
            (identity, old, now)
        else {
            return None;
        };
        let known = given.len();
        for (key, one, other) in differing(old_members, members) {
            let value = match (key, one, other) {
                (DEFAULT, Some(Value::Object(one)), Some(Value::Object(other))) => {
                    changed(one, other).into()
                }
                (CONFIGS, Some(Value::Array(one)), Some(Value::Array(other))) => {
                    match self.configs(now, one, other) {
                        Some(configs) if configs.is_empty() => continue,
                        Some(configs) => configs.into(),
                        None => Value::Array(one.clone()),
                    }
                }
                (_, one, _) => one.cloned().unwrap_or_default(),
            };
            given.insert(key.to_owned(), value);
        }
        if given.len() > known {
            self.given.push(given.into());
        }
        Some(())
    }

    /// The configs to give; those that go are noted. `None` if they cannot be told apart.
    fn configs(&mut self, entry: &'a Value, old: &[Value], now: &'a [Value]) -> Option<Vec<Value>> {
        let (old, now) = (by_name(old)?, by_name(now)?);
        let mut given = Vec::new();
        for (name, config) in &old {
            match now.iter().find(|(other, _)| other == name) {
                Some((_, now)) if now == config => {}
                Some((_, now)) => {
                    let name = [("name".to_owned(), Value::from(*name))];
                    given.push(name.into_iter().chain(changed(config, now)).collect());
                }
                None => given.push(Value::Object((*config).clone())),
            }
        }
        let is_gone = |name: &&str| !old.iter().any(|(other, _)| other == name);
        let gone = now.iter().map(|(name, _)| *name).filter(is_gone);
        self.configs_gone.extend(gone.map(|name| (entry, name)));
        Some(given)
    }
}

/// The keys that differ, with the old and the new value.
fn differing<'a>(
    old: &'a Map<String, Value>,
    now: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a str, Option<&'a Value>, Option<&'a Value>)> {
    let more = now.keys().filter(|key| !old.contains_key(*key));
    let keys = old.keys().chain(more);
    let members = keys.map(|key| (key.as_str(), old.get(key), now.get(key)));
    members.filter(|(_, old, now)| old != now)
}

/// The differing members as they were, null where there was none.
fn changed(old: &Map<String, Value>, now: &Map<String, Value>) -> Map<String, Value> {
    let members = differing(old, now);
    members.map(|(key, old, _)| (key.to_owned(), old.cloned().unwrap_or_default())).collect()
}
