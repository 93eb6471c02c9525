//! `/v1/vaults`, to read only.

use axum::response::Response;

use crate::sandbox::{
    exchange::{ApiRequest, respond},
    page::PageRequest,
    rejection::Result,
    store::Store,
};

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let include_archived = request.query.boolean("include_archived")?;
    let vaults = store.vaults.iter();
    let matching = vaults.filter(|(_, vault)| include_archived || vault.archived_at.is_none());
    let page = PageRequest::new(&request.query, &store.quirks, "vl", None, (20, 100))?;
    respond(&page.select(matching))
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    respond(store.vaults.get(request.id())?)
}
