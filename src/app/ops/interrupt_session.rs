//! Stop the current turn of one session.

use std::time::Duration;

use serde_json::json;

use crate::{
    api::Client,
    app::{
        context::Context,
        error::Error,
        services::Services,
        write::{Conditions, GuardedWrite, Sent, Written, poll::until_not_busy, write},
    },
    domain::guard::{Activity, Operation},
    model::{Session, SessionId},
};

/// What came of an interrupt, with the session as last seen.
pub(crate) enum Interrupted {
    /// Sent, and the session was seen to be not busy.
    Stopped(Session),
    /// Sent; the session was not seen to have stopped yet.
    Sent(Session),
    /// It was not busy; nothing was sent.
    Unchanged(Session),
    DryRun(Session),
}

/// Interrupts a session, or one thread of it, and waits for at most `wait` until it has stopped.
pub(crate) async fn interrupt_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    thread: Option<String>,
    wait: Duration,
    dry_run: bool,
) -> Result<Interrupted, Error> {
    let conditions = Conditions { dry_run, ..Conditions::default() };
    let before = match write(services, cx, id, &conditions, &mut Interrupt { thread }).await? {
        Written::Unchanged(session) => return Ok(Interrupted::Unchanged(session)),
        Written::DryRun { session, .. } | Written::NeedsApproval { session, .. } => {
            return Ok(Interrupted::DryRun(session));
        }
        Written::Done { before, .. } => before,
    };
    // It is sent: failing to read the session now does not make it a failure.
    let seen = until_not_busy(services, cx, id, wait).await;
    let session = seen.unwrap_or_else(|_| before.clone());
    let is_same_status = session.head.status == before.head.status;
    Ok(match services.statuses.activity(&session.head) {
        Activity::Running | Activity::Rescheduling => Interrupted::Sent(session),
        // It may be busy under a name this program does not know.
        Activity::Unknown if is_same_status => Interrupted::Sent(session),
        Activity::Unknown | Activity::Idle | Activity::Terminated => Interrupted::Stopped(session),
    })
}

struct Interrupt {
    thread: Option<String>,
}

impl GuardedWrite for Interrupt {
    type Prepared = ();

    fn operation(&self) -> Operation {
        Operation::Interrupt
    }

    async fn send(&self, client: &Client, id: &SessionId, (): &()) -> Sent {
        let mut event = json!({"type": "user.interrupt"});
        if let (Some(thread), Some(event)) = (&self.thread, event.as_object_mut()) {
            event.insert("session_thread_id".to_owned(), json!(thread));
        }
        Ok(client.send_events(id, &[event]).await?.map(|()| None))
    }
}
