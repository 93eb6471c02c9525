//! Waiting for the end of a turn, and what came of it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

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
    /// The one that takes the newest `user.message` up.
    OfNewest,
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
    /// No turn that takes the message up has ended, or is under way.
    pub is_queued: bool,
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
                let mut pause = Box::pin(known_pause(cx, id, &session)).await;
                if !seen.has_paused {
                    // It is that of an earlier turn.
                    pause.stop_reason = None;
                }
                let is_queued = !seen.has_ended && !is_over;
                let (waited, reply) = (started.elapsed(), seen.reply);
                return Ok(TurnEnd { session, busy: false, waited, pause, reply, is_queued });
            }
        } else if !poll.pause(cx, &session).await {
            let (seen, pause) = tokio::join!(
                Box::pin(seen(cx, id, turn)),
                Box::pin(known_pause(cx, id, &session)),
            );
            let (Seen { reply, is_queued, .. }, waited) = (seen?, started.elapsed());
            let pause = Pause { stop_reason: None, ..pause };
            return Ok(TurnEnd { session, busy: true, waited, pause, reply, is_queued });
        }
    }
}

/// The session after something was sent to it; `None` if it cannot be read in time.
pub(crate) async fn session_after(cx: &Context, id: &SessionId) -> Option<Session> {
    let read = timeout_at(cx.soft_deadline(), cx.read_session(id)).await;
    read.ok()?.ok()
}

/// What the events show of a turn.
struct Seen {
    has_ended: bool,
    /// Its stop reason is the newest one.
    has_paused: bool,
    reply: Option<Reply>,
    is_queued: bool,
}

impl Seen {
    /// Where the status of the session is all there is.
    const UNKNOWN: Self = Self { has_ended: true, has_paused: true, reply: None, is_queued: false };
    /// It is queued, or not to be seen yet.
    const QUEUED: Self = Self { has_ended: false, has_paused: false, reply: None, is_queued: true };
}

/// Of a session whose status says that it is not busy. Right after a message was sent, or a session
/// started, the status may not show it yet.
async fn seen(cx: &Context, id: &SessionId, turn: Turn<'_>) -> Result<Seen, Error> {
    let kinds = ["user.message", MESSAGE, ENDS[0], ENDS[1]];
    let events = match recent_events(cx, id, &kinds, EVENTS).await {
        // A service without a history of events.
        Err(error) if error.code() == Code::Rejected || error.is_unknown_route() => {
            return Ok(Seen::UNKNOWN);
        }
        // Its status tells that it has ended: only what was said last is not known.
        Err(error) if turn == Turn::Current => {
            tracing::debug!(%error, "the events cannot be read");
            return Ok(Seen::UNKNOWN);
        }
        read => read?,
    };
    Ok(of_turn(&events, turn))
}

/// `events` are newest first. Where times are to the second, only their order tells an earlier
/// turn from this one.
fn of_turn(events: &[Event], turn: Turn<'_>) -> Seen {
    let is_message = |event: &Event| match turn {
        Turn::Of(id) => events::text(event, "id") == Some(id),
        _ => events::kind(event) == "user.message",
    };
    let (later, since) = match turn {
        Turn::Current | Turn::First => (events, None),
        Turn::Of(_) | Turn::OfNewest => {
            let mut later = events.splitn(2, is_message);
            let newer = later.next().unwrap_or_default();
            match events.get(newer.len()) {
                Some(message) if !events::is_queued(message) => (newer, events::at(message)),
                _ => return Seen::QUEUED,
            }
        }
    };
    let since = later.iter().filter(|event| !is_before(events::at(event), since));
    let mut ends = since.clone().filter(|event| ENDS.contains(&events::kind(event)));
    let end = ends.next().map(events::kind);
    let mut said = since.filter(|event| events::kind(event) == MESSAGE);
    Seen {
        has_ended: turn == Turn::Current || end.is_some(),
        has_paused: turn == Turn::Current || end == Some(IDLE),
        reply: said.next().map(Reply::of),
        is_queued: false,
    }
}

fn is_before(at: Option<Timestamp>, since: Option<Timestamp>) -> bool {
    matches!((at, since), (Some(at), Some(since)) if at < since)
}
