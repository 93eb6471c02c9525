//! What the arrays would be after a patch, and where every entry came from.

use serde_json::{Map, Value};

use crate::domain::toolset::{
    Mode, Patch, Problem, Toolset,
    identity::{Identity, Kind, Section, pair, quoted},
    value::{same, shown, text},
};

/// An entry of the result, with what it was made of.
pub(crate) struct Entry<'a> {
    pub(crate) value: Value,
    /// What it is recognised by, worked out once: there may be many entries to look through.
    pub(crate) identity: Option<Identity>,
    /// Where it stands in the arguments, and what was given there.
    pub(crate) given: Option<(usize, &'a Value)>,
    /// Where it stood in the session, and what it was.
    pub(crate) before: Option<(usize, &'a Value)>,
}

/// Both arrays after the patch.
pub(crate) struct Outcome<'a> {
    pub(crate) tools: Vec<Entry<'a>>,
    pub(crate) servers: Vec<Entry<'a>>,
    pub(crate) warnings: Vec<String>,
}

/// Applies the patch. What cannot be applied is left out of the outcome and put into `problems`.
pub(crate) fn apply<'a>(
    current: &'a Toolset,
    patch: &'a Patch,
    problems: &mut Vec<Problem>,
) -> Outcome<'a> {
    nothing_given(patch, problems);
    let mut gone_tools = removals(&current.tools, patch, Section::Tools, problems);
    let gone_servers = removals(&current.mcp_servers, patch, Section::Servers, problems);
    let warnings = take_along(current, patch, &gone_servers, &mut gone_tools);
    let array = |which, now: &'a [Value], given: Option<&'a Vec<Value>>, gone: &[usize]| match (
        given, patch.mode,
    ) {
        (Some(given), Mode::Replace) => replaced(which, now, given),
        (given, _) => {
            let kept = now
                .iter()
                .enumerate()
                .filter(|(index, _)| !gone.contains(index));
            merged(which, kept, given.map_or(&[], Vec::as_slice))
        }
    };
    Outcome {
        tools: array(
            Section::Tools,
            &current.tools,
            patch.tools.as_ref(),
            &gone_tools,
        ),
        servers: array(
            Section::Servers,
            &current.mcp_servers,
            patch.mcp_servers.as_ref(),
            &gone_servers,
        ),
        warnings,
    }
}

fn nothing_given(patch: &Patch, problems: &mut Vec<Problem>) {
    if !patch.remove_tools.is_empty() || !patch.remove_mcp_servers.is_empty() {
        return;
    }
    let given = [("tools", &patch.tools), ("mcp_servers", &patch.mcp_servers)];
    let arrays: Vec<_> = given
        .into_iter()
        .filter_map(|(name, array)| Some((name, array.as_ref()?)))
        .collect();
    if arrays.is_empty() {
        problems.push(Problem::new(
            "tools",
            "nothing to change",
            "at least one of tools, mcp_servers, remove_tools, remove_mcp_servers",
        ));
    } else if patch.mode == Mode::Merge && arrays.iter().all(|(_, array)| array.is_empty()) {
        for (name, _) in arrays {
            problems.push(Problem::new(
                name,
                "an empty array, which changes nothing in mode merge",
                "at least one entry; mode replace to clear it",
            ));
        }
    }
}

/// The indices of the entries that are asked to go.
fn removals(
    now: &[Value],
    patch: &Patch,
    which: Section,
    problems: &mut Vec<Problem>,
) -> Vec<usize> {
    let (argument, names, given) = match which {
        Section::Tools => ("remove_tools", &patch.remove_tools, &patch.tools),
        Section::Servers => (
            "remove_mcp_servers",
            &patch.remove_mcp_servers,
            &patch.mcp_servers,
        ),
    };
    if patch.mode == Mode::Replace && given.is_some() && !names.is_empty() {
        problems.push(Problem::new(
            argument,
            format!(
                "{} {} beside {}, which is already the whole new value",
                names.len(),
                if names.len() == 1 { "name" } else { "names" },
                which.name()
            ),
            format!("either {} or {argument}, or mode merge", which.name()),
        ));
        return Vec::new();
    }
    let mut gone = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let place = format!("{argument}[{index}]");
        let is_meant = |entry: &Value| which.handles(entry).contains(&name.as_str());
        let hits: Vec<_> = now
            .iter()
            .enumerate()
            .filter(|(_, entry)| is_meant(entry))
            .collect();
        let mut kinds: Vec<Option<Identity>> = hits
            .iter()
            .map(|(_, entry)| which.identity(entry))
            .collect();
        kinds.sort();
        kinds.dedup();
        if hits.is_empty() {
            problems.push(Problem::new(place, quoted(name), names_of(which, now)));
        } else if kinds.len() > 1 {
            let kinds: Vec<_> = kinds.iter().flatten().map(ToString::to_string).collect();
            problems.push(Problem::new(
                place,
                format!(
                    "{}, which is several entries: {}",
                    quoted(name),
                    kinds.join(", ")
                ),
                format!(
                    "a name of one entry; or {} without it, with mode replace",
                    which.name()
                ),
            ));
        } else if let Some(also) = given.iter().flatten().position(is_meant) {
            problems.push(Problem::new(
                place,
                format!(
                    "{}, which is also given as {}[{also}]",
                    quoted(name),
                    which.name()
                ),
                "each name once: to remove it or to change it",
            ));
        } else {
            gone.extend(hits.into_iter().map(|(index, _)| index));
        }
    }
    gone
}

