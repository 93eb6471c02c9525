//! The newest events of a session, also where a service ignores the order asked for.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    context::Context,
    error::{About, Error, ErrorKind},
};
use crate::{
    api::EventQuery,
    domain::{
        code::Code,
        diagnosis::{CALL_KINDS, OpenRun, RUN_KINDS, open_calls, open_runs},
        events,
        waiting::{KINDS, THREAD_KINDS, WaitingCall, waiting_calls},
    },
    model::{Event, Order, Session, SessionId},
};

const IDLE: &str = "session.status_idle";
/// Enough for the newest pause, and the calls and runs that may still be open.
const PAUSE_EVENTS: u32 = 200;
/// Calls looked through for those that a pause names.
pub(crate) const MOST_CALLS: u32 = 1_000;
/// To find the newest events where they come last.
const MAX_PAGES: usize = 50;
const MAX_PAGE_SIZE: u32 = 1_000;

/// At most `count` of the newest events of these types (of any, if none is named), newest first.
pub(crate) async fn recent_events(
    cx: &Context,
    id: &SessionId,
    types: &[&str],
    count: u32,
) -> Result<Vec<Event>, Error> {
    let mut query = EventQuery {
        types: types.iter().map(|&each| each.to_owned()).collect(),
        order: Some(Order::Desc),
        limit: Some(count),
        ..EventQuery::default()
    };
    let wanted = |event: &Event| types.is_empty() || types.contains(&events::kind(event));
    let mut found: Vec<Event> = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = cx.client().list_events(id, &query).await;
        let page = page.map_err(|error| Error::api(About::Events(id.clone()), error))?;
        let oldest_first = query.page.is_some() || is_oldest_first(&page.body.data);
        found.extend(page.body.data.into_iter().filter(wanted));
        if !oldest_first {
            break;
        }
        if page.body.is_incomplete {
            // What comes last, and cannot be read, are the newest ones.
            return Err(ErrorKind::IncompleteHistory(id.clone()).into());
        }
        let surplus = found.len().saturating_sub(count as usize);
        found.drain(..surplus);
        query.page = page.body.next_page;
        query.limit = Some(MAX_PAGE_SIZE);
        if query.page.is_none() {
            found.reverse();
            break;
        }
    }
    found.truncate(count as usize);
    Ok(found)
}

/// These events, and where a pause among them names calls that are older, those too.
pub(crate) async fn with_named_calls(
    cx: &Context,
    id: &SessionId,
    mut events: Vec<Event>,
) -> Result<Vec<Event>, Error> {
    if open_calls(&events, None).iter().any(|call| call.event.is_none()) {
        let older = recent_events(cx, id, &CALL_KINDS, MOST_CALLS).await?;
        let event_id = |event: &Event| events::text(event, "id").map(str::to_owned);
        let known: HashSet<_> = events.iter().filter_map(event_id).collect();
        let is_new = |event: &Event| event_id(event).is_some_and(|id| !known.contains(&id));
        events.extend(older.into_iter().filter(is_new));
    }
    Ok(events)
}

/// The same for types that a compatible service may not know: none where it rejects them.
pub(crate) async fn supplementary_events(
    cx: &Context,
    id: &SessionId,
    types: &[&str],
    count: u32,
) -> Result<Vec<Event>, Error> {
    match recent_events(cx, id, types, count).await {
        Err(error) if error.code() == Code::Rejected => Ok(Vec::new()),
        read => read,
    }
}

/// Why a session is not busy, or what it waits for although it is.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    /// By its newest `session.status_idle`, else by its record.
    pub stop_reason: Option<Map<String, Value>>,
    /// Its workflow runs that have not ended.
    pub open_runs: Vec<OpenRun>,
    /// The calls that it or a thread waits for.
    pub waiting: Vec<WaitingCall>,
    /// Its events show threads beside its own.
    pub has_threads: bool,
    /// Why its events could not be read.
    pub unknown: Option<Code>,
}

/// Why the session last went idle; nothing is known where its events cannot be read.
pub(crate) async fn known_pause(cx: &Context, id: &SessionId, session: &Session) -> Pause {
    pause(cx, id, session).await.unwrap_or_else(|error| {
        tracing::debug!(%error, "the events cannot be read");
        let is_missing = error.code() == Code::Rejected || error.is_unknown_route();
        let unknown = (!is_missing).then(|| error.code());
        Pause { unknown, ..Pause::of(&[], session) }
    })
}

/// Why the session last went idle.
pub(crate) async fn pause(cx: &Context, id: &SessionId, session: &Session) -> Result<Pause, Error> {
    let waiting: Vec<&str> = KINDS.into_iter().chain(CALL_KINDS).collect();
    let of_threads = [&THREAD_KINDS[..], &["session.thread_created"]].concat();
    let all = [&waiting[..], &RUN_KINDS, &of_threads].concat();
    // A service that does not know threads or workflow runs may reject their types.
    for kinds in [&all, &waiting] {
        match recent_events(cx, id, kinds, PAUSE_EVENTS).await {
            Err(error) if error.code() == Code::Rejected => {}
            read => {
                let events = with_named_calls(cx, id, read?).await?;
                return Ok(Pause::of(&events, session));
            }
        }
    }
    Ok(Pause::of(&recent_events(cx, id, &[IDLE], 2).await?, session))
}

impl Pause {
    fn of(events: &[Event], session: &Session) -> Self {
        let newest = events.iter().find(|event| events::kind(event) == IDLE);
        let recorded = session.fields.get("stop_reason");
        let stated = newest.map_or(recorded, |event| event.get("stop_reason"));
        Self {
            stop_reason: stated.and_then(reason),
            open_runs: open_runs(events),
            waiting: waiting_calls(recorded, events),
            has_threads: events.iter().any(events::is_of_other_thread),
            unknown: None,
        }
    }

    /// Whether the session says that it waits for an answer.
    pub(crate) fn requires_action(&self) -> bool {
        self.is_for("requires_action")
    }

    /// Whether its budget stopped it.
    pub(crate) fn is_budget_reached(&self) -> bool {
        self.is_for("budget_reached")
    }

    fn is_for(&self, wanted: &str) -> bool {
        let reason = self.stop_reason.as_ref().and_then(|reason| reason.get("type"));
        reason.is_some_and(|reason| reason == wanted)
    }
}

fn is_oldest_first(events: &[Event]) -> bool {
    let first = events.first().and_then(events::at);
    let last = events.last().and_then(events::at);
    matches!((first, last), (Some(first), Some(last)) if first < last)
}

/// Always an object, as the answer's schema says; some services send the type alone.
fn reason(reason: &Value) -> Option<Map<String, Value>> {
    match reason {
        Value::Object(reason) => Some(reason.clone()),
        Value::Null => None,
        bare => Some(Map::from_iter([("type".to_owned(), bare.clone())])),
    }
}
