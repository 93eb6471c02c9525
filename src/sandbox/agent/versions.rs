//! The versions of an agent, as `/v1/agents` shows them.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};

use super::Agent;
use crate::sandbox::{
    attributes,
    clock::{Clock, Timestamp},
    fields::Fields,
    rejection::{Rejection, Result},
};

/// One version of an agent.
#[derive(Debug, Clone, Serialize)]
pub(in crate::sandbox) struct AgentRecord {
    #[serde(flatten)]
    pub(in crate::sandbox) agent: Agent,
    metadata: BTreeMap<String, String>,
    pub(in crate::sandbox) created_at: Timestamp,
    updated_at: Timestamp,
    pub(in crate::sandbox) archived_at: Option<Timestamp>,
}

/// An agent with all its versions.
#[derive(Debug)]
pub(in crate::sandbox) struct AgentVersions {
    newest: AgentRecord,
    /// The oldest first.
    older: Vec<AgentRecord>,
}

impl AgentVersions {
    /// Creates version 1 of an agent from a request body.
    pub(in crate::sandbox) fn create(id: &str, body: &Value, now: Timestamp) -> Result<Self> {
        let agent = Agent::create(id, body)?;
        let metadata = attributes::metadata(&Fields::new(body, "")?)?;
        let newest =
            AgentRecord { agent, metadata, created_at: now, updated_at: now, archived_at: None };
        Ok(Self { newest, older: Vec::new() })
    }

    /// An agent that got a new version each day until it had the given one. The versions differ
    /// in nothing else.
    pub(in crate::sandbox) fn seeded(agent: &Agent, created_at: Timestamp) -> Self {
        let version = |number: u64| {
            let age = Duration::from_secs((number - 1) * 24 * 60 * 60);
            AgentRecord {
                agent: Agent { version: number, ..agent.clone() },
                metadata: BTreeMap::new(),
                created_at,
                updated_at: created_at.plus(age),
                archived_at: None,
            }
        };
        Self { newest: version(agent.version), older: (1..agent.version).map(version).collect() }
    }

    pub(in crate::sandbox) fn newest(&self) -> &AgentRecord {
        &self.newest
    }

    /// The version with this number, or the newest one.
    pub(in crate::sandbox) fn version(&self, number: Option<u64>) -> Result<&AgentRecord> {
        let Some(number) = number else {
            return Ok(&self.newest);
        };
        let mut versions = self.newest_first();
        let found = versions.find(|record| record.agent.version == number);
        found.ok_or_else(|| {
            let id = &self.newest.agent.id;
            Rejection::not_found(format!("The agent {id:?} has no version {number}."))
        })
    }

    pub(in crate::sandbox) fn newest_first(&self) -> impl Iterator<Item = &AgentRecord> {
        std::iter::once(&self.newest).chain(self.older.iter().rev())
    }

    /// Applies all of an update, as a new version if anything changes, or, on an error, nothing.
    pub(in crate::sandbox) fn update(&mut self, clock: &mut Clock, body: &Value) -> Result<()> {
        let fields = Fields::body(body, &format!("{} version", Agent::FIELDS))?;
        if self.newest.archived_at.is_some() {
            return Err(Rejection::conflict("The agent is archived and cannot be changed."));
        }
        let current = self.newest.agent.version;
        if fields.integer("version")?.is_some_and(|version| version != current) {
            let message = "The agent has another version by now. Read it and try again.";
            return Err(Rejection::conflict(message));
        }
        let mut agent = self.newest.agent.clone();
        agent.update(&fields)?;
        let metadata = match fields.value("metadata") {
            None => self.newest.metadata.clone(),
            Some(patch) => attributes::patch_metadata(&self.newest.metadata, patch)?,
        };
        if json!(agent) == json!(self.newest.agent) && metadata == self.newest.metadata {
            return Ok(());
        }
        agent.version += 1;
        let updated_at = clock.stamp();
        let newest = AgentRecord { agent, metadata, updated_at, ..self.newest.clone() };
        self.older.push(std::mem::replace(&mut self.newest, newest));
        Ok(())
    }

    /// Archives all versions: no more sessions can be created from them.
    pub(in crate::sandbox) fn archive(&mut self, clock: &mut Clock) {
        if self.newest.archived_at.is_some() {
            return;
        }
        let now = clock.stamp();
        self.newest.updated_at = now;
        for record in self.older.iter_mut().chain([&mut self.newest]) {
            record.archived_at = Some(now);
        }
    }
}
