//! What is no mistake in a result, but worth a look.

use super::{
    identity::{Which, quoted},
    merge::{Entry, Outcome},
    spot::Spot,
    value::{alike, text},
};

/// Servers nobody uses, and defaults that do not reach every tool.
pub(super) fn warnings(outcome: &Outcome<'_>) -> Vec<String> {
    let used = |name: &str| {
        outcome
            .tools
            .iter()
            .any(|tool| text(&tool.value, "mcp_server_name") == Some(name))
    };
    let unused = outcome
        .servers
        .iter()
        .filter_map(|server| text(&server.value, "name"))
        .filter(|name| !used(name))
        .map(|name| format!("no toolset uses the server {}", quoted(name)));
    unused
        .chain(outcome.tools.iter().filter_map(overridden))
        .collect()
}

/// Configs that keep their own setting although the default of their toolset changes: the API
/// answers with configs filled in, so this is how a changed default can be without effect.
fn overridden(entry: &Entry<'_>) -> Option<String> {
    let ((_, given), (_, before)) = (entry.given?, entry.before?);
    let spot = Spot {
        given: Some(given),
        before: Some(before),
        ..Spot::of(Which::Tools, entry)
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
