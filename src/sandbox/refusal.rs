//! What the service says no with: one type for every refusal, dressed as an error envelope
//! (or as a compatible service would) only at the very end, when the request id is known.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::quirks::{Quirk, Quirks};

/// The result of everything that can be refused.
pub(super) type Outcome<T> = Result<T, Refusal>;

/// A request that is not carried out, and why.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    message: String,
    error_code: Option<&'static str>,
    /// The state of the session forbids it, so it is a 400 or a 409 depending on the quirks.
    state: bool,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
            error_code: None,
            state: false,
        }
    }

    /// 400: the request itself is wrong.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// 401: no credential, or a wrong one.
    pub(super) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication_error", message)
    }

    /// 404: there is nothing of that name.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found_error", message)
    }

    /// 405: the path exists, the method does not.
    pub(super) fn method_not_allowed() -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(
            status,
            "invalid_request_error",
            "This path does not take that method.",
        )
    }

    /// 411: a gateway that wants to know how long a body is, even when there is none.
    pub(super) fn length_required() -> Self {
        let status = StatusCode::LENGTH_REQUIRED;
        Self::new(
            status,
            "invalid_request_error",
            "A POST needs a content-length.",
        )
    }

    /// 413: more than the service reads.
    pub(super) fn too_large() -> Self {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Self::new(
            status,
            "request_too_large",
            "The body is larger than the service reads.",
        )
    }

    /// 409, or 400 where [`Quirk::ConflictsAs400`] says so: the session's state forbids it.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::CONFLICT, "conflict_error", message);
        Self {
            state: true,
            ..refusal
        }
    }

    /// Any status, as a fault that was asked for.
    pub(super) fn fault(status: StatusCode) -> Self {
        let kind = match status.as_u16() {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            408 | 504 => "timeout_error",
            409 => "conflict_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        Self::new(
            status,
            kind,
            "This answer was asked for through the sandbox's faults.",
        )
    }

    /// Adds the machine-readable `details.error_code`.
    pub(super) fn because(self, error_code: &'static str) -> Self {
        Self {
            error_code: Some(error_code),
            ..self
        }
    }

    /// The answer as this service words it under the given quirks.
    pub(super) fn dressed(&self, request_id: &str, quirks: &Quirks) -> Response {
        let (status, kind) = match (self.state, quirks) {
            (true, q) if q.has(Quirk::ConflictsAs400) => {
                (StatusCode::BAD_REQUEST, "invalid_request_error")
            }
            (true, q) if q.has(Quirk::OldConflicts) => (self.status, "invalid_request_error"),
            _ => (self.status, self.kind),
        };
        let (content_type, body) = if quirks.has(Quirk::StringErrors) {
            (
                "application/json",
                json!({"error": self.message}).to_string(),
            )
        } else if quirks.has(Quirk::DetailErrors) {
            (
                "application/json",
                json!({"detail": self.message}).to_string(),
            )
        } else if quirks.has(Quirk::HtmlErrors) {
            ("text/html", html(status))
        } else if quirks.has(Quirk::EmptyErrors) {
            ("text/plain", String::new())
        } else {
            ("application/json", self.envelope(kind, request_id, quirks))
        };
        let mut response = (status, Body::from(body)).into_response();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    }

    fn envelope(&self, kind: &str, request_id: &str, quirks: &Quirks) -> String {
        let mut error = json!({"type": kind, "message": self.message});
        if let (Some(code), Some(error)) = (self.error_code, error.as_object_mut()) {
            error.insert("details".to_owned(), json!({"error_code": code}));
        }
        let mut envelope = json!({"type": "error", "error": error});
        if let (false, Some(envelope)) = (quirks.has(Quirk::NoRequestIds), envelope.as_object_mut())
        {
            envelope.insert("request_id".to_owned(), json!(request_id));
        }
        envelope.to_string()
    }
}

/// What a gateway in front of the service shows a person.
pub(super) fn html(status: StatusCode) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
    )
}

impl IntoResponse for Refusal {
    /// Carries the refusal outwards; the outermost layer calls [`Refusal::dressed`].
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
