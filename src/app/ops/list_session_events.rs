//! Read the events of one session, cut to size, as many as fit into an answer.

mod fitting;
mod newer;

use serde_json::{Map, Value};

use self::{
    fitting::fitting,
    newer::{Collected, Newer, newer},
};
use crate::{
    app::{
        context::Context,
        cursor::ListRequest,
        error::{About, Error, ErrorKind},
        recent_events::recent_events,
        scan::{
            PAGE_SIZE,
            gap::Gap,
            lists::{Events, ThreadEvents},
            position::Position,
            source::Source,
        },
        services::Services,
        threads::recent_thread_events,
    },
    domain::{
        events::{self, EventFilter, View},
        view::size::{LIST_BYTES, SizeBudget},
    },
    model::{Event, ObjectId, Order, SessionId},
};

/// How many events one call reads at most, where the service ignores the filters.
const MAX_SCAN: usize = 10_000;
/// What the long values of an answer may take, shared among its events.
const VALUE_CHARACTERS: usize = 24_000;
const MIN_VALUE_CHARACTERS: usize = 400;

/// Enough to find one that is not queued.
const NEWEST: u32 = 20;

pub(crate) struct Query<'a> {
    pub request: ListRequest,
    pub session: &'a SessionId,
    /// Of this thread's own history instead of the session's.
    pub thread: Option<ObjectId>,
    pub filter: EventFilter,
    /// Only what is newer than the event with this id.
    pub since: Option<String>,
    pub order: Order,
    pub limit: u32,
}

#[derive(Default)]
pub(crate) struct Listed {
    pub events: Vec<Map<String, Value>>,
    pub next_page: Option<String>,
    /// The newest event that the pages of this list cover, whatever the filter.
    pub newest: Option<String>,
    /// Why the history was not read to its end, if nothing else shows that.
    pub gaps: Vec<Gap>,
}

pub(crate) async fn list_session_events(
    services: &Services,
    cx: &Context,
    query: Query<'_>,
) -> Result<Listed, Error> {
    cx.ensure_allowed(query.session).await?;
    let Query { session, thread, order, since, filter, .. } = &query;
    let id = (*session).clone();
    let listed = match (thread.clone(), since) {
        (None, None) => {
            let source = Events::new(id, filter.clone(), *order);
            list(services, cx, source, &query).await
        }
        (Some(thread), None) => {
            let source =
                ThreadEvents { session: id, thread, filter: filter.clone(), order: *order };
            list(services, cx, source, &query).await
        }
        (None, Some(since)) => {
            let source = Events::new(id, EventFilter::default(), Order::Desc);
            list_since(services, cx, source, &query, since).await
        }
        (Some(thread), Some(since)) => {
            let filter = EventFilter::default();
            let source = ThreadEvents { session: id, thread, filter, order: Order::Desc };
            list_since(services, cx, source, &query, since).await
        }
    };
    match listed {
        Err(error) => Err(clarified(cx, error).await),
        listed => listed,
    }
}

async fn list<S: Source<Item = Event>>(
    services: &Services,
    cx: &Context,
    source: S,
    query: &Query<'_>,
) -> Result<Listed, Error> {
    let Query { request, filter, order, .. } = query;
    let limit = query.limit as usize;
    let is_first_page = request.position.is_none();
    // Before the events are read, so that none that comes in between is missed.
    let shows_newest = *order == Order::Desc && *filter == EventFilter::default();
    let mut newest = request.newest.clone();
    if is_first_page && !shows_newest {
        newest = find_newest(cx, query).await?;
    }
    let mut scan = services
        .scan(cx, source, MAX_SCAN)
        .page_size(page_size(query))
        .resume_from(request.position.clone());
    let mut shown = Vec::new();
    let mut budget = SizeBudget::of(LIST_BYTES);
    let (mut last_id, mut first_at, mut oldest_first) = (None, None, false);
    while shown.len() < limit
        && let Some(event) = scan.next().await?
    {
        let fields = fitting(&event, value_limit(query));
        if !budget.take(&fields) {
            scan.unread(event);
            break;
        }
        shown.push(fields);
        let at = events::at(&event);
        first_at = first_at.or(at);
        oldest_first |= at > first_at;
        if !events::is_queued(&event) {
            last_id = events::text(&event, "id").map(str::to_owned).or(last_id);
            if is_first_page && shows_newest {
                newest = newest.or_else(|| last_id.clone());
            }
        }
    }
    let position = scan.position();
    if shows_newest && is_first_page && oldest_first {
        // The service ignores the order.
        newest = find_newest(cx, query).await?;
    }
    let is_open = filter.types.is_empty() && filter.view == View::All && filter.before.is_none();
    if *order == Order::Asc && is_open && position.is_none() {
        newest = last_id.or(newest);
    }
    let request = request.clone().covering(newest.clone());
    let next_page = request.next_cursor(services.cursors(), position);
    Ok(Listed { events: shown, next_page, newest, gaps: scan.gaps() })
}

