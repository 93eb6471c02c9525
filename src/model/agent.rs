//! The agent of a session.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use super::lenient::lenient;

/// The agent of a session, without prompt, tools and skills.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentHead {
    /// `agent_…`.
    pub id: Option<String>,
    /// The agent's name.
    pub name: Option<String>,
    /// The agent's version.
    pub version: Option<i64>,
    /// Whether it has the tool or server that a list was asked for; `None` where none was.
    pub uses: Option<bool>,
}

/// An object, or the agent's id alone, as some services send it. Anything else names no agent.
impl<'de> Deserialize<'de> for AgentHead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AgentVisitor)
    }
}

struct AgentVisitor;

impl<'de> Visitor<'de> for AgentVisitor {
    type Value = AgentHead;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an agent or its id")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<AgentHead, E> {
        Ok(AgentHead { id: named(Some(id.to_owned())), ..AgentHead::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<AgentHead, A::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Fields {
            #[serde(deserialize_with = "lenient")]
            id: Option<String>,
            #[serde(deserialize_with = "lenient")]
            name: Option<String>,
            #[serde(deserialize_with = "lenient")]
            version: Value,
        }
        let fields = Fields::deserialize(MapAccessDeserializer::new(fields))?;
        let version = fields.version;
        Ok(AgentHead {
            id: named(fields.id),
            name: named(fields.name),
            // Some services write it as a string.
            version: version.as_i64().or_else(|| version.as_str()?.parse().ok()),
            uses: None,
        })
    }
}

fn named(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
