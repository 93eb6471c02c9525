//! Creation: of sessions, and of the agents and environments they are made from.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::{
    agent::{Agent, AgentRecord, Environment},
    body::Fields,
    changes,
    clock::Instant,
    inbox,
    query::Query,
    refusal::{Outcome, Refusal},
    session::Session,
    world::{World, paged, to_bytes},
};

/// What a reference to an agent may say besides which one.
const OVERRIDES: [&str; 8] = [
    "type",
    "id",
    "version",
    "model",
    "system",
    "tools",
    "mcp_servers",
    "skills",
];

impl World {
    pub(super) fn add_agent(&mut self, agent: Agent, created_at: Instant) -> Arc<Agent> {
        let agent = Arc::new(agent);
        let metadata = BTreeMap::new();
        let record = AgentRecord {
            agent: Arc::clone(&agent),
            created_at,
            metadata,
        };
        self.agents.insert(agent.id.clone(), record);
        agent
    }

    pub(super) fn add_environment(&mut self, environment: Environment) {
        self.environments
            .insert(environment.id.clone(), environment);
    }

    pub(super) fn create(&mut self, body: &Value) -> Outcome<Vec<u8>> {
        let known = [
            "agent",
            "environment_id",
            "title",
            "metadata",
            "resources",
            "vault_ids",
            "budget",
            "initial_events",
        ];
        let fields = Fields::of(body, "", &known)?;
        let agent = self.agent_for(&fields)?;
        let environment = self.environment_for(&fields)?;
        let initial = inbox::read(
            fields.array("initial_events")?.unwrap_or_default(),
            "initial_events",
        )?;
        if !initial.iter().all(inbox::Incoming::may_be_initial) {
            return Err(fields.wrong(
                "initial_events",
                "only user.message and user.define_outcome",
            ));
        }
        let now = self.pace.clock.stamp();
        let serial = format!("new{:02}", self.created + 1);
        let mut session = Session::new(format!("sesn_{serial}"), agent, &environment, now);
        session.title = fields.text("title")?.map(str::to_owned);
        session.metadata = changes::metadata(&fields)?;
        session.resources = changes::resources(&fields, &serial, now)?;
        session.vault_ids = fields.texts("vault_ids")?.unwrap_or_default();
        session.budget_cents = match fields.value("budget") {
            Some(budget) => changes::budget(budget, &fields)?,
            None => None,
        };
        session.receive(&mut self.pace, initial)?;
        self.created += 1;
        let id = session.id.clone();
        self.add(session);
        self.rendered(&id)
    }

    /// The agent that `agent` names: an id, a reference, or a reference with overrides.
    fn agent_for(&self, fields: &Fields<'_>) -> Outcome<Arc<Agent>> {
        let given = fields
            .value("agent")
            .ok_or_else(|| fields.wrong("agent", "is required"))?;
        let (id, reference) = if let Some(id) = given.as_str() {
            (id, None)
        } else {
            let open = Fields::open(given, "agent")?;
            let known: &[&str] = match open.kind()? {
                "agent" => &["type", "id", "version"],
                "agent_with_overrides" => &OVERRIDES,
                _ => return Err(open.wrong("type", "must be agent or agent_with_overrides")),
            };
            (
                open.required_text("id")?,
                Some(Fields::of(given, "agent", known)?),
            )
        };
        let missing = || Refusal::not_found(format!("There is no agent {id:?}."));
        let agent = &self.agents.get(id).ok_or_else(missing)?.agent;
        let Some(reference) = reference else {
            return Ok(Arc::clone(agent));
        };
        if reference
            .integer("version")?
            .is_some_and(|version| version != agent.version)
        {
            return Err(Refusal::not_found(format!(
                "Agent {id:?} has no such version here."
            )));
        }
        let mut agent = agent.as_ref().clone();
        agent.override_with(&reference)?;
        Ok(Arc::new(agent))
    }

    fn environment_for(&self, fields: &Fields<'_>) -> Outcome<String> {
        let id = fields.required_text("environment_id")?;
        match self.environments.get(id) {
            None => Err(
                Refusal::not_found(format!("There is no environment {id:?}."))
                    .because("environment_not_found"),
            ),
            Some(environment) if environment.archived_at.is_some() => Err(fields
                .wrong("environment_id", "is archived")
                .because("environment_archived")),
            Some(_) => Ok(id.to_owned()),
        }
    }

    pub(super) fn list_agents(&self, query: &Query) -> Outcome<Vec<u8>> {
        let shown: Vec<Value> = self.agents.values().map(AgentRecord::shown).collect();
        paged("a", &shown.iter().collect::<Vec<_>>(), query, &self.quirks)
    }

    pub(super) fn get_agent(&self, id: &str) -> Outcome<Vec<u8>> {
        let missing = || Refusal::not_found(format!("There is no agent {id:?}."));
        self.agents
            .get(id)
            .map(|record| to_bytes(&record.shown()))
            .ok_or_else(missing)
    }

    pub(super) fn create_agent(&mut self, body: &Value) -> Outcome<Vec<u8>> {
        let id = format!("agent_new{:02}", self.created + 1);
        let agent = Agent::create(&id, body)?;
        let metadata = changes::metadata(&Fields::open(body, "")?)?;
        self.created += 1;
        let record = AgentRecord {
            agent: Arc::new(agent),
            created_at: self.pace.clock.stamp(),
            metadata,
        };
        let shown = to_bytes(&record.shown());
        self.agents.insert(record.agent.id.clone(), record);
        Ok(shown)
    }

    pub(super) fn list_environments(&self, query: &Query) -> Outcome<Vec<u8>> {
        let archived_too = query.boolean("include_archived")?;
        let environments = self.environments.values();
        let shown: Vec<Value> = environments
            .filter(|environment| archived_too || environment.archived_at.is_none())
            .map(|environment| json!(environment))
            .collect();
        paged("v", &shown.iter().collect::<Vec<_>>(), query, &self.quirks)
    }

    pub(super) fn get_environment(&self, id: &str) -> Outcome<Vec<u8>> {
        let missing = || Refusal::not_found(format!("There is no environment {id:?}."));
        self.environments.get(id).map(to_bytes).ok_or_else(missing)
    }

    pub(super) fn create_environment(&mut self, body: &Value) -> Outcome<Vec<u8>> {
        let id = format!("env_new{:02}", self.created + 1);
        let environment = Environment::create(id, body, self.pace.clock.stamp())?;
        self.created += 1;
        let shown = to_bytes(&environment);
        self.add_environment(environment);
        Ok(shown)
    }
}
