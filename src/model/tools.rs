//! The tools of sessions in lists.

use std::{collections::BTreeMap, iter};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value, value::RawValue};

/// A session of a list, with what its agent's tools are called and may do.
#[derive(Debug, Clone)]
pub struct WithToolNames<T> {
    /// The session.
    pub session: T,
    tools: String,
    mcp_servers: String,
}

impl<T> WithToolNames<T> {
    /// `agent.tools` and `agent.mcp_servers` without descriptions, schemas and URLs; empty where
    /// the service leaves them out. Entries that are text alone are kept.
    pub fn toolset(&self) -> (Vec<Value>, Vec<Value>) {
        let array = |text| serde_json::from_str(text).unwrap_or_default();
        (array(&self.tools), array(&self.mcp_servers))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for WithToolNames<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let whole = serde_json::to_string(&raw).map_err(D::Error::custom)?;
        let session = serde_json::from_str(&whole).map_err(D::Error::custom)?;
        let agent = raw.get("agent").map_or("null", |agent| agent.get());
        let agent: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(agent).unwrap_or_default();
        // As text: a page of a hundred sessions with a hundred tools each is large as values.
        let array = |field| {
            let entries = agent.get(field).map_or("[]", |raw| raw.get());
            let entries: Vec<Value> = serde_json::from_str(entries).unwrap_or_default();
            entries.iter().filter_map(reduced).collect::<Value>().to_string()
        };
        Ok(Self { session, tools: array("tools"), mcp_servers: array("mcp_servers") })
    }
}

/// The entry with its names and settings only.
fn reduced(entry: &Value) -> Option<Value> {
    let Value::Object(entry) = entry else {
        return entry.is_string().then(|| entry.clone());
    };
    let names = ["type", "name", "mcp_server_name"].into_iter().filter_map(|key| {
        let name = entry.get(key).filter(|name| name.is_string())?;
        Some((key.to_owned(), name.clone()))
    });
    let mut kept: Map<String, Value> = names.chain(settings(entry)).collect();
    if let Some(Value::Object(default)) = entry.get("default_config") {
        kept.insert("default_config".to_owned(), settings(default).collect());
    }
    if let Some(Value::Array(configs)) = entry.get("configs") {
        let configs = configs.iter().filter_map(|config| {
            let config = config.as_object()?;
            let name = config.get("name").filter(|name| name.is_string())?;
            let name = iter::once(("name".to_owned(), name.clone()));
            Some(name.chain(settings(config)).collect())
        });
        kept.insert("configs".to_owned(), configs.collect::<Vec<Value>>().into());
    }
    Some(kept.into())
}

/// `enabled` and the type of `permission_policy`, which some services send without an object
/// around it.
fn settings(object: &Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    let enabled = object.get("enabled").filter(|enabled| enabled.is_boolean()).cloned();
    let policy = object.get("permission_policy");
    let policy = policy.map(|policy| policy.get("type").unwrap_or(policy));
    let policy = policy.filter(|policy| policy.is_string()).cloned();
    let policy = policy.map(|kind| Value::Object(iter::once(("type".to_owned(), kind)).collect()));
    [("enabled", enabled), ("permission_policy", policy)]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
}
