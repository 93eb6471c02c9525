//! The table of all routes.

mod agents;
mod control;
mod deployments;
mod environments;
mod events;
mod files;
mod resources;
mod sessions;
mod threads;
mod vaults;
mod versions;

use std::{future, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    middleware::from_fn_with_state,
    response::Response,
    routing::{MethodFilter, on},
};

use super::{
    exchange::ApiRequest,
    middleware::{outermost, validate},
    rejection::{Rejection, Result},
    service::Service,
    store::{RouteCount, Store},
};

/// Carries out a request, with the store locked.
type Operation = fn(&mut Store, &ApiRequest) -> Result<Response>;

type Routes = Router<Arc<Service>>;

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;
const DELETE: MethodFilter = MethodFilter::DELETE;

const API: &[(MethodFilter, &str, Operation)] = &[
    (GET, "/v1/sessions", sessions::list),
    (POST, "/v1/sessions", sessions::create),
    (GET, "/v1/sessions/{id}", sessions::get),
    (POST, "/v1/sessions/{id}", sessions::update),
    (DELETE, "/v1/sessions/{id}", sessions::delete),
    (POST, "/v1/sessions/{id}/archive", sessions::archive),
    (GET, "/v1/sessions/{id}/events", events::list),
    (POST, "/v1/sessions/{id}/events", events::send),
    (GET, "/v1/sessions/{id}/events/stream", events::stream),
    (GET, "/v1/sessions/{id}/threads", threads::list),
    (GET, "/v1/sessions/{id}/threads/{thread}", threads::get),
    (GET, "/v1/sessions/{id}/threads/{thread}/events", threads::events),
    (GET, "/v1/sessions/{id}/threads/{thread}/stream", threads::stream),
    (POST, "/v1/sessions/{id}/threads/{thread}/archive", threads::archive),
    (GET, "/v1/sessions/{id}/resources", resources::list),
    (POST, "/v1/sessions/{id}/resources", resources::add),
    (GET, "/v1/sessions/{id}/resources/{resource}", resources::get),
    (POST, "/v1/sessions/{id}/resources/{resource}", resources::update),
    (DELETE, "/v1/sessions/{id}/resources/{resource}", resources::delete),
    (GET, "/v1/agents", agents::list),
    (POST, "/v1/agents", agents::create),
    (GET, "/v1/agents/{id}", agents::get),
    (POST, "/v1/agents/{id}", agents::update),
    (POST, "/v1/agents/{id}/archive", agents::archive),
    (GET, "/v1/agents/{id}/versions", versions::list),
    (GET, "/v1/environments", environments::list),
    (POST, "/v1/environments", environments::create),
    (GET, "/v1/environments/{id}", environments::get),
    (POST, "/v1/environments/{id}", environments::update),
    (DELETE, "/v1/environments/{id}", environments::delete),
    (POST, "/v1/environments/{id}/archive", environments::archive),
    (GET, "/v1/deployments", deployments::list),
    (GET, "/v1/deployments/{id}", deployments::get),
    (GET, "/v1/vaults", vaults::list),
    (GET, "/v1/vaults/{id}", vaults::get),
    (GET, "/v1/files", files::list),
    (POST, "/v1/files", files::upload),
    (GET, "/v1/files/{id}", files::get),
    (DELETE, "/v1/files/{id}", files::delete),
    (GET, "/v1/files/{id}/content", files::content),
];

/// Control paths: no credentials, no faults, not logged.
const CONTROL: &[(MethodFilter, &str, Operation)] = &[
    (GET, "/_sandbox/faults", control::list_faults),
    (POST, "/_sandbox/faults", control::add_faults),
    (DELETE, "/_sandbox/faults", control::clear_faults),
    (GET, "/_sandbox/quirks", control::list_quirks),
    (POST, "/_sandbox/quirks", control::set_quirks),
    (GET, "/_sandbox/routes", control::list_routes),
];

pub(super) fn router(service: &Arc<Service>) -> Router {
    let routes = API.iter().map(|&(method, path, _)| {
        let method = match method {
            GET => "GET",
            POST => "POST",
            _ => "DELETE",
        };
        RouteCount { method, path, requests: 0, refusals: 0 }
    });
    service.store().routes = routes.collect();
    let count = |store: &mut Store, route: usize, refused: bool| {
        if let Some(route) = store.routes.get_mut(route) {
            route.requests += 1;
            route.refusals += u64::from(refused);
        }
    };
    let api = with_routes(API, count)
        .fallback(async || Rejection::not_found("There is nothing at this path."))
        .method_not_allowed_fallback(async || {
            let message = "This path does not take that method.";
            Rejection::new(StatusCode::METHOD_NOT_ALLOWED, message)
        })
        .layer(from_fn_with_state(Arc::clone(service), validate));
    api.merge(with_routes(CONTROL, |_, _, _| {}))
        .layer(from_fn_with_state(Arc::clone(service), outermost))
        .with_state(Arc::clone(service))
}

/// `count` is told the place in the table of each request's route and whether it was refused.
fn with_routes(
    routes: &[(MethodFilter, &str, Operation)],
    count: fn(&mut Store, usize, bool),
) -> Routes {
    let routes = routes.iter().enumerate();
    routes.fold(Router::new(), |router, (place, &(method, path, operation))| {
        let handler = move |State(service): State<Arc<Service>>, request: ApiRequest| {
            let store = &mut service.store();
            let result = operation(store, &request);
            count(store, place, result.is_err());
            future::ready(result)
        };
        router.route(path, on(method, handler))
    })
}
