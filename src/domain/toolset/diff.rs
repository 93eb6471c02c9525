//! The difference between two states of a session's tools, as small as possible.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::toolset::{
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
    #[must_use]
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
    #[must_use]
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
#[must_use]
pub fn diff(from: &Toolset, to: &Toolset) -> Changes {
    Changes {
        tools: diff_array(Section::Tools, &from.tools, &to.tools),
        mcp_servers: diff_array(Section::Servers, &from.mcp_servers, &to.mcp_servers),
    }
}

fn diff_array(section: Section, from: &[Value], to: &[Value]) -> Diff {
    let mut diff = Diff::default();
    let partners = pair(section, from, to);
    for (after, partner) in to.iter().zip(&partners) {
        match partner.and_then(|index| from.get(index)) {
            None => diff.added.push(after.clone()),
            Some(before) => diff.changed.extend(diff_entry(section, before, after)),
        }
    }
    let stays = |index: &usize| partners.contains(&Some(*index));
    let gone = from.iter().enumerate().filter(|(index, _)| !stays(index));
    diff.removed = gone.map(|(_, before)| before.clone()).collect();
    diff
}

fn diff_entry(section: Section, before: &Value, after: &Value) -> Option<Changed> {
    let identity = section.identity(after)?;
    let kind = section.kind(after);
    let (before, after) = (before.as_object()?, after.as_object()?);
    let mut sides = Sides::default();
    let (old, new) = (Resolved::of(before, kind), Resolved::of(after, kind));
    for key in union(before, after) {
        match key {
            DEFAULT if diff_default(&old, &new, &mut sides) => {}
            CONFIGS if diff_configs(&old, &new, &mut sides) => {}
            _ => {
                let (one, two) = (before.get(key), after.get(key));
                let same = match (section, key, one, two) {
                    (
                        Section::Servers,
                        "url",
                        Some(Value::String(one)),
                        Some(Value::String(two)),
                    ) => same_url(one, two),
                    _ => same_member(kind != Kind::Other, one, two),
                };
                if !same {
                    sides.put(key, one, two);
                }
            }
        }
    }
    let Sides { before, after } = sides;
    (!before.is_empty() || !after.is_empty()).then_some(Changed {
        identity,
        before,
        after,
    })
}

/// Both sides of a change.
#[derive(Default)]
struct Sides {
    before: Map<String, Value>,
    after: Map<String, Value>,
}

impl Sides {
    fn put(&mut self, key: &str, before: Option<&Value>, after: Option<&Value>) {
        for (side, value) in [(&mut self.before, before), (&mut self.after, after)] {
            if let Some(value) = value {
                side.insert(key.to_owned(), value.clone());
            }
        }
    }

    fn nest(&mut self, key: &str, inner: Self) {
        for (side, inner) in [
            (&mut self.before, inner.before),
            (&mut self.after, inner.after),
        ] {
            if !inner.is_empty() {
                side.insert(key.to_owned(), Value::Object(inner));
            }
        }
    }
}

/// The keys of both, those of the first one first.
fn union<'a>(one: &'a Map<String, Value>, two: &'a Map<String, Value>) -> Vec<&'a str> {
    let more = two.keys().filter(|key| !one.contains_key(*key));
    one.keys().chain(more).map(String::as_str).collect()
}

/// False if `default_config` cannot be compared key by key.
fn diff_default(old: &Resolved<'_>, new: &Resolved<'_>, sides: &mut Sides) -> bool {
    let (true, Some(before), Some(after)) = (new.kind.is_toolset(), &old.default, &new.default)
    else {
        return false;
    };
    let mut inner = Sides::default();
    for key in union(before, after) {
        let (one, two) = (present(before, key), present(after, key));
        if !same_setting(key, one, two) {
            inner.put(key, one, two);
        }
    }
    sides.nest(DEFAULT, inner);
    true
}

/// False if `configs` cannot be compared by name.
fn diff_configs(old: &Resolved<'_>, new: &Resolved<'_>, sides: &mut Sides) -> bool {
    let (true, Some(before), Some(after)) = (new.kind.is_toolset(), &old.configs, &new.configs)
    else {
        return false;
    };
    let more = after.iter().filter(|(name, _)| old.config(name).is_none());
    let (mut were, mut are) = (Vec::new(), Vec::new());
    for (name, _) in before.iter().chain(more) {
        let inner = diff_config(name, old, new);
        for (side, list) in [(inner.before, &mut were), (inner.after, &mut are)] {
            if !side.is_empty() {
                let name = [("name".to_owned(), Value::from(*name))];
                list.push(Value::Object(name.into_iter().chain(side).collect()));
            }
        }
    }
    for (side, list) in [(&mut sides.before, were), (&mut sides.after, are)] {
        if !list.is_empty() {
            side.insert(CONFIGS.to_owned(), Value::Array(list));
        }
    }
    true
}

fn diff_config(name: &str, old: &Resolved<'_>, new: &Resolved<'_>) -> Sides {
    let (before, after) = (old.config(name), new.config(name));
    let (nothing, mut inner) = (Map::new(), Sides::default());
    for key in union(before.unwrap_or(&nothing), after.unwrap_or(&nothing)) {
        let own = |side: Option<&Map<String, Value>>| {
            side.is_some_and(|side| present(side, key).is_some())
        };
        // A setting that neither side has follows the default, which is compared separately.
        if key == "name" || (!own(before) && !own(after)) {
            continue;
        }
        let (one, two) = (old.setting(name, key), new.setting(name, key));
        if !same_setting(key, one.as_deref(), two.as_deref()) {
            inner.put(key, one.as_deref(), two.as_deref());
        }
    }
    if !inner.before.is_empty() || !inner.after.is_empty() {
        return inner;
    }
    // A config that repeats the default pins its tool to it, so it is shown. Not if it is removed
    // from a built-in toolset: there the API fills in such configs itself.
    let settings = |config: &Map<String, Value>| -> Map<String, Value> {
        let mut settings = config.clone();
        settings.retain(|key, value| !["name", "type"].contains(&key.as_str()) && !value.is_null());
        settings
    };
    match (before, after) {
        (None, Some(added)) => inner.after = settings(added),
        (Some(gone), None) if new.kind != Kind::BuiltIn => inner.before = settings(gone),
        _ => {}
    }
    inner
}
