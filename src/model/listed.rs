//! A session as a list has it, with what decides why it is idle.

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny},
};
use serde_json::{Map, Value, json, value::RawValue};

use super::{Session, lenient::lenient};

/// Larger values are left out: a page holds many sessions.
const LARGEST_VALUE: usize = 16_384;

/// A session of a list: the head, and of its other fields the small ones that tell what it waits
/// for: `stop_reason`, `budget`, and whether its agent has a `multiagent`.
#[derive(Debug, Clone, Default)]
pub struct ListedSession(pub Session);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Telling<'a> {
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    budget: Option<&'a RawValue>,
    #[serde(deserialize_with = "lenient")]
    agent: TellingAgent,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TellingAgent {
    multiagent: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for ListedSession {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let head = serde_json::from_str(text.get()).map_err(D::Error::custom)?;
        let telling: Telling<'_> = serde_json::from_str(text.get()).unwrap_or_default();
        let mut fields = Map::new();
        for (name, raw) in [("stop_reason", telling.stop_reason), ("budget", telling.budget)] {
            let small = raw.filter(|raw| raw.get().len() <= LARGEST_VALUE);
            if let Some(value) = small.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok())
            {
                fields.insert(name.to_owned(), value);
            }
        }
        if telling.agent.multiagent.is_some() {
            fields.insert("agent".to_owned(), json!({"multiagent": {}}));
        }
        Ok(Self(Session { head, fields }))
    }
}
