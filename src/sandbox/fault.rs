//! Faults on request: what can go wrong between a client and the service, made to order.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::{
    quirks::Quirks,
    refusal::{Outcome, Refusal, html},
};

/// The request header that asks for a fault of this one answer.
pub(super) const FAULT_HEADER: &str = "x-sandbox-fault";

/// What happens instead of, or besides, the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Effect {
    /// The request is carried out after a pause.
    Slow {
        /// How long the pause is.
        milliseconds: u64,
    },
    /// An error with this HTTP status; the request is not carried out.
    Status {
        /// The status, 400 to 599.
        status: u16,
        /// The value of `retry-after`, if there is to be one.
        #[serde(default)]
        retry_after: Option<String>,
        /// The value of `x-should-retry`, if there is to be one.
        #[serde(default)]
        should_retry: Option<bool>,
    },
    /// The connection is reset before the request is carried out.
    Reset,
    /// The request is carried out, and the connection reset instead of an answer.
    ResetAfter,
    /// The request is carried out, and half of the answer arrives.
    Truncated,
    /// A page of HTML, as gateways answer; the request is not carried out.
    Html {
        /// The status, which may be 200.
        status: u16,
    },
    /// No body at all; the request is not carried out.
    Empty {
        /// The status, which may be 200.
        status: u16,
    },
    /// A redirect; the request is not carried out.
    Redirect {
        /// Where to.
        location: String,
    },
}

/// An [`Effect`] on the next answers that match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub effect: Effect,
    /// To how many answers; 1 if not given.
    #[serde(default = "once")]
    pub times: u32,
    /// Only to requests of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only to requests whose path contains this.
    #[serde(default)]
    pub path: Option<String>,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// The effect on the next answer, whatever the request.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            times: 1,
            method: None,
            path: None,
        }
    }

    /// The effect on that many answers.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// The effect only on requests of `method` whose path contains `path`.
    #[must_use]
    pub fn on(self, method: &str, path: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            ..self
        }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.times > 0
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self
                .path
                .as_ref()
                .is_none_or(|wanted| path.contains(wanted.as_str()))
    }
}

/// Takes the first pending effect for this request.
pub(super) fn take(pending: &mut Vec<Fault>, method: &str, path: &str) -> Option<Effect> {
    let fault = pending
        .iter_mut()
        .find(|fault| fault.matches(method, path))?;
    fault.times -= 1;
    let effect = fault.effect.clone();
    pending.retain(|fault| fault.times > 0);
    Some(effect)
}

/// The effect that the request itself asks for.
pub(super) fn asked_for(headers: &HeaderMap) -> Outcome<Option<Effect>> {
    let Some(value) = headers.get(FAULT_HEADER) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let wrong = || Refusal::invalid(format!("{FAULT_HEADER}: {text:?} is not a fault"));
    effect(text).map(Some).ok_or_else(wrong)
}

/// Reads `reset`, `slow=500`, `html`, `html=502`, `429`, `429;retry-after=1`, …
fn effect(text: &str) -> Option<Effect> {
    let mut parts = text.split(';').map(str::trim);
    let (name, value) = match parts.next()?.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text.split(';').next()?.trim(), None),
    };
    let status = |default: u16| match value {
        Some(value) => value
            .parse()
            .ok()
            .filter(|status| (200..600).contains(status)),
        None => Some(default),
    };
    match name {
        "slow" => Some(Effect::Slow {
            milliseconds: value?.parse().ok()?,
        }),
        "reset" => Some(Effect::Reset),
        "reset-after" => Some(Effect::ResetAfter),
        "truncated" => Some(Effect::Truncated),
        "html" => Some(Effect::Html {
            status: status(502)?,
        }),
        "empty" => Some(Effect::Empty {
            status: status(200)?,
        }),
        "redirect" => Some(Effect::Redirect {
            location: value?.to_owned(),
        }),
        number => {
            let mut retry_after = None;
            let mut should_retry = None;
            for part in parts {
                match part.split_once('=')? {
                    ("retry-after", value) => retry_after = Some(value.to_owned()),
                    ("should-retry", value) => should_retry = Some(value.parse().ok()?),
                    _ => return None,
                }
            }
            let status = number
                .parse()
                .ok()
                .filter(|status| (400..600).contains(status))?;
            Some(Effect::Status {
                status,
                retry_after,
                should_retry,
            })
        }
    }
}

impl Effect {
    /// The pause before the request is carried out.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::Slow { milliseconds } => Some(Duration::from_millis(*milliseconds)),
            _ => None,
        }
    }

    /// The answer given without carrying out the request.
    pub(super) fn instead(&self, request_id: &str, quirks: &Quirks) -> Option<Response> {
        let code = |status: u16| StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        match self {
            Self::Status {
                status,
                retry_after,
                should_retry,
            } => {
                let refusal = Refusal::fault(code(*status));
                let mut response = refusal.dressed(request_id, quirks);
                let headers = response.headers_mut();
                if let Some(value) = retry_after.as_deref().and_then(|v| v.parse().ok()) {
                    headers.insert(header::RETRY_AFTER, value);
                }
                if let Some(retry) = should_retry {
                    let value = HeaderValue::from_static(if *retry { "true" } else { "false" });
                    headers.insert(HeaderName::from_static("x-should-retry"), value);
                }
                Some(response)
            }
            Self::Html { status } => {
                let kind = [(header::CONTENT_TYPE, "text/html")];
                Some((code(*status), kind, html(code(*status))).into_response())
            }
            Self::Empty { status } => Some(code(*status).into_response()),
            Self::Redirect { location } => {
                let location = [(header::LOCATION, location.as_str())];
                Some((StatusCode::TEMPORARY_REDIRECT, location).into_response())
            }
            Self::Slow { .. } | Self::Reset | Self::ResetAfter | Self::Truncated => None,
        }
    }
}

/// Promises the whole body and breaks off in the middle of it.
pub(super) async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    // The pause lets the first half leave before the connection goes.
    let broken = stream::once(async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut short on request"))
    });
    let body = stream::once(async { Ok(half) }).chain(broken);
    Response::from_parts(parts, Body::from_stream(body))
}
