//! Time: timestamps as the API writes them, and the timers that end turns.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Serialize, Serializer};
use tokio::sync::mpsc::UnboundedSender;

/// A point in time to the microsecond, sent as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timestamp(jiff::Timestamp);

impl Timestamp {
    pub(super) fn now() -> Self {
        Self::from_micros(jiff::Timestamp::now().as_microsecond())
    }

    pub(super) fn from_micros(micros: i64) -> Self {
        Self(jiff::Timestamp::from_microsecond(micros).unwrap_or_default())
    }

    /// Microseconds since the Unix epoch.
    pub(super) fn micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Parses RFC 3339.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    pub(super) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration).unwrap_or(self.0))
    }

    pub(super) fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration).unwrap_or(self.0))
    }

    /// Seconds since `earlier`, to the millisecond; never negative.
    pub(super) fn seconds_since(self, earlier: Self) -> f64 {
        let elapsed = self.0.duration_since(earlier.0).max(SignedDuration::ZERO);
        (elapsed.as_secs_f64() * 1000.0).round() / 1000.0
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Always six digits, so that timestamps sort as text too.
        serializer.collect_str(&format_args!("{:.6}", self.0))
    }
}

/// Issues timestamps and starts the timers of turns.
#[derive(Debug)]
pub(super) struct Clock {
    last: Timestamp,
    turn: Duration,
    /// How long a record still says `running` after its turn has ended.
    pub(super) status_lag: Duration,
    /// How long after the end of a turn the files it made are listed.
    pub(super) file_lag: Duration,
    timers: UnboundedSender<TurnTimer>,
}

/// What happens when a timer runs out, unless something else ended it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The turn of the primary thread with this number ends.
    Turn(u64),
    /// The turn with this number of the child thread at this place ends.
    Thread(usize, u64),
    /// The workflow run at this place takes its step with this number.
    Run(usize, u64),
}

#[derive(Debug)]
pub(super) struct TurnTimer {
    pub(super) session: String,
    pub(super) due: Due,
    pub(super) after: Duration,
}

impl Clock {
    pub(super) fn new(
        turn: Duration,
        status_lag: Duration,
        file_lag: Duration,
        timers: UnboundedSender<TurnTimer>,
    ) -> Self {
        Self { last: Timestamp::now(), turn, status_lag, file_lag, timers }
    }

    /// The current time, moved forward where needed: no two stamps are equal.
    pub(super) fn stamp(&mut self) -> Timestamp {
        let next = Timestamp::from_micros(self.last.micros().saturating_add(1));
        self.last = Timestamp::now().max(next);
        self.last
    }

    /// Starts a timer that takes as long as a turn.
    pub(super) fn start_timer(&self, session: &str, due: Due) {
        self.start_timer_of(session, due, self.turn);
    }

    pub(super) fn start_timer_of(&self, session: &str, due: Due, after: Duration) {
        let timer = TurnTimer { session: session.to_owned(), due, after };
        // The receiver is dropped only when the sandbox stops.
        let _ = self.timers.send(timer);
    }
}
