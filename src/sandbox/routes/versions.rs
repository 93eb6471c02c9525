//! `/v1/agents/{id}/versions`.

use axum::response::Response;

use crate::sandbox::{
    exchange::{ApiRequest, respond},
    page::PageRequest,
    rejection::Result,
    store::Store,
};

/// The newest version first.
pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let agent = store.agents.get(request.id())?;
    let page = PageRequest::new(&request.query, &store.quirks, "av", None, (20, 100))?;
    let versions = agent.newest_first().map(|record| {
        let number = i64::try_from(record.agent.version).unwrap_or(i64::MAX);
        ((number.saturating_neg(), 0), record)
    });
    respond(&page.select(versions))
}
