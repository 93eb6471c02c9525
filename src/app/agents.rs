//! Which agent is meant by an id or a name.
//!
//! An id costs no request beyond the list it filters: agents are only looked up for what cannot be
//! an id, and for what no session has as its agent's id.

use crate::{
    api::{AgentQuery, ApiError, Client},
    app::{
        context::Context,
        error::{About, Error, ErrorKind},
        scan::source::{SortKey, Source},
        services::Services,
    },
    domain::{
        agents::{KnownAgent, UnknownAgent},
        events,
        filter::Filter,
    },
    model::{Event, Order, Page},
};

/// How many agents are looked through.
pub(super) const MAX_AGENTS: usize = 2_000;
/// How many agents a failure or a warning names.
const NAMED: usize = 10;

enum Lookup {
    Id(String),
    Unknown(UnknownAgent),
    /// The service has no list of agents, or the credential may not read it.
    NoList,
}

/// An answer about the sessions of an agent.
pub(crate) struct ForAgent<T> {
    pub answer: T,
    /// The id that was filtered by.
    pub agent_id: Option<String>,
    /// Why there are no sessions.
    pub unknown: Option<UnknownAgent>,
}

/// Runs `read` with the id of the agent that the filter gives by id or name.
pub(crate) async fn for_agent<T, F, R>(
    services: &Services,
    cx: &Context,
    mut filter: Filter,
    read: F,
    is_empty: impl Fn(&T) -> bool,
) -> Result<ForAgent<T>, Error>
where
    F: Fn(Filter) -> R,
    R: Future<Output = Result<T, Error>>,
{
    let Some(wanted) = filter.agent_id.clone() else {
        return Ok(ForAgent { answer: read(filter).await?, agent_id: None, unknown: None });
    };
    let mut lookup = None;
    if !looks_like_an_id(&wanted) {
        let found = look_up(services, cx, &wanted).await?;
        if let Lookup::Id(id) = &found {
            filter.agent_id = Some(id.clone());
        }
        lookup = Some(found);
    }
    let first = read(filter.clone()).await;
    let is_in_question = match &first {
        Ok(answer) => is_empty(answer),
        // What is no id may be refused instead of matching nothing.
        Err(error) => matches!(error.http_status(), Some(400 | 422)),
    };
    if lookup.is_none() && is_in_question {
        lookup = Some(look_up(services, cx, &wanted).await?);
    }
    match lookup {
        Some(Lookup::Id(id)) if filter.agent_id.as_ref() != Some(&id) => {
            filter.agent_id = Some(id);
            let agent_id = filter.agent_id.clone();
            Ok(ForAgent { answer: read(filter).await?, agent_id, unknown: None })
        }
        Some(Lookup::Unknown(unknown)) if is_in_question => match first {
            Ok(answer) => {
                Ok(ForAgent { answer, agent_id: filter.agent_id, unknown: Some(unknown) })
            }
            Err(_) => Err(ErrorKind::UnknownAgent(Box::new(unknown)).into()),
        },
        _ => Ok(ForAgent { answer: first?, agent_id: filter.agent_id, unknown: None }),
    }
}

/// Whether the text is more likely an id than a name. No prefix is assumed; an error costs one
/// request.
pub(super) fn looks_like_an_id(text: &str) -> bool {
    !text.contains(char::is_whitespace) && text.contains(|c: char| c == '_' || c.is_ascii_digit())
}

async fn look_up(services: &Services, cx: &Context, wanted: &str) -> Result<Lookup, Error> {
    let allowed = services.settings.allowed_agents.clone();
    let mut scan = services.scan(cx, Agents::all(allowed), MAX_AGENTS);
    let mut agents = Vec::new();
    loop {
        let agent = match scan.next().await {
            Ok(Some(agent)) => known(&agent),
            Ok(None) => break,
            Err(error) if matches!(error.http_status(), Some(403 | 404 | 405 | 501)) => {
                return Ok(Lookup::NoList);
            }
            Err(error) => return Err(error),
        };
        if agent.id == wanted {
            return Ok(Lookup::Id(agent.id));
        }
        agents.push(agent);
    }
    let lower = wanted.trim().to_lowercase();
    let mut of_that_name =
        agents.iter().filter(|agent| agent.name.trim().to_lowercase() == lower).cloned();
    let first = of_that_name.next();
    let others: Vec<KnownAgent> = of_that_name.collect();
    match first {
        Some(agent) if others.is_empty() => Ok(Lookup::Id(agent.id)),
        Some(agent) => {
            let agents = std::iter::once(agent).chain(others).collect();
            Err(ErrorKind::AmbiguousAgent { name: wanted.to_owned(), agents }.into())
        }
        None => {
            let complete = scan.is_complete();
            Ok(Lookup::Unknown(unknown(wanted, agents, complete)))
        }
    }
}

pub(super) fn unknown(wanted: &str, mut agents: Vec<KnownAgent>, complete: bool) -> UnknownAgent {
    let lower = wanted.to_lowercase();
    let unlikeness = |text: &str| strsim::damerau_levenshtein(&text.to_lowercase(), &lower);
    agents.sort_by_cached_key(|agent| unlikeness(&agent.name).min(unlikeness(&agent.id)));
    let more = agents.len().saturating_sub(NAMED);
    agents.truncate(NAMED);
    UnknownAgent { wanted: wanted.to_owned(), known: agents, more, complete }
}

pub(super) fn known(agent: &Event) -> KnownAgent {
    let text = |field| events::text(agent, field).unwrap_or_default().to_owned();
    KnownAgent { id: text("id"), name: text("name") }
}

/// Some services write an empty text where there is no time.
pub(crate) fn is_archived(object: &Event) -> bool {
    object.get("archived_at").is_some_and(|at| !at.is_null() && at != "" && at != false)
}

/// The agents that the operator allows.
pub(crate) struct Agents {
    pub allowed: Vec<String>,
    pub include_archived: bool,
    /// In lower case.
    pub name_contains: Option<String>,
}

impl Agents {
    fn all(allowed: Vec<String>) -> Self {
        Self { allowed, include_archived: true, name_contains: None }
    }
}

impl Source for Agents {
    type Item = Event;

    async fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> Result<Page<Event>, ApiError> {
        let query =
            AgentQuery { include_archived: self.include_archived, limit: Some(size), page: cursor };
        Ok(client.list_agents(&query).await?.body)
    }

    fn matches(&self, agent: &Event) -> bool {
        let id = events::text(agent, "id").unwrap_or_default();
        let name = || events::text(agent, "name").unwrap_or_default().to_lowercase();
        !id.is_empty()
            && (self.allowed.is_empty() || self.allowed.iter().any(|each| each == id))
            && (self.include_archived || !is_archived(agent))
            && self.name_contains.as_ref().is_none_or(|part| name().contains(part))
    }

    fn about(&self) -> About {
        About::AgentList
    }

    fn sort_key(&self, agent: &Event) -> SortKey {
        SortKey { id: events::text(agent, "id").map(str::to_owned), at: None }
    }

    fn order(&self) -> Order {
        Order::Desc
    }
}
