//! Waiting for a busy session: reading it less and less often.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    app::{caller::Progress, context::Context},
    model::Session,
};

pub(crate) struct Poll {
    until: Instant,
    pause: Duration,
    longest: Duration,
    polls: u32,
}

impl Poll {
    /// Pauses until `until`, each twice the one before up to `longest`.
    pub(crate) fn new(until: Instant, (first, longest): (Duration, Duration)) -> Self {
        Self { until, pause: first, longest, polls: 0 }
    }

    /// Makes the pauses from now on at least so long.
    pub(crate) fn at_least(&mut self, shortest: Duration) {
        self.pause = self.pause.max(shortest);
        self.longest = self.longest.max(shortest);
    }

    /// Waits until it is time to read again, and reports progress; false when the time is up.
    pub(crate) async fn pause(&mut self, cx: &Context, session: &Session) -> bool {
        let now = Instant::now();
        if now >= self.until {
            return false;
        }
        self.polls += 1;
        cx.progress(Progress::Polled {
            polls: self.polls,
            session: session.head.id.clone(),
            status: session.head.status.clone(),
        })
        .await;
        tokio::time::sleep_until((now + self.pause).min(self.until)).await;
        self.pause = (self.pause * 2).min(self.longest);
        true
    }
}
