//! `/v1/sessions/{id}/threads`.

use axum::response::Response;

use super::{
    events::{follow, shown},
    sessions::statuses,
};
use crate::sandbox::{
    clock::Timestamp,
    exchange::{ApiRequest, respond},
    page::PageRequest,
    quirks::Quirk,
    rejection::Result,
    store::Store,
};

/// The default and the highest `limit` of both lists.
const LIMITS: (usize, usize) = (1000, 1000);

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, _, quirks) = store.session(request.id())?;
    let statuses = statuses(&request.query, quirks)?;
    let page = PageRequest::new(&request.query, quirks, "t", None, LIMITS)?;
    let threads = session.threads(Timestamp::now()).into_iter();
    let matching = threads.filter(|(status, _)| statuses.is_empty() || statuses.contains(status));
    respond(&page.select_by_rank(matching.map(|(_, thread)| thread)))
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, ..) = store.session(request.id())?;
    respond(&session.thread(request.parameter("thread"), Timestamp::now())?)
}

/// The events of one thread, oldest first; neither `types[]` nor `order` are known here.
pub(super) fn events(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, _, quirks) = store.session(request.id())?;
    let without_ids = quirks.has(Quirk::EventsWithoutIds);
    let page = PageRequest::new(&request.query, quirks, "te", None, LIMITS)?;
    let history = session.history_of(request.parameter("thread"))?;
    let happened = history.events.iter().filter(|event| !event.cross_posted);
    let happened = happened.map(|event| (0, event));
    let queued = history.queue.iter().map(|event| (1, event));
    let own = happened.chain(queued);
    let page = page.select(own.map(|(rank, event)| ((rank, event.position), event)));
    respond(&page.map(|event| shown(event, without_ids)))
}

/// Server-sent events of one thread from now on.
pub(super) fn stream(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, ..) = store.session(request.id())?;
    let events = session.history_of(request.parameter("thread"))?.subscribe_to_own();
    Ok(follow(events, store.closing.clone()))
}

pub(super) fn archive(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let thread = request.parameter("thread");
    let (session, clock, _) = store.session(request.id())?;
    session.archive_thread(clock, thread)?;
    respond(&session.thread(thread, Timestamp::now())?)
}
