//! Agents and environments: just enough of them for sessions to be created from.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, Serializer};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use super::{
    body::Fields,
    clock::Instant,
    refusal::{Outcome, Refusal},
    toolset,
};

const LONGEST_SYSTEM: usize = 100_000;

/// A system prompt, kept as JSON text and shared: a thousand sessions of 100 KB hold it once,
/// and answering with it is a copy, not an escaping.
#[derive(Debug, Clone)]
pub(super) struct Prompt(Arc<RawValue>);

impl Prompt {
    pub(super) fn new(text: &str) -> Option<Self> {
        to_raw_value(text).ok().map(|raw| Self(raw.into()))
    }
}

impl Serialize for Prompt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

/// An agent as a session holds it: a copy that updates of the session change.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Agent {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    pub(super) name: String,
    pub(super) version: u64,
    description: Option<String>,
    model: Value,
    pub(super) system: Option<Prompt>,
    pub(super) tools: Vec<Value>,
    pub(super) mcp_servers: Vec<Value>,
    skills: Vec<Value>,
    pub(super) multiagent: Option<Value>,
    execution_identity: Value,
}

const AGENT_FIELDS: [&str; 10] = [
    "name",
    "model",
    "description",
    "system",
    "tools",
    "mcp_servers",
    "skills",
    "metadata",
    "multiagent",
    "execution_identity",
];

impl Agent {
    /// An agent that can do nothing, of the first version.
    pub(super) fn blank(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            kind: "agent",
            name: id.to_owned(),
            version: 1,
            description: None,
            model: json!({"id": "claude-opus-5-5", "speed": "standard"}),
            system: None,
            tools: Vec::new(),
            mcp_servers: Vec::new(),
            skills: Vec::new(),
            multiagent: None,
            execution_identity: json!({"type": "service_account"}),
        }
    }

    /// Reads the body of an agent's creation.
    pub(super) fn create(id: &str, body: &Value) -> Outcome<Self> {
        let fields = Fields::of(body, "", &AGENT_FIELDS)?;
        let mut agent = Self::blank(id);
        fields.required_text("name")?.clone_into(&mut agent.name);
        agent.description = fields.text("description")?.map(str::to_owned);
        if fields.value("model").is_none() {
            return Err(fields.wrong("model", "is required"));
        }
        if fields.value("multiagent").is_some() {
            return Err(fields.wrong("multiagent", "the sandbox creates single agents only"));
        }
        agent.override_with(&fields)?;
        Ok(agent)
    }

    /// Takes over whichever of model, system, tools, `mcp_servers` and skills are given.
    pub(super) fn override_with(&mut self, fields: &Fields<'_>) -> Outcome<()> {
        if let Some(value) = fields.value("model") {
            self.model = model(value, fields)?;
        }
        if let Some(system) = fields.raw("system") {
            let text = fields.text("system")?;
            if text.is_some_and(|text| text.chars().count() > LONGEST_SYSTEM) {
                return Err(fields.wrong("system", "at most 100,000 characters"));
            }
            self.system = system.as_str().and_then(Prompt::new);
        }
        self.replace_tools(fields)?;
        if let Some(skills) = fields.array("skills")? {
            self.skills = skills.iter().map(skill).collect();
        }
        Ok(())
    }

    /// Full replacement: a given array is the new value, an absent one stays. All or nothing.
    pub(super) fn replace_tools(&mut self, fields: &Fields<'_>) -> Outcome<()> {
        let servers = fields.array("mcp_servers")?;
        let servers = servers.map(|given| toolset::servers(given, &fields.at("mcp_servers")));
        let servers = servers
            .transpose()?
            .unwrap_or_else(|| self.mcp_servers.clone());
        let tools = fields.array("tools")?;
        let tools = tools.map(|given| toolset::tools(given, &fields.at("tools")));
        let tools = tools.transpose()?.unwrap_or_else(|| self.tools.clone());
        toolset::references(&tools, &servers, &fields.at("tools"))?;
        self.mcp_servers = servers;
        self.tools = tools;
        Ok(())
    }

    /// The agent as a thread of another agent's session shows it.
    pub(super) fn as_thread(&self) -> Value {
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        if let Some(shown) = shown.as_object_mut() {
            shown.shift_remove("multiagent");
        }
        shown
    }
}

