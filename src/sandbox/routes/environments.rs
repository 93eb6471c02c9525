//! `/v1/environments`.

use axum::response::Response;
use serde_json::json;

use crate::sandbox::{
    environment::Environment,
    exchange::{ApiRequest, respond},
    page::PageRequest,
    rejection::{Rejection, Result},
    store::Store,
};

pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let include_archived = request.query.boolean("include_archived")?;
    let environments = store.environments.iter();
    let matching = environments
        .filter(|(_, environment)| include_archived || environment.archived_at.is_none());
    let page = PageRequest::new(&request.query, &store.quirks, "v", None, (20, 100))?;
    respond(&page.select(matching))
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    respond(store.environments.get(request.id())?)
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

pub(super) fn update(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let body = request.json()?;
    let environment = store.environments.get_mut(request.id())?;
    environment.update(&mut store.clock, &body)?;
    respond(environment)
}

pub(super) fn archive(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let environment = store.environments.get_mut(request.id())?;
    environment.archive(store.clock.stamp());
    respond(environment)
}

/// Deletes an environment that no session refers to.
pub(super) fn delete(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let id = request.id();
    store.environments.get(id)?;
    if store.stored_sessions().any(|session| session.environment_id == id) {
        return Err(Rejection::conflict(
            "Sessions refer to this environment. Archive it, or delete those first.",
        ));
    }
    store.environments.remove(id)?;
    respond(&json!({"id": id, "type": "environment_deleted"}))
}
