//! Agents: as much of them as it takes to create sessions.

pub(super) mod multiagent;
pub(super) mod versions;

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use super::{fields::Fields, json::with_field, rejection::Result, toolset};

/// A system prompt, shared and already encoded: a thousand sessions with a prompt of 100 KB keep
/// it in memory once, and showing it is a plain copy.
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

/// An agent; a session has a copy of its own, which updates change.
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

impl Agent {
    /// The fields of a request that creates an agent.
    const FIELDS: &str = "name model description system tools mcp_servers skills metadata \
                          multiagent execution_identity";

    /// Creates version 1 of an agent from a request body, whose `multiagent` is resolved already.
    pub(super) fn create(id: &str, body: &Value) -> Result<Self> {
        let fields = Fields::body(body, Self::FIELDS)?;
        let mut agent = Self {
            id: id.to_owned(),
            kind: "agent",
            name: fields.required_text("name")?.to_owned(),
            version: 1,
            description: fields.text("description")?.map(str::to_owned),
            model: fields.required("model")?.clone(),
            system: None,
            tools: Vec::new(),
            mcp_servers: Vec::new(),
            skills: Vec::new(),
            multiagent: None,
            execution_identity: json!({"type": "service_account"}),
        };
        agent.change(&fields)?;
        Ok(agent)
    }

    /// Replaces what is given; null clears what may be empty.
    fn update(&mut self, fields: &Fields<'_>) -> Result<()> {
        if fields.raw("name").is_some() {
            fields.required_text("name")?.clone_into(&mut self.name);
        }
        if fields.raw("model").is_some() {
            fields.required("model")?;
        }
        if fields.raw("description").is_some() {
            let text = fields.text("description")?.filter(|text| !text.is_empty());
            self.description = text.map(str::to_owned);
        }
        let cleared = |key: &str| fields.raw(key).is_some_and(Value::is_null);
        for (key, list) in [
            ("tools", &mut self.tools),
            ("mcp_servers", &mut self.mcp_servers),
            ("skills", &mut self.skills),
        ] {
            if cleared(key) {
                list.clear();
            }
        }
        if cleared("multiagent") {
            self.multiagent = None;
        }
        self.change(fields)
    }

    /// Applies what a request that creates or updates an agent gives, apart from its texts.
    fn change(&mut self, fields: &Fields<'_>) -> Result<()> {
        if let Some(multiagent) = fields.value("multiagent") {
            self.multiagent = Some(multiagent.clone());
        }
        if let Some(identity) = fields.object("execution_identity", "type")? {
            identity.require_kind("service_account")?;
        }
        self.apply_overrides(fields)?;
        toolset::check_servers_used(&self.tools, &self.mcp_servers, fields)
    }

    /// Replaces model, system, tools, `mcp_servers` and skills by those that are given.
    pub(super) fn apply_overrides(&mut self, fields: &Fields<'_>) -> Result<()> {
        if let Some(value) = fields.value("model") {
            self.model = resolve_model(value, fields)?;
        }
        if fields.raw("system").is_some() {
            let text = fields.text("system")?;
            if text.is_some_and(|text| text.chars().count() > 100_000) {
                return Err(fields.error("system", "at most 100,000 characters"));
            }
            let text = text.filter(|text| !text.is_empty());
            self.system = text.and_then(Prompt::new);
        }
        self.replace_tools(fields)?;
        toolset::check_count(&self.tools, fields)?;
        if let Some(skills) = fields.array("skills")? {
            self.skills = skills.iter().map(pin_skill).collect();
        }
        Ok(())
    }

    /// Replaces `tools` and `mcp_servers` where given: both, or on an error none.
    pub(super) fn replace_tools(&mut self, fields: &Fields<'_>) -> Result<()> {
        let servers = toolset::servers(fields)?.unwrap_or_else(|| self.mcp_servers.clone());
        let tools = toolset::tools(fields)?.unwrap_or_else(|| self.tools.clone());
        toolset::check_servers(&tools, &servers, fields)?;
        self.mcp_servers = servers;
        self.tools = tools;
        Ok(())
    }

    /// All references to other agents.
    pub(super) fn members_mut(&mut self) -> Vec<&mut Value> {
        self.multiagent.as_mut().map(multiagent::references_mut).unwrap_or_default()
    }

    /// The agents that work can be handed to, as a session knows them.
    pub(super) fn members(&self) -> impl Iterator<Item = &Value> {
        self.multiagent.as_ref().into_iter().flat_map(multiagent::roster)
    }

    /// An agent that this one defines itself: it has its tools and model, but is not saved.
    pub(super) fn as_inline_agent(&self, name: &str) -> Value {
        let mut agent = self.as_thread_agent();
        if let Some(agent) = agent.as_object_mut() {
            agent.shift_remove("id");
            agent.shift_remove("version");
            agent.insert("type".to_owned(), json!("inline"));
            agent.insert("name".to_owned(), json!(name));
        }
        agent
    }

    /// The agent as it is shown in threads and as a member of another agent.
    pub(super) fn as_thread_agent(&self) -> Value {
        let mut agent = json!(self);
        if let Some(agent) = agent.as_object_mut() {
            agent.shift_remove("multiagent");
        }
        agent
    }
}

fn resolve_model(value: &Value, fields: &Fields<'_>) -> Result<Value> {
    if let Some(id) = value.as_str() {
        return Ok(json!({"id": id, "speed": "standard"}));
    }
    let model = Fields::new(value, fields.at("model"))?;
    model.allow("id speed effort inference_geo")?;
    let resolved = json!({
        "id": model.required_text("id")?,
        "speed": model.text("speed")?.unwrap_or("standard"),
    });
    let effort = model.value("effort").map(|effort| match effort.as_str() {
        Some(level) => json!({"type": level}),
        None => effort.clone(),
    });
    Ok(with_field(resolved, "effort", effort))
}

/// The skill with a version.
fn pin_skill(given: &Value) -> Value {
    let version = given.get("version").is_none().then(|| json!("1"));
    with_field(given.clone(), "version", version)
}