async fn find_newest(cx: &Context, query: &Query<'_>) -> Result<Option<String>, Error> {
    let events = match &query.thread {
        None => recent_events(cx, query.session, &[], NEWEST).await?,
        Some(thread) => recent_thread_events(cx, query.session, thread, NEWEST as usize).await?,
    };
    let newest = events.iter().find(|event| !events::is_queued(event));
    Ok(newest.and_then(|event| events::text(event, "id")).map(str::to_owned))
}

/// Pages of what is newer than an event. Each is read from the newest on, so that none is missed:
/// such lists are short.
async fn list_since<S: Source<Item = Event>>(
    services: &Services,
    cx: &Context,
    unfiltered: S,
    query: &Query<'_>,
    since: &str,
) -> Result<Listed, Error> {
    let request = &query.request;
    // Oldest first, a page begins after the last event of the one before.
    let from = request.after.as_deref().filter(|_| query.order == Order::Asc).unwrap_or(since);
    let newer = newer(services, cx, unfiltered, &query.filter, from, MAX_SCAN, value_limit(query));
    let Newer { events: Collected { mut matching, newest, .. }, found, scanned, gaps } =
        newer.await?;
    if !found && gaps.is_empty() {
        return Err(ErrorKind::UnknownEvent {
            session: query.session.clone(),
            event: from.to_owned(),
            scanned,
        }
        .into());
    }
    let known = request.newest.clone().unwrap_or_else(|| since.to_owned());
    if !found {
        // Giving the newest would leave out what could not be read.
        if query.order == Order::Asc {
            matching.clear();
        }
        matching.truncate(query.limit as usize);
        return Ok(Listed { events: matching, newest: Some(known), gaps, next_page: None });
    }
    let id_of = |event: &Map<String, Value>| Some(event.get("id")?.as_str()?.to_owned());
    let newest = match (query.order, request.position.is_some()) {
        (Order::Desc, true) => {
            let last = matching.iter().position(|event| id_of(event) == request.after);
            matching.drain(..last.map_or(0, |last| last + 1));
            known
        }
        (Order::Desc, false) => newest.unwrap_or(known),
        (Order::Asc, _) => {
            matching.reverse();
            newest.unwrap_or(known)
        }
    };
    let mut budget = SizeBudget::of(LIST_BYTES);
    let fits = |event: &&Map<String, Value>| budget.take(*event);
    let count = matching.iter().take(query.limit as usize).take_while(fits).count();
    let is_more = matching.len() > count;
    matching.truncate(count);
    let after = matching.last().and_then(id_of);
    let next = request.clone().covering(Some(newest.clone())).after(after);
    let position = is_more.then(Position::default);
    let next_page = next.next_cursor(services.cursors(), position);
    Ok(Listed { events: matching, next_page, newest: Some(newest), gaps })
}

/// Errors are rare among the events that may be some.
fn page_size(query: &Query<'_>) -> u32 {
    match query.filter.view {
        View::Errors => query.limit.max(PAGE_SIZE),
        View::All | View::Conversation | View::Tools => query.limit,
    }
}

fn value_limit(query: &Query<'_>) -> usize {
    (VALUE_CHARACTERS / query.limit as usize).max(MIN_VALUE_CHARACTERS)
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
