//! Waiting for a busy session: reading it less and less often.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    app::{caller::Progress, context::Context, error::Error, services::Services},
    model::{Session, SessionId},
};

/// Reads a session until it is not busy or `wait` is over; returns the last reading.
pub(crate) async fn until_not_busy(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    wait: Duration,
) -> Result<Session, Error> {
    let until = (Instant::now() + wait).min(cx.soft_deadline());
    let mut poll = Poll::new(until, services.settings.pauses.poll);
    loop {
        let session = cx.read_session(id).await?;
        let busy = services.statuses.activity(&session.head).is_busy();
        if !busy || !poll.pause(cx, &session).await {
            return Ok(session);
        }
    }
}

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
