//! The resolved form: what a toolset amounts to once the API has filled in what was left out.
//!
//! Taken as the API's defaults, from its documentation and the types of the official SDK:
//! - `default_config.enabled` is true; `default_config.permission_policy` is `always_allow` for
//!   built-in toolsets and `always_ask` for MCP toolsets;
//! - a config without `enabled` or `permission_policy` has those of `default_config`;
//! - the `type` of a config is its `name`;
//! - the other settings of `web_fetch` and `web_search` are unset, which is the same as null;
//! - in `url_sources` the short form `"all"` stands for `{"type":"all"}`;
//! - the order of a domain list and the case of its host names mean nothing.
//!
//! Of toolsets whose type is not known nothing is assumed.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Map, Value, json};

use crate::domain::toolset::{
    identity::Kind,
    value::{alike, same, set, text},
};

/// Settings of a config that are unset by default.
const UNSET: [&str; 5] = [
    "allowed_domains",
    "blocked_domains",
    "max_content_tokens",
    "url_sources",
    "user_location",
];

/// The keys of a toolset that are looked into.
pub(crate) const DEFAULT: &str = "default_config";
pub(crate) const CONFIGS: &str = "configs";

/// A tool entry with its defaults at hand.
pub(crate) struct Resolved<'a> {
    pub(crate) kind: Kind,
    /// `default_config` with what the API fills in; `None` if it is not an object at all.
    pub(crate) default: Option<Map<String, Value>>,
    /// The configs by name; `None` if they are not an array of objects with different names.
    pub(crate) configs: Option<Vec<(&'a str, &'a Map<String, Value>)>>,
}

impl<'a> Resolved<'a> {
    pub(crate) fn of(entry: &'a Map<String, Value>, kind: Kind) -> Self {
        let default = match set(entry, DEFAULT) {
            None => Some(Map::new()),
            Some(Value::Object(given)) => Some(given.clone()),
            Some(_) => None,
        };
        let configs = match set(entry, CONFIGS) {
            None => Some(Vec::new()),
            Some(Value::Array(configs)) => by_name(configs),
            Some(_) => None,
        };
        Self {
            kind,
            default: default.map(|given| fill_in(given, kind)),
            configs,
        }
    }

    pub(crate) fn config(&self, name: &str) -> Option<&'a Map<String, Value>> {
        self.configs
            .iter()
            .flatten()
            .find(|(other, _)| *other == name)
            .map(|(_, config)| *config)
    }

    /// What the tool's setting comes to, whether it has a config of its own or not.
    pub(crate) fn setting(&self, name: &str, key: &str) -> Option<Cow<'a, Value>> {
        if let Some(own) = self.config(name).and_then(|config| set(config, key)) {
            return Some(Cow::Borrowed(own));
        }
        match key {
            _ if !self.kind.is_toolset() => None,
            "type" if self.kind == Kind::BuiltIn => Some(Cow::Owned(Value::from(name))),
            "enabled" | "permission_policy" => self
                .default
                .as_ref()
                .and_then(|default| set(default, key))
                .cloned()
                .map(Cow::Owned),
            _ => None,
        }
    }
}

fn by_name(configs: &[Value]) -> Option<Vec<(&str, &Map<String, Value>)>> {
    let mut named: Vec<(&str, &Map<String, Value>)> = Vec::with_capacity(configs.len());
    for config in configs {
        let name = text(config, "name")?;
        if named.iter().any(|(other, _)| *other == name) {
            return None;
        }
        named.push((name, config.as_object()?));
    }
    Some(named)
}

fn fill_in(mut given: Map<String, Value>, kind: Kind) -> Map<String, Value> {
    let Some(policy) = kind.default_policy() else {
        return given;
    };
    for (key, value) in [
        ("enabled", json!(true)),
        ("permission_policy", json!({"type": policy})),
    ] {
        if set(&given, key).is_none() {
            given.insert(key.to_owned(), value);
        }
    }
    given
}

/// Whether it is known what the API takes a config's setting for when it is left out.
pub(crate) fn has_known_default(key: &str) -> bool {
    UNSET.contains(&key) || ["enabled", "permission_policy"].contains(&key)
}

/// Whether two settings of a known toolset are the same one, short forms and nulls aside.
pub(crate) fn same_setting(key: &str, one: Option<&Value>, two: Option<&Value>) -> bool {
    match (
        one.filter(|one| !one.is_null()),
        two.filter(|two| !two.is_null()),
    ) {
        (Some(one), Some(two)) => alike(&long_form(key, one), &long_form(key, two)),
        (one, two) => one.is_none() && two.is_none(),
    }
}

/// A setting in the one form that settings of the same meaning share: sources spelled out, host
/// names in lower case and in order (a path behind a host keeps its case).
pub(crate) fn long_form<'a>(key: &str, value: &'a Value) -> Cow<'a, Value> {
    match (key, value) {
        ("url_sources", Value::Object(sources)) => {
            let long = sources.iter().map(|(key, source)| match source {
                Value::String(kind) => (key.clone(), json!({"type": kind})),
                other => (key.clone(), other.clone()),
            });
            Cow::Owned(Value::Object(long.collect()))
        }
        ("allowed_domains" | "blocked_domains", Value::Array(domains))
            if domains.iter().all(Value::is_string) =>
        {
            let lower = |domain: &str| {
                let (host, path) = domain.split_at(domain.find('/').unwrap_or(domain.len()));
                format!("{}{path}", host.to_ascii_lowercase())
            };
            let hosts: BTreeSet<String> = domains
                .iter()
                .filter_map(Value::as_str)
                .map(lower)
                .collect();
            Cow::Owned(hosts.into_iter().map(Value::from).collect())
        }
        _ => Cow::Borrowed(value),
    }
}

/// Whether two values of a key of an entry are the same one.
pub(crate) fn same_member(known: bool, one: Option<&Value>, two: Option<&Value>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => same(one, two),
        (Some(one), None) | (None, Some(one)) => known && one.is_null(),
        (None, None) => true,
    }
}