/// The names that can be removed, for someone who named another one.
fn names_of(which: Section, now: &[Value]) -> String {
    let mut names: Vec<_> = now
        .iter()
        .filter_map(|entry| which.handles(entry).into_iter().next())
        .map(quoted)
        .collect();
    names.dedup();
    if names.is_empty() {
        return format!("nothing: the session has no {}", which.name());
    }
    names.join(", ")
}

/// A toolset without its server would be refused, so it goes with it, and the caller is told.
/// Toolsets in the arguments stay: taking them away would contradict what was asked.
fn take_along(
    current: &Toolset,
    patch: &Patch,
    gone_servers: &[usize],
    gone_tools: &mut Vec<usize>,
) -> Vec<String> {
    if patch.mode == Mode::Replace && patch.tools.is_some() {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    for server in gone_servers
        .iter()
        .filter_map(|index| current.mcp_servers.get(*index))
    {
        let Some(name) = text(server, "name") else {
            continue;
        };
        for (index, tool) in current.tools.iter().enumerate() {
            let refers = Kind::of(tool) == Kind::Mcp && text(tool, "mcp_server_name") == Some(name);
            if refers && !gone_tools.contains(&index) {
                gone_tools.push(index);
                warnings.push(format!(
                    "the mcp_toolset of {name} is removed together with its server",
                    name = quoted(name)
                ));
            }
        }
    }
    warnings
}

fn replaced<'a>(which: Section, now: &'a [Value], given: &'a [Value]) -> Vec<Entry<'a>> {
    let before = pair(which, now, given);
    given
        .iter()
        .enumerate()
        .zip(before)
        .map(|((index, value), before)| Entry {
            value: value.clone(),
            identity: which.identity(value),
            given: Some((index, value)),
            before: before.and_then(|index| Some((index, now.get(index)?))),
        })
        .collect()
}

fn merged<'a>(
    which: Section,
    kept: impl Iterator<Item = (usize, &'a Value)>,
    given: &'a [Value],
) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = kept
        .map(|(index, value)| Entry {
            value: value.clone(),
            identity: which.identity(value),
            given: None,
            before: Some((index, value)),
        })
        .collect();
    for (index, value) in given.iter().enumerate() {
        let identity = which.identity(value);
        let target = entries.iter_mut().find(|entry| {
            // A second one in the arguments is not merged but kept, to be reported as a duplicate.
            entry.given.is_none() && identity.is_some() && entry.identity == identity
        });
        match target {
            Some(entry) => {
                entry.value = merge_entry(&entry.value, value);
                entry.given = Some((index, value));
            }
            None => {
                entries.push(Entry {
                    value: value.clone(),
                    identity,
                    given: Some((index, value)),
                    before: None,
                });
            }
        }
    }
    entries
}

/// One entry over another: given keys override, `configs` merge by tool name, `default_config`
/// key by key, so that changing its policy does not enable what was disabled.
fn merge_entry(old: &Value, new: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return new.clone();
    };
    let mut result = old.clone();
    for (key, new) in new {
        let merged = match (key.as_str(), result.get(key), new) {
            ("configs", Some(Value::Array(old)), Value::Array(new)) => merge_configs(old, new),
            ("default_config", Some(Value::Object(old)), Value::Object(new)) => {
                Value::Object(over(old, new))
            }
            _ => new.clone(),
        };
        put(&mut result, key, merged);
    }
    Value::Object(result)
}

fn merge_configs(old: &[Value], new: &[Value]) -> Value {
    let mut result = old.to_vec();
    for new in new {
        let name = text(new, "name");
        let old = result.iter_mut().find(|old| match name {
            Some(_) => text(old, "name") == name,
            None => same(old, new),
        });
        match (old, new) {
            (Some(Value::Object(old)), Value::Object(new)) => *old = over(old, new),
            (Some(old), new) => *old = new.clone(),
            (None, new) => result.push(new.clone()),
        }
    }
    Value::Array(result)
}

fn over(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let mut result = old.clone();
    for (key, new) in new {
        put(&mut result, key, new.clone());
    }
    result
}

/// Null takes a key away (as in RFC 7396), the only way in a merge to undo a setting; and the API
/// refuses some keys that are null. What was null before stays as the service sent it.
fn put(object: &mut Map<String, Value>, key: &str, value: Value) {
    if !value.is_null() {
        object.insert(key.to_owned(), value);
    } else if object.get(key).is_some_and(|old| !old.is_null()) {
        // Not `swap_remove`: the order of the other keys is the service's.
        object.shift_remove(key);
    }
}

/// What was found, for a value that may be missing.
pub(crate) fn found(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), shown)
}
