//! The codes of failures, which programs branch on.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($code:ident = $text:literal,)+) => {
        /// Why a call failed; the README explains each. Part of the contract: codes may be added,
        /// but are never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!("`", $text, "`")] $code,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// The code as it is published, such as `session_running`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $text,)+
                }
            }
        }
    };
}

codes! {
    CredentialsMissing = "credentials_missing",
    Unauthorized = "unauthorized",
    Forbidden = "forbidden",
    InvalidConfiguration = "invalid_configuration",
    ApiUnreachable = "api_unreachable",
    BadResponse = "bad_response",
    TimedOut = "timed_out",
    RateLimited = "rate_limited",
    Overloaded = "overloaded",
    ApiError = "api_error",
    NotFound = "not_found",
    Unsupported = "unsupported",
    Rejected = "rejected",
    Conflict = "conflict",
    InvalidArguments = "invalid_arguments",
    InvalidToolset = "invalid_toolset",
    SessionRunning = "session_running",
    SessionRescheduling = "session_rescheduling",
    SessionTerminated = "session_terminated",
    SessionArchived = "session_archived",
    SessionChanged = "session_changed",
    StatusUnrecognized = "status_unrecognized",
    SessionWaiting = "session_waiting",
    NotWaiting = "not_waiting",
    BudgetReached = "budget_reached",
    WorkflowRunOpen = "workflow_run_open",
    BudgetNotRaised = "budget_not_raised",
    BudgetCreateOnly = "budget_create_only",
    BusyTimeout = "busy_timeout",
    NotApplied = "not_applied",
    AgentNotAllowed = "agent_not_allowed",
    ConfirmationInvalid = "confirmation_invalid",
    ConfirmationDeclined = "confirmation_declined",
    ExportUnavailable = "export_unavailable",
    ExportFailed = "export_failed",
    AuditFailed = "audit_failed",
    PlanNotFound = "plan_not_found",
    Cancelled = "cancelled",
    Internal = "internal",
    InputRequired = "input_required",
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
