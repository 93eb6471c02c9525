//! Which turn an interrupt was meant for.

use crate::{
    api::Acted,
    app::{
        context::Context,
        error::{About, Error},
        recent_events::recent_events,
        threads::recent_thread_events,
    },
    domain::{code::Code, events, guard::Operation},
    model::{Event, ObjectId, SessionId},
};

const STATUS_KINDS: [&str; 4] = [
    "session.status_idle",
    "session.status_running",
    "session.status_rescheduled",
    "session.status_terminated",
];
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
            Ok(events) => {
                let is_status = |event: &&Event| events::kind(event).contains("status_");
                let newest = events.iter().find(is_status);
                Ok(Self(newest.and_then(|event| events::text(event, "id")).map(str::to_owned)))
            }
            Err(error) if error.code() == Code::Rejected || error.is_unknown_route() => {
                Ok(Self(None))
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn is_known(&self) -> bool {
        self.0.is_some()
    }
}

/// How an interrupt that was sent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InterruptSent {
    Accepted,
    /// The service says that there is nothing to stop.
    Refused,
    /// Its answer was lost, and the turn it meant has ended.
    Unknown,
}

/// Interrupts the session, and again after a failure only while the same turn is running.
pub(crate) async fn interrupt(cx: &Context, id: &SessionId) -> Result<InterruptSent, Error> {
    let mark = TurnMark::before(cx, id, None).await;
    let event = serde_json::json!({"type": "user.interrupt"});
    let client = cx.client();
    let (mut repetitions, mut lost) = (0, false);
    loop {
        let outstanding = cx.begin_write()?;
        let error = match client.send_events(id, std::slice::from_ref(&event)).await {
            Ok(response) => {
                outstanding.answered(response.request_id.as_deref());
                return Ok(InterruptSent::Accepted);
            }
            Err(error) => error,
        };
        outstanding.answered(error.request_id());
        // It may have gone idle by itself a moment ago: the next reading shows.
        if matches!(error.http_status(), Some(400 | 409)) {
            return Ok(if lost { InterruptSent::Unknown } else { InterruptSent::Refused });
        }
        lost |= error.acted() == Acted::Unknown;
        let pause = cx.pause_before_repetition(&error, repetitions);
        let pause = pause.filter(|_| !lost || mark.is_known());
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        let has_ended = lost && mark.is_known() && TurnMark::read(cx, id, None).await? != mark;
        if has_ended {
            return Ok(InterruptSent::Unknown);
        }
        if pause.is_none() {
            let error = cx.clarified_by_session(About::Session(id.clone()), id, error).await;
            return Err(if lost { error.in_doubt(id, Operation::Interrupt) } else { error });
        }
        repetitions += 1;
    }
}
