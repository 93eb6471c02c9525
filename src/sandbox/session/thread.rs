//! A child thread.

use serde_json::Value;

use super::{command::TurnAction, pending::PendingCall, state::Status, usage::Usage};
use crate::sandbox::{clock::Timestamp, history::History};

/// Makes the times of events.
pub(in crate::sandbox) type Stamp<'a> = &'a mut dyn FnMut() -> Timestamp;

#[derive(Debug)]
pub(in crate::sandbox) struct Thread {
    pub(in crate::sandbox) id: String,
    /// As it is shown.
    pub(super) agent: Value,
    pub(in crate::sandbox) status: Status,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
    /// The run that created it, unless the coordinator did.
    pub(super) workflow_run_id: Option<String>,
    pub(super) usage: Usage,
    pub(super) running_since: Option<Timestamp>,
    pub(super) has_been_idle: bool,
    pub(in crate::sandbox) history: History,
    /// Counts turns, so that outdated timers are recognized.
    pub(super) turn: u64,
    pub(super) action: TurnAction,
    pub(super) model_request: Option<String>,
    pub(super) pending_calls: Vec<PendingCall>,
    /// Results of answered calls, which the next turn records.
    pub(super) results: Vec<(&'static str, Value)>,
}

impl Thread {
    /// A thread that does nothing yet.
    pub(super) fn new(
        suffix: &str,
        agent: Value,
        run: Option<&str>,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id: format!("sthr_{suffix}"),
            agent,
            status: Status::Idle,
            created_at,
            updated_at: created_at,
            archived_at: None,
            workflow_run_id: run.map(str::to_owned),
            usage: Usage::default(),
            running_since: None,
            has_been_idle: false,
            history: History::new(suffix),
            turn: 0,
            action: TurnAction::default(),
            model_request: None,
            pending_calls: Vec::new(),
            results: Vec::new(),
        }
    }

    pub(super) fn agent_name(&self) -> &str {
        self.agent.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn tools(&self) -> &[Value] {
        let tools = self.agent.get("tools").and_then(Value::as_array);
        tools.map_or(&[], Vec::as_slice)
    }

    /// Whether its agent works or waits for an answer, so that a report is still to come.
    pub(super) fn is_at_work(&self) -> bool {
        self.status == Status::Running || !self.pending_calls.is_empty()
    }

    pub(super) fn active_seconds(&self, now: Timestamp) -> f64 {
        let current = self.running_since.map_or(0.0, |since| now.seconds_since(since));
        ((self.usage.active_seconds + current) * 1000.0).round() / 1000.0
    }
}
