//! What can go wrong with a call. Causes are fragments, not sentences for readers.

use std::{fmt, time::Duration};

use crate::{
    api::{
        absence::{Absence, ErrorBody, Place, absence},
        credentials::secret::Secret,
    },
    domain::text::{one_line, quoted_whole, word},
};

/// A call that did not succeed. No text in it contains a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    kind: Box<ApiErrorKind>,
    acted: Acted,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    worth_repeating: bool,
    place: Option<Box<Place>>,
}

/// Whether the service may have carried out the write that an error answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acted {
    /// It was not carried out, or the request was a read.
    No,
    /// It may have been carried out.
    Unknown,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// A status of 400 or more.
    Http(HttpError),
    /// A redirect. Never followed: that would send the credential to a host nobody configured.
    Redirected {
        /// The HTTP status, 3xx.
        status: u16,
        /// The host (and port) it points to.
        host: Option<String>,
    },
    /// No connection, or one that was lost.
    Unreachable {
        /// What happened, with the host, without path and query.
        cause: String,
    },
    /// The client's own deadline has passed.
    TimedOut,
    /// A success whose body is not the expected one, is incomplete, or is too large.
    BadResponse {
        /// The HTTP status.
        status: u16,
        /// One clause, without the content.
        cause: String,
    },
    /// No credential was found.
    CredentialsMissing {
        /// The places, in order, each with what was found there.
        looked_for: Vec<String>,
    },
    /// A credential was found and cannot be used: a broken profile, unsafe permissions, a
    /// rejected refresh.
    Credentials {
        /// A variable, or a profile with its name.
        source: String,
        /// One clause.
        cause: String,
    },
    /// A setting that cannot be used in a request.
    InvalidConfiguration {
        /// The environment variable of the setting.
        variable: String,
        /// One clause.
        cause: String,
    },
}

/// A response with a status of 400 or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError {
    /// The HTTP status, whatever the body looks like.
    pub status: u16,
    /// `error.type` of the API's envelope, for instance `conflict_error`.
    pub error_type: Option<String>,
    /// `error.details.error_code`, for instance `workflow_run_open`.
    pub error_code: Option<String>,
    /// The service's own words, at most about 500 characters.
    pub message: String,
    /// What the body looked like.
    pub body: ErrorBody,
}

/// Limits of spending, by `error.details.error_code` of a 429: they last for days, not seconds.
const SPENDING_LIMITS: [&str; 3] =
    ["contract_spend_limit_reached", "enforced_spend_limit_reached", "ramp_limit_exceeded"];

impl HttpError {
    /// Whether a limit of spending is reached, so that it is no use to try again soon.
    pub fn is_spending_limit(&self) -> bool {
        let code = self.error_code.as_deref();
        code.is_some_and(|code| SPENDING_LIMITS.contains(&code))
    }
}

impl ApiError {
    /// What went wrong.
    pub fn kind(&self) -> &ApiErrorKind {
        &self.kind
    }

    /// Whether the write this error answers may have been carried out; `No` for reads.
    pub fn acted(&self) -> Acted {
        self.acted
    }

    /// Whether the same request, decided on anew, may succeed: not after `x-should-retry: false`.
    pub fn is_worth_repeating(&self) -> bool {
        self.worth_repeating
    }

