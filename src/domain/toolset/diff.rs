//! The difference between two states of a session's tools, as small as possible.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::toolset::{
    config_name::ConfigKey,
    identity::{Identity, Kind, Section, pair},
    patch::Toolset,
    resolve::{CONFIGS, DEFAULT, Resolved, same_member, same_setting},
    value::{present, same_url},
};

/// What changes, array by array.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Changes {
    /// In `agent.tools`.
    #[serde(default, skip_serializing_if = "Diff::is_empty")]
    pub tools: Diff,
    /// In `agent.mcp_servers`.
    #[serde(default, skip_serializing_if = "Diff::is_empty")]
    pub mcp_servers: Diff,
}

impl Changes {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.mcp_servers.is_empty()
    }
}

/// What changes in one array. The order of entries does not matter to the API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Diff {
    /// New entries, whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Value>,
    /// Removed entries, whole, as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Value>,
    /// Entries that stay but differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Changed>,
}

impl Diff {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// One entry that changes: its identity, and only the keys that differ, also inside
/// `default_config` and `configs`. Settings that come from the API's defaults are spelled out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Changed {
    /// Which entry.
    #[serde(flatten)]
    pub identity: Identity,
    /// The differing keys as they were; new keys are left out.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub before: Map<String, Value>,
    /// The differing keys as they will be; removed keys are left out.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub after: Map<String, Value>,
}

/// What has to change for `from` to become `to`. Settings that are equal by the API's defaults are
/// no change; see the module documentation for the defaults.
pub fn diff(from: &Toolset, to: &Toolset) -> Changes {
    diff_without(from, to, &[])
}

