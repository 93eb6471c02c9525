//! What a response says beside its body, and responses that are errors.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use url::Url;

use crate::api::{
    absence::ErrorBody,
    body::{cut, error_message},
    error::{ApiError, ApiErrorKind, HttpError},
};

/// A successful response.
#[derive(Debug, Clone)]
pub struct ApiResponse<T> {
    /// The parsed body.
    pub body: T,
    /// The `request-id` header, by which support can find the request.
    pub request_id: Option<String>,
    /// The `date` header: when it was sent, by the service's clock, in whole seconds.
    pub date: Option<SystemTime>,
}

impl<T> ApiResponse<T> {
    pub(crate) fn new(body: T, headers: &HeaderMap) -> Self {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        Self {
            body,
            request_id: request_id(headers),
            date: date.and_then(|date| httpdate::parse_http_date(date).ok()),
        }
    }

    /// The same response with another body.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> ApiResponse<U> {
        ApiResponse { body: change(self.body), request_id: self.request_id, date: self.date }
    }
}

pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("request-id")?.to_str().ok()?.trim();
    (!id.is_empty()).then(|| cut(id, 200))
}

/// A status of 400 or more, with the API's body, or whatever compatible servers and gateways send
/// instead.
pub(crate) fn http_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ApiError {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let text = |path| Some(json.as_ref()?.pointer(path)?.as_str()?.to_owned());
    let mut message = error_message(body, json.as_ref());
    if message.is_empty() {
        let reason = status.canonical_reason().unwrap_or("no reason given");
        message = format!("{reason} (the response has no message)");
    }
    let id =
        request_id(headers).or_else(|| text("/request_id")).or_else(|| text("/error/request_id"));
    let error = HttpError {
        status: status.as_u16(),
        error_type: text("/error/type"),
        error_code: text("/error/details/error_code"),
        message,
        body: body_form(body, json.as_ref()),
    };
    ApiError::from(ApiErrorKind::Http(error)).with_request_id(id.map(|id| cut(&id, 200)))
}

fn body_form(body: &[u8], json: Option<&Value>) -> ErrorBody {
    let Some(json) = json else {
        let is_empty = body.trim_ascii().is_empty();
        return if is_empty { ErrorBody::Empty } else { ErrorBody::Text };
    };
    let error_type = json.pointer("/error/type").and_then(Value::as_str);
    match (json.get("type").and_then(Value::as_str), error_type) {
        (Some("error"), Some(_)) | (_, Some("not_found_error")) => ErrorBody::Envelope,
        _ => ErrorBody::Json,
    }
}

/// A redirect, reduced to the host it points to.
pub(crate) fn redirect(status: StatusCode, headers: &HeaderMap, requested: &Url) -> ApiError {
    let location = headers.get(header::LOCATION);
    let target = location.and_then(|to| requested.join(to.to_str().ok()?).ok());
    let host = target.and_then(|target| {
        let host = target.host_str()?;
        Some(match target.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    });
    let status = status.as_u16();
    ApiError::from(ApiErrorKind::Redirected { status, host }).with_request_id(request_id(headers))
}
