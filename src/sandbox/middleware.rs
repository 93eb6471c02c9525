//! The layers around all operations: request ids, who may ask, the log, faults, and what every request to the
//! API must contain.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::{
    exchange::read_body,
    fault,
    listener::ResetHandle,
    origin,
    quirks::Quirk,
    rejection::{Rejection, Result},
    service::Service,
};

const API_VERSIONS: [&str; 2] = ["2026-10-21", "2023-06-01"];
const BETA: &str = "managed-agents-2026-04-01";

/// Refuses requests of other hosts and origins, logs the others, applies faults, renders rejections and adds the request id.
pub(super) async fn outermost(
    State(service): State<Arc<Service>>,
    ConnectInfo(reset): ConnectInfo<ResetHandle>,
    request: Request,
    next: Next,
) -> Response {
    let request_id = service.next_request_id();
    let checked = origin::check(service.address, request.uri(), request.headers());
    let effect = if let Err(rejection) = checked {
        Err(rejection)
    } else if request.uri().path().starts_with("/_sandbox/") {
        Ok(None)
    } else {
        service.log_request(&request);
        let (method, path) = (request.method().as_str(), request.uri().path());
        let pending = || fault::take_matching(&mut service.store().faults, method, path);
        fault::from_header(request.headers()).map(|effect| effect.or_else(pending))
    };
    let render = |rejection: Rejection| rejection.render(&request_id, &service.store().quirks);
    let handle = async {
        let mut response = next.run(request).await;
        match response.extensions_mut().remove::<Rejection>() {
            Some(rejection) => render(rejection),
            None => response,
        }
    };
    let mut response = match effect {
        Err(rejection) => render(rejection),
        Ok(None) => handle.await,
        Ok(Some(effect)) => effect.apply(handle, &reset, render).await,
    };
    if !service.store().quirks.has(Quirk::NoRequestIds)
        && let Ok(id) = HeaderValue::from_str(&request_id)
    {
        response.headers_mut().insert("request-id", id);
    }
    response
}

/// Checks what every request to the API must contain.
pub(super) async fn validate(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Result<Response> {
    let headers = request.headers();
    check_credentials(headers)?;
    check_version(headers)?;
    // The API of files needs no beta but for those of sessions.
    if !request.uri().path().starts_with("/v1/files") {
        check_beta(headers)?;
    }
    if request.method() == Method::POST
        && !headers.contains_key(header::CONTENT_LENGTH)
        && service.store().quirks.has(Quirk::NeedsContentLength)
    {
        let message = "A POST needs a content-length.";
        return Err(Rejection::new(StatusCode::LENGTH_REQUIRED, message));
    }
    let (parts, body) = request.into_parts();
    let body = read_body(body).await?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

/// Any credential is valid, unless it starts with `sk-invalid`.
fn check_credentials(headers: &HeaderMap) -> Result<()> {
    let text = |name| {
        let value = headers.get(name)?;
        Some(value.to_str().unwrap_or_default().trim())
    };
    let key = match (text("authorization"), text("x-api-key")) {
        (Some(_), Some(_)) => {
            let message = "Send authorization or x-api-key, not both.";
            return Err(Rejection::invalid(message));
        }
        (Some(authorization), None) => match authorization.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
            _ => "",
        },
        (None, api_key) => api_key.unwrap_or_default(),
    };
    let message = match key {
        "" => "A credential is missing.",
        key if key.starts_with("sk-invalid") => "This credential is not valid.",
        _ => return Ok(()),
    };
    Err(Rejection::new(StatusCode::UNAUTHORIZED, message))
}

fn check_version(headers: &HeaderMap) -> Result<()> {
    let version = headers.get("anthropic-version");
    let version = version.and_then(|value| value.to_str().ok());
    if !version.is_some_and(|version| API_VERSIONS.contains(&version)) {
        let complaint = format!("must be {}", API_VERSIONS.join(" or "));
        return Err(Rejection::field("anthropic-version", complaint));
    }
    Ok(())
}

/// Checks that `anthropic-beta` names the beta of managed agents.
pub(super) fn check_beta(headers: &HeaderMap) -> Result<()> {
    let betas = headers.get_all("anthropic-beta").iter();
    let mut betas =
        betas.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if !betas.any(|beta| beta.trim() == BETA) {
        let complaint = format!("must name {BETA}");
        return Err(Rejection::field("anthropic-beta", complaint));
    }
    Ok(())
}
