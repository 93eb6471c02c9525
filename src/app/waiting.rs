//! Whether a session waits for somebody, looked up before it is archived or deleted.

use crate::{
    api::{Absence, ApiError},
    app::{
        context::Context,
        error::{Error, ErrorKind},
        recent_events::{recent_events, with_named_calls},
        services::Services,
    },
    domain::{
        code::Code,
        diagnosis::{CALL_KINDS, OpenRun, RUN_KINDS, open_runs},
        guard::{Activity, Operation},
        turns::STATUS_KINDS,
        waiting::{self, KINDS, THREAD_KINDS, WaitingCall},
    },
    model::{Event, Session, SessionId, SessionState},
};

const EVENTS: u32 = 100;
const EVENTS_AND_RUNS: u32 = 200;
/// A session that changes all the time is not looked at for ever.
const MAX_LOOKS: u32 = 3;

/// Whether the service has no history of events, or does not know these types. One that says in
/// the API's own words that the events are not there is not believed.
fn lacks_history(error: &Error) -> bool {
    let absence = error.as_api().and_then(ApiError::absence);
    error.code() == Code::Rejected || error.is_unknown_route() && absence != Some(Absence::Object)
}

/// What a session's events tell about what it waits for; nothing where a service has no history of
/// events, or does not know these types.
pub(crate) async fn events(cx: &Context, id: &SessionId) -> Result<Vec<Event>, Error> {
    history(cx, id, &[]).await
}

async fn history(cx: &Context, id: &SessionId, further: &[&str]) -> Result<Vec<Event>, Error> {
    let kinds = [&KINDS[..], &CALL_KINDS, further].concat();
    match recent_events(cx, id, &kinds, EVENTS).await {
        Err(error) if lacks_history(&error) => Ok(Vec::new()),
        read => read,
    }
}

/// The same, with what tells which turn it is in.
pub(crate) async fn turn_events(cx: &Context, id: &SessionId) -> Result<Vec<Event>, Error> {
    let further = STATUS_KINDS.into_iter().filter(|kind| !KINDS.contains(kind));
    history(cx, id, &further.collect::<Vec<_>>()).await
}

/// What tells which calls of the session or of any of its threads wait. Of a service that does not
/// know these types the newest events of any.
pub(crate) async fn call_events(cx: &Context, id: &SessionId) -> Result<Vec<Event>, Error> {
    let kinds: Vec<&str> = KINDS.into_iter().chain(THREAD_KINDS).chain(CALL_KINDS).collect();
    let events = match recent_events(cx, id, &kinds, EVENTS_AND_RUNS).await {
        Err(error) if error.code() == Code::Rejected => recent_events(cx, id, &[], EVENTS).await?,
        read => read?,
    };
    with_named_calls(cx, id, events).await
}

/// The same, and where the service knows workflow runs what tells which of them are open.
async fn events_and_runs(cx: &Context, id: &SessionId) -> Result<Vec<Event>, Error> {
    let kinds: Vec<&str> = KINDS.into_iter().chain(CALL_KINDS).chain(RUN_KINDS).collect();
    match recent_events(cx, id, &kinds, EVENTS_AND_RUNS).await {
        Err(error) if error.code() == Code::Rejected => events(cx, id).await,
        Err(error) if lacks_history(&error) => Ok(Vec::new()),
        read => read,
    }
}

/// The calls that an idle session waits for; none of any other.
pub(crate) async fn waiting_calls(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    session: &Session,
) -> Result<Vec<WaitingCall>, Error> {
    if !can_wait(services, session) {
        return Ok(Vec::new());
    }
    Ok(waiting::waiting_calls(session.fields.get("stop_reason"), &events(cx, id).await?))
}

fn can_wait(services: &Services, session: &Session) -> bool {
    services.statuses.activity(&session.head) == Activity::Idle && !session.head.is_archived()
}

/// What a look at a session about to be written found.
#[derive(Debug, Clone, Default)]
pub(crate) enum Found {
    Seen {
        /// The calls it waits for; empty if it does not wait.
        calls: Vec<WaitingCall>,
        /// Its workflow runs that have not ended.
        runs: Vec<OpenRun>,
    },
    /// It is not known whether it waits or has open runs.
    Unknown(Code),
    /// Nobody looked: it is not idle, or it does not matter.
    #[default]
    NotLooked,
}

/// A look at what a session waits for, before it is written.
///
/// A look takes a request, and a write must follow the reading that the guard allowed by one
/// round trip. So a look is good for the state of the session that it was made in: once it is
/// made, the session is read and guarded again, and not looked at again unless it has changed.
/// Of a planned session the events are read before its record: had they changed since, then so
/// would its `updated_at` have where the service moves it, and it would be skipped for that.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// A session that waits is left alone.
    refuses: bool,
    /// Read before the session's record.
    events: Option<Vec<Event>>,
    /// Made in this state.
    state: Option<SessionState>,
    pub(crate) found: Found,
    looks: u32,
}

impl Look {
    /// A look at these events, read before the session's record, that refuses the write of a
    /// session that waits.
    pub(crate) fn refusing(events: Vec<Event>) -> Self {
        Self { refuses: true, events: Some(events), ..Self::default() }
    }

    /// No look: whether it waits does not matter.
    pub(crate) fn none() -> Self {
        Self { looks: MAX_LOOKS, ..Self::default() }
    }

    /// Looks, unless that was done for this state of the session. Returns whether the session has
    /// to be read again before it is written.
    pub(crate) async fn at(
        &mut self,
        services: &Services,
        cx: &Context,
        session: &Session,
        operation: Operation,
    ) -> Result<bool, Error> {
        let state = session.head.state();
        let Ok(id) = SessionId::parse(&session.head.id) else {
            return Ok(false);
        };
        if !can_wait(services, session)
            || self.looks >= MAX_LOOKS
            || self.state.as_ref() == Some(&state)
        {
            return Ok(false);
        }
        let (events, took_a_request) = match self.events.take() {
            Some(events) => (Ok(events), false),
            None => (events_and_runs(cx, &id).await, true),
        };
        self.looks += 1;
        self.state = Some(state);
        match events {
            Ok(events) => {
                let calls = waiting::waiting_calls(session.fields.get("stop_reason"), &events);
                if self.refuses && !calls.is_empty() {
                    let session = Box::new(session.head.clone());
                    return Err(ErrorKind::Waiting { session, operation, calls }.into());
                }
                self.found = Found::Seen { calls, runs: open_runs(&events) };
                Ok(took_a_request)
            }
            Err(error) if self.refuses => Err(error),
            Err(error) => {
                self.found = Found::Unknown(error.code());
                Ok(true)
            }
        }
    }
}
