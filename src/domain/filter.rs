//! Which sessions a list is about. Every condition is looked at here, also those the API was
//! asked for: compatible services ignore some of them.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    domain::money::Money,
    model::{ApiTime, SessionHead},
};

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
    /// In the title, whatever the case.
    pub title_contains: Option<String>,
    /// Pairs of metadata, all of them.
    pub metadata: Vec<(String, String)>,
    /// Updated at or after this instant.
    pub updated_after: Option<Timestamp>,
    /// Updated before this instant.
    pub updated_before: Option<Timestamp>,
    /// Costs at least this at list price.
    pub min_list_cost: Option<Money>,
    /// Only sessions of these agents, whatever else is asked for; empty means any.
    pub allowed_agents: Vec<String>,
}

impl Filter {
    /// Whether the session meets every condition. What is not known of a session meets none.
    #[must_use]
    pub fn matches(&self, session: &SessionHead) -> bool {
        let agent = &session.agent;
        let created = session.created_at.as_ref().and_then(ApiTime::at);
        let updated = session.updated_at.as_ref().and_then(ApiTime::at);
        (self.include_archived || !session.is_archived())
            && (self.statuses.is_empty() || self.statuses.contains(&session.status))
            && agrees(self.agent_id.as_ref(), agent.id.as_ref())
            && agrees(self.agent_version.as_ref(), agent.version.as_ref())
            && agrees(self.deployment_id.as_ref(), session.deployment_id.as_ref())
            && self.mounts_memory_store(session)
            && is_within(created, self.created_after, self.created_before)
            && is_within(updated, self.updated_after, self.updated_before)
            && self.names(session)
            && self.is_labelled(session)
            && self.costs(session)
            && is_allowed(&self.allowed_agents, session)
    }

    /// Whether there are conditions that the API cannot be asked for.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.title_contains.is_some()
            || !self.metadata.is_empty()
            || self.updated_after.is_some()
            || self.updated_before.is_some()
            || self.min_list_cost.is_some()
    }

    /// Before when a match was created at the latest: nothing is updated before it is created.
    #[must_use]
    pub fn latest_creation(&self) -> Option<Timestamp> {
        let both = [self.created_before, self.updated_before];
        both.into_iter().flatten().min()
    }

    fn names(&self, session: &SessionHead) -> bool {
        self.title_contains.as_ref().is_none_or(|wanted| {
            let title = session.title.as_deref().unwrap_or_default();
            title.to_lowercase().contains(&wanted.to_lowercase())
        })
    }

    fn is_labelled(&self, session: &SessionHead) -> bool {
        let mut pairs = self.metadata.iter();
        pairs.all(|(key, wanted)| match session.metadata.get(key) {
            Some(Value::String(text)) => text == wanted,
            // Values are strings by the API's rules, but not everywhere.
            Some(other) => other.to_string().as_str() == wanted,
            None => false,
        })
    }

    fn costs(&self, session: &SessionHead) -> bool {
        self.min_list_cost
            .as_ref()
            .is_none_or(|least| cost(session).is_some_and(|cost| cost >= *least))
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

/// What the session has cost so far, if it is known.
#[must_use]
pub fn cost(session: &SessionHead) -> Option<Money> {
    let cost = session.usage.list_cost.as_ref()?;
    Money::from_minor(&cost.amount, &cost.currency)
}

fn is_within(at: Option<Timestamp>, after: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    after.is_none_or(|after| at.is_some_and(|at| at >= after))
        && before.is_none_or(|before| at.is_some_and(|at| at < before))
}

fn agrees<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
    wanted.is_none() || wanted == found
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use crate::{
        domain::{filter::Filter, money::Money},
        model::SessionHead,
    };

    #[test]
    fn each_condition_of_our_own_is_met_or_not() {
        let session = json!({
            "id": "s", "title": "Fix the ÜBER login", "status": "idle",
            "created_at": "2026-03-01T00:00:00Z", "updated_at": "2026-03-02T00:00:00Z",
            "metadata": {"team": "web", "n": 5},
            "usage": {"list_cost": {"amount": "1234.5", "currency": "USD"}},
        });
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let pair = |key: &str, value: &str| vec![(key.to_owned(), value.to_owned())];
        let check = |filter: Filter, session: &Value, expected: bool| {
            let session: SessionHead = serde_json::from_value(session.clone()).unwrap();
            assert!(filter.is_own());
            assert_eq!(filter.matches(&session), expected, "{filter:?}");
        };
        let title = |text: &str| Filter {
            title_contains: Some(text.into()),
            ..Filter::default()
        };
        check(title("über"), &session, true);
        check(title("logout"), &session, false);
        check(title("x"), &json!({"id": "s"}), false);
        let metadata = |metadata| Filter {
            metadata,
            ..Filter::default()
        };
        check(metadata(pair("team", "web")), &session, true);
        check(metadata(pair("n", "5")), &session, true);
        check(metadata(pair("team", "Web")), &session, false);
        check(
            metadata([pair("team", "web"), pair("x", "y")].concat()),
            &session,
            false,
        );
        let updated = |after: &str, before: &str| Filter {
            updated_after: at(after),
            updated_before: at(before),
            ..Filter::default()
        };
        check(updated("2026-03-02T00:00:00Z", ""), &session, true);
        check(updated("2026-03-02T00:00:01Z", ""), &session, false);
        check(updated("", "2026-03-02T00:00:00Z"), &session, false);
        check(updated("", "2026-03-02T00:00:01Z"), &session, true);
        check(
            updated("", "2026-03-02T00:00:01Z"),
            &json!({"id": "s"}),
            false,
        );
        let cost = |text: &str| Filter {
            min_list_cost: Money::parse_major(text).ok(),
            ..Filter::default()
        };
        check(cost("12.345"), &session, true);
        check(cost("12.35"), &session, false);
        check(cost("1 EUR"), &session, false);
        check(cost("0"), &json!({"id": "s"}), false);
    }

    #[test]
    fn what_was_updated_before_was_created_before() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let filter = Filter {
            created_before: at("2026-03-05T00:00:00Z"),
            updated_before: at("2026-03-02T00:00:00Z"),
            ..Filter::default()
        };
        assert_eq!(filter.latest_creation(), at("2026-03-02T00:00:00Z"));
    }
}
