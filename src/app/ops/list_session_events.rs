//! Read the events of one session, cut to size, as many as fit into an answer.

use serde_json::{Map, Value};

use crate::{
    app::{
        context::Context,
        cursor::ListRequest,
        error::{About, Error},
        scan::{
            gap::Gap,
            lists::{Events, ThreadEvents},
            source::Source,
        },
        services::Services,
    },
    domain::{
        events::{self, EventFilter},
        view::size::{LIST_BYTES, SizeBudget, size},
    },
    model::{Event, ObjectId, Order, SessionId},
};

/// How many events one call reads at most, where the service ignores the filters.
const MAX_SCAN: usize = 10_000;
/// What the long values of an answer may take, shared among its events.
const VALUE_CHARACTERS: usize = 24_000;
const MIN_VALUE_CHARACTERS: usize = 400;

pub(crate) struct Query<'a> {
    pub request: ListRequest,
    pub session: &'a SessionId,
    /// Of this thread's own history instead of the session's.
    pub thread: Option<ObjectId>,
    pub filter: EventFilter,
    pub order: Order,
    pub limit: u32,
}

pub(crate) struct Listed {
    pub events: Vec<Map<String, Value>>,
    pub next_page: Option<String>,
    /// Why the history was not read to its end, if nothing else shows that.
    pub gaps: Vec<Gap>,
}

pub(crate) async fn list_session_events(
    services: &Services,
    cx: &Context,
    query: Query<'_>,
) -> Result<Listed, Error> {
    let id = query.session;
    cx.ensure_allowed(id).await?;
    let Query { request, session, thread, filter, order, limit } = query;
    let session = session.clone();
    match thread {
        None => list(services, cx, Events::new(session, filter, order), request, limit).await,
        Some(thread) => {
            let source = ThreadEvents { session, thread, filter, order };
            list(services, cx, source, request, limit).await
        }
    }
}

async fn list<S: Source<Item = Event>>(
    services: &Services,
    cx: &Context,
    source: S,
    request: ListRequest,
    limit: u32,
) -> Result<Listed, Error> {
    let mut scan =
        services.scan(cx, source, MAX_SCAN).page_size(limit).resume_from(request.position.clone());
    let limit = limit as usize;
    let value_limit = (VALUE_CHARACTERS / limit).max(MIN_VALUE_CHARACTERS);
    let mut shown = Vec::new();
    let mut budget = SizeBudget::of(LIST_BYTES);
    while shown.len() < limit {
        let event = match scan.next().await {
            Ok(Some(event)) => event,
            Ok(None) => break,
            Err(error) => return Err(clarified(cx, error).await),
        };
        let fields = fitting(&event, value_limit);
        if !budget.take(&fields) {
            scan.unread(event);
            break;
        }
        shown.push(fields);
    }
    let next_page = request.next_cursor(services.cursors(), scan.position());
    Ok(Listed { events: shown, next_page, gaps: scan.gaps() })
}

async fn clarified(cx: &Context, error: Error) -> Error {
    match error.into_api() {
        Ok((About::Session(id), error)) => {
            cx.clarified_by_session(About::Session(id.clone()), &id, error).await
        }
        Ok((subject, error)) => Error::api(subject, error),
        Err(error) => error,
    }
}

/// The event with its values cut to `limit`, or to less if it would not fit into an answer.
fn fitting(event: &Event, mut limit: usize) -> Map<String, Value> {
    loop {
        let shown = events::shown(event, limit);
        if size(&shown) < LIST_BYTES / 2 {
            return shown;
        }
        if limit < 32 {
            // Thousands of fields: only what identifies the event is shown.
            let identifies = |field: &str| matches!(field, "id" | "type" | "at");
            let fields = shown.into_iter().filter(|(field, _)| identifies(field));
            return fields.chain([("cut".to_owned(), size(event).into())]).collect();
        }
        limit /= 2;
    }
}
