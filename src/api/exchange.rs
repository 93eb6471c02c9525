//! A request and its tries: repeated within its time, read, and told truthfully.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::{Duration, SystemTime},
};

use http::{HeaderMap, Method};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use crate::api::{
    ApiError, ApiResponse, Counter, body,
    body::Unread,
    credentials::Secret,
    retry,
    retry::{Outcome, Repeat},
    transport::chain,
};

/// A request as it is sent.
pub(crate) struct Prepared {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) repeat: Repeat,
}

/// A call that failed, and the last earlier try of it that the service may have carried out.
pub(crate) struct Failure {
    pub(crate) error: ApiError,
    pub(crate) earlier: Option<ApiError>,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self {
            error,
            earlier: None,
        }
    }
}

/// What became of a call, told truthfully: when an earlier try may have been carried out, the
/// refusal of its repetition does not mean that nothing happened.
impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure {
                error: ApiError::Refused { status, message, .. },
                earlier: Some(earlier),
            } if matches!(status, 400..=499) && !matches!(status, 408 | 429) => {
                earlier.with_note(&format!(
                    "it may have been carried out; repeated, it was refused (HTTP {status}: {message})"
                ))
            }
            // Limits and overload say nothing about the try before.
            Failure {
                error: error @ ApiError::Refused { .. },
                earlier: Some(_),
            } => error.in_doubt(),
            Failure {
                error,
                earlier: Some(earlier),
            } if !error.may_have_acted() => {
                earlier.with_note(&format!("it may have been carried out; repeated, {error}"))
            }
            Failure { error, .. } => error,
        }
    }
}

/// Why the body of a success is none.
pub(crate) enum Unreadable {
    /// It ends too early: a lost connection in disguise.
    CutShort,
    /// One clause.
    Wrong(String),
}

/// Makes something of the body of a success.
pub(crate) type Read<T> = fn(&[u8]) -> Result<T, Unreadable>;

/// What a request may cost.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    pub(crate) policy: retry::Policy,
    pub(crate) request_timeout: Duration,
    /// Nothing is waited for beyond it, and no wait is begun that would end after it.
    pub(crate) deadline: Instant,
    /// Told of every request that is sent.
    pub(crate) counter: Option<&'a Counter>,
}

impl Failure {
    /// Without the credential, should the service have echoed it.
    pub(crate) fn scrubbed(self, secret: &Secret) -> Self {
        Self {
            error: self.error.scrubbed(secret),
            earlier: self.earlier.map(|error| error.scrubbed(secret)),
        }
    }
}

/// One try that failed.
struct Failed {
    error: ApiError,
    /// `None`: trying again would end the same way.
    outcome: Option<Outcome>,
    headers: HeaderMap,
}

/// Tries a request until it succeeds, need not be tried again, or the time is up.
pub(crate) async fn exchange<T>(
    http: &reqwest::Client,
    prepared: &Prepared,
    limits: Limits<'_>,
    read: Read<T>,
) -> Result<ApiResponse<T>, Failure> {
    let mut earlier = None;
    let mut attempt = 0;
    loop {
        let started = Instant::now();
        if started >= limits.deadline {
            let error = ApiError::TimedOut;
            return Err(Failure { error, earlier });
        }
        let Failed {
            error,
            outcome,
            headers,
        } = match attempt_once(http, prepared, limits, read).await {
            Ok(answer) => {
                tracing::debug!(
                    method = %prepared.method,
                    path = prepared.url.path(),
                    attempt,
                    request_id = answer.request_id,
                    milliseconds = started.elapsed().as_millis(),
                    "a request succeeded"
                );
                return Ok(answer);
            }
            Err(failed) => failed,
        };
        // Neither query nor bodies: they are content, and logs outlive it.
        tracing::debug!(
            method = %prepared.method,
            path = prepared.url.path(),
            attempt,
            status = error.http_status(),
            request_id = error.request_id(),
            milliseconds = started.elapsed().as_millis(),
            "a request failed"
        );
        let wait = outcome.and_then(|outcome| {
            let (policy, now) = (&limits.policy, SystemTime::now());
            retry::decide(
                policy,
                prepared.repeat,
                outcome,
                &headers,
                attempt,
                now,
                jitter(),
            )
        });
        match wait {
            // A wait that does not fit is reported instead of slept, with what the service said.
            Some(wait) if Instant::now() + wait < limits.deadline => sleep(wait).await,
            _ => return Err(Failure { error, earlier }),
        }
        // A read acts on nothing, so its last answer is the whole truth.
        if prepared.method != Method::GET && outcome.is_some_and(Outcome::may_have_acted) {
            earlier = Some(error);
        }
        attempt += 1;
    }
}

