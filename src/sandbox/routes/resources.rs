//! `/v1/sessions/{id}/resources`.

use axum::response::Response;
use serde_json::json;

use crate::sandbox::{
    clock::Timestamp,
    exchange::{ApiRequest, respond},
    fields::Fields,
    page::PageRequest,
    rejection::Result,
    resource::NewResource,
    store::Store,
};

/// All of them unless there is a `limit`.
pub(super) fn list(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, _, quirks) = store.session(request.id())?;
    let page = PageRequest::new(&request.query, quirks, "r", None, (1000, 1000))?;
    respond(&page.select_by_rank(&session.resources))
}

pub(super) fn get(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, ..) = store.session(request.id())?;
    respond(session.resource(request.parameter("resource"))?)
}

pub(super) fn add(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    store.session(request.id())?;
    let body = request.json()?;
    let new = NewResource::read(&Fields::new(&body, "")?, &store.files, Timestamp::now())?;
    let (session, clock, _) = store.session(request.id())?;
    respond(session.add_resource(clock, new)?)
}

pub(super) fn update(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, clock, _) = store.session(request.id())?;
    let body = request.json()?;
    let fields = Fields::body(&body, "authorization_token")?;
    respond(session.rotate_token(clock, request.parameter("resource"), &fields)?)
}

pub(super) fn delete(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let (session, clock, _) = store.session(request.id())?;
    let id = request.parameter("resource");
    session.remove_resource(clock, id)?;
    respond(&json!({"id": id, "type": "session_resource_deleted"}))
}
