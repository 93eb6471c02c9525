//! `/v1/sessions/{id}/threads`.

use axum::response::Response;

use super::sessions::statuses;
use crate::sandbox::{
    exchange::{ApiRequest, respond},
    page::PageRequest,
    rejection::Result,
    store::Store,
};

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, _, quirks) = store.session(request.id())?;
    let statuses = statuses(&request.query, quirks)?;
    let threads = session.all_threads().into_iter();
    let matching =
        threads.filter(|thread| statuses.is_empty() || statuses.contains(&thread.status));
    let page = PageRequest::new(&request.query, quirks, "t", None, (20, 100))?;
    let page = page.select_by_rank(matching);
    respond(&page.map(|thread| session.thread_view(&thread)))
}
