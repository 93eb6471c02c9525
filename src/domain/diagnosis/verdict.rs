//! What a session is found to be.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{
    diagnosis::{
        facts::Facts,
        waiting::{AnswerKind, stop_reason},
    },
    guard::Activity,
};

/// What a session is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// at work, or about to be
    Working,
    /// a person must allow or deny a tool call
    WaitingForConfirmation,
    /// a program must send the result of a tool call
    WaitingForToolResult,
    /// its turn has ended
    WaitingForMessage,
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
            Activity::Terminated => Self::TerminatedError,
            Activity::Unknown => Self::Unknown,
            Activity::Rescheduling if facts.is_long_ago(facts.rescheduled_at()) => {
                Self::ReschedulingLong
            }
            Activity::Running if facts.is_long_ago(facts.last_activity()) => {
                Self::waiting(facts).unwrap_or(Self::StuckRunning)
            }
            Activity::Running | Activity::Rescheduling => Self::Working,
            Activity::Idle => Self::idle(facts),
        }
    }

    fn idle(facts: &Facts<'_>) -> Self {
        let Some(pause) = facts.pause() else {
            return Self::WaitingForMessage;
        };
        match stop_reason(pause) {
            "end_turn" => Self::WaitingForMessage,
            // Without a waiting call it was answered a moment ago.
            "requires_action" => Self::waiting(facts).unwrap_or(Self::Working),
            // The budget was raised since.
            "budget_reached" if facts.has_budget_left() => Self::WaitingForMessage,
            "budget_reached" => Self::BudgetReached,
            "retries_exhausted" => Self::RetriesExhausted,
            "refusal" => Self::Refused,
            _ => Self::Unknown,
        }
    }

    fn waiting(facts: &Facts<'_>) -> Option<Self> {
        let is_confirmation = |(_, call): &(&str, Option<&_>)| {
            call.is_none_or(|call| AnswerKind::of(call) == AnswerKind::Confirmation)
        };
        match facts.calls() {
            calls if calls.is_empty() => None,
            calls if calls.iter().any(is_confirmation) => Some(Self::WaitingForConfirmation),
            _ => Some(Self::WaitingForToolResult),
        }
    }
}
