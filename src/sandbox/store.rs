//! The state of the sandbox: sessions, agents, environments, and how the service misbehaves.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    agent::{Agent, multiagent, versions::AgentVersions},
    clock::{Clock, Timestamp, TurnTimer},
    collection::Collection,
    deployment::Deployment,
    environment::Environment,
    fault::Fault,
    file::File,
    page::SortKey,
    quirks::Quirks,
    rejection::{Rejection, Result},
    session::Session,
    vault::Vault,
};

/// A route of the API and how often it was requested.
#[derive(Debug, Serialize)]
pub(super) struct RouteCount {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) requests: u64,
    /// How many of the requests were refused.
    pub(super) refusals: u64,
}

#[derive(Debug)]
pub(super) struct Store {
    pub(super) clock: Clock,
    pub(super) quirks: Quirks,
    /// Pending faults, in the order in which they are used up.
    pub(super) faults: Vec<Fault>,
    /// Cancelled when the sandbox stops.
    pub(super) closing: CancellationToken,
    pub(super) agents: Collection<AgentVersions>,
    pub(super) environments: Collection<Environment>,
    pub(super) vaults: Collection<Vault>,
    pub(super) deployments: Collection<Deployment>,
    /// Uploaded files; those of sessions are in the sessions.
    pub(super) files: Collection<File>,
    /// In the order of the table of routes.
    pub(super) routes: Vec<RouteCount>,
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
            agents: Collection::new("agent"),
            environments: Collection::new("environment"),
            vaults: Collection::new("vault"),
            deployments: Collection::new("deployment"),
            files: Collection::new("file"),
            routes: Vec::new(),
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

    /// All sessions, whose statuses may lag.
    pub(super) fn stored_sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    pub(super) fn stored_sessions_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.sessions.values_mut()
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

    /// The newest version of an agent as a session holds it.
    pub(super) fn agent_for_session(&self, id: &str) -> Result<Agent> {
        self.agent_version_for_session(id, None)
    }

    /// A version of an agent as a session holds it: with whole agents in place of references to
    /// them.
    pub(super) fn agent_version_for_session(
        &self,
        id: &str,
        version: Option<u64>,
    ) -> Result<Agent> {
        let record = self.agents.get(id)?.version(version)?;
        if record.archived_at.is_some() {
            return Err(Rejection::field("agent", "is archived"));
        }
        let mut agent = record.agent.clone();
        for member in agent.members_mut() {
            let id = member.get("id").and_then(Value::as_str).unwrap_or_default();
            let version = member.get("version").and_then(Value::as_u64);
            let record = self.agents.get(id)?.version(version)?;
            *member = record.agent.as_thread_agent();
        }
        Ok(agent)
    }

    /// Checks that all of these vaults can be used by a session.
    pub(super) fn check_vaults(&self, ids: &[String]) -> Result<()> {
        for id in ids {
            if self.vaults.get(id)?.archived_at.is_some() {
                return Err(Rejection::field("vault_ids", format!("{id:?} is archived")));
            }
        }
        Ok(())
    }

    /// Resolves the `multiagent` of a request that makes this version of the agent `own`.
    pub(super) fn resolve_multiagent(
        &self,
        body: &mut Value,
        own: &str,
        own_version: u64,
    ) -> Result<()> {
        multiagent::resolve_body(body, (own, own_version), &|id, version| {
            let record = self.agents.get(id)?.version(version)?;
            if record.archived_at.is_some() {
                let complaint = format!("the agent {id:?} is archived");
                return Err(Rejection::field("multiagent", complaint));
            }
            let agent = &record.agent;
            let is_multiagent = agent.multiagent.is_some();
            Ok(multiagent::Member { version: agent.version, is_multiagent })
        })
    }

    pub(super) fn on_timer(&mut self, timer: &TurnTimer) {
        if let Ok((session, clock, _)) = self.session(&timer.session) {
            session.on_timer(clock, timer.due);
        }
    }
}
