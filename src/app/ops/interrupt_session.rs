//! Stop the current turn of one session.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::{
    api::Client,
    app::{
        context::Context,
        error::{Error, ErrorKind},
        recent_events::pause,
        services::Services,
        write::{Conditions, GuardedWrite, Sent, Written, poll::Poll, turn_mark::TurnMark, write},
    },
    domain::{
        guard::{Activity, Operation},
        waiting::{WaitingCall, waiting_calls},
    },
    model::{Event, ObjectId, Session, SessionId},
};

/// What came of an interrupt, with the session as last seen.
pub(crate) enum Interrupted {
    /// Sent, and the session was seen to be neither busy nor waiting for an answer.
    Stopped(Session),
    /// Sent; the session was not seen to have stopped yet.
    Sent(Session),
    /// It was neither busy nor waiting for an answer; nothing was sent.
    Unchanged(Session),
    DryRun(Session),
}

/// Interrupts a session, or one thread of it, and waits for at most `wait` until it has stopped.
/// Whether one that is idle waits for an answer is looked up first.
pub(crate) async fn interrupt_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    thread: Option<ObjectId>,
    wait: Duration,
    dry_run: bool,
) -> Result<Interrupted, Error> {
    let conditions = Conditions { dry_run, ..Conditions::default() };
    cx.ensure_allowed(id).await?;
    // Before the session is read: a turn that ends in between is taken for another one, and not
    // interrupted twice.
    let mark = if dry_run { None } else { Some(TurnMark::before(cx, id, thread.as_ref()).await) };
    let mut interrupt = Interrupt { id, thread, mark, planned: None };
    let before = match write(services, cx, id, &conditions, &mut interrupt).await? {
        Written::Unchanged(session) => return Ok(Interrupted::Unchanged(session)),
        Written::DryRun { session, .. } | Written::NeedsApproval { session, .. } => {
            return Ok(Interrupted::DryRun(session));
        }
        Written::Done { before, .. } => before,
    };
    // It is sent: failing to read the session now does not make it a failure.
    let seen = until_stopped(services, cx, id, wait, &before).await;
    Ok(seen.unwrap_or(Interrupted::Sent(before)))
}

async fn until_stopped(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    wait: Duration,
    before: &Session,
) -> Result<Interrupted, Error> {
    let until = (Instant::now() + wait).min(cx.soft_deadline());
    let mut poll = Poll::new(until, services.settings.pauses.poll);
    loop {
        let session = cx.read_session(id).await?;
        let has_stopped = match services.statuses.activity(&session.head) {
            Activity::Running | Activity::Rescheduling => false,
            // It may be busy under a name this program does not know.
            Activity::Unknown => session.head.status != before.head.status,
            Activity::Idle if services.statuses.activity(&before.head) == Activity::Idle => {
                !pause(cx, id, &session).await?.requires_action()
            }
            Activity::Idle | Activity::Terminated => true,
        };
        if has_stopped {
            return Ok(Interrupted::Stopped(session));
        }
        if !poll.pause(cx, &session).await {
            return Ok(Interrupted::Sent(session));
        }
    }
}

pub(crate) struct Interrupt<'a> {
    id: &'a SessionId,
    thread: Option<ObjectId>,
    /// The turn that it is meant for.
    mark: Option<TurnMark>,
    planned: Option<Planned>,
}

/// Of an interrupt that is part of a plan.
struct Planned {
    /// What the session waits for, by the events that the mark is from.
    calls: Vec<WaitingCall>,
    /// The waiting of an idle session is stopped too.
    include_waiting: bool,
}

impl<'a> Interrupt<'a> {
    /// An interrupt of the turn that these events, newest first, show as the last one.
    pub(crate) fn planned(id: &'a SessionId, events: &[Event], include_waiting: bool) -> Self {
        let calls = waiting_calls(None, events);
        let mark = Some(TurnMark::of(events));
        Self { id, thread: None, mark, planned: Some(Planned { calls, include_waiting }) }
    }
}

impl GuardedWrite for Interrupt<'_> {
    type Prepared = ();

    fn operation(&self) -> Operation {
        Operation::Interrupt
    }

    /// An idle session that waits for an answer takes an interrupt too: it closes the pending
    /// calls, and in a self-hosted environment puts the work back into the queue.
    async fn acts_anyway(&self, cx: &Context, session: &Session) -> Result<bool, Error> {
        if let Some(planned) = &self.planned {
            if planned.calls.is_empty() || planned.include_waiting {
                return Ok(!planned.calls.is_empty());
            }
            let (session, calls) = (Box::new(session.head.clone()), planned.calls.clone());
            let operation = Operation::Interrupt;
            return Err(ErrorKind::Waiting { session, operation, calls }.into());
        }
        let Ok(id) = SessionId::parse(&session.head.id) else {
            return Ok(false);
        };
        match pause(cx, &id, session).await {
            // A service without a history of events cannot say that it waits.
            Err(error) if matches!(error.http_status(), Some(404 | 405 | 501)) => Ok(false),
            pause => Ok(pause?.requires_action()),
        }
    }

    async fn send(&self, client: &Client, id: &SessionId, (): &()) -> Sent {
        let mut event = json!({"type": "user.interrupt"});
        if let (Some(thread), Some(event)) = (&self.thread, event.as_object_mut()) {
            event.insert("session_thread_id".to_owned(), json!(thread.as_str()));
        }
        Ok(client.send_events(id, &[event]).await?.map(|_| None))
    }

    /// Whether the turn that it was meant for has ended. One that was not carried out is meant for
    /// whatever turn is running now.
    async fn look_back(&mut self, cx: &Context, lost: bool) -> Result<Option<bool>, Error> {
        let now = TurnMark::read(cx, self.id, self.thread.as_ref()).await?;
        if lost {
            return Ok(Some(self.is_repeatable() && self.mark.as_ref() != Some(&now)));
        }
        self.mark = Some(now);
        Ok(Some(false))
    }

    fn is_repeatable(&self) -> bool {
        self.mark.as_ref().is_some_and(TurnMark::is_known)
    }
}
