//! The state of the sandbox: sessions, agents, environments, and how the service misbehaves.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    agent::{Agent, AgentRecord, multiagent},
    clock::{Clock, Timestamp, TurnTimer},
    environment::Environment,
    fault::Fault,
    page::SortKey,
    quirks::Quirks,
    rejection::{Rejection, Result},
    session::Session,
};

#[derive(Debug)]
pub(super) struct Store {
    pub(super) clock: Clock,
    pub(super) quirks: Quirks,
    /// Pending faults, in the order in which they are used up.
    pub(super) faults: Vec<Fault>,
    /// Cancelled when the sandbox stops.
    pub(super) closing: CancellationToken,
    pub(super) agents: BTreeMap<String, AgentRecord>,
    pub(super) environments: BTreeMap<String, Environment>,
    /// How many objects clients have created; their ids are numbered.
    pub(super) created: u64,
    /// Sorted by creation.
    sessions: BTreeMap<SortKey, Session>,
    session_keys: HashMap<String, SortKey>,
    next_session: u64,
}

impl Store {
    pub(super) fn new(clock: Clock, quirks: Quirks, faults: Vec<Fault>) -> Self {
        Self {
            clock,
            quirks,
            faults,
            closing: CancellationToken::new(),
            agents: BTreeMap::new(),
            environments: BTreeMap::new(),
            created: 0,
            sessions: BTreeMap::new(),
            session_keys: HashMap::new(),
            next_session: 1,
        }
    }

    /// The id, without a prefix, of the next object that a client creates.
    pub(super) fn new_id_suffix(&self) -> String {
        format!("new{:02}", self.created + 1)
    }

    pub(super) fn add_session(&mut self, session: Session) {
        let key = (session.created_at.micros(), self.next_session);
        self.next_session += 1;
        self.session_keys.insert(session.id.clone(), key);
        self.sessions.insert(key, session);
    }

    /// The session as of now, together with what it takes to change it.
    pub(super) fn session(&mut self, id: &str) -> Result<(&mut Session, &mut Clock, &Quirks)> {
        let missing = || Rejection::not_found(format!("There is no session {id:?}."));
        let key = self.session_keys.get(id).ok_or_else(missing)?;
        let session = self.sessions.get_mut(key).ok_or_else(missing)?;
        session.catch_up(Timestamp::now());
        Ok((session, &mut self.clock, &self.quirks))
    }

    /// All sessions as of `now`, oldest first.
    pub(super) fn sessions(&mut self, now: Timestamp) -> &BTreeMap<SortKey, Session> {
        for session in self.sessions.values_mut() {
            session.catch_up(now);
        }
        &self.sessions
    }

    pub(super) fn remove_session(&mut self, id: &str) {
        if let Some(key) = self.session_keys.remove(id) {
            self.sessions.remove(&key);
        }
    }

    /// The agent as a session holds it: with whole agents in place of references to them.
    pub(super) fn agent_for_session(&self, id: &str) -> Result<Agent> {
        let mut agent = self.agent(id)?.agent.clone();
        for member in agent.members_mut() {
            let id = member.get("id").and_then(Value::as_str).unwrap_or_default();
            *member = self.agent(id)?.agent.as_thread_agent();
        }
        Ok(agent)
    }

    /// Resolves the `multiagent` of a request that makes the agent `own`.
    pub(super) fn resolve_multiagent(&self, body: &mut Value, own: &str) -> Result<()> {
        multiagent::resolve_body(body, own, &|id, version| {
            let agent = &self.agent(id)?.agent;
            if version.is_some_and(|version| version != agent.version) {
                let message = format!("The agent {id:?} has no such version.");
                return Err(Rejection::not_found(message));
            }
            let is_multiagent = agent.multiagent.is_some();
            Ok(multiagent::Member { version: agent.version, is_multiagent })
        })
    }

    pub(super) fn agent(&self, id: &str) -> Result<&AgentRecord> {
        let missing = || Rejection::not_found(format!("There is no agent {id:?}."));
        self.agents.get(id).ok_or_else(missing)
    }

    pub(super) fn environment(&self, id: &str) -> Result<&Environment> {
        let missing = || Rejection::not_found(format!("There is no environment {id:?}."));
        self.environments.get(id).ok_or_else(missing)
    }

    pub(super) fn on_timer(&mut self, timer: &TurnTimer) {
        if let Ok((session, clock, _)) = self.session(&timer.session) {
            session.on_timer(clock, timer.due);
        }
    }
}
