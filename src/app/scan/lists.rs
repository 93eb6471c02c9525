//! The lists that are scanned.

use crate::{
    api::{ApiError, Client, EventQuery, SessionQuery},
    app::{
        error::About,
        scan::source::{SortKey, Source},
    },
    domain::{
        events::{self, EventFilter},
        filter::{Filter, is_allowed},
    },
    model::{ApiTime, Event, ObjectId, Order, Page, SessionHead, SessionId},
};

/// The sessions that match a filter.
pub(crate) struct Sessions {
    pub(crate) filter: Filter,
    pub(crate) order: Order,
}

impl Source for Sessions {
    type Item = SessionHead;

    async fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> Result<Page<SessionHead>, ApiError> {
        let filter = &self.filter;
        let query = SessionQuery {
            order: Some(self.order),
            limit: Some(size),
            page: cursor,
            agent_id: filter.agent_id.clone(),
            agent_version: filter.agent_version,
            deployment_id: filter.deployment_id.clone(),
            memory_store_id: filter.memory_store_id.clone(),
            statuses: filter.statuses.clone(),
            include_archived: filter.include_archived,
            created_gte: filter.created_after,
            created_lt: filter.latest_creation(),
            ..SessionQuery::default()
        };
        Ok(client.list_sessions(&query).await?.body)
    }

    fn matches(&self, session: &SessionHead) -> bool {
        self.filter.matches(session)
    }

    /// Counts must not reveal how many sessions other agents have.
    fn counts(&self, session: &SessionHead) -> bool {
        is_allowed(&self.filter.allowed_agents, session)
    }

    fn about(&self) -> About {
        About::SessionList
    }

    fn sort_key(&self, session: &SessionHead) -> SortKey {
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
    pub(crate) session: SessionId,
    pub(crate) filter: EventFilter,
    pub(crate) order: Order,
}

impl Source for Events {
    type Item = Event;

    async fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> Result<Page<Event>, ApiError> {
        let query = EventQuery {
            types: self.filter.types.clone(),
            created_gte: self.filter.after,
            created_lt: self.filter.before,
            order: Some(self.order),
            limit: Some(size),
            page: cursor,
            ..EventQuery::default()
        };
        Ok(client.list_events(&self.session, &query).await?.body)
    }

    fn matches(&self, event: &Event) -> bool {
        self.filter.matches(event)
    }

    fn about(&self) -> About {
        About::Session(self.session.clone())
    }

    fn sort_key(&self, event: &Event) -> SortKey {
        SortKey { id: events::text(event, "id").map(str::to_owned), at: events::at(event) }
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
                    return Ok(Page { data: all, next_page: None });
                }
            }
        }
        Err(ApiError::bad_response(200, "a history without an end", None))
    }

    fn matches(&self, event: &Event) -> bool {
        self.filter.matches(event)
    }

    fn about(&self) -> About {
        About::Thread(self.session.clone(), self.thread.clone())
    }

    fn sort_key(&self, event: &Event) -> SortKey {
        SortKey { id: events::text(event, "id").map(str::to_owned), at: events::at(event) }
    }

    fn order(&self) -> Order {
        self.order
    }
}
