//! Which sessions a list is about. Every condition is checked here, also those sent to the API:
//! compatible services ignore some of them.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    domain::money::Money,
    model::{ApiTime, SessionHead},
};

/// Conditions on a session; the default matches every session that is not archived.
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
    /// Created at or after this time.
    pub created_after: Option<Timestamp>,
    /// Created before this time.
    pub created_before: Option<Timestamp>,
    /// Part of the title, ignoring case.
    pub title_contains: Option<String>,
    /// Metadata pairs, all of them.
    pub metadata: Vec<(String, String)>,
    /// Updated at or after this time.
    pub updated_after: Option<Timestamp>,
    /// Updated before this time.
    pub updated_before: Option<Timestamp>,
    /// Costs at least this at list price.
    pub min_list_cost: Option<Money>,
    /// Only sessions of these agents, whatever else is asked for; empty means any.
    pub allowed_agents: Vec<String>,
}

impl Filter {
    /// Whether the session meets every condition. An unknown value meets none.
    pub fn matches(&self, session: &SessionHead) -> bool {
        let agent = &session.agent;
        let created = session.created_at.as_ref().and_then(ApiTime::at);
        let updated = session.updated_at.as_ref().and_then(ApiTime::at);
        (self.include_archived || !session.is_archived())
            && (self.statuses.is_empty() || self.statuses.contains(&session.status))
            && agrees(self.agent_id.as_ref(), agent.id.as_ref())
            && agrees(self.agent_version.as_ref(), agent.version.as_ref())
            && agrees(self.deployment_id.as_ref(), session.deployment_id.as_ref())
            && self.matches_memory_store(session)
            && is_within(created, self.created_after, self.created_before)
            && is_within(updated, self.updated_after, self.updated_before)
            && self.matches_title(session)
            && self.matches_metadata(session)
            && self.matches_cost(session)
            && is_allowed(&self.allowed_agents, session)
    }

    /// Whether only a time that is missing or cannot be read keeps the session from matching.
    pub fn is_undecided(&self, session: &SessionHead) -> bool {
        let has = |at: Option<&ApiTime>| at.and_then(ApiTime::at).is_some();
        let by_creation = self.created_after.is_some() || self.created_before.is_some();
        let by_update = self.updated_after.is_some() || self.updated_before.is_some();
        let lacks_creation = by_creation && !has(session.created_at.as_ref());
        let lacks_update = by_update && !has(session.updated_at.as_ref());
        if !lacks_creation && !lacks_update {
            return false;
        }
        let mut rest = self.clone();
        if lacks_creation {
            (rest.created_after, rest.created_before) = (None, None);
        }
        if lacks_update {
            (rest.updated_after, rest.updated_before) = (None, None);
        }
        rest.matches(session)
    }

    /// Whether some conditions have no counterpart in the API's list parameters.
    pub fn has_local_conditions(&self) -> bool {
        self.title_contains.is_some()
            || !self.metadata.is_empty()
            || self.updated_after.is_some()
            || self.updated_before.is_some()
            || self.min_list_cost.is_some()
    }

    /// The latest creation time of a match: nothing is updated before it is created.
    pub fn latest_creation(&self) -> Option<Timestamp> {
        let both = [self.created_before, self.updated_before];
        both.into_iter().flatten().min()
    }

    fn matches_title(&self, session: &SessionHead) -> bool {
        self.title_contains.as_ref().is_none_or(|wanted| {
            let title = session.title.as_deref().unwrap_or_default();
            title.to_lowercase().contains(&wanted.to_lowercase())
        })
    }

    fn matches_metadata(&self, session: &SessionHead) -> bool {
        let mut pairs = self.metadata.iter();
        pairs.all(|(key, wanted)| match session.metadata.get(key) {
            Some(Value::String(text)) => text == wanted,
            // Values are strings by the API's rules, but not everywhere.
            Some(other) => other.to_string().as_str() == wanted,
            None => false,
        })
    }

    fn matches_cost(&self, session: &SessionHead) -> bool {
        let least = self.min_list_cost.as_ref();
        least.is_none_or(|least| cost(session).is_some_and(|cost| cost >= *least))
    }

    fn matches_memory_store(&self, session: &SessionHead) -> bool {
        self.memory_store_id.as_ref().is_none_or(|wanted| {
            session.resources.iter().any(|resource| {
                resource.kind.as_deref() == Some("memory_store")
                    && resource.memory_store_id.as_ref() == Some(wanted)
            })
        })
    }
}

/// Whether the session belongs to one of the agents the operator allows; an empty list allows all.
pub fn is_allowed(agents: &[String], session: &SessionHead) -> bool {
    let agent = session.agent.id.as_ref();
    agents.is_empty() || agent.is_some_and(|id| agents.contains(id))
}

/// What the session has cost so far, if it is known.
pub fn cost(session: &SessionHead) -> Option<Money> {
    Money::from_amount(session.usage.list_cost.as_ref()?)
}

fn is_within(at: Option<Timestamp>, after: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    after.is_none_or(|after| at.is_some_and(|at| at >= after))
        && before.is_none_or(|before| at.is_some_and(|at| at < before))
}

fn agrees<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none() || wanted == found
}
