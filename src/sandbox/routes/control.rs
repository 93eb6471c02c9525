//! `/_sandbox`: switches faults and quirks on and off.

use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::sandbox::{
    exchange::{ApiRequest, respond},
    fault::Fault,
    fields::Fields,
    rejection::Result,
    store::Store,
};

pub(super) fn list_faults(store: &mut Store, _: &ApiRequest) -> Result<Response> {
    respond(&json!({"faults": store.faults}))
}

pub(super) fn add_faults(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let faults: Vec<Fault> = read_list(request, "faults")?;
    store.faults.extend(faults);
    list_faults(store, request)
}

/// Clears all faults, or those whose `path` is exactly the given one.
pub(super) fn clear_faults(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    let path = request.query.one("path")?;
    let keeps = |fault: &Fault| path.is_some() && fault.path.as_deref() != path;
    store.faults.retain(keeps);
    list_faults(store, request)
}

pub(super) fn list_quirks(store: &mut Store, _: &ApiRequest) -> Result<Response> {
    respond(&json!({"quirks": store.quirks}))
}

pub(super) fn set_quirks(store: &mut Store, request: &ApiRequest) -> Result<Response> {
    store.quirks = read_list(request, "quirks")?;
    list_quirks(store, request)
}

/// All routes of the API with the number of requests so far and how many of them were refused.
pub(super) fn list_routes(store: &mut Store, _: &ApiRequest) -> Result<Response> {
    respond(&json!({"routes": store.routes}))
}

/// The list under `key` of the body, which has no other keys.
fn read_list<T: DeserializeOwned>(request: &ApiRequest, key: &str) -> Result<T> {
    let body = request.json()?;
    let fields = Fields::body(&body, key)?;
    let list = fields.required(key)?.clone();
    serde_json::from_value(list).map_err(|error| fields.error(key, error))
}
