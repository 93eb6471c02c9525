//! Which turn an interrupt was meant for.

use crate::{
    app::{
        context::Context, error::Error, recent_events::recent_events, threads::recent_thread_events,
    },
    domain::{code::Code, events, turns::STATUS_KINDS},
    model::{Event, ObjectId, SessionId},
};

/// Enough to find a change of status among what a thread does.
const THREAD_EVENTS: usize = 100;

/// The newest change of status before an interrupt is sent. While it stays the newest, the turn
/// that was running then is running still; afterwards the interrupt would stop another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TurnMark(Option<String>);

impl TurnMark {
    /// Reads it before the interrupt is sent. What keeps it from being read does not keep a turn
    /// from being stopped: then it is unknown.
    pub(crate) async fn before(cx: &Context, id: &SessionId, thread: Option<&ObjectId>) -> Self {
        Self::read(cx, id, thread).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "the events cannot be read");
            Self(None)
        })
    }

    /// Reads it; unknown where the service has no history of events.
    pub(crate) async fn read(
        cx: &Context,
        id: &SessionId,
        thread: Option<&ObjectId>,
    ) -> Result<Self, Error> {
        let read = match thread {
            None => recent_events(cx, id, &STATUS_KINDS, 1).await,
            Some(thread) => recent_thread_events(cx, id, thread, THREAD_EVENTS).await,
        };
        match read {
            Ok(events) => Ok(Self::of(&events)),
            Err(error) if error.code() == Code::Rejected || error.is_unknown_route() => {
                Ok(Self(None))
            }
            Err(error) => Err(error),
        }
    }

    /// By these events, newest first.
    pub(crate) fn of(events: &[Event]) -> Self {
        let is_status = |event: &&Event| events::kind(event).contains("status_");
        let newest = events.iter().find(is_status);
        Self(newest.and_then(|event| events::text(event, "id")).map(str::to_owned))
    }

    pub(crate) fn is_known(&self) -> bool {
        self.0.is_some()
    }
}
