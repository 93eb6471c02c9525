//! The table of all routes.

mod agents;
mod control;
mod environments;
mod events;
mod sessions;
mod threads;

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
    store::Store,
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
    (GET, "/v1/agents", agents::list),
    (POST, "/v1/agents", agents::create),
    (GET, "/v1/agents/{id}", agents::get),
    (GET, "/v1/environments", environments::list),
    (POST, "/v1/environments", environments::create),
    (GET, "/v1/environments/{id}", environments::get),
];

/// Control paths: no credentials, no faults, not logged.
const CONTROL: &[(MethodFilter, &str, Operation)] = &[
    (GET, "/_sandbox/faults", control::list_faults),
    (POST, "/_sandbox/faults", control::add_faults),
    (DELETE, "/_sandbox/faults", control::clear_faults),
    (GET, "/_sandbox/quirks", control::list_quirks),
    (POST, "/_sandbox/quirks", control::set_quirks),
];

pub(super) fn router(service: &Arc<Service>) -> Router {
    let api = with_routes(API)
        .fallback(async || Rejection::not_found("There is nothing at this path."))
        .method_not_allowed_fallback(async || {
            let message = "This path does not take that method.";
            Rejection::new(StatusCode::METHOD_NOT_ALLOWED, message)
        })
        .layer(from_fn_with_state(Arc::clone(service), validate));
    api.merge(with_routes(CONTROL))
        .layer(from_fn_with_state(Arc::clone(service), outermost))
        .with_state(Arc::clone(service))
}

fn with_routes(routes: &[(MethodFilter, &str, Operation)]) -> Routes {
    let routes = routes.iter();
    routes.fold(Router::new(), |router, &(method, path, operation)| {
        let handler = move |State(service): State<Arc<Service>>, request: ApiRequest| {
            future::ready(operation(&mut service.store(), &request))
        };
        router.route(path, on(method, handler))
    })
}
