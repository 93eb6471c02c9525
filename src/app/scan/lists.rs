//! The lists that are scanned.

use std::{fmt, marker::PhantomData, sync::Mutex};

use serde::de::DeserializeOwned;

use crate::{
    api::{ApiError, Client, EventQuery, SessionQuery},
    app::{
        error::About,
        locks::lock,
        scan::{
            carried::Carried,
            gap::Gap,
            source::{SortKey, Source},
        },
    },
    domain::{
        events::{self, EventFilter, View},
        filter::{Filter, is_allowed},
        toolset::{Lacking, Toolset, Wanted},
    },
    model::{
        ApiTime, Event, ListedSession, ObjectId, Order, Page, SessionHead, SessionId,
        SessionWithTools, WithToolNames,
    },
};

/// What is kept of a session of a list.
pub(crate) trait Listed: DeserializeOwned + fmt::Debug + Send + Sync {
    fn head(&self) -> &SessionHead;
    fn head_mut(&mut self) -> &mut SessionHead;
}

impl Listed for SessionHead {
    fn head(&self) -> &SessionHead {
        self
    }

    fn head_mut(&mut self) -> &mut SessionHead {
        self
    }
}

impl Listed for ListedSession {
    fn head(&self) -> &SessionHead {
        &self.0.head
    }

    fn head_mut(&mut self) -> &mut SessionHead {
        &mut self.0.head
    }
}

impl Listed for SessionWithTools {
    fn head(&self) -> &SessionHead {
        &self.0.head
    }

    fn head_mut(&mut self) -> &mut SessionHead {
        &mut self.0.head
    }
}

/// The sessions that match a filter.
pub(crate) struct Sessions<T = SessionHead> {
    filter: Filter,
    order: Order,
    carried: Carried,
    lacking: Mutex<Lacking>,
    listed: PhantomData<fn() -> T>,
}

impl<T: Listed> Sessions<T> {
    pub(crate) fn new(filter: Filter, order: Order) -> Self {
        let (carried, lacking) = (Carried::default(), Mutex::default());
        Self { filter, order, carried, lacking, listed: PhantomData }
    }

    fn query(&self, cursor: Option<String>, size: u32) -> SessionQuery {
        let filter = &self.filter;
        let mut query = SessionQuery {
            order: Some(self.order),
            limit: Some(size),
            page: cursor,
            include_archived: filter.include_archived,
            ..SessionQuery::default()
        };
        if self.carried.level() < Carried::NO_TIMES {
            query.created_gte = filter.created_after;
            query.created_lt = filter.latest_creation();
        }
        if self.carried.level() < Carried::NONE {
            query.agent_id.clone_from(&filter.agent_id);
            query.agent_version = filter.agent_version;
            query.deployment_id.clone_from(&filter.deployment_id);
            query.memory_store_id.clone_from(&filter.memory_store_id);
            query.statuses.clone_from(&filter.statuses);
        }
        query
    }

    async fn request(&self, client: &Client, query: &SessionQuery) -> Result<Page<T>, ApiError> {
        let Some(wanted) = &self.filter.uses else {
            return Ok(client.list_sessions_as(query).await?.body);
        };
        let page: Page<WithToolNames<T>> = client.list_sessions_as(query).await?.body;
        let Page { data, next_page, is_incomplete } = page;
        let others = Filter { uses: None, ..self.filter.clone() };
        let judged = data.into_iter().map(|listed| self.judged(listed, wanted, &others));
        Ok(Page { data: judged.collect(), next_page, is_incomplete })
    }

    /// The session, and whether it has what is wanted.
    fn judged(&self, listed: WithToolNames<T>, wanted: &Wanted, others: &Filter) -> T {
        let (tools, mcp_servers) = listed.toolset();
        let toolset = Toolset { tools, mcp_servers };
        let mut session = listed.session;
        let has_it = wanted.is_in(&toolset);
        session.head_mut().agent.uses = Some(has_it);
        if !has_it && others.matches(session.head()) {
            let mut lacking = lock(&self.lacking);
            lacking.add(&toolset, wanted);
        }
        session
    }
}

impl<T: Listed> Source for Sessions<T> {
    type Item = T;

    async fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> Result<Page<T>, ApiError> {
        let level = self.carried.level();
        let mut query = self.query(cursor.clone(), size);
        loop {
            let has_times = query.created_gte.is_some() || query.created_lt.is_some();
            let has_others = !query.statuses.is_empty()
                || query.agent_id.is_some()
                || query.deployment_id.is_some()
                || query.memory_store_id.is_some();
            match self.request(client, &query).await {
                Ok(page) => return Ok(page),
                Err(error) if self.carried.reduce(&error, has_times, has_others, false) => {
                    query = self.query(cursor.clone(), size);
                }
                Err(error) => {
                    self.carried.restore(level);
                    return Err(error);
                }
            }
        }
    }

    fn matches(&self, session: &T) -> bool {
        self.filter.matches(session.head())
    }

    fn is_undecided(&self, session: &T) -> bool {
        self.filter.is_undecided(session.head())
    }

    fn leaves_out_filters(&self) -> bool {
        self.carried.level() > Carried::ALL
    }

