//! The event history of a session, or of one of its threads, read page by page.

use crate::{
    api::{ApiErrorKind, EventQuery},
    app::{
        error::{About, Error, ErrorKind},
        export::{
            seen::Seen,
            step::{Clock, Stop},
        },
    },
    model::{Event, ObjectId, Order, Page, SessionId},
};

/// Events asked for in one page, largest first: a page of large events may exceed the limit.
const PAGE_SIZES: [u32; 4] = [500, 100, 10, 1];

/// A piece of an export.
#[derive(Debug)]
pub(crate) enum Part {
    Events(Vec<Event>),
    /// The record of a thread, whose events follow.
    Thread(Event),
}

#[derive(Debug)]
pub(crate) struct History {
    /// `None` for the session's own.
    thread: Option<ObjectId>,
    page: Option<String>,
    size: usize,
    seen: Seen,
}

impl History {
    pub(crate) fn of_session() -> Self {
        Self { thread: None, page: None, size: 0, seen: Seen::default() }
    }

    pub(crate) fn of_thread(thread: ObjectId) -> Self {
        Self { thread: Some(thread), ..Self::of_session() }
    }

    /// The next page, and whether it is the last.
    pub(crate) async fn next_page(
        &mut self,
        clock: &mut Clock<'_>,
        id: &SessionId,
    ) -> Result<(Vec<Event>, bool), Stop> {
        let mut page: Page<Event> = loop {
            let client = clock.client().await?;
            let limit = PAGE_SIZES.get(self.size).copied();
            let read = match &self.thread {
                None => {
                    let query = EventQuery {
                        order: Some(Order::Asc),
                        limit,
                        page: self.page.clone(),
                        ..EventQuery::default()
                    };
                    client.list_events(id, &query).await
                }
                Some(thread) => {
                    client.list_thread_events(id, thread, limit, self.page.as_deref()).await
                }
            };
            match read {
                Ok(answer) => break answer.body,
                Err(error)
                    if matches!(error.kind(), ApiErrorKind::BadResponse { .. })
                        && self.size + 1 < PAGE_SIZES.len() =>
                {
                    self.size += 1;
                }
                Err(error) if matches!(error.kind(), ApiErrorKind::TimedOut) => {
                    return Err(Stop::OutOfTime);
                }
                Err(error) => return Err(Error::api(About::Events(id.clone()), error).into()),
            }
        };
        if !self.seen.take(&mut page) {
            return Err(Stop::Failed(ErrorKind::EndlessHistory(id.clone()).into()));
        }
        if page.is_incomplete {
            return Err(Stop::Failed(ErrorKind::IncompleteHistory(id.clone()).into()));
        }
        clock.begun = true;
        let is_end = page.next_page.is_none();
        self.page = page.next_page;
        Ok((page.data, is_end))
    }

    /// What it returned, once it is read.
    pub(crate) fn into_seen(self) -> Seen {
        self.seen
    }
}
