//! Whether to try again, and after how long: a pure function, the rules of the official SDKs.

use http::HeaderMap;
use std::time::{Duration, SystemTime};

/// How often and how patiently a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Repetitions after the first try.
    pub retries: u32,
    /// The first wait when the service names none; doubled from one to the next.
    pub base: Duration,
    /// The longest wait of our own; one that the service names may be longer.
    pub longest: Duration,
    /// Whether a 429 is waited for and repeated, or left to the caller, who slows down all of its
    /// work and not only this request.
    pub waits_at_limits: bool,
}

impl Default for Policy {
    /// What the official SDKs do: two repetitions, 0.5 s doubling to at most 8 s.
    fn default() -> Self {
        Self {
            retries: 2,
            base: Duration::from_millis(500),
            longest: Duration::from_secs(8),
            waits_at_limits: true,
        }
    }
}

/// Whether a request may arrive twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Twice is the same as once: reads, and writes of a complete value.
    Harmless,
    /// Twice is more than once: repeated only when the first cannot have been carried out.
    OnlyIfNotDone,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The request never left: no DNS, no connection, no TLS.
    NotSent,
    /// The request left, and no complete answer came: reset, cut short, too late.
    Lost,
    /// An answer with this HTTP status.
    Status(u16),
}

impl Outcome {
    /// Whether the service may have carried out the request, though it did not say so.
    #[must_use]
    pub fn may_have_acted(self) -> bool {
        match self {
            Self::NotSent => false,
            Self::Lost => true,
            // A gateway that gives up says nothing about the server behind it; a 429 is said
            // before anything is done.
            Self::Status(status) => matches!(status, 408 | 500..),
        }
    }
}

/// How long to wait before the next try, or `None` to let it be.
///
/// `attempt` is 0 for the first try that ended; `jitter` (0 to 1) shortens a wait of our own by
/// up to a quarter, so that many clients do not come back at once. Retried are lost connections,
/// 408, 429 and 5xx; `x-should-retry` overrules that in both directions. 409 is a state, and
/// trying again does not change it (the official SDKs do try).
#[must_use]
pub fn decide(
    policy: &Policy,
    repeat: Repeat,
    outcome: Outcome,
    headers: &HeaderMap,
    attempt: u32,
    now: SystemTime,
    jitter: f64,
) -> Option<Duration> {
    if attempt >= policy.retries || !wanted(repeat, outcome, headers) {
        return None;
    }
    if outcome == Outcome::Status(429) && !policy.waits_at_limits {
        return None;
    }
    Some(match retry_after(headers, now) {
        Some(wait) if !wait.is_zero() => wait,
        _ => {
            let doubled = policy.base.saturating_mul(2_u32.saturating_pow(attempt));
            let wait = doubled.min(policy.longest);
            wait.mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0))
        }
    })
}

fn wanted(repeat: Repeat, outcome: Outcome, headers: &HeaderMap) -> bool {
    match headers
        .get("x-should-retry")
        .map(http::HeaderValue::as_bytes)
    {
        Some(b"true") => return true,
        Some(b"false") => return false,
        _ => {}
    }
    let transient = match outcome {
        Outcome::NotSent | Outcome::Lost => true,
        Outcome::Status(status) => matches!(status, 408 | 429 | 500..),
    };
    transient && (repeat == Repeat::Harmless || !outcome.may_have_acted())
}

/// How long the service asks to be left alone: `retry-after-ms`, else `retry-after` in seconds
/// (fractions too) or as an HTTP date, which counts from the answer's own `date` where it has one:
/// the clocks of two machines differ. `None` when it does not say, or not readably; a time that has
/// passed is zero.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name| text(name)?.parse::<f64>().ok();
    if let Some(wait) = number("retry-after-ms").and_then(|ms| seconds(ms / 1000.0)) {
        return Some(wait);
    }
    if let Some(wait) = number("retry-after") {
        return seconds(wait);
    }
    let date = |name| httpdate::parse_http_date(text(name)?).ok();
    let sent = date("date").unwrap_or(now);
    Some(
        date("retry-after")?
            .duration_since(sent)
            .unwrap_or_default(),
    )
}

/// A number of seconds that a service sent, which may be anything.
fn seconds(number: f64) -> Option<Duration> {
    const DAY: f64 = 86_400.0;
    // Longer than a day means the same to every caller, and must not overflow.
    number
        .is_finite()
        .then(|| Duration::from_secs_f64(number.clamp(0.0, DAY)))
}

#[cfg(test)]
mod tests;