    fn why_empty(&self) -> Option<Gap> {
        let wanted = self.filter.uses.as_ref()?;
        let lacking = lock(&self.lacking);
        lacking.explained(wanted).map(Gap::Unused)
    }

    /// Counts must not reveal how many sessions other agents have.
    fn counts(&self, session: &T) -> bool {
        is_allowed(&self.filter.allowed_agents, session.head())
    }

    fn about(&self) -> About {
        About::SessionList
    }

    fn sort_key(&self, session: &T) -> SortKey {
        let session = session.head();
        SortKey {
            id: Some(session.id.clone()).filter(|id| !id.is_empty()),
            at: session.created_at.as_ref().and_then(ApiTime::at),
        }
    }

    fn order(&self) -> Order {
        self.order
    }
}

/// The events of a session that match a filter.
pub(crate) struct Events {
    session: SessionId,
    filter: EventFilter,
    order: Order,
    carried: Carried,
}

impl Events {
    pub(crate) fn new(session: SessionId, filter: EventFilter, order: Order) -> Self {
        Self { session, filter, order, carried: Carried::default() }
    }

    fn query(&self, cursor: Option<String>, size: u32) -> EventQuery {
        let mut query = EventQuery {
            order: Some(self.order),
            limit: Some(size),
            page: cursor,
            ..EventQuery::default()
        };
        if self.carried.level() < Carried::NO_TIMES {
            query.created_gte = self.filter.after;
            query.created_lt = self.filter.before;
        }
        if self.carried.level() < Carried::NONE {
            query.types = self.filter.possible_types().unwrap_or_default();
        }
        query
    }
}

impl Source for Events {
    type Item = Event;

    async fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> Result<Page<Event>, ApiError> {
        let level = self.carried.level();
        let mut query = self.query(cursor.clone(), size);
        loop {
            let has_times = query.created_gte.is_some() || query.created_lt.is_some();
            let has_others = !query.types.is_empty();
            let are_ours = self.filter.view != View::All;
            match client.list_events(&self.session, &query).await {
                Ok(answer) => return Ok(answer.body),
                Err(error) if self.carried.reduce(&error, has_times, has_others, are_ours) => {
                    query = self.query(cursor.clone(), size);
                }
                Err(error) => {
                    self.carried.restore(level);
                    return Err(error);
                }
            }
        }
    }

    fn matches(&self, event: &Event) -> bool {
        self.filter.matches(event)
    }

    fn is_undecided(&self, event: &Event) -> bool {
        self.filter.is_undecided(event)
    }

    fn leaves_out_filters(&self) -> bool {
        self.carried.level() > Carried::ALL
    }

    fn about(&self) -> About {
        About::Session(self.session.clone())
    }

    fn sort_key(&self, event: &Event) -> SortKey {
        event_key(event)
    }

    fn identity(&self, event: &Event) -> Option<String> {
        event_identity(event)
    }

    fn order(&self) -> Order {
        self.order
    }
}

/// The events of one thread's own history that match a filter. That list is oldest first and has
/// no filters, so newest first means that it is read to its end.
pub(crate) struct ThreadEvents {
    pub(crate) session: SessionId,
    pub(crate) thread: ObjectId,
    pub(crate) filter: EventFilter,
    pub(crate) order: Order,
}

/// Pages of a history that is read to its end.
const MAX_PAGES: usize = 50;

impl Source for ThreadEvents {
    type Item = Event;

    async fn page(
        &self,
        client: &Client,
        mut cursor: Option<String>,
        size: u32,
    ) -> Result<Page<Event>, ApiError> {
        let (id, thread) = (&self.session, &self.thread);
        if self.order == Order::Asc {
            let page = client.list_thread_events(id, thread, Some(size), cursor.as_deref());
            return Ok(page.await?.body);
        }
        let mut all = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = client.list_thread_events(id, thread, None, cursor.as_deref()).await?.body;
            all.extend(page.data);
            match page.next_page {
                Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
                Some(_) => break,
                None => {
                    all.reverse();
                    let is_incomplete = page.is_incomplete;
                    return Ok(Page { data: all, next_page: None, is_incomplete });
                }
            }
        }
        Err(ApiError::bad_response(200, "a history without an end", None))
    }

    fn matches(&self, event: &Event) -> bool {
        self.filter.matches(event)
    }

    fn is_undecided(&self, event: &Event) -> bool {
        self.filter.is_undecided(event)
    }

    fn about(&self) -> About {
        About::Thread(self.session.clone(), self.thread.clone())
    }

    fn sort_key(&self, event: &Event) -> SortKey {
        event_key(event)
    }

    fn identity(&self, event: &Event) -> Option<String> {
        event_identity(event)
    }

    fn order(&self) -> Order {
        self.order
    }
}

fn event_key(event: &Event) -> SortKey {
    let id = events::text(event, "id").filter(|id| !id.is_empty());
    SortKey { id: id.map(str::to_owned), at: events::at(event) }
}

/// Some services give the id of a turn to all of its events.
fn event_identity(event: &Event) -> Option<String> {
    let SortKey { id, at } = event_key(event);
    Some(format!("{} {} {at:?}", id?, events::kind(event)))
}
