//! Which sessions a list is about. Every condition is looked at here, also those the API was
//! asked for: compatible services ignore some of them.

use jiff::Timestamp;

use crate::api::types::{Moment, SessionHead};

/// Conditions on a session; those left out hold for every session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// The agent it runs.
    pub agent_id: Option<String>,
    /// The version of that agent.
    pub agent_version: Option<i64>,
    /// The deployment that created it.
    pub deployment_id: Option<String>,
    /// A memory store mounted into it.
    pub memory_store_id: Option<String>,
    /// Statuses, any of them.
    pub statuses: Vec<String>,
    /// Archived sessions too.
    pub include_archived: bool,
    /// Created at or after this instant.
    pub created_after: Option<Timestamp>,
    /// Created before this instant.
    pub created_before: Option<Timestamp>,
    /// Only sessions of these agents, whatever else is asked for; empty means any.
    pub allowed_agents: Vec<String>,
}

impl Filter {
    /// Whether the session meets every condition. What is not known of a session meets none.
    #[must_use]
    pub fn matches(&self, session: &SessionHead) -> bool {
        let agent = &session.agent;
        let created = session.created_at.as_ref().and_then(Moment::at);
        (self.include_archived || !session.is_archived())
            && (self.statuses.is_empty() || self.statuses.contains(&session.status))
            && agrees(self.agent_id.as_ref(), agent.id.as_ref())
            && agrees(self.agent_version.as_ref(), agent.version.as_ref())
            && agrees(self.deployment_id.as_ref(), session.deployment_id.as_ref())
            && self.mounts_memory_store(session)
            && self
                .created_after
                .is_none_or(|after| created.is_some_and(|at| at >= after))
            && self
                .created_before
                .is_none_or(|before| created.is_some_and(|at| at < before))
            && is_allowed(&self.allowed_agents, session)
    }

    fn mounts_memory_store(&self, session: &SessionHead) -> bool {
        let Some(wanted) = &self.memory_store_id else {
            return true;
        };
        let mut stores = session
            .resources
            .iter()
            .filter(|each| each.kind.as_deref() == Some("memory_store"));
        stores.any(|each| each.memory_store_id.as_ref() == Some(wanted))
    }
}

/// Whether the session belongs to one of the agents the operator allows; none named means all.
#[must_use]
pub fn is_allowed(agents: &[String], session: &SessionHead) -> bool {
    agents.is_empty()
        || session
            .agent
            .id
            .as_ref()
            .is_some_and(|id| agents.contains(id))
}

fn agrees<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none() || wanted == found
}
