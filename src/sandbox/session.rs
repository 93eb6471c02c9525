//! One session: its record, its events, and how both are shown.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast;

use super::{agent::Agent, clock::Instant, turns::Plan};

/// The lifecycle states of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Idle,
    Running,
    Rescheduling,
    Terminated,
}

impl Status {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "idle" => Some(Self::Idle),
            "running" => Some(Self::Running),
            "rescheduling" => Some(Self::Rescheduling),
            "terminated" => Some(Self::Terminated),
            _ => None,
        }
    }
}

/// Tokens and money used so far; cents, because that is what list costs are counted in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) cache_read: u64,
    pub(super) cache_5m: u64,
    pub(super) cents: u64,
    pub(super) web_searches: u64,
    /// Finished running time; what a running turn adds is computed when shown.
    pub(super) active_seconds: f64,
}

impl Usage {
    pub(super) fn shown(&self, active_seconds: f64) -> Value {
        json!({
            "input_tokens": self.input,
            "output_tokens": self.output,
            "cache_read_input_tokens": self.cache_read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.cache_5m,
                "ephemeral_1h_input_tokens": 0,
            },
            "active_seconds": active_seconds,
            "list_cost": usd(self.cents),
            "server_tool_use": {"web_search_requests": self.web_searches, "web_fetch_requests": 0},
        })
    }
}

/// An amount as the API writes money: minor units in a string.
pub(super) fn usd(cents: u64) -> Value {
    json!({"amount": cents.to_string(), "currency": "USD"})
}

/// An entry of the history.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// Position in the history: what cursors point at.
    pub(super) position: u64,
    /// `processed_at`; none while the event waits for its turn.
    pub(super) at: Option<Instant>,
    pub(super) json: Value,
}

impl Event {
    pub(super) fn kind(&self) -> &str {
        self.json
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn id(&self) -> &str {
        self.json
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// A tool call that the session cannot go on without an answer to.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) event_id: String,
    pub(super) answer: Answer,
}

/// Which kind of event answers a waiting call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// `user.tool_confirmation` for a built-in tool.
    Confirmation,
    /// `user.tool_confirmation` for a tool of an MCP server.
    McpConfirmation,
    /// `user.custom_tool_result`.
    CustomResult,
}

/// A further thread of a multi-agent session; the primary one is the session itself.
#[derive(Debug, Clone)]
pub(super) struct Thread {
    pub(super) id: String,
    pub(super) agent_name: String,
    pub(super) agent: Value,
    pub(super) status: Status,
    pub(super) created_at: Instant,
    pub(super) updated_at: Instant,
}

/// A session and everything that goes with it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) title: Option<String>,
    /// What the session does.
    pub(super) live: Status,
    /// What the record says, which lags behind `live` for a moment after a turn.
    pub(super) stored: Status,
    /// When the record catches up.
    pub(super) catches_up: Option<Instant>,
    pub(super) created_at: Instant,
    pub(super) updated_at: Instant,
    pub(super) archived_at: Option<Instant>,
    pub(super) environment_id: String,
    pub(super) deployment_id: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) vault_ids: Vec<String>,
    pub(super) agent: Arc<Agent>,
    pub(super) resources: Vec<Value>,
    pub(super) outcomes: Vec<Value>,
    pub(super) usage: Usage,
    pub(super) budget_cents: Option<u64>,
    pub(super) running_since: Option<Instant>,
    pub(super) events: Vec<Event>,
    /// Messages that arrived while the session was busy.
    pub(super) queue: VecDeque<Event>,
    pub(super) waiting: Vec<Waiting>,
    /// Results of answered calls, held back until the last waiting call is answered.
    pub(super) results: Vec<(&'static str, Value)>,
    pub(super) threads: Vec<Thread>,
    pub(super) plan: Plan,
    /// Counts turns, so that a timer of a turn that was interrupted finds itself out of date.
    pub(super) turn: u64,
    /// The model request that has started and not ended.
    pub(super) open_request: Option<String>,
    next_position: u64,
    pub(super) listeners: Option<broadcast::Sender<Arc<str>>>,
}

impl Session {
    /// An idle session that nothing has happened in.
    pub(super) fn new(id: String, agent: Arc<Agent>, environment: &str, now: Instant) -> Self {
        Self {
            id,
            title: None,
            live: Status::Idle,
            stored: Status::Idle,
            catches_up: None,
            created_at: now,
            updated_at: now,
            archived_at: None,
            environment_id: environment.to_owned(),
            deployment_id: None,
            metadata: BTreeMap::new(),
            vault_ids: Vec::new(),
            agent,
            resources: Vec::new(),
            outcomes: Vec::new(),
            usage: Usage::default(),
            budget_cents: None,
            running_since: None,
            events: Vec::new(),
            queue: VecDeque::new(),
            waiting: Vec::new(),
            results: Vec::new(),
            threads: Vec::new(),
            plan: Plan::Reply,
            turn: 0,
            open_request: None,
            next_position: 1,
            listeners: None,
        }
    }

    /// Lets the record catch up if its time has come.
    pub(super) fn settle(&mut self, now: Instant) {
        if let Some(at) = self.catches_up.filter(|at| *at <= now) {
            self.stored = self.live;
            self.updated_at = self.updated_at.max(at);
            self.catches_up = None;
        }
    }

