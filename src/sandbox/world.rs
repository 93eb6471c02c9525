//! Everything the service knows, and the operations on it. No HTTP here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::{
    agent::{AgentRecord, Environment},
    body::Fields,
    clock::Instant,
    inbox,
    query::{self, Order, Query},
    quirks::{Quirk, Quirks},
    refusal::{Outcome, Refusal},
    session::{Event, Session, Status},
    turns::{Pace, Timer},
};

/// How many events a slow listener may fall behind.
const STREAM_BUFFER: usize = 256;

/// Event types that histories can be filtered by.
const EVENT_FAMILIES: [&str; 6] = [
    "user.",
    "agent.",
    "session.",
    "span.",
    "system.",
    "workflow_run.",
];

/// Orders sessions: the instant of creation, then a serial number.
type Key = (i64, u64);

/// The whole state of the service.
#[derive(Debug)]
pub(super) struct World {
    pub(super) pace: Pace,
    pub(super) quirks: Quirks,
    sessions: BTreeMap<Key, Session>,
    index: HashMap<String, Key>,
    pub(super) agents: BTreeMap<String, AgentRecord>,
    pub(super) environments: BTreeMap<String, Environment>,
    serial: u64,
    pub(super) created: u64,
}

impl World {
    pub(super) fn new(pace: Pace, quirks: Quirks) -> Self {
        Self {
            pace,
            quirks,
            sessions: BTreeMap::new(),
            index: HashMap::new(),
            agents: BTreeMap::new(),
            environments: BTreeMap::new(),
            serial: 0,
            created: 0,
        }
    }

    pub(super) fn add(&mut self, session: Session) {
        self.serial += 1;
        let key = (session.created_at.micros(), self.serial);
        self.index.insert(session.id.clone(), key);
        self.sessions.insert(key, session);
    }

    /// The session, caught up to now, together with what changing it takes.
    fn open(&mut self, id: &str) -> Outcome<(&mut Session, &mut Pace, &Quirks)> {
        let missing = || Refusal::not_found(format!("There is no session {id:?}."));
        let key = self.index.get(id).ok_or_else(missing)?;
        let session = self.sessions.get_mut(key).ok_or_else(missing)?;
        session.settle(Instant::now());
        Ok((session, &mut self.pace, &self.quirks))
    }

    pub(super) fn rendered(&mut self, id: &str) -> Outcome<Vec<u8>> {
        let (session, _, quirks) = self.open(id)?;
        let shown = session.shown(Instant::now());
        if !quirks.reshape_sessions() {
            return Ok(to_bytes(&shown));
        }
        let mut value = json!(shown);
        quirks.reshape(&mut value);
        Ok(to_bytes(&value))
    }

    pub(super) fn get(&mut self, id: &str) -> Outcome<Vec<u8>> {
        self.rendered(id)
    }

