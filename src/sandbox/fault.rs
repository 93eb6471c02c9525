//! Fault injection: errors, delays and broken connections on request.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::{
    listener::ResetHandle,
    rejection::{Rejection, Result, html},
};

/// Requests a fault for the request that carries it.
const FAULT_HEADER: &str = "x-sandbox-fault";

/// What goes wrong with a request or its response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Effect {
    /// The request is delayed, then carried out.
    Slow {
        /// The delay.
        milliseconds: u64,
    },
    /// An error with this HTTP status; the request is not carried out.
    Status {
        /// The status, 400 to 599.
        status: u16,
        /// The `retry-after` header.
        #[serde(default)]
        retry_after: Option<String>,
        /// The `x-should-retry` header.
        #[serde(default)]
        should_retry: Option<bool>,
    },
    /// The connection is reset before the request is carried out.
    Reset,
    /// The request is carried out, then the connection is reset.
    ResetAfter,
    /// The request is carried out, but only half of the response body is sent.
    Truncated,
    /// An HTML page, as gateways send it; the request is not carried out.
    Html {
        /// The status, which may be 200.
        status: u16,
    },
    /// An empty body; the request is not carried out.
    Empty {
        /// The status, which may be 200.
        status: u16,
    },
    /// A redirect; the request is not carried out.
    Redirect {
        /// The target URL.
        location: String,
    },
}

/// An [`Effect`] on the next matching requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub effect: Effect,
    /// How many requests are affected; 1 by default.
    #[serde(default = "default_times")]
    pub times: u32,
    /// Affects only requests with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Affects only requests whose path contains this.
    #[serde(default)]
    pub path: Option<String>,
}

fn default_times() -> u32 {
    1
}

impl Fault {
    /// The effect on the next request, whichever it is.
    pub fn new(effect: Effect) -> Self {
        Self { effect, times: 1, method: None, path: None }
    }

    /// The effect on that many requests.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The effect only on requests with this method whose path contains `path`.
    #[must_use]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.method = Some(method.to_owned());
        self.path = Some(path.to_owned());
        self
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let same_method = |wanted: &String| wanted.eq_ignore_ascii_case(method);
        self.times > 0
            && self.method.as_ref().is_none_or(same_method)
            && self.path.as_ref().is_none_or(|part| path.contains(part))
    }
}

/// Uses up the first pending fault that matches the request.
pub(super) fn take_matching(pending: &mut Vec<Fault>, method: &str, path: &str) -> Option<Effect> {
    let mut faults = pending.iter_mut();
    let fault = faults.find(|fault| fault.matches(method, path))?;
    fault.times -= 1;
    let effect = fault.effect.clone();
    pending.retain(|fault| fault.times > 0);
    Some(effect)
}

/// The effect that the request's own header asks for.
pub(super) fn from_header(headers: &HeaderMap) -> Result<Option<Effect>> {
    let Some(value) = headers.get(FAULT_HEADER) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let complaint = format!("{text:?} is not a fault");
    let effect = parse(text).ok_or_else(|| Rejection::field(FAULT_HEADER, complaint))?;
    Ok(Some(effect))
}

/// Parses `reset`, `slow=500`, `html`, `html=502`, `429`, `429;retry-after=1`, …
fn parse(text: &str) -> Option<Effect> {
    let mut parts = text.split(';').map(str::trim);
    let first = parts.next()?;
    let (name, value) = match first.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (first, None),
    };
    let status = |default: u16| {
        let status = value.map_or(Ok(default), str::parse).ok();
        status.filter(|status| (200..600).contains(status))
    };
    Some(match name {
        "slow" => Effect::Slow { milliseconds: value?.parse().ok()? },
        "reset" => Effect::Reset,
        "reset-after" => Effect::ResetAfter,
        "truncated" => Effect::Truncated,
        "html" => Effect::Html { status: status(502)? },
        "empty" => Effect::Empty { status: status(200)? },
        "redirect" => Effect::Redirect { location: value?.to_owned() },
        status => {
            let status = status.parse().ok()?;
            let (mut retry_after, mut should_retry) = (None, None);
            for part in parts {
                match part.split_once('=')? {
                    ("retry-after", value) => retry_after = Some(value.to_owned()),
                    ("should-retry", value) => should_retry = Some(value.parse().ok()?),
                    _ => return None,
                }
            }
            (400..600).contains(&status).then_some(Effect::Status {
                status,
                retry_after,
                should_retry,
            })?
        }
    })
}

impl Effect {
    /// Responds to a request; `handle` carries it out once polled.
    pub(super) async fn apply(
        self,
        handle: impl Future<Output = Response>,
        reset: &ResetHandle,
        render: impl Fn(Rejection) -> Response,
    ) -> Response {
        match self {
            Self::Slow { milliseconds } => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                handle.await
            }
            Self::Status { status, retry_after, should_retry } => {
                let mut response = render(Rejection::fault(status_code(status)));
                let headers = response.headers_mut();
                if let Some(value) = retry_after.and_then(|value| value.parse().ok()) {
                    headers.insert(header::RETRY_AFTER, value);
                }
                if let Some(retry) = should_retry {
                    let value = if retry { "true" } else { "false" };
                    headers.insert("x-should-retry", HeaderValue::from_static(value));
                }
                response
            }
            Self::Reset => {
                reset.reset();
                StatusCode::OK.into_response()
            }
            Self::ResetAfter => {
                handle.await;
                reset.reset();
                StatusCode::OK.into_response()
            }
            Self::Truncated => truncate(handle.await).await,
            Self::Html { status } => {
                let content_type = [(header::CONTENT_TYPE, "text/html")];
                let status = status_code(status);
                (status, content_type, html(status)).into_response()
            }
            Self::Empty { status } => status_code(status).into_response(),
            Self::Redirect { location } => {
                let location = [(header::LOCATION, location)];
                (StatusCode::TEMPORARY_REDIRECT, location).into_response()
            }
        }
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
}

/// Announces the whole body but breaks off half-way.
async fn truncate(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let length = HeaderValue::from(whole.len());
    parts.headers.insert(header::CONTENT_LENGTH, length);
    let half = whole.slice(..whole.len() / 2);
    let broken = stream::once(async {
        // Lets the first half leave before the connection is closed.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::other("truncated by a fault"))
    });
    let body = stream::once(async { Ok(half) }).chain(broken);
    Response::from_parts(parts, Body::from_stream(body))
}
