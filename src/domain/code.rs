//! The codes of failures, which programs branch on.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($(#[doc = $doc:literal] $code:ident = $text:literal,)+) => {
        /// Why a call failed. Part of the contract: codes may be added, but are never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $doc] $code,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// The code as it is published, such as `session_running`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $text,)+
                }
            }
        }
    };
}

codes! {
    /// No credential was found.
    CredentialsMissing = "credentials_missing",
    /// The credential is invalid, or cannot be read.
    Unauthorized = "unauthorized",
    /// The credential is valid but may not do this.
    Forbidden = "forbidden",
    /// A setting of this server is invalid.
    InvalidConfiguration = "invalid_configuration",
    /// No connection to the API.
    ApiUnreachable = "api_unreachable",
    /// A redirect, or an answer that is not the API's.
    BadResponse = "bad_response",
    /// The call's time ran out, here or at the API.
    TimedOut = "timed_out",
    /// Too many requests.
    RateLimited = "rate_limited",
    /// The API is busy.
    Overloaded = "overloaded",
    /// The API failed (5xx).
    ApiError = "api_error",
    /// No such session for this credential.
    NotFound = "not_found",
    /// The API rejects the request itself.
    Rejected = "rejected",
    /// The API refuses the request in the session's present state.
    Conflict = "conflict",
    /// An argument is missing, unknown or invalid.
    InvalidArguments = "invalid_arguments",
    /// The tools or MCP servers that would result are invalid.
    InvalidToolset = "invalid_toolset",
    /// A turn is in progress.
    SessionRunning = "session_running",
    /// The session is waiting to retry by itself.
    SessionRescheduling = "session_rescheduling",
    /// The session has ended.
    SessionTerminated = "session_terminated",
    /// The session is archived.
    SessionArchived = "session_archived",
    /// The session changed after the caller read it.
    SessionChanged = "session_changed",
    /// The session's status is not known, so it may be busy.
    StatusUnrecognized = "status_unrecognized",
    /// The session was still busy after the wait.
    BusyTimeout = "busy_timeout",
    /// The service reported success but changed nothing.
    NotApplied = "not_applied",
    /// The session's agent is not one the operator allows.
    AgentNotAllowed = "agent_not_allowed",
    /// The confirmation token is wrong or has expired.
    ConfirmationInvalid = "confirmation_invalid",
    /// The person who was asked declined.
    ConfirmationDeclined = "confirmation_declined",
    /// No export folder is configured.
    ExportUnavailable = "export_unavailable",
    /// The export could not be written.
    ExportFailed = "export_failed",
    /// The audit log could not be written.
    AuditFailed = "audit_failed",
    /// The plan is unknown or has expired.
    PlanNotFound = "plan_not_found",
    /// The caller cancelled the call.
    Cancelled = "cancelled",
    /// A bug in this server.
    Internal = "internal",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
