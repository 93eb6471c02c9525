//! Workflow runs that have not ended. There is no endpoint for runs: their events tell.

use std::collections::HashSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{events, events::kind, text},
    model::Event,
};

/// The events that tell which runs are open, and whether each of them is at work.
pub(crate) const RUN_KINDS: [&str; 4] = [
    "workflow_run.created",
    "workflow_run.status_running",
    "workflow_run.status_idle",
    "workflow_run.status_ended",
];

/// Longest id or name shown, in characters.
const NAME_CHARACTERS: usize = 80;

/// A workflow run that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenRun {
    /// Its id.
    pub workflow_run_id: String,
    /// The name its agent gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// idle = paused, by an interrupt or a budget.
    pub status: RunStatus,
    /// When it got into that state.
    #[serde(skip)]
    pub since: Option<Timestamp>,
}

/// What an open workflow run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// At work.
    Running,
    /// Paused, by an interrupt or a budget.
    Idle,
}

/// The open runs among `events` (newest first), the one whose state changed last first.
pub(crate) fn open_runs(events: &[Event]) -> Vec<OpenRun> {
    let mut ended = HashSet::new();
    let mut open: Vec<OpenRun> = Vec::new();
    for event in events {
        let Some(id) = events::text(event, "workflow_run_id") else {
            continue;
        };
        if kind(event) == "workflow_run.status_ended" {
            ended.insert(id);
        }
        if ended.contains(id) || !RUN_KINDS.contains(&kind(event)) {
            continue;
        }
        let id = text::shortened(id, NAME_CHARACTERS);
        let name = events::text(event, "name").map(|name| text::shortened(name, NAME_CHARACTERS));
        match open.iter_mut().find(|run| run.workflow_run_id == id) {
            Some(run) => run.name = run.name.take().or(name),
            None => open.push(OpenRun {
                workflow_run_id: id,
                name,
                status: match kind(event) {
                    "workflow_run.status_idle" => RunStatus::Idle,
                    _ => RunStatus::Running,
                },
                since: events::at(event),
            }),
        }
    }
    open
}
