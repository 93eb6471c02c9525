//! Which sessions a list is about. Every condition is checked here, also those sent to the API:
//! compatible services ignore some of them.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    domain::{money::Money, toolset::Wanted},
    model::{ApiTime, SessionHead, SessionId},
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
    /// What it has among its tools and MCP servers; by [`crate::model::AgentHead::uses`].
    pub uses: Option<Wanted>,
    /// No part of the title, ignoring case.
    pub not_title_contains: Option<String>,
    /// Metadata that it must not have: keys, or `key=value`.
    pub not_metadata: Vec<String>,
    /// Sessions that are left out.
    pub excluded: Arc<BTreeSet<SessionId>>,
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
            && (self.uses.is_none() || agent.uses == Some(true))
            && !self.leaves_out(session)
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
            || self.uses.is_some()
            || self.not_title_contains.is_some()
            || !self.not_metadata.is_empty()
            || !self.excluded.is_empty()
    }

    /// Whether the session is named as one to leave out.
    pub fn excludes(&self, id: &SessionId) -> bool {
        self.excluded.contains(id)
    }

    /// Whether a condition keeps the session out that names what is not wanted.
    fn leaves_out(&self, session: &SessionHead) -> bool {
        let title = self.not_title_contains.as_ref();
        let is_excluded = || SessionId::parse(&session.id).is_ok_and(|id| self.excludes(&id));
        title.is_some_and(|unwanted| has_in_title(session, unwanted))
            || self.has_unwanted_metadata(session)
            || (!self.excluded.is_empty() && is_excluded())
    }

    /// Keys and values may both contain the sign between them.
    fn has_unwanted_metadata(&self, session: &SessionHead) -> bool {
        !self.not_metadata.is_empty()
            && session.metadata.iter().any(|(key, value)| {
                let pair = format!("{key}={}", metadata_text(value));
                self.not_metadata.iter().any(|unwanted| unwanted == key || *unwanted == pair)
            })
    }

    /// The latest creation time of a match: nothing is updated before it is created.
    pub fn latest_creation(&self) -> Option<Timestamp> {
        let both = [self.created_before, self.updated_before];
        both.into_iter().flatten().min()
    }

    fn matches_title(&self, session: &SessionHead) -> bool {
        self.title_contains.as_ref().is_none_or(|wanted| has_in_title(session, wanted))
    }

    fn matches_metadata(&self, session: &SessionHead) -> bool {
        let mut pairs = self.metadata.iter();
        pairs.all(|(key, wanted)| {
            session.metadata.get(key).is_some_and(|value| metadata_text(value) == *wanted)
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

fn has_in_title(session: &SessionHead, part: &str) -> bool {
    let title = session.title.as_deref().unwrap_or_default();
    title.to_lowercase().contains(&part.to_lowercase())
}

/// Values are strings by the API's rules, but not everywhere.
fn metadata_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        other => other.to_string().into(),
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
