//! Time as the service stamps it: to the microsecond, and never the same stamp twice.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

/// An instant as it is sent: RFC 3339 in UTC, with microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant(Timestamp);

impl Instant {
    pub(super) fn now() -> Self {
        Self::from_micros(Timestamp::now().as_microsecond())
    }

    /// From microseconds since the epoch; what no calendar holds becomes the epoch itself.
    pub(super) fn from_micros(micros: i64) -> Self {
        Self(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    pub(super) fn micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Reads RFC 3339.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    pub(super) fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.micros().saturating_add(micros))
    }

    pub(super) fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.micros().saturating_sub(micros))
    }

    /// Seconds from `earlier` until this instant, to the millisecond; 0 if it is not earlier.
    pub(super) fn seconds_since(self, earlier: Self) -> f64 {
        let elapsed = self.0.duration_since(earlier.0).max(SignedDuration::ZERO);
        (elapsed.as_secs_f64() * 1000.0).round() / 1000.0
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // All six digits, so that stamps sort as text too.
        serializer.collect_str(&format_args!("{:.6}", self.0))
    }
}

/// Hands out stamps that strictly increase, so that two changes never look like one.
#[derive(Debug)]
pub(super) struct Clock {
    last: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            last: Instant::now(),
        }
    }

    /// The present, or the next microsecond after the last stamp if that is later.
    pub(super) fn stamp(&mut self) -> Instant {
        let next = Instant::from_micros(self.last.micros().saturating_add(1));
        self.last = Instant::now().max(next);
        self.last
    }
}
