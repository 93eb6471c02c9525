//! The words for what the API, or the way to it, answered.

use std::time::Duration;

use crate::{api::ApiError, domain::text};

/// Code, message and next step.
type Words = (&'static str, String, String);

/// Code, message and next step of what the API answered.
pub(super) fn words(what: &str, error: &ApiError) -> Words {
    match error {
        ApiError::Refused {
            status,
            message,
            retry_after,
            ..
        } => refused(what, *status, message, *retry_after),
        ApiError::Redirected { status, host, .. } => (
            "bad_response",
            format!(
                "the service answered with a redirect (HTTP {status}) to {}, which is not followed",
                host.as_deref()
                    .map_or("another place".into(), text::visible),
            ),
            "set the base URL to the service's final address".to_owned(),
        ),
        ApiError::Unreachable { cause } => (
            "api_unreachable",
            format!("the API could not be reached{}", said(cause)),
            "check the network, the proxy and the base URL, then try again".to_owned(),
        ),
        ApiError::TimedOut => (
            "timed_out",
            format!("the API did not answer about {what} in time"),
            "try again; the operator can give calls more time with --timeout-seconds".to_owned(),
        ),
        ApiError::BadResponse { status, cause, .. } => (
            "bad_response",
            format!(
                "the answer about {what} (HTTP {status}) cannot be used{}",
                said(cause)
            ),
            "check that the base URL is a Sessions API".to_owned(),
        ),
        ApiError::CredentialsMissing { looked_for } => (
            "credentials_missing",
            format!(
                "no credential was found; looked for, in order: {}",
                looked_for.join(", ")
            ),
            "set ANTHROPIC_API_KEY in the MCP host's configuration of this server and restart it"
                .to_owned(),
        ),
        ApiError::Credentials { source, cause } => (
            "unauthorized",
            format!("the credential from {source} cannot be used: {cause}"),
            "correct it, or set ANTHROPIC_API_KEY, then restart this server".to_owned(),
        ),
        ApiError::InvalidConfiguration { variable, cause } => (
            "invalid_configuration",
            format!("{variable} {cause}"),
            "correct that setting in the MCP host's configuration of this server and restart it"
                .to_owned(),
        ),
    }
}

/// What an HTTP status of 400 or more means.
fn refused(what: &str, status: u16, message: &str, retry_after: Option<Duration>) -> Words {
    let said = said(message);
    match status {
        401 => (
            "unauthorized",
            format!("the API does not accept the credential{said}"),
            "check the API key or log in again, then restart this server".to_owned(),
        ),
        402 | 403 => (
            "forbidden",
            format!("the credential may not do this with {what}{said}"),
            "use a credential of the workspace that owns the session".to_owned(),
        ),
        404 => (
            "not_found",
            format!("{what} does not exist, or the credential cannot see it"),
            "call list_sessions with {\"include_archived\":true} to find the id".to_owned(),
        ),
        409 => (
            "conflict",
            format!("the API refuses this for {what} in its present state{said}"),
            "read it with get_session, then try again".to_owned(),
        ),
        408 | 504 => (
            "timed_out",
            format!("the API gave up on {what} (HTTP {status})"),
            "try again".to_owned(),
        ),
        429 => (
            "rate_limited",
            format!("the API's rate limit is reached{said}"),
            match retry_after {
                Some(wait) => format!("try again in {} s", super::whole_seconds(wait)),
                None => "try again in a minute".to_owned(),
            },
        ),
        503 | 529 => (
            "overloaded",
            format!("the API is overloaded (HTTP {status})"),
            "try again in a minute".to_owned(),
        ),
        500.. => (
            "api_error",
            format!("the API failed on {what} (HTTP {status}){said}"),
            "try again; if it stays so, pass the request id on to support".to_owned(),
        ),
        _ => (
            "rejected",
            format!("the API rejects this for {what} (HTTP {status}){said}"),
            "change what the message names, then try again".to_owned(),
        ),
    }
}

/// The service's own words, as the end of a sentence.
fn said(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    // Quoted, so that nothing in them can be taken for a step of ours.
    format!(": {}", text::quoted_whole(message))
}