    /// The id of the thread that is the session itself.
    pub(super) fn primary_thread(&self) -> String {
        format!("sthr_{}", self.suffix())
    }

    /// The id without its prefix, from which ids of events and threads are made.
    pub(super) fn suffix(&self) -> &str {
        self.id.strip_prefix("sesn_").unwrap_or(&self.id)
    }

    /// Makes an event of `kind`, not yet part of the history.
    pub(super) fn event(&mut self, kind: &str, at: Option<Instant>, fields: Value) -> Event {
        let position = self.next_position;
        self.next_position += 1;
        let mut json = Map::new();
        json.insert(
            "id".to_owned(),
            json!(format!("sevt_{}_{position:03}", self.suffix())),
        );
        json.insert("type".to_owned(), json!(kind));
        json.insert("processed_at".to_owned(), json!(at));
        if let Value::Object(fields) = fields {
            json.extend(fields.into_iter().filter(|(key, _)| !json_reserved(key)));
        }
        Event {
            position,
            at,
            json: Value::Object(json),
        }
    }

    /// Records an event and sends it to whoever streams; answers its id.
    pub(super) fn record(&mut self, kind: &str, at: Instant, fields: Value) -> String {
        let event = self.event(kind, Some(at), fields);
        let id = event.id().to_owned();
        self.append(event);
        id
    }

    /// Adds a made event to the history.
    pub(super) fn append(&mut self, event: Event) {
        self.publish(&event);
        self.events.push(event);
    }

    /// Takes an event that was queued into the history, now that it is its turn.
    pub(super) fn process(&mut self, mut event: Event, at: Instant) {
        event.position = self.next_position;
        self.next_position += 1;
        event.at = Some(at);
        if let Some(json) = event.json.as_object_mut() {
            json.insert("processed_at".to_owned(), json!(at));
        }
        self.append(event);
    }

    fn publish(&self, event: &Event) {
        if let Some(listeners) = &self.listeners {
            let frame = format!("event: {}\ndata: {}\n\n", event.kind(), event.json);
            // Nobody listening any more is no failure.
            let _ = listeners.send(frame.into());
        }
    }

    /// Seconds spent running until `now`.
    pub(super) fn active_seconds(&self, now: Instant) -> f64 {
        let current = self
            .running_since
            .map_or(0.0, |since| now.seconds_since(since));
        ((self.usage.active_seconds + current) * 1000.0).round() / 1000.0
    }

    /// The record as answers show it.
    pub(super) fn shown(&self, now: Instant) -> Shown<'_> {
        let active = self.active_seconds(now);
        let end = if self.stored == Status::Terminated {
            self.updated_at
        } else {
            now
        };
        Shown {
            id: &self.id,
            kind: "session",
            title: self.title.as_deref(),
            status: self.stored,
            created_at: self.created_at,
            updated_at: self.updated_at,
            archived_at: self.archived_at,
            environment_id: &self.environment_id,
            deployment_id: self.deployment_id.as_deref(),
            metadata: &self.metadata,
            vault_ids: &self.vault_ids,
            agent: &self.agent,
            resources: &self.resources,
            outcome_evaluations: &self.outcomes,
            stats: json!({
                "active_seconds": active,
                "duration_seconds": end.seconds_since(self.created_at),
            }),
            usage: self.usage.shown(active),
            budget: self.budget(),
        }
    }

    /// The budget as answers show it.
    pub(super) fn budget(&self) -> Option<Value> {
        self.budget_cents
            .map(|cents| json!({"type": "limit", "max_list_cost": usd(cents)}))
    }

    /// The threads as answers show them, the primary one first.
    pub(super) fn shown_threads(&self) -> Vec<Value> {
        let primary = self.primary_thread();
        let first = Thread {
            id: primary.clone(),
            agent_name: self.agent.name.clone(),
            agent: self.agent.as_thread(),
            status: self.stored,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        let shown = |thread: &Thread, parent: Option<&str>| {
            json!({
                "id": thread.id,
                "type": "session_thread",
                "session_id": self.id,
                "parent_thread_id": parent,
                "agent": thread.agent,
                "status": thread.status,
                "created_at": thread.created_at,
                "updated_at": thread.updated_at,
                "archived_at": self.archived_at,
                "stats": null,
                "usage": null,
            })
        };
        let further = self
            .threads
            .iter()
            .map(|thread| shown(thread, Some(&primary)));
        std::iter::once(shown(&first, None))
            .chain(further)
            .collect()
    }
}

/// Fields that the service itself gives an event.
fn json_reserved(key: &str) -> bool {
    matches!(key, "id" | "type" | "processed_at")
}

/// The JSON form of a session's record, borrowed: rendering copies the large prompt once.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    title: Option<&'a str>,
    status: Status,
    created_at: Instant,
    updated_at: Instant,
    archived_at: Option<Instant>,
    environment_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_id: Option<&'a str>,
    metadata: &'a BTreeMap<String, String>,
    vault_ids: &'a [String],
    agent: &'a Agent,
    resources: &'a [Value],
    outcome_evaluations: &'a [Value],
    stats: Value,
    usage: Value,
    budget: Option<Value>,
}