/// The model in its resolved form.
fn model(value: &Value, fields: &Fields<'_>) -> Outcome<Value> {
    if let Some(id) = value.as_str() {
        return Ok(json!({"id": id, "speed": "standard"}));
    }
    let known = ["id", "speed", "effort", "inference_geo"];
    let model = Fields::of(value, fields.at("model"), &known)?;
    let mut resolved = json!({
        "id": model.required_text("id")?,
        "speed": model.text("speed")?.unwrap_or("standard"),
    });
    let effort = model.value("effort").map(|effort| match effort.as_str() {
        Some(level) => json!({"type": level}),
        None => effort.clone(),
    });
    if let (Some(effort), Some(resolved)) = (effort, resolved.as_object_mut()) {
        resolved.insert("effort".to_owned(), effort);
    }
    Ok(resolved)
}

/// A skill with its version pinned, as answers show it.
fn skill(given: &Value) -> Value {
    let mut resolved = given.clone();
    if let Some(skill) = resolved.as_object_mut() {
        skill.entry("version").or_insert_with(|| json!("1"));
    }
    resolved
}

/// An agent as `/v1/agents` knows it.
#[derive(Debug, Clone)]
pub(super) struct AgentRecord {
    pub(super) agent: Arc<Agent>,
    pub(super) created_at: Instant,
    pub(super) metadata: BTreeMap<String, String>,
}

impl AgentRecord {
    pub(super) fn shown(&self) -> Value {
        let mut shown = serde_json::to_value(self.agent.as_ref()).unwrap_or_default();
        if let Some(shown) = shown.as_object_mut() {
            // The agent itself lists references where a session holds whole agents.
            if let Some(agents) = shown
                .get_mut("multiagent")
                .and_then(|multi| multi.get_mut("agents"))
            {
                let members = agents.as_array().cloned().unwrap_or_default();
                *agents = members
                    .iter()
                    .map(|member| {
                        json!({
                            "type": "agent",
                            "id": member.get("id"),
                            "version": member.get("version"),
                        })
                    })
                    .collect();
            }
            shown.insert("metadata".to_owned(), json!(self.metadata));
            shown.insert("created_at".to_owned(), json!(self.created_at));
            shown.insert("updated_at".to_owned(), json!(self.created_at));
            shown.insert("archived_at".to_owned(), Value::Null);
        }
        shown
    }
}

/// Where a session's tools run; the sandbox runs none, it only knows the name.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Environment {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    description: Option<String>,
    config: Value,
    metadata: Value,
    created_at: Instant,
    updated_at: Instant,
    pub(super) archived_at: Option<Instant>,
}

impl Environment {
    /// Reads the body of an environment's creation.
    pub(super) fn create(id: String, body: &Value, now: Instant) -> Outcome<Self> {
        let fields = Fields::of(
            body,
            "",
            &["name", "config", "description", "metadata", "scope"],
        )?;
        let networking = body.pointer("/config/networking").cloned();
        if body
            .pointer("/config/type")
            .is_some_and(|kind| kind != "cloud")
        {
            return Err(Refusal::invalid(
                "config.type: the sandbox knows only \"cloud\"",
            ));
        }
        Ok(Self {
            id,
            kind: "environment",
            name: fields.required_text("name")?.to_owned(),
            description: fields.text("description")?.map(str::to_owned),
            config: json!({
                "type": "cloud",
                "networking": networking.unwrap_or_else(|| json!({"type": "unrestricted"})),
                "packages": {
                    "type": "packages",
                    "apt": [], "cargo": [], "gem": [], "go": [], "npm": [], "pip": [],
                },
            }),
            metadata: fields
                .value("metadata")
                .cloned()
                .unwrap_or_else(|| json!({})),
            created_at: now,
            updated_at: now,
            archived_at: None,
        })
    }

    /// The same environment, archived: sessions can no longer be created in it.
    pub(super) fn archived(self, at: Instant) -> Self {
        Self {
            archived_at: Some(at),
            updated_at: at,
            ..self
        }
    }
}
