//! HTTP: which path leads to which operation, the checks in front of all of them, and the
//! control paths for faults and quirks.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::{
    Service, body,
    fault::{self, Effect, Fault},
    listener::Scissors,
    query::Query,
    quirks::{Quirk, Quirks},
    refusal::{Outcome, Refusal},
};

const LARGEST_BODY: usize = 32 * 1024 * 1024;
const VERSIONS: [&str; 2] = ["2026-10-21", "2023-06-01"];
const BETA: &str = "managed-agents-2026-04-01";
const CONTROL: &str = "/_sandbox/";

type Shared = State<Arc<Service>>;

/// Every path of the service.
pub(super) fn router(service: &Arc<Service>) -> Router {
    let api = Router::new()
        .route("/v1/sessions", get(list_sessions).post(create_session))
        .route(
            "/v1/sessions/{id}",
            get(get_session).post(update_session).delete(delete_session),
        )
        .route("/v1/sessions/{id}/archive", post(archive_session))
        .route(
            "/v1/sessions/{id}/events",
            get(list_events).post(send_events),
        )
        .route("/v1/sessions/{id}/events/stream", get(stream_events))
        .route("/v1/sessions/{id}/threads", get(list_threads))
        .route("/v1/agents", get(list_agents).post(create_agent))
        .route("/v1/agents/{id}", get(get_agent))
        .route(
            "/v1/environments",
            get(list_environments).post(create_environment),
        )
        .route("/v1/environments/{id}", get(get_environment))
        .fallback(|| async { Refusal::not_found("There is nothing at this path.") })
        .method_not_allowed_fallback(|| async { Refusal::method_not_allowed() })
        .layer(from_fn_with_state(Arc::clone(service), gate));
    let control = Router::new()
        .route(
            "/_sandbox/faults",
            get(list_faults).post(add_faults).delete(clear_faults),
        )
        .route("/_sandbox/quirks", get(list_quirks).post(set_quirks));
    api.merge(control)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(service), front))
        .with_state(Arc::clone(service))
}

/// The outermost layer: request ids, the log, faults, and the wording of refusals.
async fn front(
    State(service): Shared,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
    next: Next,
) -> Response {
    let request_id = service.next_request_id();
    let effect = if request.uri().path().starts_with(CONTROL) {
        Ok(None)
    } else {
        service.note(&request);
        let (method, path) = (request.method().as_str(), request.uri().path());
        fault::asked_for(request.headers())
            .map(|asked| asked.or_else(|| fault::take(&mut service.faults(), method, path)))
    };
    let mut response = match effect {
        Err(refusal) => refusal.into_response(),
        Ok(effect) => disturbed(&service, &scissors, effect, &request_id, request, next).await,
    };
    let quirks = service.world().quirks.clone();
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = refusal.dressed(&request_id, &quirks);
    }
    if let (false, Ok(id)) = (
        quirks.has(Quirk::NoRequestIds),
        HeaderValue::from_str(&request_id),
    ) {
        response.headers_mut().insert("request-id", id);
    }
    response
}

/// Carries the request out, as far as the fault lets it.
async fn disturbed(
    service: &Service,
    scissors: &Scissors,
    effect: Option<Effect>,
    request_id: &str,
    request: Request,
    next: Next,
) -> Response {
    let Some(effect) = effect else {
        return next.run(request).await;
    };
    if let Some(pause) = effect.pause() {
        tokio::time::sleep(pause).await;
    }
    let quirks = service.world().quirks.clone();
    if let Some(instead) = effect.instead(request_id, &quirks) {
        return instead;
    }
    match effect {
        Effect::Reset => scissors.cut(),
        Effect::ResetAfter => {
            next.run(request).await;
            scissors.cut();
        }
        Effect::Truncated => {
            let mut response = next.run(request).await;
            if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
                response = refusal.dressed(request_id, &quirks);
            }
            return fault::truncated(response).await;
        }
        _ => return next.run(request).await,
    }
    StatusCode::OK.into_response()
}

