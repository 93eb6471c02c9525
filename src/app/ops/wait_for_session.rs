//! Wait until one session is not busy, or the time is over.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    app::{
        context::Context, error::Error, recent_events::stop_reason, services::Services,
        write::poll::until_not_busy,
    },
    model::{Session, SessionId},
};

pub(crate) struct WaitEnd {
    pub session: Session,
    /// It is still running or rescheduling.
    pub busy: bool,
    pub waited: Duration,
    /// Why it is idle, if it is and its events say so.
    pub stop_reason: Option<Map<String, Value>>,
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
    let stop_reason = if busy { None } else { stop_reason(cx, id).await };
    Ok(WaitEnd { session, busy, waited, stop_reason })
}
