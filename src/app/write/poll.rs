//! Waiting for a busy session, by looking at it less and less often.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    explain::Failure,
    mcp::{call::Call, server::SessionsServer},
    model::{Session, SessionId},
};

/// Reads a session until it is not busy, or `wait` is over; the last reading is the answer.
pub(crate) async fn until_free(
    server: &SessionsServer,
    call: &Call,
    id: &SessionId,
    wait: Duration,
) -> Result<Session, Failure> {
    let mut poll = Poll::until(
        (Instant::now() + wait).min(call.soon()),
        server.config().pauses.poll,
    );
    loop {
        let session = call.session(id).await?;
        let busy = server.statuses().activity(&session.head).is_busy();
        if !busy || !poll.pause(call, &session).await {
            return Ok(session);
        }
    }
}

/// Looks at a busy session again and again, less and less often.
pub(crate) struct Poll {
    until: Instant,
    pause: Duration,
    longest: Duration,
    polls: u32,
}

impl Poll {
    pub(crate) fn until(until: Instant, (pause, longest): (Duration, Duration)) -> Self {
        Self {
            until,
            pause,
            longest,
            polls: 0,
        }
    }

    /// Waits until it is time to look again, and tells the caller; false when the time is up.
    pub(crate) async fn pause(&mut self, call: &Call, session: &Session) -> bool {
        let now = Instant::now();
        if now >= self.until {
            return false;
        }
        self.polls += 1;
        let message = format!("{} is {}", session.head.id, session.head.status);
        call.progress(f64::from(self.polls), None, message).await;
        tokio::time::sleep_until((now + self.pause).min(self.until)).await;
        self.pause = (self.pause * 2).min(self.longest);
        true
    }
}
