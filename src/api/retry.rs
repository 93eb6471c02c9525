//! Whether to retry, and after how long: pure functions, with the rules of the official SDKs.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

/// How often and after how long a request is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Retries after the first attempt.
    pub retries: u32,
    /// The first delay when the service names none; doubled for each further one.
    pub base: Duration,
    /// The longest delay of our own; one that the service names may be longer.
    pub longest: Duration,
}

impl Default for Policy {
    /// Like the official SDKs: two retries, 0.5 s doubling to at most 8 s.
    fn default() -> Self {
        Self { retries: 2, base: Duration::from_millis(500), longest: Duration::from_secs(8) }
    }
}

/// Whether the client sends a request again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Yes, twice has the effect of once: reads.
    Idempotent,
    /// Only after an attempt that cannot have been carried out.
    IfNotActed,
    /// No, whatever the service says about retrying: a write is decided on anew before it is sent
    /// again, since what it was decided on may have changed.
    Never,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The request was never sent: no DNS, no connection, no TLS.
    NotSent,
    /// The request was sent, and no complete response came: reset, cut short, too late.
    ResponseLost,
    /// A response with this HTTP status.
    Status(u16),
}

impl AttemptOutcome {
    /// Whether another attempt may end differently.
    pub(crate) fn is_transient(self) -> bool {
        match self {
            Self::NotSent | Self::ResponseLost => true,
            Self::Status(501) => false,
            Self::Status(status) => matches!(status, 408 | 429 | 500..),
        }
    }

    /// Whether the service may have carried out the request of this failed attempt.
    pub(crate) fn may_have_acted(self) -> bool {
        match self {
            // 501: there is no such operation.
            Self::NotSent | Self::Status(501) => false,
            Self::ResponseLost => true,
            // 2xx: a success whose body is unusable. 408 and 5xx: a gateway that gives up knows
            // nothing about the server behind it, and 499 is what some write when the way back
            // broke. A 429 comes before anything is done.
            Self::Status(status) => matches!(status, 200..=299 | 408 | 499 | 500..),
        }
    }
}

/// What the headers of a response say about retrying.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints {
    pub(crate) should_retry: Option<bool>,
    pub(crate) retry_after: Option<Duration>,
}

impl Hints {
    /// Reads `x-should-retry`, `retry-after-ms` and `retry-after`.
    pub fn read(headers: &HeaderMap, now: SystemTime) -> Self {
        let should_retry = headers.get("x-should-retry");
        Self {
            should_retry: should_retry.and_then(|value| value.to_str().ok()?.parse().ok()),
            retry_after: retry_after(headers, now),
        }
    }
}

impl Policy {
    /// The delay before the next attempt, or `None` not to retry.
    ///
    /// `attempt` is 0 for the first attempt; `jitter` (0 to 1) shortens a delay of our own by up
    /// to a quarter, so that clients do not retry in step. Retried are lost connections, 408, 429
    /// and 5xx; `x-should-retry` overrules that in both directions. 409 is a state that a retry
    /// does not change (the official SDKs do retry it).
    pub fn delay(
        &self,
        repeat: Repeat,
        outcome: AttemptOutcome,
        hints: Hints,
        attempt: u32,
        jitter: f64,
    ) -> Option<Duration> {
        let is_transient = outcome.is_transient();
        let retries = match repeat {
            Repeat::Idempotent => hints.should_retry.unwrap_or(is_transient),
            Repeat::IfNotActed => {
                hints.should_retry.unwrap_or(is_transient && !outcome.may_have_acted())
            }
            Repeat::Never => false,
        };
        retries.then(|| self.pause(hints.retry_after, attempt, jitter)).flatten()
    }

    /// The same for a request that is worth another attempt: `None` after the last one.
    pub(crate) fn pause(
        &self,
        retry_after: Option<Duration>,
        attempt: u32,
        jitter: f64,
    ) -> Option<Duration> {
        if attempt >= self.retries {
            return None;
        }
        let asked_for = retry_after.filter(|delay| !delay.is_zero());
        Some(asked_for.unwrap_or_else(|| {
            let doubled = self.base.saturating_mul(2_u32.saturating_pow(attempt));
            let delay = doubled.min(self.longest);
            delay.mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0))
        }))
    }
}

/// How long the service asks to wait: `retry-after-ms`, else `retry-after` in seconds (fractions
/// too) or as an HTTP date, counted from the response's own `date` if it has one, since clocks
/// differ. `None` if absent or unreadable; zero for a time that has passed.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name| text(name)?.parse::<f64>().ok();
    if let Some(delay) = number("retry-after-ms").and_then(|ms| seconds(ms / 1000.0)) {
        return Some(delay);
    }
    if let Some(delay) = number("retry-after") {
        return seconds(delay);
    }
    let date = |name| httpdate::parse_http_date(text(name)?).ok();
    let sent = date("date").unwrap_or(now);
    let until = date("retry-after")?;
    Some(until.duration_since(sent).unwrap_or_default())
}

/// At most a day, which means the same to every caller as anything longer and cannot overflow.
fn seconds(number: f64) -> Option<Duration> {
    const DAY: f64 = 86_400.0;
    let is_finite = number.is_finite();
    is_finite.then(|| Duration::from_secs_f64(number.clamp(0.0, DAY)))
}