    pub(super) fn list(&mut self, query: &Query) -> Outcome<Vec<u8>> {
        let now = Instant::now();
        self.sessions
            .values_mut()
            .for_each(|session| session.settle(now));
        let quirks = &self.quirks;
        let limit = query.limit(20, 100, quirks)?;
        let order = query.order(Order::Descending, quirks)?;
        let cursor = query.cursor("s", order)?;
        let created = query.created(quirks)?;
        let archived_too = query.boolean("include_archived")?;
        let agent = query.one("agent_id")?;
        // Without an agent the version says nothing.
        let version = query.integer("agent_version")?.filter(|_| agent.is_some());
        let deployment = query.one("deployment_id")?;
        let memory_store = query.one("memory_store_id")?;
        let statuses = statuses(query, quirks)?;
        let matches = |session: &Session| {
            (archived_too || session.archived_at.is_none())
                && created.holds(session.created_at)
                && agent.is_none_or(|id| session.agent.id == id)
                && version.is_none_or(|version| session.agent.version == version)
                && deployment.is_none_or(|id| session.deployment_id.as_deref() == Some(id))
                && memory_store.is_none_or(|id| {
                    let mut resources = session.resources.iter();
                    resources.any(|r| r.get("memory_store_id").is_some_and(|known| known == id))
                })
                && (statuses.is_empty() || statuses.contains(&session.stored))
        };
        let keys = self
            .sessions
            .iter()
            .filter(|(_, s)| matches(s))
            .map(|(key, _)| *key)
            .collect();
        let page = query::page(keys, "s", order, cursor, limit);
        let sessions = page.keys.iter().filter_map(|key| self.sessions.get(key));
        let shown: Vec<_> = sessions.map(|session| session.shown(now)).collect();
        let (next_page, prev_page) = (page.next, page.previous);
        if !quirks.reshape_sessions() {
            return Ok(to_bytes(&SessionList {
                data: shown,
                next_page,
                prev_page,
            }));
        }
        let mut data: Vec<Value> = shown.iter().map(|shown| json!(shown)).collect();
        for session in &mut data {
            quirks.reshape(session);
        }
        Ok(to_bytes(&SessionList {
            data,
            next_page,
            prev_page,
        }))
    }

    pub(super) fn update(&mut self, id: &str, body: &Value) -> Outcome<Vec<u8>> {
        let (session, pace, quirks) = self.open(id)?;
        session.update(&mut pace.clock, quirks, body)?;
        self.rendered(id)
    }

    pub(super) fn archive(&mut self, id: &str) -> Outcome<Vec<u8>> {
        let (session, pace, quirks) = self.open(id)?;
        session.archive(&mut pace.clock, quirks)?;
        self.rendered(id)
    }

    pub(super) fn delete(&mut self, id: &str) -> Outcome<Vec<u8>> {
        let (session, pace, quirks) = self.open(id)?;
        let busy = session.may_be_deleted();
        if busy.is_err() && quirks.has(Quirk::DeletesBusy) {
            return Ok(to_bytes(&json!({"id": id, "type": "session_deleted"})));
        }
        busy?;
        session.record("session.deleted", pace.clock.stamp(), json!({}));
        if let Some(key) = self.index.remove(id) {
            self.sessions.remove(&key);
        }
        Ok(to_bytes(&json!({"id": id, "type": "session_deleted"})))
    }

    pub(super) fn events(&mut self, id: &str, query: &Query) -> Outcome<Vec<u8>> {
        let (session, _, quirks) = self.open(id)?;
        let limit = query.limit(1000, 1000, quirks)?;
        let order = query.order(Order::Ascending, quirks)?;
        let cursor = query.cursor("e", order)?;
        let created = query.created(quirks)?;
        let types = query.many("types");
        if let Some(odd) = types
            .iter()
            .find(|t| !EVENT_FAMILIES.iter().any(|f| t.starts_with(f)))
        {
            return Err(Refusal::invalid(format!(
                "types: {odd:?} is not an event type"
            )));
        }
        let matches = |event: &&Event| {
            (types.is_empty() || types.contains(&event.kind())) && created.holds_maybe(event.at)
        };
        let found: BTreeMap<Key, &Event> = session
            .events
            .iter()
            .map(|event| ((0, event.position), event))
            // What still waits comes after everything that has happened.
            .chain(
                session
                    .queue
                    .iter()
                    .map(|event| ((1, event.position), event)),
            )
            .filter(|(_, event)| matches(event))
            .collect();
        let page = query::page(found.keys().copied().collect(), "e", order, cursor, limit);
        let shown = page
            .keys
            .iter()
            .filter_map(|key| found.get(key))
            .map(|event| {
                let mut json = event.json.clone();
                if let (true, Some(json)) =
                    (quirks.has(Quirk::EventsWithoutIds), json.as_object_mut())
                {
                    json.shift_remove("id");
                }
                json
            });
        Ok(to_bytes(&List {
            data: shown.collect(),
            next_page: page.next,
        }))
    }

