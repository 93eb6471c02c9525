//! The names by which single configs of a toolset are removed.

use serde_json::Value;

use crate::domain::toolset::{
    identity::{Identity, Kind, Section},
    patch::{Patch, REMOVE_CONFIGS},
    problem::{Problem, ProblemKind},
    resolve::CONFIGS,
    value::text,
};

/// A config of the session: of this entry in `tools`, for the tool of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigKey<'a> {
    /// `None` if nothing identifies the entry.
    pub(crate) toolset: Option<Identity>,
    pub(crate) tool: &'a str,
}

/// The configs to remove. A name that does not stand for exactly one is a problem.
pub(crate) fn removed_configs<'a>(
    tools: &'a [Value],
    patch: &Patch,
    problems: &mut Vec<Problem>,
) -> Vec<ConfigKey<'a>> {
    let mut removed = Vec::new();
    for (index, name) in patch.remove_configs.iter().enumerate() {
        match find(tools, name, patch.tools.as_deref().unwrap_or_default()) {
            Ok(key) => removed.push(key),
            Err(kind) => problems.push(Problem::new(format!("{REMOVE_CONFIGS}[{index}]"), kind)),
        }
    }
    removed
}

fn find<'a>(tools: &'a [Value], name: &str, given: &[Value]) -> Result<ConfigKey<'a>, ProblemKind> {
    let mut keys = matching(tools, name);
    let key = match (keys.pop(), keys.is_empty()) {
        (Some(key), true) => key,
        (None, _) => return Err(ProblemKind::UnknownConfig(name.to_owned(), known(tools))),
        (Some(last), false) => {
            let keys = keys.into_iter().chain([last]);
            let keys = keys.filter_map(|key| Some((key.toolset?, key.tool.to_owned())));
            return Err(ProblemKind::AmbiguousConfig(name.to_owned(), keys.collect()));
        }
    };
    for (entry, value) in given.iter().enumerate() {
        let mut names = tool_names(value);
        if Section::Tools.identity(value) == key.toolset
            && let Some(config) = names.position(|tool| tool == Some(key.tool))
        {
            let path = format!("{}[{entry}].{CONFIGS}[{config}]", Section::Tools.name());
            return Err(ProblemKind::ConfigRemovedAndGiven(name.to_owned(), path));
        }
    }
    Ok(key)
}

/// The configs that a name may stand for. Server names and tool names may both contain dots, so
/// every split of the name counts.
fn matching<'a>(tools: &'a [Value], name: &str) -> Vec<ConfigKey<'a>> {
    let mut keys = Vec::new();
    for entry in tools {
        for tool in tool_names(entry).flatten() {
            let key = || ConfigKey { toolset: Section::Tools.identity(entry), tool };
            if is_named(entry, tool, name) && !keys.contains(&key()) {
                keys.push(key());
            }
        }
    }
    keys
}

fn is_named(entry: &Value, tool: &str, name: &str) -> bool {
    let qualifier = name.strip_suffix(tool).and_then(|rest| rest.strip_suffix('.'));
    (Kind::of(entry) == Kind::BuiltIn && name == tool)
        || qualifier.is_some_and(|qualifier| qualifiers(entry).contains(&qualifier))
}

/// What may come before the name of a tool and a dot.
fn qualifiers(entry: &Value) -> Vec<&str> {
    match Kind::of(entry) {
        Kind::Custom => Vec::new(),
        _ => Section::Tools.removal_names(entry),
    }
}

/// For each config of an entry the name of its tool.
fn tool_names(entry: &Value) -> impl Iterator<Item = Option<&str>> {
    let configs = entry.get(CONFIGS).and_then(Value::as_array);
    configs.into_iter().flatten().map(|config| text(config, "name"))
}

/// The shortest name of a config: `bash`, or `linear.create_issue`.
pub(crate) fn short_name(entry: &Value, tool: &str) -> String {
    match qualifiers(entry).first() {
        Some(qualifier) if Kind::of(entry) != Kind::BuiltIn => format!("{qualifier}.{tool}"),
        _ => tool.to_owned(),
    }
}

/// The shortest name that stands for nothing else in `tools`.
pub(crate) fn unique_name(tools: &[Value], entry: &Value, tool: &str) -> Option<String> {
    let qualified = qualifiers(entry).into_iter();
    let qualified = qualified.map(|qualifier| format!("{qualifier}.{tool}"));
    let mut names = std::iter::once(short_name(entry, tool)).chain(qualified);
    names.find(|name| matching(tools, name).len() == 1)
}

fn known(tools: &[Value]) -> Vec<String> {
    let toolsets = tools.iter().filter(|entry| !qualifiers(entry).is_empty());
    let names = toolsets.flat_map(|entry| {
        let names = tool_names(entry).flatten();
        names.map(|tool| unique_name(tools, entry, tool).unwrap_or(short_name(entry, tool)))
    });
    names.collect()
}
