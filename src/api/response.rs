//! What a response says beside its body, and responses that are errors.

use std::time::SystemTime;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use url::Url;

use crate::{
    api::{
        absence::ErrorBody,
        body::error_message,
        credentials::secret::Secret,
        error::{ApiError, ApiErrorKind, HttpError},
        json::repair_surrogates,
    },
    domain::text::word,
};

/// A successful response.
#[derive(Debug, Clone)]
pub struct ApiResponse<T> {
    /// The parsed body.
    pub body: T,
    /// The `request-id` header, by which support can find the request; as a word of a sentence.
    pub request_id: Option<String>,
    /// The `date` header: when it was sent, by the service's clock, in whole seconds.
    pub date: Option<SystemTime>,
}

impl<T> ApiResponse<T> {
    pub(crate) fn new(body: T, headers: &HeaderMap, secret: &Secret) -> Self {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        Self {
            body,
            request_id: request_id(headers, secret),
            date: date.and_then(|date| httpdate::parse_http_date(date).ok()),
        }
    }

    /// The same response with another body.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> ApiResponse<U> {
        ApiResponse { body: change(self.body), request_id: self.request_id, date: self.date }
    }
}

/// The `request-id` header, without the secret.
pub(crate) fn request_id(headers: &HeaderMap, secret: &Secret) -> Option<String> {
    shown_id(headers.get("request-id")?.to_str().ok()?, secret)
}

/// An id as it may stand in a sentence and in a log: quoted and cut if it is no plain word.
fn shown_id(id: &str, secret: &Secret) -> Option<String> {
    let id = secret.scrub(id.trim());
    (!id.is_empty()).then(|| word(&id))
}

/// A status of 400 or more, with the API's body, or whatever compatible servers and gateways send
/// instead. The secret, which they may echo, is taken out before anything is looked for or cut.
pub(crate) fn http_error(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    secret: &Secret,
) -> ApiError {
    let body = &secret.scrub(&String::from_utf8_lossy(body));
    let mut repaired = body.clone().into_bytes();
    repair_surrogates(&mut repaired);
    let json: Option<Value> = serde_json::from_slice(&repaired).ok();
    let text = |path| Some(secret.scrub(json.as_ref()?.pointer(path)?.as_str()?));
    let mut message = error_message(body, json.as_ref(), secret);
    if message.is_empty() {
        let reason = status.canonical_reason().unwrap_or("no reason given");
        message = format!("{reason} (the response has no message)");
    }
    let id = request_id(headers, secret)
        .or_else(|| shown_id(&text("/request_id")?, secret))
        .or_else(|| shown_id(&text("/error/request_id")?, secret));
    let error = HttpError {
        status: status.as_u16(),
        error_type: text("/error/type"),
        error_code: text("/error/details/error_code"),
        message,
        body: body_form(body, json.as_ref()),
    };
    ApiError::from(ApiErrorKind::Http(error)).with_request_id(id)
}

fn body_form(body: &str, json: Option<&Value>) -> ErrorBody {
    let Some(json) = json else {
        let is_empty = body.trim().is_empty();
        return if is_empty { ErrorBody::Empty } else { ErrorBody::Text };
    };
    let error_type = json.pointer("/error/type").and_then(Value::as_str);
    match (json.get("type").and_then(Value::as_str), error_type) {
        (Some("error"), Some(_)) | (_, Some("not_found_error")) => ErrorBody::Envelope,
        _ => ErrorBody::Json,
    }
}

/// A redirect, reduced to the host it points to.
pub(crate) fn redirect(
    status: StatusCode,
    headers: &HeaderMap,
    requested: &Url,
    secret: &Secret,
) -> ApiError {
    // A host with the secret in it is no host any more.
    let location = headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
    let target = location.and_then(|to| requested.join(&secret.scrub(to)).ok());
    let host = target.and_then(|target| {
        let host = target.host_str()?;
        Some(match target.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    });
    let status = status.as_u16();
    ApiError::from(ApiErrorKind::Redirected { status, host })
        .with_request_id(request_id(headers, secret))
}
