//! Wait until one session is not busy, or the time is over.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    app::{
        context::Context,
        error::Error,
        recent_events::{Pause, known_pause},
        services::Services,
        write::poll::until_not_busy,
    },
    model::{Session, SessionId},
};

pub(crate) struct WaitEnd {
    pub session: Session,
    /// It is still running or rescheduling.
    pub busy: bool,
    pub waited: Duration,
    /// Why it is not busy; empty while it is.
    pub pause: Pause,
}

pub(crate) async fn wait_for_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    wait: Duration,
) -> Result<WaitEnd, Error> {
    let started = Instant::now();
    let session = until_not_busy(services, cx, id, wait).await?;
    let busy = services.statuses.activity(&session.head).is_busy();
    let waited = started.elapsed();
    let pause = if busy { Pause::default() } else { known_pause(cx, id, &session).await };
    Ok(WaitEnd { session, busy, waited, pause })
}
