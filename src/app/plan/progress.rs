//! How far a plan is, as answers show it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{app::error::Error, domain::code::Code};

const NAMED_IDS: usize = 5;

/// Sessions that were left alone, by the reason's code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Skipped(BTreeMap<&'static str, SkippedSessions>);

/// The sessions that were left alone for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
struct SkippedSessions {
    count: usize,
    /// The first five.
    ids: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SkipReason {
    /// A write would fail, or failed, with this code.
    Code(Code),
    /// It already is as the plan would leave it.
    NothingToDo,
    /// What was done to it cannot be taken back by one call.
    NoUndo,
    /// What was done to it is not known.
    InDoubt,
    /// What the service calls it is no id.
    InvalidId,
}

impl SkipReason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Code(code) => code.as_str(),
            Self::NothingToDo => "nothing_to_do",
            Self::NoUndo => "no_undo",
            Self::InDoubt => "in_doubt",
            Self::InvalidId => "invalid_id",
        }
    }
}

impl Skipped {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, reason: SkipReason, id: &str) {
        let sessions = self.0.entry(reason.as_str()).or_default();
        sessions.count += 1;
        if sessions.ids.len() < NAMED_IDS {
            sessions.ids.push(id.to_owned());
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct FailedSession {
    pub id: String,
    pub error: Error,
}

/// How far a plan is, over all calls: `done + skipped + failed_count + remaining = matched`.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlanProgress {
    pub matched: usize,
    pub done: usize,
    pub skipped: Skipped,
    pub failed_count: usize,
    pub failed: Vec<FailedSession>,
    pub remaining: usize,
}