    /// Takes events; answers none when the service says nothing about them.
    pub(super) fn send(&mut self, id: &str, body: &Value) -> Outcome<Option<Vec<u8>>> {
        let (session, pace, quirks) = self.open(id)?;
        let fields = Fields::of(body, "", &["events"])?;
        let events = fields.array("events")?.unwrap_or_default();
        if events.is_empty() {
            return Err(fields.wrong("events", "at least one event"));
        }
        let interrupt = |event: &Value| event.get("type").is_some_and(|t| t == "user.interrupt");
        let silent = quirks.has(Quirk::InterruptAccepted) && events.iter().any(interrupt);
        let taken = session.receive(pace, inbox::read(events, "events")?)?;
        Ok((!silent).then(|| to_bytes(&json!({"data": taken}))))
    }

    /// From now on, the session's events as frames of a stream.
    pub(super) fn listen(&mut self, id: &str) -> Outcome<broadcast::Receiver<Arc<str>>> {
        let (session, _, _) = self.open(id)?;
        let listeners = session
            .listeners
            .get_or_insert_with(|| broadcast::Sender::new(STREAM_BUFFER));
        Ok(listeners.subscribe())
    }

    pub(super) fn threads(&mut self, id: &str, query: &Query) -> Outcome<Vec<u8>> {
        let (session, _, quirks) = self.open(id)?;
        let statuses = statuses(query, quirks)?;
        let shown = session.shown_threads();
        let matches = |thread: &&Value| {
            let status = thread
                .get("status")
                .and_then(Value::as_str)
                .and_then(Status::parse);
            statuses.is_empty() || status.is_some_and(|status| statuses.contains(&status))
        };
        let found: Vec<&Value> = shown.iter().filter(matches).collect();
        paged("t", &found, query, quirks)
    }

    /// A turn's time is up.
    pub(super) fn ring(&mut self, timer: &Timer) {
        if let Ok((session, pace, _)) = self.open(&timer.session) {
            session.finish(pace, timer.turn);
        }
    }
}

/// The body of a list's answer.
#[derive(Debug, Serialize)]
struct List<T> {
    data: Vec<T>,
    next_page: Option<String>,
}

/// The body of the one list that can be walked in both directions.
#[derive(Debug, Serialize)]
struct SessionList<T> {
    data: Vec<T>,
    next_page: Option<String>,
    prev_page: Option<String>,
}

/// A page of a short list that has no order of its own.
pub(super) fn paged(
    kind: &str,
    items: &[&Value],
    query: &Query,
    quirks: &Quirks,
) -> Outcome<Vec<u8>> {
    let limit = query.limit(20, 100, quirks)?;
    let cursor = query.cursor(kind, Order::Ascending)?;
    let keys = (0..items.len())
        .map(|at| (0, u64::try_from(at).unwrap_or(u64::MAX)))
        .collect();
    let page = query::page(keys, kind, Order::Ascending, cursor, limit);
    let item = |(_, at): &Key| {
        usize::try_from(*at)
            .ok()
            .and_then(|at| items.get(at).copied())
    };
    let data: Vec<&Value> = page.keys.iter().filter_map(item).collect();
    Ok(to_bytes(&List {
        data,
        next_page: page.next,
    }))
}

fn statuses(query: &Query, quirks: &Quirks) -> Outcome<Vec<Status>> {
    let status = |text: &str| {
        let complaint = || Refusal::invalid(format!("statuses: {text:?} is not a status"));
        Status::parse(text).ok_or_else(complaint)
    };
    let statuses = query.many("statuses").into_iter().map(status).collect();
    if quirks.has(Quirk::IgnoresStatuses) {
        Ok(Vec::new())
    } else {
        statuses
    }
}

/// JSON text of what cannot fail to be JSON.
pub(super) fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
