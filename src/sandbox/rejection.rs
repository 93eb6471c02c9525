//! Error responses. They are rendered in the outermost layer, which knows the request id and how
//! the service words its errors.

use std::fmt::Display;

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    json::with_field,
    quirks::{Quirk, Quirks},
};

pub(super) type Result<T, E = Rejection> = std::result::Result<T, E>;

/// Why a request is not carried out.
#[derive(Debug, Clone)]
pub(super) struct Rejection {
    status: StatusCode,
    pub(super) message: String,
    error_code: Option<&'static str>,
    /// The session's state forbids the request: status and type depend on the quirks.
    state_conflict: bool,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), error_code: None, state_conflict: false }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// An invalid field or parameter.
    pub(super) fn field(path: &str, complaint: impl Display) -> Self {
        Self::invalid(format!("{path}: {complaint}"))
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// The session's state forbids the request.
    pub(super) fn conflict(message: &str) -> Self {
        let mut rejection = Self::new(StatusCode::CONFLICT, message);
        rejection.state_conflict = true;
        rejection
    }

    /// An error that a fault or quirk demands.
    pub(super) fn fault(status: StatusCode) -> Self {
        let message = "This error was requested through the sandbox's faults.";
        Self::new(status, message)
    }

    /// Adds `details.error_code`.
    pub(super) fn with_code(mut self, error_code: &'static str) -> Self {
        self.error_code = Some(error_code);
        self
    }

    /// The response as a service with these quirks words it.
    pub(super) fn render(self, request_id: &str, quirks: &Quirks) -> Response {
        let mut status = self.status;
        let mut kind = error_type(status);
        if self.state_conflict && quirks.has(Quirk::ConflictsAs400) {
            (status, kind) = (StatusCode::BAD_REQUEST, "invalid_request_error");
        } else if self.state_conflict && quirks.has(Quirk::OldConflicts) {
            kind = "invalid_request_error";
        }
        let body = if quirks.has(Quirk::StringErrors) {
            json!({"error": self.message})
        } else if quirks.has(Quirk::DetailErrors) {
            json!({"detail": self.message})
        } else {
            let details = self.error_code.map(|code| json!({"error_code": code}));
            let error = json!({"type": kind, "message": self.message});
            let envelope = json!({"type": "error", "error": with_field(error, "details", details)});
            let request_id = (!quirks.has(Quirk::NoRequestIds)).then(|| json!(request_id));
            with_field(envelope, "request_id", request_id)
        };
        let (content_type, body) = if quirks.has(Quirk::HtmlErrors) {
            ("text/html", html(status))
        } else if quirks.has(Quirk::EmptyErrors) {
            ("text/plain", String::new())
        } else {
            ("application/json", body.to_string())
        };
        (status, [(CONTENT_TYPE, content_type)], body).into_response()
    }
}

/// The `error.type` of a status.
fn error_type(status: StatusCode) -> &'static str {
    match status.as_u16() {
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
    }
}

/// An error page as gateways send it.
pub(super) fn html(status: StatusCode) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n"
    )
}

impl IntoResponse for Rejection {
    /// A placeholder that carries the rejection to the outermost layer.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
