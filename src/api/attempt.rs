//! Sends a request until it succeeds, must not be repeated, or its time is up.

use std::time::{Duration, SystemTime};

use http::Method;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::api::{
    body,
    body::{BodyError, ReadBody},
    error::{Acted, ApiError, ApiErrorKind},
    request::PreparedRequest,
    response::{ApiResponse, http_error, redirect, request_id},
    retry::{AttemptOutcome, Hints, Policy},
    settings::{RateLimits, RequestOptions},
    transport::chain,
};

/// What sending a request may take.
pub(crate) struct SendOptions<'a> {
    pub(crate) policy: Policy,
    pub(crate) attempt_timeout: Duration,
    /// No attempt and no delay goes on beyond it.
    pub(crate) deadline: Instant,
    pub(crate) caller: &'a RequestOptions,
}

struct FailedAttempt {
    error: ApiError,
    outcome: AttemptOutcome,
    hints: Hints,
}

impl FailedAttempt {
    fn new(error: impl Into<ApiError>, outcome: AttemptOutcome) -> Self {
        Self { error: error.into(), outcome, hints: Hints::default() }
    }

    fn timed_out() -> Self {
        Self::new(ApiErrorKind::TimedOut, AttemptOutcome::ResponseLost)
    }
}

pub(crate) async fn send<T>(
    http: &reqwest::Client,
    prepared: &PreparedRequest<'_>,
    options: &SendOptions<'_>,
    body: &impl ReadBody<T>,
) -> Result<ApiResponse<T>, ApiError> {
    let mut attempt = 0;
    loop {
        let started = Instant::now();
        if started >= options.deadline {
            return Err(ApiError::timed_out());
        }
        let result = attempt_once(http, prepared, options, body).await;
        let (status, id) = match &result {
            Ok(response) => (None, response.request_id.as_deref()),
            Err(failed) => (failed.error.http_status(), failed.error.request_id()),
        };
        // Neither query nor bodies: logs must not hold content.
        tracing::debug!(
            method = %prepared.request.method,
            path = prepared.secret.scrub(prepared.url.path()),
            attempt,
            status,
            request_id = id,
            milliseconds = started.elapsed().as_millis(),
            "request {}", if result.is_ok() { "succeeded" } else { "failed" }
        );
        let failed = match result {
            Ok(response) => return Ok(response),
            Err(failed) => failed,
        };
        let (outcome, hints) = (failed.outcome, failed.hints);
        let acted = if prepared.request.method != Method::GET && outcome.may_have_acted() {
            Acted::Unknown
        } else {
            Acted::No
        };
        let repeatable = outcome.is_transient() && hints.should_retry != Some(false);
        let error = failed.error.scrubbed(&prepared.secret).with_acted(acted);
        let error = error.worth_repeating(repeatable);
        let is_limit = outcome == AttemptOutcome::Status(429);
        if is_limit && options.caller.rate_limits == RateLimits::Return {
            return Err(error);
        }
        let policy = options.policy;
        match policy.delay(prepared.request.repeat, outcome, hints, attempt, jitter()) {
            Some(delay) if Instant::now() + delay < options.deadline => sleep(delay).await,
            // A delay beyond the deadline is left to the caller, with what the service asks for.
            _ => return Err(error),
        }
        attempt += 1;
    }
}

async fn attempt_once<T>(
    http: &reqwest::Client,
    prepared: &PreparedRequest<'_>,
    options: &SendOptions<'_>,
    body: &impl ReadBody<T>,
) -> Result<ApiResponse<T>, FailedAttempt> {
    let deadline = options.deadline.min(after(options.attempt_timeout));
    let mut builder = http
        .request(prepared.request.method.clone(), prepared.url.clone())
        .headers(prepared.headers.clone());
    if let Some(body) = &prepared.request.body {
        builder = builder.body(body.clone());
    }
    if let Some(on_request) = &options.caller.on_request {
        on_request(&prepared.request.method);
    }
    let mut response = match timeout_at(deadline, builder.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(unreachable(error, &prepared.url)),
        Err(_) => return Err(FailedAttempt::timed_out()),
    };
    let (status, headers) = (response.status(), response.headers().clone());
    let outcome = AttemptOutcome::Status(status.as_u16());
    if status.is_redirection() {
        let error = redirect(status, &headers, &prepared.url, &prepared.secret);
        return Err(FailedAttempt::new(error, outcome));
    }
    if !status.is_success() {
        let mut hints = Hints::read(&headers, SystemTime::now());
        let body = body::read_error(&mut response, deadline).await;
        let error = http_error(status, &headers, &body, &prepared.secret)
            .with_retry_after(hints.retry_after);
        if error.is_spending_limit() {
            hints.should_retry = Some(false);
        }
        return Err(FailedAttempt { error, outcome, hints });
    }
    let (cause, outcome) = match body.read(response, deadline).await {
        Ok(body) => return Ok(ApiResponse::new(body, &headers, &prepared.secret)),
        Err(BodyError::TimedOut) => return Err(FailedAttempt::timed_out()),
        Err(BodyError::Truncated(cause)) => (cause, AttemptOutcome::ResponseLost),
        Err(BodyError::Invalid(cause)) => (cause, outcome),
    };
    let error =
        ApiError::bad_response(status.as_u16(), cause, request_id(&headers, &prepared.secret));
    Err(FailedAttempt::new(error, outcome))
}

fn unreachable(error: reqwest::Error, url: &Url) -> FailedAttempt {
    let host = url.host_str().unwrap_or_default();
    let is_sent = !(error.is_connect() || error.is_builder());
    let cause = chain(&error.without_url());
    let (cause, outcome) = if is_sent {
        let cause = format!("the connection to {host} was lost before a response came: {cause}");
        (cause, AttemptOutcome::ResponseLost)
    } else {
        let cause = format!("no connection to {host}: {cause}");
        (cause, AttemptOutcome::NotSent)
    };
    FailedAttempt::new(ApiErrorKind::Unreachable { cause }, outcome)
}

pub(crate) fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

/// The instant `time` from now, at most a year.
pub(crate) fn after(time: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    Instant::now() + time.min(YEAR)
}