/// What every request of the API must bring along.
async fn gate(State(service): Shared, request: Request, next: Next) -> Outcome<Response> {
    let quirks = service.world().quirks.clone();
    credentials(request.headers())?;
    versions(request.headers())?;
    let lengthless = !request.headers().contains_key(header::CONTENT_LENGTH);
    if quirks.has(Quirk::NeedsContentLength) && request.method() == Method::POST && lengthless {
        return Err(Refusal::length_required());
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY)
        .await
        .map_err(|_| Refusal::too_large())?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

fn credentials(headers: &HeaderMap) -> Outcome<()> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().trim().to_owned();
    let bearer = headers.get(header::AUTHORIZATION).map(text);
    let api_key = headers.get("x-api-key").map(text);
    let key = match (bearer, api_key) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid(
                "Send authorization or x-api-key, not both.",
            ));
        }
        (Some(bearer), None) => bearer
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, key)| key.trim().to_owned())
            .unwrap_or_default(),
        (None, api_key) => api_key.unwrap_or_default(),
    };
    if key.is_empty() {
        return Err(Refusal::unauthenticated("A credential is missing."));
    }
    if key.starts_with("sk-invalid") {
        return Err(Refusal::unauthenticated("This credential is not valid."));
    }
    Ok(())
}

fn versions(headers: &HeaderMap) -> Outcome<()> {
    let version = headers
        .get("anthropic-version")
        .and_then(|value| value.to_str().ok());
    if !version.is_some_and(|version| VERSIONS.contains(&version)) {
        let known = VERSIONS.join(" or ");
        return Err(Refusal::invalid(format!(
            "anthropic-version: must be {known}"
        )));
    }
    let betas = headers.get_all("anthropic-beta");
    let named = betas
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|beta| beta.trim() == BETA);
    if named {
        Ok(())
    } else {
        Err(Refusal::invalid(format!(
            "anthropic-beta: must name {BETA}"
        )))
    }
}

/// The id in the path, decoded once.
struct Id(String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Outcome<Self> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(Refusal::invalid("The id in the path cannot be decoded.")),
        }
    }
}

fn answer(json: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], json).into_response()
}

async fn list_sessions(State(service): Shared, RawQuery(query): RawQuery) -> Outcome<Response> {
    service
        .world()
        .list(&Query::parse(query.as_deref()))
        .map(answer)
}

async fn create_session(State(service): Shared, bytes: Bytes) -> Outcome<Response> {
    service.world().create(&body::parse(&bytes)?).map(answer)
}

async fn get_session(State(service): Shared, Id(id): Id) -> Outcome<Response> {
    service.world().get(&id).map(answer)
}

async fn update_session(State(service): Shared, Id(id): Id, bytes: Bytes) -> Outcome<Response> {
    service
        .world()
        .update(&id, &body::parse(&bytes)?)
        .map(answer)
}

async fn archive_session(State(service): Shared, Id(id): Id) -> Outcome<Response> {
    service.world().archive(&id).map(answer)
}

async fn delete_session(State(service): Shared, Id(id): Id) -> Outcome<Response> {
    service.world().delete(&id).map(answer)
}

async fn list_events(
    State(service): Shared,
    Id(id): Id,
    RawQuery(query): RawQuery,
) -> Outcome<Response> {
    service
        .world()
        .events(&id, &Query::parse(query.as_deref()))
        .map(answer)
}

async fn send_events(State(service): Shared, Id(id): Id, bytes: Bytes) -> Outcome<Response> {
    let taken = service.world().send(&id, &body::parse(&bytes)?)?;
    Ok(taken.map_or_else(|| StatusCode::ACCEPTED.into_response(), answer))
}

