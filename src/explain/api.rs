//! The words for what the API, or the way to it, answered.

use std::time::Duration;

use crate::{
    api::{Acted, ApiError, ApiErrorKind, HttpError},
    domain::{step::Step, text},
};

/// Code, message and next step.
type Words = (&'static str, String, Step);

/// Code, message and next step of what the API answered.
pub(crate) fn words(what: &str, error: &ApiError) -> Words {
    let (code, message, next) = words_of(what, error);
    match (error.kind(), error.acted()) {
        (ApiErrorKind::Http(_), Acted::Unknown) => {
            let wait = error.retry_after().map_or_else(String::new, |wait| {
                format!(", in {} s", super::whole_seconds(wait))
            });
            (
                code,
                format!("{message}; it may have been carried out"),
                read_before(&format!("repeating the change{wait}")),
            )
        }
        _ => (code, message, next),
    }
}

fn words_of(what: &str, error: &ApiError) -> Words {
    match error.kind() {
        ApiErrorKind::Http(HttpError {
            status, message, ..
        }) => refused(
            what,
            *status,
            message,
            error.retry_after(),
            error.request_id(),
        ),
        ApiErrorKind::Redirected { status, host, .. } => (
            "bad_response",
            format!(
                "the service answered with a redirect (HTTP {status}) to {}, which is not followed",
                host.as_deref()
                    .map_or("another place".into(), text::visible),
            ),
            "set the base URL to the service's final address".into(),
        ),
        ApiErrorKind::Unreachable { cause } => (
            "api_unreachable",
            format!("the API could not be reached{}", said(cause)),
            "check the network, the proxy and the base URL, then try again".into(),
        ),
        ApiErrorKind::TimedOut => (
            "timed_out",
            format!("the API did not answer about {what} in time"),
            "try again; the operator can give calls more time with --timeout-seconds".into(),
        ),
        ApiErrorKind::BadResponse { status, cause, .. } => (
            "bad_response",
            format!(
                "the answer about {what} (HTTP {status}) cannot be used{}",
                said(cause)
            ),
            "check that the base URL is a Sessions API".into(),
        ),
        ApiErrorKind::CredentialsMissing { looked_for } => (
            "credentials_missing",
            format!(
                "no credential was found; looked for, in order: {}",
                looked_for.join(", ")
            ),
            "set ANTHROPIC_API_KEY in the MCP host's configuration of this server and restart it; \
             to try it without a key, start it with --sandbox"
                .into(),
        ),
        ApiErrorKind::Credentials { source, cause } => (
            "unauthorized",
            format!("the credential from {source} cannot be used: {cause}"),
            "correct it, or set ANTHROPIC_API_KEY, then restart this server".into(),
        ),
        ApiErrorKind::InvalidConfiguration { variable, cause } => (
            "invalid_configuration",
            format!("{variable} {cause}"),
            "correct that setting in the MCP host's configuration of this server and restart it"
                .into(),
        ),
    }
}

/// What an HTTP status of 400 or more means.
fn refused(
    what: &str,
    status: u16,
    message: &str,
    retry_after: Option<Duration>,
    request_id: Option<&str>,
) -> Words {
    let said = said(message);
    match status {
        401 => (
            "unauthorized",
            format!("the API does not accept the credential{said}"),
            "check the API key or log in again, then restart this server".into(),
        ),
        402 | 403 => (
            "forbidden",
            format!("the credential may not do this with {what}{said}"),
            "use a credential of the workspace that owns the session".into(),
        ),
        404 => (
            "not_found",
            format!("{what} does not exist, or the credential cannot see it"),
            Step::from("call list_sessions with {\"include_archived\":true} to find the id")
                .or("check the id, and whose credential this is"),
        ),
        409 => (
            "conflict",
            format!("the API refuses this for {what} in its present state{said}"),
            read_before("trying again"),
        ),
        408 | 504 => (
            "timed_out",
            format!("the API gave up on {what} (HTTP {status})"),
            "try again".into(),
        ),
        429 => (
            "rate_limited",
            format!("the API's rate limit is reached{said}"),
            match retry_after {
                Some(wait) => format!("try again in {} s", super::whole_seconds(wait)).into(),
                None => "try again in a minute".into(),
            },
        ),
        503 | 529 => (
            "overloaded",
            format!("the API is overloaded (HTTP {status})"),
            "try again in a minute".into(),
        ),
        500.. => (
            "api_error",
            format!("the API failed on {what} (HTTP {status}){said}"),
            match request_id {
                Some(_) => "try again; if it stays so, pass the request id on to support",
                None => "try again; if it stays so, report it to the operator of the service",
            }
            .into(),
        ),
        _ => (
            "rejected",
            format!("the API rejects this for {what} (HTTP {status}){said}"),
            "change what the message names, then try again".into(),
        ),
    }
}

/// What became of something is only seen by looking.
pub(crate) fn read_before(what_is_next: &str) -> Step {
    Step::from(format!(
        "read the session with get_session before {what_is_next}"
    ))
    .or(format!(
        "call diagnose_session to see the session before {what_is_next}"
    ))
    .or(format!("see what became of it before {what_is_next}"))
}

/// The service's own words, as the end of a sentence.
fn said(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    // Quoted, so that nothing in them can be taken for a step of ours.
    format!(": {}", text::quoted_whole(message))
}

#[cfg(test)]
mod tests {
    use crate::{
        api::{Acted, ApiError, ApiErrorKind, HttpError},
        domain::step::LeftOut,
        explain::api::words,
    };

    #[test]
    fn a_step_speaks_of_what_there_is() {
        let check = |status, id: Option<&str>, in_doubt, expected: &str| {
            let error = ApiError::from(ApiErrorKind::Http(HttpError {
                status,
                error_type: None,
                message: String::new(),
            }));
            let acted = if in_doubt { Acted::Unknown } else { Acted::No };
            let error = error
                .with_request_id(id.map(str::to_owned))
                .with_acted(acted);
            let (_, message, next) = words("session s", &error);
            assert_eq!(next.on(&LeftOut::default()), expected);
            assert_eq!(message.contains("may have been carried out"), in_doubt);
        };
        check(
            500,
            Some("req_1"),
            false,
            "try again; if it stays so, pass the request id on to support",
        );
        check(
            500,
            None,
            false,
            "try again; if it stays so, report it to the operator of the service",
        );
        check(529, None, false, "try again in a minute");
        let read = "read the session with get_session before repeating the change";
        check(529, None, true, read);
        check(429, None, true, read);
    }
}
