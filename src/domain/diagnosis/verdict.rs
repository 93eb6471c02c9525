//! What a session is found to be.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{
    diagnosis::{calls::AnswerKind, facts::Facts, runs::RunStatus},
    guard::Activity,
};

/// What a session is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// at work, or about to be
    Working,
    /// a tool call is being carried out
    ToolRunning,
    /// its workflow runs are at work
    WorkflowRunning,
    /// a person must allow or deny a tool call
    WaitingForConfirmation,
    /// a program must send the result of a tool call
    WaitingForToolResult,
    /// its turn has ended, and nothing is open
    Finished,
    /// never started, interrupted, or stopped for a reason that evidence names
    WaitingForMessage,
    /// its turn has ended, but a workflow run has not
    WorkflowPaused,
    /// says that it waits for an answer, but there is nothing to answer
    Stranded,
    /// its budget is used up
    BudgetReached,
    /// errors ended its turn
    RetriesExhausted,
    /// the model refused
    Refused,
    /// running, without a sign of life for 15 minutes
    StuckRunning,
    /// retrying for more than 15 minutes
    ReschedulingLong,
    /// ended by an error
    TerminatedError,
    /// ended, without an error to show
    Terminated,
    /// archived
    Archived,
    /// a state this server does not know
    Unknown,
}

impl Verdict {
    pub(crate) fn of(facts: &Facts<'_>) -> Self {
        if facts.session.head.is_archived() {
            return Self::Archived;
        }
        match facts.activity {
            Activity::Terminated if facts.newest("session.error").is_some() => {
                Self::TerminatedError
            }
            Activity::Terminated => Self::Terminated,
            Activity::Unknown => Self::Unknown,
            Activity::Running | Activity::Rescheduling => Self::busy(facts),
            Activity::Idle => Self::idle(facts),
        }
    }

    fn busy(facts: &Facts<'_>) -> Self {
        if let Some(waiting) = Self::waiting(facts) {
            return waiting;
        }
        if facts.activity == Activity::Rescheduling {
            let is_long = facts.is_long_ago(facts.rescheduled_at());
            return if is_long { Self::ReschedulingLong } else { Self::Working };
        }
        if !facts.running_calls().is_empty() {
            return Self::ToolRunning;
        }
        if !facts.is_long_ago(facts.last_activity()) {
            return Self::Working;
        }
        let mut runs = facts.open_runs().into_iter();
        let is_running = runs.any(|run| run.status == RunStatus::Running);
        if is_running { Self::WorkflowRunning } else { Self::StuckRunning }
    }

    fn idle(facts: &Facts<'_>) -> Self {
        if facts.is_moment_ago(facts.newly_running_since()) {
            return Self::Working;
        }
        match facts.stop_reason() {
            Some("requires_action") => Self::waiting(facts).unwrap_or_else(|| {
                let answered = facts.is_moment_ago(facts.answered_at());
                if answered { Self::Working } else { Self::Stranded }
            }),
            Some("budget_reached") => {
                // Raising or removing the budget resumes the work by itself.
                let resumes = facts.is_budget_lifted() && facts.is_moment_ago(facts.updated_at());
                if resumes { Self::Working } else { Self::BudgetReached }
            }
            Some("retries_exhausted") => Self::RetriesExhausted,
            Some("refusal") => Self::Refused,
            other => Self::waiting(facts).or_else(|| Self::paused(facts)).unwrap_or({
                let finished = other == Some("end_turn") && !facts.was_interrupted();
                if finished { Self::Finished } else { Self::WaitingForMessage }
            }),
        }
    }

    fn paused(facts: &Facts<'_>) -> Option<Self> {
        (!facts.open_runs().is_empty()).then_some(Self::WorkflowPaused)
    }

    fn waiting(facts: &Facts<'_>) -> Option<Self> {
        let calls = facts.waiting_calls();
        let is_confirmation = |kind| kind == Some(AnswerKind::Confirmation);
        match calls.iter().any(|call| is_confirmation(call.waits_for)) {
            _ if calls.is_empty() => None,
            true => Some(Self::WaitingForConfirmation),
            false => Some(Self::WaitingForToolResult),
        }
    }
}
