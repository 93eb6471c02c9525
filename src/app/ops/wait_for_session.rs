//! Wait until one session, or one of several, is not busy, or the time is over.

mod several;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use self::several::{Others, Several};
use crate::{
    app::{
        context::Context,
        error::Error,
        recent_events::recent_events,
        services::Services,
        turn_end::{Turn, TurnEnd, turn_end},
    },
    domain::{events, time},
    model::{ApiTime, Event, Session, SessionId},
};

/// Enough to find one with a time.
const EVENTS: u32 = 5;

/// How a wait ended.
pub(crate) struct Waited {
    /// Of the session that is described.
    pub end: TurnEnd,
    /// While it is busy: its last sign of life, if that could be read.
    pub last_sign: Option<LastSign>,
    /// Of the others that were waited for.
    pub others: Others,
}

/// The newest event of a busy session.
pub(crate) struct LastSign {
    pub event: Option<Event>,
    /// How long ago it was.
    pub age: Option<String>,
    /// How long nothing has happened, by the record too.
    pub quiet_for: Option<String>,
}

/// Waits until one of these is not busy, or `wait` is over. Several may be gone or not allowed, as
/// long as one is left.
pub(crate) async fn wait_for_session(
    services: &Services,
    cx: &Context,
    ids: &[SessionId],
    wait: Duration,
) -> Result<Waited, Error> {
    let (end, others) = match ids {
        [id] => (turn_end(services, cx, id, wait, Turn::Current).await?, Others::default()),
        ids => Several::new(services, cx, ids).wait(wait).await?,
    };
    let last_sign = if end.busy { last_sign(cx, &end.session).await } else { None };
    Ok(Waited { end, last_sign, others })
}

async fn last_sign(cx: &Context, session: &Session) -> Option<LastSign> {
    let id = SessionId::parse(&session.head.id).ok()?;
    let read = recent_events(cx, &id, &[], EVENTS).await;
    let events = read.inspect_err(|error| tracing::debug!(%error, "the events cannot be read"));
    let events = events.ok()?;
    let now = Timestamp::now();
    let age = |at: Timestamp| time::compact(now.duration_since(at).max(SignedDuration::ZERO));
    let updated_at = session.head.updated_at.as_ref().and_then(ApiTime::at);
    let newest = events.iter().filter_map(events::at).chain(updated_at).max();
    let event = events.into_iter().next();
    Some(LastSign {
        age: event.as_ref().and_then(events::at).map(age),
        quiet_for: newest.map(age),
        event,
    })
}