async fn list_threads(
    State(service): Shared,
    Id(id): Id,
    RawQuery(query): RawQuery,
) -> Outcome<Response> {
    service
        .world()
        .threads(&id, &Query::parse(query.as_deref()))
        .map(answer)
}

/// Server-sent events from now on, until the session is deleted or the sandbox stops.
async fn stream_events(State(service): Shared, Id(id): Id) -> Outcome<Response> {
    let receiver = service.world().listen(&id)?;
    let closing = service.closing.clone();
    let frames = stream::unfold((receiver, closing), |(mut receiver, closing)| async move {
        loop {
            let frame = tokio::select! {
                () = closing.cancelled() => return None,
                () = tokio::time::sleep(Duration::from_secs(15)) => {
                    Bytes::from_static(b"event: ping\ndata: {\"type\":\"ping\"}\n\n")
                }
                frame = receiver.recv() => match frame {
                    Ok(frame) => Bytes::copy_from_slice(frame.as_bytes()),
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return None,
                },
            };
            return Some((Ok::<_, Infallible>(frame), (receiver, closing)));
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, Body::from_stream(frames)).into_response())
}

async fn list_agents(State(service): Shared, RawQuery(query): RawQuery) -> Outcome<Response> {
    service
        .world()
        .list_agents(&Query::parse(query.as_deref()))
        .map(answer)
}

async fn get_agent(State(service): Shared, Id(id): Id) -> Outcome<Response> {
    service.world().get_agent(&id).map(answer)
}

async fn create_agent(State(service): Shared, bytes: Bytes) -> Outcome<Response> {
    service
        .world()
        .create_agent(&body::parse(&bytes)?)
        .map(answer)
}

async fn list_environments(State(service): Shared, RawQuery(query): RawQuery) -> Outcome<Response> {
    service
        .world()
        .list_environments(&Query::parse(query.as_deref()))
        .map(answer)
}

async fn get_environment(State(service): Shared, Id(id): Id) -> Outcome<Response> {
    service.world().get_environment(&id).map(answer)
}

async fn create_environment(State(service): Shared, bytes: Bytes) -> Outcome<Response> {
    service
        .world()
        .create_environment(&body::parse(&bytes)?)
        .map(answer)
}

async fn list_faults(State(service): Shared) -> Response {
    answer(
        json!({"faults": *service.faults()})
            .to_string()
            .into_bytes(),
    )
}

async fn add_faults(State(service): Shared, bytes: Bytes) -> Outcome<Response> {
    let faults: Vec<Fault> = control_list("faults", &bytes)?;
    service.faults().extend(faults);
    Ok(list_faults(State(service)).await)
}

/// All of them, or those that were asked for with exactly this `path`.
async fn clear_faults(State(service): Shared, RawQuery(query): RawQuery) -> Outcome<Response> {
    let query = Query::parse(query.as_deref());
    let path = query.one("path")?;
    service
        .faults()
        .retain(|fault| path.is_some() && fault.path.as_deref() != path);
    Ok(list_faults(State(service)).await)
}

async fn list_quirks(State(service): Shared) -> Response {
    answer(
        json!({"quirks": service.world().quirks})
            .to_string()
            .into_bytes(),
    )
}

async fn set_quirks(State(service): Shared, bytes: Bytes) -> Outcome<Response> {
    let quirks: Quirks = control_list("quirks", &bytes)?;
    service.world().quirks = quirks;
    Ok(list_quirks(State(service)).await)
}

/// The list under `key` of a control request's body.
fn control_list<T: serde::de::DeserializeOwned>(key: &str, bytes: &[u8]) -> Outcome<T> {
    let body = body::parse(bytes)?;
    let fields = body::Fields::of(&body, "", &[key])?;
    let list = fields
        .value(key)
        .cloned()
        .ok_or_else(|| fields.wrong(key, "is required"))?;
    serde_json::from_value(list).map_err(|error| fields.wrong(key, &error.to_string()))
}
