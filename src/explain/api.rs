//! The words for what the API, or the way to it, answered.

use std::time::Duration;

use serde_json::json;

use super::{
    explanation::{Words, whole_seconds, words as pair},
    names::read_before,
    vocabulary::Vocabulary,
};
use crate::{
    api::{ApiError, ApiErrorKind, HttpError},
    app::op::Op,
    domain::text,
};

/// Message and next step; `subject` names what was asked about.
pub(crate) fn words(subject: &str, error: &ApiError, vocabulary: &dyn Vocabulary) -> Words {
    match error.kind() {
        ApiErrorKind::Http(refused) => {
            http(subject, refused, error.retry_after(), error.request_id(), vocabulary)
        }
        ApiErrorKind::Redirected { status, host } => pair(
            format!(
                "the service answered with a redirect (HTTP {status}) to {}, which is not followed",
                host.as_deref().map_or("another place".to_owned(), text::word),
            ),
            "set the base URL to the service's final address",
        ),
        ApiErrorKind::Unreachable { cause } => pair(
            format!("the API could not be reached{}", quoted(cause)),
            "check the network, the proxy and the base URL, then try again",
        ),
        ApiErrorKind::TimedOut => pair(
            format!("the API did not answer about {subject} in time"),
            "try again; the operator can raise the call timeout with --timeout-seconds",
        ),
        ApiErrorKind::BadResponse { status, cause } => pair(
            format!("the answer about {subject} (HTTP {status}) cannot be used{}", quoted(cause)),
            "check that the base URL is a Sessions API",
        ),
        ApiErrorKind::CredentialsMissing { looked_for } => pair(
            format!("no credential was found; looked for, in order: {}", looked_for.join(", ")),
            "set ANTHROPIC_API_KEY in the MCP host's configuration of this server and restart it; \
             to try it without a key, start it with --sandbox",
        ),
        ApiErrorKind::Credentials { source, cause } => pair(
            {
                let (source, cause) = (text::one_line(source), text::one_line(cause));
                format!("the credential from {source} cannot be used: {cause}")
            },
            "correct it (log in again; make the files of a profile private with chmod 600), or set \
             ANTHROPIC_API_KEY, then restart this server",
        ),
        ApiErrorKind::InvalidConfiguration { variable, cause } => pair(
            format!("{variable} {}", text::one_line(cause)),
            "correct that setting in the MCP host's configuration of this server and restart it",
        ),
    }
}

/// An operation that the service does not have.
pub(crate) fn unsupported(error: &ApiError) -> Words {
    let status = error.http_status().unwrap_or_default();
    let place = error.place();
    let requested = place.map(|place| format!(": {} {}", place.method, text::one_line(&place.url)));
    let source = place.map_or("", |place| place.base_url_source.as_str());
    let from = match source {
        "default" => "the default".to_owned(),
        source => format!("set by {}", text::one_line(source)),
    };
    let usual_mistake = if place.is_some_and(|place| place.repeats_v1) {
        "take the /v1 off its end"
    } else {
        "a gateway for models has no sessions; /v1 at its end is the usual mistake"
    };
    pair(
        format!(
            "the service at this base URL has no such operation (HTTP {status}){}",
            requested.unwrap_or_default()
        ),
        format!("check the base URL, which is {from} ({usual_mistake}), then restart this server"),
    )
}

fn http(
    subject: &str,
    refused: &HttpError,
    retry_after: Option<Duration>,
    request_id: Option<&str>,
    vocabulary: &dyn Vocabulary,
) -> Words {
    let status = refused.status;
    let quoted = quoted(&refused.message);
    match status {
        401 => pair(
            format!("the API does not accept the credential{quoted}"),
            "check the API key or log in again, then restart this server",
        ),
        402 => pair(
            format!("the API asks for a payment first (HTTP 402){quoted}"),
            "settle the billing of the organization, then try again",
        ),
        407 => pair(
            format!("the proxy on the way to the API asks for a login (HTTP 407){quoted}"),
            "put user and password into the proxy's URL (HTTPS_PROXY), then restart this server",
        ),
        403 => pair(
            format!("the credential may not do this with {subject}{quoted}"),
            "use a credential of the workspace that owns the session",
        ),
        404 | 410 => pair(
            format!("{subject} does not exist, or the credential cannot see it"),
            vocabulary.step_or(
                Op::ListSessions,
                &[("include_archived", json!(true))],
                " to find the id",
                "check the id, and whose credential this is",
            ),
        ),
        409 | 412 => pair(
            format!("the API refuses this for {subject} in its present state{quoted}"),
            read_before("trying again", vocabulary),
        ),
        408 | 499 | 504 => {
            pair(format!("the API gave up on {subject} (HTTP {status})"), "try again")
        }
        413 => pair(
            format!("the API takes no request of this size for {subject} (HTTP 413){quoted}"),
            "give less at once: shorter texts, fewer tools",
        ),
        431 => pair(
            format!("the headers or the URL of the request are too long (HTTP 431){quoted}"),
            "use fewer or shorter filters; if it persists, the credential or a proxy adds too much",
        ),
        429 if refused.is_spending_limit() => pair(
            format!("a spending limit of the organization is reached{quoted}"),
            "do not try again before an administrator has raised the limit or a new period began",
        ),
        429 => pair(
            format!("the API's rate limit is reached{quoted}"),
            match retry_after {
                Some(wait) => format!("try again in {} s", whole_seconds(wait)),
                None => "try again in a minute".to_owned(),
            },
        ),
        503 | 529 => {
            pair(format!("the API is overloaded (HTTP {status})"), "try again in a minute")
        }
        500.. => pair(
            format!("the API failed on {subject} (HTTP {status}){quoted}"),
            match request_id {
                Some(_) => "try again; if it persists, pass the request id on to support",
                None => "try again; if it persists, report it to the operator of the service",
            },
        ),
        _ => pair(
            format!("the API rejects this for {subject} (HTTP {status}){quoted}"),
            "change what the message names, then try again",
        ),
    }
}

/// The service's own words as the end of a sentence, quoted so that nothing in them passes for a
/// step of ours.
fn quoted(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    format!(": {}", text::quoted_whole(message))
}
