//! A session: its record, its events, and the turn that is under way.

mod admission;
mod calls;
pub(super) mod command;
mod content;
mod coordination;
mod evaluation;
mod failures;
mod files;
mod heartbeat;
pub(super) mod inbox;
mod outcome;
pub(super) mod pending;
mod run;
mod sign;
mod state;
mod status;
pub(super) mod stop;
mod thread;
pub(super) mod threads;
mod turns;
mod update;
mod usage;
mod workflow;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use self::{
    command::TurnAction, outcome::Outcome, pending::PendingCall, run::WorkflowRun, sign::Heartbeat,
    stop::Stop, thread::Thread, usage::usd,
};
pub(super) use self::{state::Status, usage::Usage};
use super::{
    agent::Agent,
    clock::Timestamp,
    file::{File, MountedFile},
    history::History,
};

/// The turn under way, or how the last one ended.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Counts turns, so that the timer of an interrupted turn is recognized as outdated.
    pub(super) number: u64,
    action: TurnAction,
    /// The status in fact, which [`Session::status`] follows with a delay.
    pub(super) status: Status,
    /// When [`Session::status`] follows, while it lags.
    pub(super) status_lags_until: Option<Timestamp>,
    pub(super) running_since: Option<Timestamp>,
    /// The `span.model_request_start` event without an end.
    pub(super) model_request: Option<String>,
    pub(super) pending_calls: Vec<PendingCall>,
    /// Why the primary thread is idle while child threads or workflow runs keep the session running.
    pub(super) held: Option<Stop>,
    /// Why the session is idle; none before the first turn and while one is under way.
    pub(super) stop: Option<Stop>,
    /// Results of answered calls, which the next turn records.
    pub(super) results: Vec<(&'static str, Value)>,
}

impl Turn {
    /// Lets the turn go on when all child threads have reported.
    pub(super) fn await_reports(&mut self) {
        self.action = TurnAction::AwaitReports;
    }
}

/// A session. What is serialized is the part of its record that does not depend on the time.
#[derive(Debug, Serialize)]
pub(super) struct Session {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    pub(super) title: Option<String>,
    pub(super) status: Status,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
    pub(super) environment_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deployment_id: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) vault_ids: Vec<String>,
    #[serde(serialize_with = "serialize_agent")]
    pub(super) agent: Arc<Agent>,
    pub(super) resources: Vec<Value>,
    outcome_evaluations: Vec<Outcome>,
    /// Whether clients execute the built-in tools.
    #[serde(skip)]
    pub(super) self_hosted: bool,
    #[serde(skip)]
    pub(super) usage: Usage,
    #[serde(skip)]
    pub(super) budget_cents: Option<u64>,
    #[serde(skip)]
    pub(super) turn: Turn,
    #[serde(skip)]
    pub(super) threads: Vec<Thread>,
    #[serde(skip)]
    pub(super) produced: Vec<File>,
    /// Copies of the files among `resources`.
    #[serde(skip)]
    pub(super) mounted: Vec<MountedFile>,
    /// The number in the newest id of a resource or produced file.
    #[serde(skip)]
    pub(super) attachment_number: usize,
    #[serde(skip)]
    runs: Vec<WorkflowRun>,
    #[serde(skip)]
    heartbeat: Option<Heartbeat>,
    #[serde(skip)]
    pub(super) history: History,
}

fn serialize_agent<S: Serializer>(agent: &Arc<Agent>, serializer: S) -> Result<S::Ok, S::Error> {
    agent.as_ref().serialize(serializer)
}

/// A session as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct SessionView<'a> {
    #[serde(flatten)]
    session: &'a Session,
    stats: Value,
    usage: Value,
    budget: Option<Value>,
}

impl Session {
    /// An idle session without events.
    pub(super) fn new(suffix: &str, agent: Arc<Agent>, environment: &str, now: Timestamp) -> Self {
        Self {
            id: format!("sesn_{suffix}"),
            kind: "session",
            title: None,
            status: Status::Idle,
            created_at: now,
            updated_at: now,
            archived_at: None,
            environment_id: environment.to_owned(),
            deployment_id: None,
            metadata: BTreeMap::new(),
            vault_ids: Vec::new(),
            agent,
            resources: Vec::new(),
            outcome_evaluations: Vec::new(),
            self_hosted: false,
            usage: Usage::default(),
            budget_cents: None,
            turn: Turn::default(),
            threads: Vec::new(),
            produced: Vec::new(),
            mounted: Vec::new(),
            attachment_number: 0,
            runs: Vec::new(),
            heartbeat: None,
            history: History::new(suffix),
        }
    }

    /// Does what was to happen by now: signs of life, and a lagging status whose time has come.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        self.show_life(now);
        if let Some(until) = self.turn.status_lags_until.filter(|until| *until <= now) {
            self.status = self.turn.status;
            self.updated_at = self.updated_at.max(until);
            self.turn.status_lags_until = None;
        }
    }

    /// Sets both the status in fact and the one in the record.
    pub(super) fn set_status(&mut self, status: Status) {
        self.turn.status = status;
        self.status = status;
        self.turn.status_lags_until = None;
    }

    /// Adds an event to the history and returns its id.
    pub(super) fn record(&mut self, kind: &str, at: Timestamp, fields: Value) -> String {
        self.history.record(kind, at, fields)
    }

    /// Stops counting running time.
    pub(super) fn stop_running(&mut self, now: Timestamp) {
        self.usage.active_seconds = self.active_seconds(now);
        self.turn.running_since = None;
    }

    fn active_seconds(&self, now: Timestamp) -> f64 {
        let since = self.turn.running_since;
        let current = since.map_or(0.0, |since| now.seconds_since(since));
        ((self.usage.active_seconds + current) * 1000.0).round() / 1000.0
    }

    fn usage_json(&self, now: Timestamp) -> Value {
        self.usage.to_json(self.active_seconds(now))
    }

    /// Whether the session has consumed its budget.
    pub(super) fn out_of_budget(&self) -> bool {
        self.budget_cents.is_some_and(|budget| self.usage.cents >= budget)
    }

    pub(super) fn view(&self, now: Timestamp) -> SessionView<'_> {
        let active_seconds = self.active_seconds(now);
        let end = match self.status {
            Status::Terminated => self.updated_at,
            _ => now,
        };
        SessionView {
            session: self,
            stats: json!({
                "active_seconds": active_seconds,
                "duration_seconds": end.seconds_since(self.created_at),
            }),
            usage: self.usage_json(now),
            budget: self.budget(),
        }
    }

    pub(super) fn budget(&self) -> Option<Value> {
        self.budget_cents.map(|cents| json!({"type": "limit", "max_list_cost": usd(cents)}))
    }

    /// The id of the thread that is the session itself.
    pub(super) fn primary_thread_id(&self) -> String {
        format!("sthr_{}", self.history.id_suffix)
    }

    fn has_thread(&self, id: &str) -> bool {
        self.primary_thread_id() == id || self.child(id).is_some()
    }
}
