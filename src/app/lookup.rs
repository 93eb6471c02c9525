//! The agent or the environment that an id or a name means, for a session that is to be started
//! from it: there, allowed, not archived.

use super::{
    agents::{MAX_AGENTS, is_archived, known, looks_like_an_id, unknown},
    context::Context,
    error::{About, Error, ErrorKind},
    scan::source::{SortKey, Source},
    services::Services,
};
use crate::{
    api::{AgentQuery, ApiError, Client},
    domain::{
        agents::{CannotStart, Part},
        events,
    },
    model::{Event, ObjectId, Order, Page},
};

/// What an id or a name was found to mean.
pub(crate) enum Found {
    /// The agent or environment as the service sent it.
    Known(Event),
    /// The service has no list of them, or the credential may not read it: the text may be an id.
    Unverified(String, Error),
}

impl Found {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Known(object) => events::text(object, "id").unwrap_or_default(),
            Self::Unverified(id, _) => id,
        }
    }
}

/// Finds the agent or environment with this id or name (upper and lower case alike).
pub(crate) async fn find(
    services: &Services,
    cx: &Context,
    part: Part,
    wanted: &str,
) -> Result<Found, Error> {
    let wanted = wanted.trim();
    let lookup = Lookup { services, part };
    if looks_like_an_id(wanted)
        && lookup.allows(wanted)
        && let Ok(id) = ObjectId::parse(wanted)
    {
        match read(cx, part, &id).await {
            Ok(object) => return lookup.usable(object),
            // It may be a name that looks like an id, or the service has no such operation.
            Err(error) if may_be_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    lookup.in_list(cx, wanted).await
}

/// The agent or environment of another session. One that cannot be read is left to the service.
pub(crate) async fn find_by_id(
    services: &Services,
    cx: &Context,
    part: Part,
    id: &str,
) -> Result<Found, Error> {
    let lookup = Lookup { services, part };
    let Ok(object_id) = ObjectId::parse(id) else {
        let cause = "the id cannot be used";
        let error = Error::api(part_of(part, id), ApiError::bad_response(200, cause, None));
        return Ok(Found::Unverified(id.to_owned(), error));
    };
    match read(cx, part, &object_id).await {
        Ok(object) => lookup.usable(object),
        Err(error) if may_be_absent(&error) => Ok(Found::Unverified(id.to_owned(), error)),
        Err(error) => Err(error),
    }
}

async fn read(cx: &Context, part: Part, id: &ObjectId) -> Result<Event, Error> {
    let client = cx.client();
    let read = match part {
        Part::Agent => client.get_agent(id, None).await,
        Part::Environment => client.get_environment(id).await,
    };
    Ok(read.map_err(|error| Error::api(part_of(part, id.as_str()), error))?.body)
}

fn part_of(part: Part, id: &str) -> About {
    match part {
        Part::Agent => About::Agent(id.to_owned()),
        Part::Environment => About::Environment(id.to_owned()),
    }
}

fn may_be_absent(error: &Error) -> bool {
    matches!(error.http_status(), Some(400 | 403 | 404 | 405 | 410 | 422 | 501))
}

struct Lookup<'a> {
    services: &'a Services,
    part: Part,
}

impl Lookup<'_> {
    fn allows(&self, id: &str) -> bool {
        let allowed = &self.services.settings.allowed_agents;
        self.part == Part::Environment
            || allowed.is_empty()
            || allowed.iter().any(|each| each == id)
    }

    fn usable(&self, object: Event) -> Result<Found, Error> {
        let named = known(&object);
        if !self.allows(&named.id) {
            return Err(cannot(CannotStart::NotAllowed(named.id)));
        }
        if is_archived(&object) {
            return Err(cannot(CannotStart::Archived(self.part, named)));
        }
        Ok(Found::Known(object))
    }

    async fn in_list(&self, cx: &Context, wanted: &str) -> Result<Found, Error> {
        let part = self.part;
        let mut scan = self.services.scan(cx, Parts { part }, MAX_AGENTS);
        let mut all = Vec::new();
        loop {
            match scan.next().await {
                Ok(Some(object)) if known(&object).id == wanted => return self.usable(object),
                Ok(Some(object)) => all.push(object),
                Ok(None) => break,
                Err(error) if matches!(error.http_status(), Some(403 | 404 | 405 | 501)) => {
                    if !self.allows(wanted) {
                        return Err(cannot(CannotStart::NotAllowed(wanted.to_owned())));
                    }
                    return Ok(Found::Unverified(wanted.to_owned(), error));
                }
                Err(error) => return Err(error),
            }
        }
        let lower = wanted.to_lowercase();
        let has_name = |object: &Event| known(object).name.trim().to_lowercase() == lower;
        let (of_name, others): (Vec<_>, Vec<_>) = all.into_iter().partition(has_name);
        let is_usable = |object: &Event| !is_archived(object) && self.allows(&known(object).id);
        let (mut usable, unusable): (Vec<_>, Vec<_>) = of_name.into_iter().partition(is_usable);
        match usable.len() {
            0 => {}
            // One more of that name may be among those that were not read.
            1 => return Ok(Found::Known(usable.swap_remove(0))),
            _ => {
                let named = usable.iter().map(known).collect();
                return Err(cannot(CannotStart::Ambiguous(part, wanted.to_owned(), named)));
            }
        }
        let allowed = unusable.iter().find(|object| self.allows(&known(object).id));
        if let Some(archived) = allowed {
            return Err(cannot(CannotStart::Archived(part, known(archived))));
        }
        if !unusable.is_empty() {
            return Err(cannot(CannotStart::NotAllowed(wanted.to_owned())));
        }
        let named = others.iter().filter(|object| is_usable(object)).map(known).collect();
        let unknown = unknown(wanted, named, scan.is_complete());
        Err(cannot(CannotStart::Unknown(part, unknown)))
    }
}

fn cannot(why: CannotStart) -> Error {
    ErrorKind::CannotStart(Box::new(why)).into()
}

/// All agents or environments, archived ones and those not allowed too: a name may be theirs.
struct Parts {
    part: Part,
}

impl Source for Parts {
    type Item = Event;

    async fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> Result<Page<Event>, ApiError> {
        let query = AgentQuery { include_archived: true, limit: Some(size), page: cursor };
        Ok(match self.part {
            Part::Agent => client.list_agents(&query).await?.body,
            Part::Environment => client.list_environments(&query).await?.body,
        })
    }

    fn matches(&self, object: &Event) -> bool {
        events::text(object, "id").is_some_and(|id| !id.is_empty())
    }

    fn about(&self) -> About {
        match self.part {
            Part::Agent => About::AgentList,
            Part::Environment => About::EnvironmentList,
        }
    }

    fn sort_key(&self, object: &Event) -> SortKey {
        SortKey { id: events::text(object, "id").map(str::to_owned), at: None }
    }

    fn order(&self) -> Order {
        Order::Desc
    }
}
