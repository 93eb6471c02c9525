//! What is no mistake in a result, but worth a look.

use serde_json::Value;

use crate::domain::toolset::{
    identity::{Section, quoted},
    merge::{Entry, Outcome},
    spot::ValuePath,
    value::{alike, text},
};

/// Servers nobody uses, and defaults that do not reach every tool.
pub(crate) fn warnings(outcome: &Outcome<'_>) -> Vec<String> {
    let used = |name: &str| {
        outcome
            .tools
            .iter()
            .any(|tool| text(&tool.value, "mcp_server_name") == Some(name))
    };
    let names = outcome
        .servers
        .iter()
        .filter_map(|server| text(&server.value, "name"));
    let unused: Vec<_> = names.filter(|name| !used(name)).map(quoted).collect();
    let unused = (!unused.is_empty())
        .then(|| format!("no toolset uses these servers: {}", unused.join(", ")));
    unused
        .into_iter()
        .chain(outcome.tools.iter().filter_map(overridden))
        .chain(outcome.tools.iter().flat_map(unknown_names))
        .collect()
}

/// The tools of `agent_toolset_20260401`; a version of a toolset keeps its tools.
const BUILT_IN: [&str; 8] = [
    "bash",
    "read",
    "write",
    "edit",
    "glob",
    "grep",
    "web_fetch",
    "web_search",
];

/// Configs of built-in tools that do not exist: most likely a slip, but the API has the last word.
fn unknown_names(entry: &Entry<'_>) -> Vec<String> {
    let spot = ValuePath::of(Section::Tools, entry);
    if text(&entry.value, "type") != Some("agent_toolset_20260401") || entry.given.is_none() {
        return Vec::new();
    }
    let configs = spot.key("configs").configs();
    let names = configs
        .iter()
        .filter(|config| config.given.is_some())
        .map(|config| config.key("name"));
    let unknown = names.filter_map(|spot| {
        let name = spot.value.and_then(Value::as_str)?;
        (!spot.is_old() && !BUILT_IN.contains(&name)).then(|| {
            format!(
                "{}: {} is not known; the tools are {}",
                spot.path(),
                quoted(name),
                BUILT_IN.join(", ")
            )
        })
    });
    unknown.collect()
}

/// Configs that keep their own setting although the default of their toolset changes: the API
/// answers with configs filled in, so this is how a changed default can be without effect.
fn overridden(entry: &Entry<'_>) -> Option<String> {
    let ((_, given), (_, before)) = (entry.given?, entry.before?);
    let spot = ValuePath {
        given: Some(given),
        before: Some(before),
        ..ValuePath::of(Section::Tools, entry)
    };
    let default = spot.key("default_config");
    let mut names = Vec::new();
    for key in ["enabled", "permission_policy"] {
        let new = default.key(key);
        let Some(value) = new.given.filter(|_| !new.is_old()) else {
            continue;
        };
        for config in spot.key("configs").configs() {
            let own = config.key(key);
            if own.given.is_none() && own.set().is_some_and(|own| !alike(own, value)) {
                names.extend(
                    config
                        .value
                        .and_then(|config| text(config, "name"))
                        .map(quoted),
                );
            }
        }
    }
    names.dedup();
    (!names.is_empty()).then(|| {
        format!(
            "{}: configs of their own keep their settings: {}",
            default.path(),
            names.join(", ")
        )
    })
}
