//! What a plan does to each of its sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{op::Op, pace::PerKind},
    domain::guard::Operation,
};

/// Events twice, threads, files, and the record before and after.
const READS_OF_A_COPY: u32 = 6;

/// What a plan does to each of its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// no new events, the history stays
    Archive,
    /// gone for good
    Delete,
    /// stop the turn that is running
    Interrupt,
    /// merge tools and MCP servers into each
    UpdateTools,
}

impl Action {
    pub(crate) const ALL: [Self; 4] =
        [Self::Archive, Self::Delete, Self::Interrupt, Self::UpdateTools];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Delete => "delete",
            Self::Interrupt => "interrupt",
            Self::UpdateTools => "update_tools",
        }
    }

    /// What the audit log says of a session to which it was done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Archive => "archived",
            Self::Delete => "deleted",
            Self::Interrupt => "interrupt_sent",
            Self::UpdateTools => "updated",
        }
    }

    /// The operation that does it to one session.
    pub(crate) fn op(self) -> Op {
        match self {
            Self::Archive => Op::ArchiveSession,
            Self::Delete => Op::DeleteSession,
            Self::Interrupt => Op::InterruptSession,
            Self::UpdateTools => Op::UpdateSessionTools,
        }
    }

    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Archive => Operation::Archive,
            Self::Delete => Operation::Delete,
            Self::Interrupt => Operation::Interrupt,
            Self::UpdateTools => Operation::UpdateTools,
        }
    }

    /// The requests that one session takes: its record and the write; before them its events, which
    /// tell whether it waits for somebody and which turn is running; after a delete the look for
    /// it; and where copies are kept what a small one takes.
    pub(crate) fn requests(self, include_waiting: bool, copies: bool) -> PerKind<u32> {
        let needs_events = self == Self::Interrupt || !include_waiting;
        let copy = if copies && self == Self::Delete { READS_OF_A_COPY } else { 0 };
        let reads = 1 + u32::from(needs_events) + u32::from(self == Self::Delete) + copy;
        PerKind { reads, writes: 1 }
    }
}
