//! The resolved form: a toolset with the defaults that the API fills in.
//!
//! From the API's documentation and the types of the official SDK:
//! - `default_config.enabled` is true; `default_config.permission_policy` is `always_allow` for
//!   built-in toolsets and `always_ask` for MCP toolsets;
//! - a config without `enabled` or `permission_policy` takes those of `default_config`;
//! - the `type` of a config is its `name`;
//! - the other settings of `web_fetch` and `web_search` are unset, the same as null;
//! - in `url_sources` the short form `"all"` stands for `{"type":"all"}`;
//! - the order of a domain list and the case of its host names do not matter.
//!
//! Nothing is assumed about toolsets of unknown types.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Map, Value, json};

use crate::domain::toolset::{
    identity::Kind,
    value::{alike, present, same, text},
};

/// Settings that are unset by default.
const UNSET: [&str; 5] =
    ["allowed_domains", "blocked_domains", "max_content_tokens", "url_sources", "user_location"];

/// Settings of a config that default to those of `default_config`.
pub(crate) const INHERITED: [&str; 2] = ["enabled", "permission_policy"];

/// The keys of a toolset that are compared member by member.
pub(crate) const DEFAULT: &str = "default_config";
pub(crate) const CONFIGS: &str = "configs";

/// A tool entry with its defaults.
pub(crate) struct Resolved<'a> {
    pub(crate) kind: Kind,
    /// `default_config` with what the API fills in; `None` if it is not an object at all.
    pub(crate) default: Option<Map<String, Value>>,
    /// The configs by name; `None` if they are not an array of objects with different names.
    pub(crate) configs: Option<Vec<(&'a str, &'a Map<String, Value>)>>,
}

impl<'a> Resolved<'a> {
    pub(crate) fn of(entry: &'a Map<String, Value>, kind: Kind) -> Self {
        let default = match present(entry, DEFAULT) {
            None => Some(Map::new()),
            Some(Value::Object(given)) => Some(given.clone()),
            Some(_) => None,
        };
        let configs = match present(entry, CONFIGS) {
            None => Some(Vec::new()),
            Some(Value::Array(configs)) => by_name(configs),
            Some(_) => None,
        };
        Self { kind, default: default.map(|given| fill_in(given, kind)), configs }
    }

    pub(crate) fn config(&self, name: &str) -> Option<&'a Map<String, Value>> {
        self.configs.iter().flatten().find(|(other, _)| *other == name).map(|(_, config)| *config)
    }

    /// The effective setting of a tool, from its config or by default.
    pub(crate) fn setting(&self, name: &str, key: &str) -> Option<Cow<'a, Value>> {
        if let Some(own) = self.config(name).and_then(|config| present(config, key)) {
            return Some(Cow::Borrowed(own));
        }
        if !self.kind.is_toolset() {
            return None;
        }
        if key == "type" && self.kind == Kind::BuiltIn {
            return Some(Cow::Owned(Value::from(name)));
        }
        let default = self.default.as_ref().filter(|_| INHERITED.contains(&key));
        default.and_then(|default| present(default, key)).map(|value| Cow::Owned(value.clone()))
    }
}

/// The configs by the names of their tools; `None` if they do not all have different names.
pub(crate) fn by_name(configs: &[Value]) -> Option<Vec<(&str, &Map<String, Value>)>> {
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
    for (key, value) in [("enabled", json!(true)), ("permission_policy", json!({"type": policy}))] {
        if present(&given, key).is_none() {
            given.insert(key.to_owned(), value);
        }
    }
    given
}

/// Whether the API's default of this setting is known.
pub(crate) fn has_known_default(key: &str) -> bool {
    UNSET.contains(&key) || INHERITED.contains(&key)
}

/// Whether two settings of a known toolset are equal, regardless of short forms and nulls.
pub(crate) fn same_setting(key: &str, one: Option<&Value>, two: Option<&Value>) -> bool {
    let [one, two] = [one, two].map(|setting| setting.filter(|value| !value.is_null()));
    match (one, two) {
        (Some(one), Some(two)) => alike(&normal_form(key, one), &normal_form(key, two)),
        (one, two) => one.is_none() && two.is_none(),
    }
}

/// A setting in normal form: sources spelled out, host names sorted and in lower case (the path
/// after a host keeps its case).
pub(crate) fn normal_form<'a>(key: &str, value: &'a Value) -> Cow<'a, Value> {
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
            let hosts: BTreeSet<String> =
                domains.iter().filter_map(Value::as_str).map(lower).collect();
            Cow::Owned(hosts.into_iter().map(Value::from).collect())
        }
        _ => Cow::Borrowed(value),
    }
}

/// Whether two values of an entry's key are equal; for known types null means absent.
pub(crate) fn same_member(known: bool, one: Option<&Value>, two: Option<&Value>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => same(one, two),
        (Some(one), None) | (None, Some(one)) => known && one.is_null(),
        (None, None) => true,
    }
}
