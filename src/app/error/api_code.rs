//! The code of a failed request.

use crate::{
    api::{ApiError, ApiErrorKind, HttpError},
    domain::code::Code,
};

/// The code that the API itself gives, where it has one of ours.
fn stated_code(refused: &HttpError) -> Option<Code> {
    match refused.error_code.as_deref()? {
        "workflow_run_open" => Some(Code::WorkflowRunOpen),
        "budget_create_only" => Some(Code::BudgetCreateOnly),
        "budget_not_raised" => Some(Code::BudgetNotRaised),
        _ => None,
    }
}

/// By what the API states, else by the status or by what went wrong on the way.
pub(super) fn api_code(error: &ApiError) -> Code {
    if let ApiErrorKind::Http(refused) = error.kind()
        && let Some(code) = stated_code(refused)
    {
        return code;
    }
    match error.kind() {
        ApiErrorKind::Http(refused) => match refused.status {
            401 => Code::Unauthorized,
            402 | 403 | 407 => Code::Forbidden,
            404 | 410 => Code::NotFound,
            405 | 501 => Code::Unsupported,
            409 | 412 => Code::Conflict,
            408 | 499 | 504 => Code::TimedOut,
            429 => Code::RateLimited,
            503 | 529 => Code::Overloaded,
            500.. => Code::ApiError,
            _ => Code::Rejected,
        },
        ApiErrorKind::Redirected { .. } | ApiErrorKind::BadResponse { .. } => Code::BadResponse,
        ApiErrorKind::Unreachable { .. } => Code::ApiUnreachable,
        ApiErrorKind::TimedOut => Code::TimedOut,
        ApiErrorKind::CredentialsMissing { .. } => Code::CredentialsMissing,
        ApiErrorKind::Credentials { .. } => Code::Unauthorized,
        ApiErrorKind::InvalidConfiguration { .. } => Code::InvalidConfiguration,
    }
}
