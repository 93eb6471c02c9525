//! `/v1/environments`.

use axum::response::Response;

use crate::sandbox::{
    environment::Environment,
    exchange::{ApiRequest, respond},
    page::PageRequest,
    rejection::Result,
    store::Store,
};

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let include_archived = request.query.boolean("include_archived")?;
    let environments = store.environments.values();
    let environments =
        environments.filter(|environment| include_archived || environment.archived_at.is_none());
    let page = PageRequest::new(&request.query, &store.quirks, "v", None, (20, 100))?;
    respond(&page.select_by_rank(environments))
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    respond(store.environment(request.id())?)
}

pub(super) fn create(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let body = request.json()?;
    let id = format!("env_{}", store.new_id_suffix());
    let environment = Environment::create(id.clone(), &body, store.clock.stamp())?;
    store.created += 1;
    let response = respond(&environment)?;
    store.environments.insert(id, environment);
    Ok(response)
}
