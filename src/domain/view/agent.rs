//! What a session can be started from, in a list.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    domain::{
        events,
        text::shortened,
        toolset::Section,
        view::row::{name, short},
    },
    model::Event,
};

/// Names shown of an agent's tools, and of its servers.
const MAX_NAMES: usize = 30;
/// Longest of them, in characters.
const NAME_CHARACTERS: usize = 80;

/// An agent in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgentRow {
    /// The agent's id.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its newest version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The model's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Type of a toolset, server of an MCP toolset, name of a custom tool.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Names of its MCP servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mcp_servers: Vec<String>,
    /// Whether it is archived: no session can be started from it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
}

/// An environment in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EnvironmentRow {
    /// The environment's id.
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is archived: no session can be started in it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
}

impl AgentRow {
    /// The row of an agent as the service sent it.
    pub(crate) fn of(agent: &Event, archived: bool) -> Self {
        let version = agent.get("version");
        let model = agent.get("model");
        // Some services send a bare string instead of an object, or a string for a number.
        let model = model.and_then(|model| model.as_str().or_else(|| model.get("id")?.as_str()));
        Self {
            id: short(events::text(agent, "id").unwrap_or_default()),
            name: named(agent),
            version: version.and_then(|each| each.as_i64().or_else(|| each.as_str()?.parse().ok())),
            model: model.map(short),
            tools: names(Section::Tools, agent),
            mcp_servers: names(Section::Servers, agent),
            archived,
        }
    }
}

impl EnvironmentRow {
    /// The row of an environment as the service sent it.
    pub(crate) fn of(environment: &Event, archived: bool) -> Self {
        let id = short(events::text(environment, "id").unwrap_or_default());
        Self { id, name: named(environment), archived }
    }
}

fn named(object: &Event) -> Option<String> {
    events::text(object, "name").filter(|text| !text.is_empty()).map(name)
}

fn names(section: Section, agent: &Event) -> Vec<String> {
    let entries = agent.get(section.name()).and_then(Value::as_array);
    let entries: &[Value] = entries.map_or(&[], Vec::as_slice);
    let name = |entry: &Value| match section.removal_names(entry).first() {
        Some(name) => shortened(name, NAME_CHARACTERS),
        None => shortened(&json!(entry).to_string(), NAME_CHARACTERS),
    };
    let mut names: Vec<String> = entries.iter().map(name).collect();
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    names.extend((more > 0).then(|| format!("… {more} more")));
    names
}
