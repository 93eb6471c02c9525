//! What is different between two states of a session's tools, said in as little as possible.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::toolset::{
    Toolset,
    identity::{Identity, Kind, Section, pair},
    resolve::{CONFIGS, DEFAULT, Resolved, same_member, same_setting},
    value::{same_url, set},
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

/// What changes in one array. The order of entries means nothing to the API and is not compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Diff {
    /// Entries that are new, whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Value>,
    /// Entries that go, whole, as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Value>,
    /// Entries that stay, but different.
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

/// One entry that changes: what identifies it, and only the keys that differ. Inside
/// `default_config` and `configs` too only what differs is shown, with the defaults of the API
/// spelled out where a setting comes from them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Changed {
    /// Which entry.
    #[serde(flatten)]
    pub identity: Identity,
    /// The differing keys as they were; keys that were not there are left out.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub before: Map<String, Value>,
    /// The differing keys as they are going to be; keys that go are left out.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub after: Map<String, Value>,
}

/// What has to change for `from` to become `to`. Settings that come to the same by the API's
/// defaults are no change; the module documentation says which defaults are taken for certain.
#[must_use]
pub fn diff(from: &Toolset, to: &Toolset) -> Changes {
    Changes {
        tools: diff_array(Section::Tools, &from.tools, &to.tools),
        mcp_servers: diff_array(Section::Servers, &from.mcp_servers, &to.mcp_servers),
    }
}

fn diff_array(which: Section, from: &[Value], to: &[Value]) -> Diff {
    let mut diff = Diff::default();
    let partners = pair(which, from, to);
    for (after, partner) in to.iter().zip(&partners) {
        match partner.and_then(|index| from.get(index)) {
            None => diff.added.push(after.clone()),
            Some(before) => diff.changed.extend(diff_entry(which, before, after)),
        }
    }
    let stays = |index: &usize| partners.contains(&Some(*index));
    let gone = from.iter().enumerate().filter(|(index, _)| !stays(index));
    diff.removed = gone.map(|(_, before)| before.clone()).collect();
    diff
}

fn diff_entry(which: Section, before: &Value, after: &Value) -> Option<Changed> {
    let identity = which.identity(after)?;
    let (before, after) = (before.as_object()?, after.as_object()?);
    let kind = match which {
        Section::Tools => Kind::of(&json!({"type": identity.kind})),
        Section::Servers => Kind::Other,
    };
    let mut sides = Sides::default();
    let (old, new) = (Resolved::of(before, kind), Resolved::of(after, kind));
    for key in union(before, after) {
        match key {
            DEFAULT if diff_default(&old, &new, &mut sides) => {}
            CONFIGS if diff_configs(&old, &new, &mut sides) => {}
            _ => {
                let (one, two) = (before.get(key), after.get(key));
                let same = match (which, key, one, two) {
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
    (!sides.before.is_empty() || !sides.after.is_empty()).then(|| Changed {
        identity,
        before: sides.before,
        after: sides.after,
    })
}

/// The two halves of a change while they are put together.
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

/// Whether `default_config` could be looked into on both sides.
fn diff_default(old: &Resolved<'_>, new: &Resolved<'_>, sides: &mut Sides) -> bool {
    let (true, Some(before), Some(after)) = (new.kind.is_toolset(), &old.default, &new.default)
    else {
        return false;
    };
    let mut inner = Sides::default();
    for key in union(before, after) {
        let (one, two) = (set(before, key), set(after, key));
        if !same_setting(key, one, two) {
            inner.put(key, one, two);
        }
    }
    sides.nest(DEFAULT, inner);
    true
}

/// Whether `configs` could be looked into on both sides.
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
        let own =
            |side: Option<&Map<String, Value>>| side.is_some_and(|side| set(side, key).is_some());
        // A setting neither side has of its own follows the default, which is compared by itself.
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
    // A config that only repeats the default still keeps its tool from following the default
    // later on, so it is worth showing; but those of a built-in toolset are filled in by the API,
    // and leaving those out again changes nothing.
    let settings = |config: &Map<String, Value>| -> Map<String, Value> {
        let told = |key: &str| !["name", "type"].contains(&key) && set(config, key).is_some();
        config
            .iter()
            .filter(|(key, _)| told(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    match (before, after) {
        (None, Some(added)) => inner.after = settings(added),
        (Some(gone), None) if new.kind != Kind::BuiltIn => inner.before = settings(gone),
        _ => {}
    }
    inner
}