/// The same, if these configs were asked to be removed: that is a change even where they repeat
/// the default.
pub(crate) fn diff_without(from: &Toolset, to: &Toolset, removed: &[ConfigKey<'_>]) -> Changes {
    Changes {
        tools: diff_array(Section::Tools, &from.tools, &to.tools, removed),
        mcp_servers: diff_array(Section::Servers, &from.mcp_servers, &to.mcp_servers, &[]),
    }
}

fn diff_array(section: Section, from: &[Value], to: &[Value], removed: &[ConfigKey<'_>]) -> Diff {
    let mut diff = Diff::default();
    let partners = pair(section, from, to);
    for (after, partner) in to.iter().zip(&partners) {
        match partner.and_then(|index| from.get(index)) {
            None => diff.added.push(after.clone()),
            Some(before) => diff.changed.extend(diff_entry(section, before, after, removed)),
        }
    }
    let stays = |index: &usize| partners.contains(&Some(*index));
    let gone = from.iter().enumerate().filter(|(index, _)| !stays(index));
    diff.removed = gone.map(|(_, before)| before.clone()).collect();
    diff
}

fn diff_entry(
    section: Section,
    before: &Value,
    after: &Value,
    removed: &[ConfigKey<'_>],
) -> Option<Changed> {
    let identity = section.identity(after)?;
    let of_entry = removed.iter().filter(|key| key.toolset.as_ref() == Some(&identity));
    let removed: Vec<_> = of_entry.map(|key| key.tool).collect();
    let kind = section.kind(after);
    let (before, after) = (before.as_object()?, after.as_object()?);
    let (old, new) = (Resolved::of(before, kind), Resolved::of(after, kind));
    let mut changed = Changed { identity, before: Map::new(), after: Map::new() };
    for key in union(before, after) {
        let inner = match key {
            DEFAULT => diff_default(&old, &new),
            CONFIGS => diff_configs(&old, &new, &removed),
            _ => None,
        };
        let (one, two) = (before.get(key), after.get(key));
        let [one, two] = match (inner, one.and_then(Value::as_str), two.and_then(Value::as_str)) {
            (Some(sides), ..) => sides,
            (None, Some(one), Some(two))
                if section == Section::Servers && key == "url" && same_url(one, two) =>
            {
                continue;
            }
            _ if same_member(kind != Kind::Other, one, two) => continue,
            _ => [one.cloned(), two.cloned()],
        };
        put(&mut changed.before, key, one);
        put(&mut changed.after, key, two);
    }
    (!changed.before.is_empty() || !changed.after.is_empty()).then_some(changed)
}

fn put(side: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        side.insert(key.to_owned(), value);
    }
}

/// The keys of both, those of the first one first.
fn union<'a>(one: &'a Map<String, Value>, two: &'a Map<String, Value>) -> Vec<&'a str> {
    let more = two.keys().filter(|key| !one.contains_key(*key));
    one.keys().chain(more).map(String::as_str).collect()
}

/// The differing settings of `default_config` before and after; `None` if it cannot be compared
/// key by key.
fn diff_default(old: &Resolved<'_>, new: &Resolved<'_>) -> Option<[Option<Value>; 2]> {
    let (before, after) = (old.default.as_ref()?, new.default.as_ref()?);
    let mut sides = [Map::new(), Map::new()];
    for key in union(before, after) {
        let settings = [present(before, key), present(after, key)];
        put_differing(&mut sides, key, settings);
    }
    let object = |side: Map<_, _>| (!side.is_empty()).then_some(Value::Object(side));
    new.kind.is_toolset().then(|| sides.map(object))
}

fn put_differing(sides: &mut [Map<String, Value>; 2], key: &str, settings: [Option<&Value>; 2]) {
    let [one, two] = settings;
    if !same_setting(key, one, two) {
        for (side, setting) in sides.iter_mut().zip(settings) {
            put(side, key, setting.cloned());
        }
    }
}

/// The differing configs before and after; `None` if they cannot be compared by name.
fn diff_configs(
    old: &Resolved<'_>,
    new: &Resolved<'_>,
    removed: &[&str],
) -> Option<[Option<Value>; 2]> {
    let (before, after) = (old.configs.as_ref()?, new.configs.as_ref()?);
    let more = after.iter().filter(|(name, _)| old.config(name).is_none());
    let mut sides = [Vec::new(), Vec::new()];
    for (name, _) in before.iter().chain(more) {
        for (list, side) in sides.iter_mut().zip(diff_config(name, old, new, removed)) {
            if !side.is_empty() {
                let name = [("name".to_owned(), Value::from(*name))];
                list.push(name.into_iter().chain(side).collect::<Value>());
            }
        }
    }
    let array = |side: Vec<Value>| (!side.is_empty()).then_some(Value::Array(side));
    new.kind.is_toolset().then(|| sides.map(array))
}

fn diff_config(
    name: &str,
    old: &Resolved<'_>,
    new: &Resolved<'_>,
    removed: &[&str],
) -> [Map<String, Value>; 2] {
    let configs = [old.config(name), new.config(name)];
    let [before, after] = configs.map(|config| config.cloned().unwrap_or_default());
    let mut sides = [Map::new(), Map::new()];
    for key in union(&before, &after) {
        // A setting that neither side has follows the default, which is compared separately.
        let is_set = present(&before, key).or(present(&after, key)).is_some();
        if key != "name" && is_set {
            let (one, two) = (old.setting(name, key), new.setting(name, key));
            put_differing(&mut sides, key, [one.as_deref(), two.as_deref()]);
        }
    }
    if sides.iter().any(|side| !side.is_empty()) {
        return sides;
    }
    // A config that repeats the default pins its tool to it, so it is shown. Not if a built-in
    // toolset is given without it: there the API fills in such configs itself.
    let settings = |mut config: Map<String, Value>| {
        config.retain(|key, value| !["name", "type"].contains(&key.as_str()) && !value.is_null());
        config
    };
    match configs {
        [None, Some(_)] => [Map::new(), settings(after)],
        [Some(_), None] if new.kind != Kind::BuiltIn || removed.contains(&name) => {
            [settings(before), Map::new()]
        }
        _ => sides,
    }
}
