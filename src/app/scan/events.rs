//! The list of a session's events.

use crate::{
    api::{ApiError, Client, EventQuery},
    app::{
        error::About,
        scan::source::{SortKey, Source},
    },
    domain::events::{self, EventFilter},
    model::{Event, Order, Page, SessionId},
};

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
        SortKey {
            id: events::text(event, "id").map(str::to_owned),
            at: events::at(event),
        }
    }

    fn order(&self) -> Order {
        self.order
    }
}
