//! Why a session does what it does: from its record and newest events to one verdict, the
//! evidence for it, and one next step.

mod calls;
mod evidence;
mod facts;
mod next;
mod runs;
mod verdict;

use serde_json::{Map, Value};

pub use crate::domain::diagnosis::{
    calls::AnswerKind,
    facts::{Facts, ThreadEvents},
    next::{Advice, ErrorSource, NextStep},
    runs::{OpenRun, RunStatus},
    verdict::Verdict,
};
pub(crate) use crate::domain::diagnosis::{
    calls::{CALL_KINDS, OpenCall, open_calls, reason_type},
    runs::{RUN_KINDS, open_runs},
};

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    /// The verdict.
    pub verdict: Verdict,
    /// Events, waiting tool calls, ages.
    pub evidence: Map<String, Value>,
    /// The one thing to do.
    pub next: NextStep,
}

/// Finds out what a session is doing or waiting for.
pub fn diagnose(facts: &Facts<'_>) -> Diagnosis {
    let verdict = Verdict::of(facts);
    Diagnosis {
        verdict,
        evidence: evidence::evidence(facts, verdict),
        next: NextStep::of(facts, verdict),
    }
}
