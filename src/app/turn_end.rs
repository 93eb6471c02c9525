//! Waiting for the end of a turn, and what came of it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    context::Context,
    error::Error,
    recent_events::{Pause, known_pause, recent_events},
    services::Services,
    write::poll::Poll,
};
use crate::{
    domain::{
        code::Code,
        events,
        guard::Activity,
        reply::{MESSAGE, Reply},
    },
    model::{Event, Session, SessionId},
};

const IDLE: &str = "session.status_idle";
const ENDS: [&str; 2] = [IDLE, "session.status_terminated"];
/// Enough to find the message and the end of its turn among what was said since.
const EVENTS: u32 = 100;

/// Which turn is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn<'a> {
    /// The one under way, if any.
    Current,
    /// The first one of a new session.
    First,
    /// The one that takes this `user.message` up.
    Of(&'a str),
}

pub(crate) struct TurnEnd {
    pub session: Session,
    /// It is running or rescheduling.
    pub busy: bool,
    pub waited: Duration,
    /// Why it is not busy, or what it waits for although it is; no reason while it is.
    pub pause: Pause,
    /// What the agent said last in this turn, in the current one's case whenever it was.
    pub reply: Option<Reply>,
}

/// Waits until the turn has ended or `wait` is over.
pub(crate) async fn turn_end(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    wait: Duration,
    turn: Turn<'_>,
) -> Result<TurnEnd, Error> {
    let started = Instant::now();
    let until = (started + wait).min(cx.soft_deadline());
    let mut poll = Poll::new(until, services.settings.pauses.poll);
    loop {
        let session = cx.read_session(id).await?;
        let activity = services.statuses.activity(&session.head);
        let is_over = activity == Activity::Terminated || session.head.is_archived();
        if !activity.is_busy() {
            let seen = Box::pin(seen(cx, id, turn)).await?;
            if seen.has_ended || is_over || !poll.pause(cx, &session).await {
                let pause = Box::pin(known_pause(cx, id, &session)).await;
                let waited = started.elapsed();
                return Ok(TurnEnd { session, busy: false, waited, pause, reply: seen.reply });
            }
        } else if !poll.pause(cx, &session).await {
            let (seen, pause) = tokio::join!(
                Box::pin(seen(cx, id, turn)),
                Box::pin(known_pause(cx, id, &session)),
            );
            let (reply, waited) = (seen?.reply, started.elapsed());
            let pause = Pause { stop_reason: None, ..pause };
            return Ok(TurnEnd { session, busy: true, waited, pause, reply });
        }
    }
}

/// What the events show of a turn.
struct Seen {
    has_ended: bool,
    reply: Option<Reply>,
}

/// Of a session whose status says that it is not busy. Right after a message was sent, or a session
/// started, the status may not show it yet.
async fn seen(cx: &Context, id: &SessionId, turn: Turn<'_>) -> Result<Seen, Error> {
    let kinds = ["user.message", MESSAGE, ENDS[0], ENDS[1]];
    let events = match recent_events(cx, id, &kinds, EVENTS).await {
        // A service without a history of events: its status is all there is.
        Err(error) if error.code() == Code::Rejected || error.is_unknown_route() => {
            return Ok(Seen { has_ended: true, reply: None });
        }
        // Its status tells that it has ended: only what was said last is not known.
        Err(error) if turn == Turn::Current => {
            tracing::debug!(%error, "the events cannot be read");
            return Ok(Seen { has_ended: true, reply: None });
        }
        read => read?,
    };
    Ok(of_turn(&events, turn))
}

fn of_turn(events: &[Event], turn: Turn<'_>) -> Seen {
    let has_id = |event: &&Event, wanted: &str| events::text(event, "id") == Some(wanted);
    let since = match turn {
        Turn::Current | Turn::First => None,
        Turn::Of(id) => match events.iter().find(|event| has_id(event, id)) {
            // It is queued, or not to be seen yet.
            None => return Seen { has_ended: false, reply: None },
            Some(message) if events::is_queued(message) => {
                return Seen { has_ended: false, reply: None };
            }
            Some(message) => events::at(message),
        },
    };
    let is_since = |event: &&Event| !is_before(events::at(event), since);
    let has_ended = match turn {
        Turn::Current => true,
        Turn::First | Turn::Of(_) => {
            events.iter().any(|event| ENDS.contains(&events::kind(event)) && is_since(&event))
        }
    };
    let is_said = |event: &&Event| events::kind(event) == MESSAGE && is_since(event);
    Seen { has_ended, reply: events.iter().find(is_said).map(Reply::of) }
}

fn is_before(at: Option<Timestamp>, since: Option<Timestamp>) -> bool {
    matches!((at, since), (Some(at), Some(since)) if at < since)
}
