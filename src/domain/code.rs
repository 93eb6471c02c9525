//! The codes of failures: what programs branch on.

use std::fmt;

use serde::{Serialize, Serializer};

/// Why an operation failed, as one of the codes that answers, the audit log and plans show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The session belongs to an agent that the operator does not allow.
    AgentNotAllowed,
    /// The service failed (5xx).
    ApiError,
    /// No connection to the service, or it was lost.
    ApiUnreachable,
    /// The audit log cannot be written.
    AuditFailed,
    /// The service's answer cannot be used.
    BadResponse,
    /// The session was still busy when the time was up.
    BusyTimeout,
    /// The caller cancelled the call.
    Cancelled,
    /// The person who was asked said no.
    ConfirmationDeclined,
    /// A confirmation that does not confirm this.
    ConfirmationInvalid,
    /// The service refuses this in the session's present state.
    Conflict,
    /// No credential was found.
    CredentialsMissing,
    /// The export could not be completed.
    ExportFailed,
    /// There is no folder for exports.
    ExportUnavailable,
    /// The credential may not do this.
    Forbidden,
    /// A person has to be asked first. Never shown: the adapter asks instead.
    InputRequired,
    /// A defect of this program.
    Internal,
    /// Arguments that are not valid.
    InvalidArguments,
    /// A setting that is not valid.
    InvalidConfiguration,
    /// Tools or MCP servers that are not valid.
    InvalidToolset,
    /// The service accepted a write and did not do it.
    NotApplied,
    /// There is no such thing, or the credential cannot see it.
    NotFound,
    /// The service is overloaded (503, 529).
    Overloaded,
    /// No such plan, or no longer.
    PlanNotFound,
    /// The service's rate limit is reached.
    RateLimited,
    /// The service rejects the request (4xx).
    Rejected,
    /// The session is archived.
    SessionArchived,
    /// The session changed since the caller saw it.
    SessionChanged,
    /// The session will run again by itself.
    SessionRescheduling,
    /// The session is running.
    SessionRunning,
    /// The session is terminated.
    SessionTerminated,
    /// The session has a status this program does not know.
    StatusUnrecognized,
    /// The time was up.
    TimedOut,
    /// The service does not accept the credential.
    Unauthorized,
}

impl Code {
    /// Every code that is shown, in alphabetical order.
    pub const ALL: [Self; 32] = [
        Self::AgentNotAllowed,
        Self::ApiError,
        Self::ApiUnreachable,
        Self::AuditFailed,
        Self::BadResponse,
        Self::BusyTimeout,
        Self::Cancelled,
        Self::ConfirmationDeclined,
        Self::ConfirmationInvalid,
        Self::Conflict,
        Self::CredentialsMissing,
        Self::ExportFailed,
        Self::ExportUnavailable,
        Self::Forbidden,
        Self::Internal,
        Self::InvalidArguments,
        Self::InvalidConfiguration,
        Self::InvalidToolset,
        Self::NotApplied,
        Self::NotFound,
        Self::Overloaded,
        Self::PlanNotFound,
        Self::RateLimited,
        Self::Rejected,
        Self::SessionArchived,
        Self::SessionChanged,
        Self::SessionRescheduling,
        Self::SessionRunning,
        Self::SessionTerminated,
        Self::StatusUnrecognized,
        Self::TimedOut,
        Self::Unauthorized,
    ];

    /// The code as it is shown, such as `session_running`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AgentNotAllowed => "agent_not_allowed",
            Self::ApiError => "api_error",
            Self::ApiUnreachable => "api_unreachable",
            Self::AuditFailed => "audit_failed",
            Self::BadResponse => "bad_response",
            Self::BusyTimeout => "busy_timeout",
            Self::Cancelled => "cancelled",
            Self::ConfirmationDeclined => "confirmation_declined",
            Self::ConfirmationInvalid => "confirmation_invalid",
            Self::Conflict => "conflict",
            Self::CredentialsMissing => "credentials_missing",
            Self::ExportFailed => "export_failed",
            Self::ExportUnavailable => "export_unavailable",
            Self::Forbidden => "forbidden",
            Self::InputRequired => "input_required",
            Self::Internal => "internal",
            Self::InvalidArguments => "invalid_arguments",
            Self::InvalidConfiguration => "invalid_configuration",
            Self::InvalidToolset => "invalid_toolset",
            Self::NotApplied => "not_applied",
            Self::NotFound => "not_found",
            Self::Overloaded => "overloaded",
            Self::PlanNotFound => "plan_not_found",
            Self::RateLimited => "rate_limited",
            Self::Rejected => "rejected",
            Self::SessionArchived => "session_archived",
            Self::SessionChanged => "session_changed",
            Self::SessionRescheduling => "session_rescheduling",
            Self::SessionRunning => "session_running",
            Self::SessionTerminated => "session_terminated",
            Self::StatusUnrecognized => "status_unrecognized",
            Self::TimedOut => "timed_out",
            Self::Unauthorized => "unauthorized",
        }
    }
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
