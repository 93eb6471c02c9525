//! What can go wrong between this program and the API: a sum type to branch on. The words a
//! model reads are made elsewhere; texts here are raw material for them.

use std::{fmt, time::Duration};

use crate::api::credentials::{Secret, Unusable};

/// A call that did not succeed. No text in it contains a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// The service answered with a status of 400 or more.
    Refused {
        /// The HTTP status, kept whatever the body looks like.
        status: u16,
        /// `error.type` of the API's envelope, for instance `conflict_error`.
        error_type: Option<String>,
        /// The service's own words, at most about 500 characters.
        message: String,
        /// From the `request-id` header, else from the body.
        request_id: Option<String>,
        /// How long the service asks to be left alone.
        retry_after: Option<Duration>,
        /// An earlier try of this write was lost, and may have been carried out.
        in_doubt: bool,
    },
    /// The service answered with a redirect, which is never followed: it would carry the
    /// credential to a place nobody configured.
    Redirected {
        /// The HTTP status, 3xx.
        status: u16,
        /// Where it pointed, host (and port) only.
        host: Option<String>,
        /// From the `request-id` header.
        request_id: Option<String>,
    },
    /// No connection, or one that was lost. When the request may have been carried out before,
    /// `cause` says so; see also [`ApiError::may_have_acted`].
    Unreachable {
        /// What happened, with the host, without path and query.
        cause: String,
    },
    /// Our own time was up. Whether the service acted is not known.
    TimedOut,
    /// An answer that says it is a success and cannot be read, or is too large.
    BadResponse {
        /// The HTTP status.
        status: u16,
        /// One clause, without the content.
        cause: String,
        /// From the `request-id` header.
        request_id: Option<String>,
    },
    /// There is no credential anywhere.
    CredentialsMissing {
        /// The places, in order, each with what was found there.
        looked_for: Vec<String>,
    },
    /// There is a credential, and it cannot be used: a broken profile, unsafe permissions, a
    /// refused refresh.
    Credentials {
        /// Which one: a variable or a profile with its name.
        source: String,
        /// One clause.
        cause: String,
    },
    /// A setting that no request can be made with.
    InvalidConfiguration {
        /// The environment variable of the setting (the flag has the same meaning).
        variable: String,
        /// One clause.
        cause: String,
    },
}

impl ApiError {
    /// The HTTP status of the answer, if there was one.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. }
            | Self::Redirected { status, .. }
            | Self::BadResponse { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The id that support can find the request by.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused { request_id, .. }
            | Self::Redirected { request_id, .. }
            | Self::BadResponse { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }

    /// How long the service asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the service refused because of the session's state. State conflicts come as 409;
    /// some services, and some operations, answer 400 instead, which is not counted here.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.http_status() == Some(409)
    }

    /// Whether there is nothing under that id.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.http_status() == Some(404)
    }

    /// Whether the same call may well succeed later, with nothing changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..),
            Self::Unreachable { .. } | Self::TimedOut => true,
            _ => false,
        }
    }

    /// This error of a write that may have been carried out before.
    #[must_use]
    pub(crate) fn in_doubt(mut self) -> Self {
        if let Self::Refused { in_doubt, .. } = &mut self {
            *in_doubt = true;
        }
        self
    }

    /// Whether a write that ended like this may have been carried out all the same, so that only
    /// a fresh read tells. Errs on the side of yes.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Refused {
                status, in_doubt, ..
            } => *in_doubt || matches!(status, 408 | 500..),
            Self::Unreachable { .. } | Self::TimedOut | Self::BadResponse { .. } => true,
            _ => false,
        }
    }

    /// This error with a further clause: what became of the repetition of a write.
    pub(crate) fn with_note(mut self, note: &str) -> Self {
        if let Some(text) = self.text_mut() {
            text.push_str("; ");
            text.push_str(note);
        }
        self
    }

    /// This error without `secret`, which services are known to echo.
    pub(crate) fn scrubbed(mut self, secret: &Secret) -> Self {
        if let Some(text) = self.text_mut() {
            *text = secret.scrub(text);
        }
        self
    }

    fn text_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Refused { message, .. } => Some(message),
            Self::Unreachable { cause }
            | Self::BadResponse { cause, .. }
            | Self::Credentials { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// For logs. By hand, since thiserror would take the field `source` for an error.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused {
                status, message, ..
            } => write!(f, "HTTP {status}: {message}"),
            Self::Redirected { status, host, .. } => {
                let host = host.as_deref().unwrap_or("an unnamed place");
                write!(f, "HTTP {status}: a redirect to {host}")
            }
            Self::Unreachable { cause } => write!(f, "unreachable: {cause}"),
            Self::TimedOut => f.write_str("no answer within the time allowed"),
            Self::BadResponse { status, cause, .. } => write!(f, "HTTP {status}, but {cause}"),
            Self::CredentialsMissing { .. } => f.write_str("no credential found"),
            Self::Credentials { source, cause } => write!(f, "{source}: {cause}"),
            Self::InvalidConfiguration { variable, cause } => write!(f, "{variable}: {cause}"),
        }
    }
}

impl std::error::Error for ApiError {}

impl From<Unusable> for ApiError {
    fn from(unusable: Unusable) -> Self {
        match unusable {
            Unusable::Missing(looked_for) => Self::CredentialsMissing { looked_for },
            Unusable::Broken { source, cause } => Self::Credentials { source, cause },
        }
    }
}
