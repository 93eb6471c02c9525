//! Everything the service knows, and the operations on it. No HTTP here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::{
    agent::{Agent, AgentRecord, Environment},
    body::Fields,
    changes,
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
    agents: BTreeMap<String, AgentRecord>,
    environments: BTreeMap<String, Environment>,
    serial: u64,
    created: u64,
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

    pub(super) fn add_agent(&mut self, agent: Agent, created_at: Instant) -> Arc<Agent> {
        let agent = Arc::new(agent);
        let metadata = BTreeMap::new();
        let record = AgentRecord {
            agent: Arc::clone(&agent),
            created_at,
            metadata,
        };
        self.agents.insert(agent.id.clone(), record);
        agent
    }

    pub(super) fn add_environment(&mut self, environment: Environment) {
        self.environments
            .insert(environment.id.clone(), environment);
    }

    /// The session, caught up to now, together with what changing it takes.
    fn open(&mut self, id: &str) -> Outcome<(&mut Session, &mut Pace, &Quirks)> {
        let missing = || Refusal::not_found(format!("There is no session {id:?}."));
        let key = self.index.get(id).ok_or_else(missing)?;
        let session = self.sessions.get_mut(key).ok_or_else(missing)?;
        session.settle(Instant::now());
        Ok((session, &mut self.pace, &self.quirks))
    }

    fn rendered(&mut self, id: &str) -> Outcome<Vec<u8>> {
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
        let shown: Vec<_> = page
            .keys
            .iter()
            .filter_map(|key| self.sessions.get(key))
            .map(|session| session.shown(now))
            .collect();
        if !quirks.reshape_sessions() {
            return Ok(to_bytes(&List::new(shown, page.next, Some(page.previous))));
        }
        let mut shown: Vec<Value> = shown.iter().map(|shown| json!(shown)).collect();
        shown.iter_mut().for_each(|session| quirks.reshape(session));
        Ok(to_bytes(&List::new(shown, page.next, Some(page.previous))))
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

    pub(super) fn create(&mut self, body: &Value) -> Outcome<Vec<u8>> {
        let known = [
            "agent",
            "environment_id",
            "title",
            "metadata",
            "resources",
            "vault_ids",
            "budget",
            "initial_events",
        ];
        let fields = Fields::of(body, "", &known)?;
        let agent = self.agent_for(&fields)?;
        let environment = self.environment_for(&fields)?;
        let initial = inbox::read(
            fields.array("initial_events")?.unwrap_or_default(),
            "initial_events",
        )?;
        if !initial.iter().all(inbox::Incoming::may_be_initial) {
            return Err(fields.wrong(
                "initial_events",
                "only user.message and user.define_outcome",
            ));
        }
        let now = self.pace.clock.stamp();
        let serial = format!("new{:02}", self.created + 1);
        let mut session = Session::new(format!("sesn_{serial}"), agent, &environment, now);
        session.title = fields.text("title")?.map(str::to_owned);
        session.metadata = changes::metadata(&fields)?;
        session.resources = changes::resources(&fields, &serial, now)?;
        session.vault_ids = fields.texts("vault_ids")?.unwrap_or_default();
        session.budget_cents = match fields.value("budget") {
            Some(budget) => changes::budget(budget, &fields)?,
            None => None,
        };
        session.receive(&mut self.pace, initial)?;
        self.created += 1;
        let id = session.id.clone();
        self.add(session);
        self.rendered(&id)
    }

    /// The agent that `agent` names: an id, a reference, or a reference with overrides.
    fn agent_for(&self, fields: &Fields<'_>) -> Outcome<Arc<Agent>> {
        let given = fields
            .value("agent")
            .ok_or_else(|| fields.wrong("agent", "is required"))?;
        let (id, reference) = match given.as_str() {
            Some(id) => (id, None),
            None => {
                let open = Fields::open(given, "agent")?;
                let known: &[&str] = match open.kind()? {
                    "agent" => &["type", "id", "version"],
                    "agent_with_overrides" => &[
                        "type",
                        "id",
                        "version",
                        "model",
                        "system",
                        "tools",
                        "mcp_servers",
                        "skills",
                    ],
                    _ => return Err(open.wrong("type", "must be agent or agent_with_overrides")),
                };
                (
                    open.required_text("id")?,
                    Some(Fields::of(given, "agent", known)?),
                )
            }
        };
        let missing = || Refusal::not_found(format!("There is no agent {id:?}."));
        let agent = &self.agents.get(id).ok_or_else(missing)?.agent;
        let Some(reference) = reference else {
            return Ok(Arc::clone(agent));
        };
        if reference
            .integer("version")?
            .is_some_and(|version| version != agent.version)
        {
            return Err(Refusal::not_found(format!(
                "Agent {id:?} has no such version here."
            )));
        }
        let mut agent = agent.as_ref().clone();
        agent.override_with(&reference)?;
        Ok(Arc::new(agent))
    }

    fn environment_for(&self, fields: &Fields<'_>) -> Outcome<String> {
        let id = fields.required_text("environment_id")?;
        match self.environments.get(id) {
            None => Err(
                Refusal::not_found(format!("There is no environment {id:?}."))
                    .because("environment_not_found"),
            ),
            Some(environment) if environment.archived_at.is_some() => Err(fields
                .wrong("environment_id", "is archived")
                .because("environment_archived")),
            Some(_) => Ok(id.to_owned()),
        }
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
        Ok(to_bytes(&List::new(
            shown.collect::<Vec<_>>(),
            page.next,
            None,
        )))
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

    pub(super) fn list_agents(&self, query: &Query) -> Outcome<Vec<u8>> {
        let shown: Vec<Value> = self.agents.values().map(AgentRecord::shown).collect();
        paged("a", &shown.iter().collect::<Vec<_>>(), query, &self.quirks)
    }

    pub(super) fn get_agent(&self, id: &str) -> Outcome<Vec<u8>> {
        let missing = || Refusal::not_found(format!("There is no agent {id:?}."));
        self.agents
            .get(id)
            .map(|record| to_bytes(&record.shown()))
            .ok_or_else(missing)
    }

    pub(super) fn create_agent(&mut self, body: &Value) -> Outcome<Vec<u8>> {
        let id = format!("agent_new{:02}", self.created + 1);
        let agent = Agent::create(&id, body)?;
        let metadata = changes::metadata(&Fields::open(body, "")?)?;
        self.created += 1;
        let record = AgentRecord {
            agent: Arc::new(agent),
            created_at: self.pace.clock.stamp(),
            metadata,
        };
        let shown = to_bytes(&record.shown());
        self.agents.insert(record.agent.id.clone(), record);
        Ok(shown)
    }

    pub(super) fn list_environments(&self, query: &Query) -> Outcome<Vec<u8>> {
        let archived_too = query.boolean("include_archived")?;
        let environments = self.environments.values();
        let shown: Vec<Value> = environments
            .filter(|environment| archived_too || environment.archived_at.is_none())
            .map(|environment| json!(environment))
            .collect();
        paged("v", &shown.iter().collect::<Vec<_>>(), query, &self.quirks)
    }

    pub(super) fn get_environment(&self, id: &str) -> Outcome<Vec<u8>> {
        let missing = || Refusal::not_found(format!("There is no environment {id:?}."));
        self.environments.get(id).map(to_bytes).ok_or_else(missing)
    }

    pub(super) fn create_environment(&mut self, body: &Value) -> Outcome<Vec<u8>> {
        let id = format!("env_new{:02}", self.created + 1);
        let environment = Environment::create(id, body, self.pace.clock.stamp())?;
        self.created += 1;
        let shown = to_bytes(&environment);
        self.add_environment(environment);
        Ok(shown)
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
    /// Only lists that can be walked backwards have it, null included.
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_page: Option<Option<String>>,
}

impl<T> List<T> {
    #[expect(
        clippy::option_option,
        reason = "absent and null are two different answers"
    )]
    fn new(data: Vec<T>, next_page: Option<String>, prev_page: Option<Option<String>>) -> Self {
        Self {
            data,
            next_page,
            prev_page,
        }
    }
}

/// A page of a short list that has no order of its own.
fn paged(kind: &str, items: &[&Value], query: &Query, quirks: &Quirks) -> Outcome<Vec<u8>> {
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
    Ok(to_bytes(&List::new(data, page.next, None)))
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
fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