async fn attempt_once<T>(
    http: &reqwest::Client,
    prepared: &Prepared,
    limits: Limits<'_>,
    read: Read<T>,
) -> Result<ApiResponse<T>, Failed> {
    let until = limits.deadline.min(after(limits.request_timeout));
    let failed = |error, outcome| Failed {
        error,
        outcome,
        headers: HeaderMap::new(),
    };
    let mut request = http
        .request(prepared.method.clone(), prepared.url.clone())
        .headers(prepared.headers.clone());
    if let Some(body) = &prepared.body {
        request = request.body(body.clone());
    }
    if let Some(count) = limits.counter {
        count();
    }
    let mut response = match timeout_at(until, request.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(unreachable(error, &prepared.url)),
        Err(_) => return Err(failed(ApiError::TimedOut, Some(Outcome::Lost))),
    };

    let (status, headers) = (response.status(), response.headers().clone());
    if status.is_redirection() {
        return Err(failed(
            body::redirect(status, &headers, &prepared.url),
            None,
        ));
    }
    if !status.is_success() {
        let text = body::read_refusal(&mut response, until).await;
        return Err(Failed {
            error: body::refusal(status, &headers, &text),
            outcome: Some(Outcome::Status(status.as_u16())),
            headers,
        });
    }

    let request_id = body::request_id(&headers);
    let date = body::date(&headers);
    let bad = |cause: String, outcome| {
        let (status, request_id) = (status.as_u16(), request_id.clone());
        let error = ApiError::BadResponse {
            status,
            cause,
            request_id,
        };
        failed(error, outcome)
    };
    let text = timeout_at(until, body::read(&mut response)).await;
    // Where the status is all that counts, a body that cannot be had does not matter.
    if !matches!(text, Ok(Ok(_)))
        && let Ok(body) = read(b"")
    {
        return Ok(ApiResponse {
            body,
            request_id,
            date,
        });
    }
    let text = match text {
        Ok(Ok(text)) => text,
        Ok(Err(Unread::TooLarge)) => {
            let mebibytes = body::LARGEST >> 20;
            let cause = format!("the answer is larger than {mebibytes} MiB");
            return Err(bad(cause, None));
        }
        Ok(Err(Unread::CutShort(error))) => {
            let cause = chain(&error.without_url());
            let cause = format!("the answer could not be read to its end: {cause}");
            return Err(bad(cause, Some(Outcome::Lost)));
        }
        Err(_) => return Err(failed(ApiError::TimedOut, Some(Outcome::Lost))),
    };
    match read(&text) {
        Ok(body) => Ok(ApiResponse {
            body,
            request_id,
            date,
        }),
        Err(Unreadable::CutShort) => Err(bad(
            "the answer ends before it is complete".to_owned(),
            Some(Outcome::Lost),
        )),
        Err(Unreadable::Wrong(cause)) => Err(bad(cause, None)),
    }
}

/// A request without an answer.
fn unreachable(error: reqwest::Error, url: &Url) -> Failed {
    let host = url.host_str().unwrap_or_default().to_owned();
    let sent = !(error.is_connect() || error.is_builder());
    let cause = chain(&error.without_url());
    let (cause, outcome) = if sent {
        let cause = format!("the connection to {host} was lost before an answer came: {cause}");
        (cause, Outcome::Lost)
    } else {
        let cause = format!("no connection to {host}: {cause}");
        (cause, Outcome::NotSent)
    };
    Failed {
        error: ApiError::Unreachable { cause },
        outcome: Some(outcome),
        headers: HeaderMap::new(),
    }
}

/// A number from 0 to 1, different from call to call; not worth a dependency.
fn jitter() -> f64 {
    let [byte, ..] = RandomState::new().hash_one(0_u8).to_le_bytes();
    f64::from(byte) / 255.0
}

/// The moment so far from now; a time without end is a year.
pub(crate) fn after(time: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    Instant::now() + time.min(YEAR)
}