    /// The id by which support can find the request: the `request-id` header, else the body's;
    /// quoted if it is no plain word.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// How long the service asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The HTTP status, if there was a response.
    pub fn http_status(&self) -> Option<u16> {
        match *self.kind {
            ApiErrorKind::Http(HttpError { status, .. })
            | ApiErrorKind::Redirected { status, .. }
            | ApiErrorKind::BadResponse { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether the session has a workflow run that has not ended, so that the same request would
    /// be rejected again.
    pub fn is_workflow_run_open(&self) -> bool {
        match &*self.kind {
            ApiErrorKind::Http(error) => error.error_code.as_deref() == Some("workflow_run_open"),
            _ => false,
        }
    }

    /// See [`HttpError::is_spending_limit`].
    pub fn is_spending_limit(&self) -> bool {
        matches!(&*self.kind, ApiErrorKind::Http(error) if error.is_spending_limit())
    }

    /// HTTP 404, or 410: of an object that was read before, that it is gone.
    pub fn is_not_found(&self) -> bool {
        matches!(self.http_status(), Some(404 | 410))
    }

    /// What the service says is missing, if it says so.
    pub fn absence(&self) -> Option<Absence> {
        match &*self.kind {
            ApiErrorKind::Http(error) => absence(error.status, error.body),
            _ => None,
        }
    }

    /// Where the request went, if it was sent.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }

    /// Whether the same call may succeed later with nothing changed.
    pub fn is_transient(&self) -> bool {
        match *self.kind {
            ApiErrorKind::Http(HttpError { status: 501, .. }) => false,
            ApiErrorKind::Http(HttpError { status, .. }) => {
                matches!(status, 408 | 429 | 499 | 500..) && !self.is_spending_limit()
            }
            ApiErrorKind::Unreachable { .. } | ApiErrorKind::TimedOut => true,
            _ => false,
        }
    }

    /// A success with a body that cannot be used.
    pub fn bad_response(status: u16, cause: impl Into<String>, request_id: Option<String>) -> Self {
        let cause = cause.into();
        Self::from(ApiErrorKind::BadResponse { status, cause }).with_request_id(request_id)
    }

    /// A deadline that has passed.
    pub fn timed_out() -> Self {
        ApiErrorKind::TimedOut.into()
    }

    /// The same error with another answer to whether the write may have been carried out.
    #[must_use]
    pub fn with_acted(self, acted: Acted) -> Self {
        Self { acted, ..self }
    }

    pub(crate) fn worth_repeating(self, worth_repeating: bool) -> Self {
        Self { worth_repeating, ..self }
    }

    /// A credential that cannot be used.
    pub(crate) fn credentials(source: &str, cause: impl Into<String>) -> Self {
        let (source, cause) = (source.to_owned(), cause.into());
        ApiErrorKind::Credentials { source, cause }.into()
    }

    pub(crate) fn with_request_id(self, request_id: Option<String>) -> Self {
        Self { request_id, ..self }
    }

    pub(crate) fn at(self, place: Place) -> Self {
        Self { place: Some(Box::new(place)), ..self }
    }

    pub(crate) fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.retry_after = delay;
        self
    }

    /// The same error without `secret`, which services may echo.
    pub(crate) fn scrubbed(mut self, secret: &Secret) -> Self {
        match &mut *self.kind {
            ApiErrorKind::Unreachable { cause: text }
            | ApiErrorKind::BadResponse { cause: text, .. }
            | ApiErrorKind::Credentials { cause: text, .. } => *text = secret.scrub(text),
            // Scrubbed where they are read, before anything is cut.
            _ => {}
        }
        self
    }
}

/// An error of which the service has carried out nothing.
impl From<ApiErrorKind> for ApiError {
    fn from(kind: ApiErrorKind) -> Self {
        Self {
            kind: Box::new(kind),
            acted: Acted::No,
            request_id: None,
            retry_after: None,
            worth_repeating: false,
            place: None,
        }
    }
}

/// For logs: on one line, without raw control characters. By hand, since thiserror would take the field `source` for an error.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ApiErrorKind::Http(error) => {
                write!(f, "HTTP {}: {}", error.status, quoted_whole(&error.message))
            }
            ApiErrorKind::Redirected { status, host } => {
                let host = host.as_deref().map_or("an unknown host".to_owned(), word);
                write!(f, "HTTP {status}: redirect to {host}")
            }
            ApiErrorKind::Unreachable { cause } => write!(f, "unreachable: {}", one_line(cause)),
            ApiErrorKind::TimedOut => f.write_str("timed out"),
            ApiErrorKind::BadResponse { status, cause } => {
                write!(f, "HTTP {status}, but {}", one_line(cause))
            }
            ApiErrorKind::CredentialsMissing { .. } => f.write_str("no credential found"),
            ApiErrorKind::Credentials { source: subject, cause }
            | ApiErrorKind::InvalidConfiguration { variable: subject, cause } => {
                write!(f, "{}: {}", one_line(subject), one_line(cause))
            }
        }
    }
}

impl std::error::Error for ApiError {}
