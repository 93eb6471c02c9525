//! What programs branch on: the code of a failure, and whom it concerns.

use super::{Error, ErrorKind, api_code::api_code, causes::Blame};
use crate::{api::ApiError, domain::code::Code};

impl Error {
    pub(crate) fn code(&self) -> Code {
        match &*self.kind {
            ErrorKind::Api { error, .. } => api_code(error),
            ErrorKind::Unsupported(_) => Code::Unsupported,
            ErrorKind::Refused { refusal, .. } => refusal.code(),
            ErrorKind::SessionChanged { .. } => Code::SessionChanged,
            ErrorKind::BusyTimeout { .. } => Code::BusyTimeout,
            ErrorKind::NotApplied { .. } | ErrorKind::StartedDifferently { .. } => Code::NotApplied,
            ErrorKind::Conflict { .. } => Code::Conflict,
            ErrorKind::WorkflowRunOpen { .. } => Code::WorkflowRunOpen,
            ErrorKind::Waiting { .. } => Code::SessionWaiting,
            ErrorKind::InvalidToolset { .. } | ErrorKind::InvalidStartTools(_) => {
                Code::InvalidToolset
            }
            ErrorKind::CannotStart(why) => why.code(),
            ErrorKind::NotWaiting(_) => Code::NotWaiting,
            ErrorKind::BudgetReached(_) => Code::BudgetReached,
            ErrorKind::BudgetRefused { refusal, .. } => refusal.code(),
            ErrorKind::InvalidArguments(_)
            | ErrorKind::UnfitAnswer(_)
            | ErrorKind::Disabled(_)
            | ErrorKind::InvalidDetails(_)
            | ErrorKind::NothingToUndo(_)
            | ErrorKind::InvalidStart(_)
            | ErrorKind::InvalidCursor(_)
            | ErrorKind::UnknownAgent(_)
            | ErrorKind::UnknownEvent { .. }
            | ErrorKind::AmbiguousAgent { .. } => Code::InvalidArguments,
            ErrorKind::InvalidConfiguration(_) => Code::InvalidConfiguration,
            ErrorKind::AgentNotAllowed(_) => Code::AgentNotAllowed,
            ErrorKind::CallTimedOut
            | ErrorKind::LockTimedOut(_)
            | ErrorKind::ExportUnfinished { .. } => Code::TimedOut,
            ErrorKind::Internal => Code::Internal,
            ErrorKind::Cancelled => Code::Cancelled,
            ErrorKind::PlanNotFound(_) => Code::PlanNotFound,
            ErrorKind::AuditFailed { .. } => Code::AuditFailed,
            ErrorKind::ConfirmationInvalid { .. } => Code::ConfirmationInvalid,
            ErrorKind::ConfirmationDeclined(_) => Code::ConfirmationDeclined,
            ErrorKind::InputRequired(_) => Code::InputRequired,
            ErrorKind::ExportUnavailable => Code::ExportUnavailable,
            ErrorKind::ExportFailed { .. }
            | ErrorKind::NotExported { .. }
            | ErrorKind::ExportOutdated(_) => Code::ExportFailed,
            ErrorKind::EndlessHistory(_) | ErrorKind::IncompleteHistory(_) => Code::BadResponse,
        }
    }

    /// The code of what is behind it, for work that goes on once that is over.
    pub(crate) fn cause_code(&self) -> Code {
        match &*self.kind {
            ErrorKind::NotExported { cause, .. } => cause.code(),
            _ => self.code(),
        }
    }

    pub(crate) fn blame(&self) -> Blame {
        if self.as_api().is_some_and(ApiError::is_spending_limit) {
            return Blame::Setup;
        }
        if let ErrorKind::NotExported { cause, .. } = &*self.kind {
            return cause.blame();
        }
        match self.code() {
            Code::RateLimited | Code::Overloaded | Code::ApiUnreachable | Code::TimedOut => {
                Blame::Service
            }
            Code::CredentialsMissing
            | Code::InvalidConfiguration
            | Code::Unauthorized
            | Code::Unsupported => Blame::Setup,
            _ => Blame::Session,
        }
    }
}
