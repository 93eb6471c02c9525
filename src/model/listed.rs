//! A session as a list has it, with what decides why it is idle.

use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny},
};
use serde_json::{Map, Value, json, value::RawValue};

use super::Session;

/// Larger values are left out: a page holds many sessions.
const LARGEST_VALUE: usize = 16_384;

/// A session of a list: the head, and of its other fields the small ones that tell what it waits
/// for: `stop_reason`, `budget`, and whether its agent has a `multiagent`.
#[derive(Debug, Clone, Default)]
pub struct ListedSession(pub Session);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Agent {
    multiagent: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for ListedSession {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let whole = serde_json::to_string(&raw).map_err(D::Error::custom)?;
        let head = serde_json::from_str(&whole).map_err(D::Error::custom)?;
        let mut fields = Map::new();
        for name in ["stop_reason", "budget"] {
            let small = raw.get(name).filter(|raw| raw.get().len() <= LARGEST_VALUE);
            let value = small.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        let agent = raw.get("agent").and_then(|raw| serde_json::from_str::<Agent>(raw.get()).ok());
        if agent.is_some_and(|agent| agent.multiagent.is_some()) {
            fields.insert("agent".to_owned(), json!({"multiagent": {}}));
        }
        Ok(Self(Session { head, fields }))
    }
}
