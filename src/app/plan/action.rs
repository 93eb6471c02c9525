//! What a plan does to each of its sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{app::op::Op, domain::guard::Operation};

/// What a plan does to each of its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// no new events, the history stays
    Archive,
    /// gone for good
    Delete,
}

impl Action {
    pub(crate) const ALL: [Self; 2] = [Self::Archive, Self::Delete];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Delete => "delete",
        }
    }

    /// What the audit log says of a session to which it was done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Archive => "archived",
            Self::Delete => "deleted",
        }
    }

    /// The operation that does it to one session.
    pub(crate) fn op(self) -> Op {
        match self {
            Self::Archive => Op::ArchiveSession,
            Self::Delete => Op::DeleteSession,
        }
    }

    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Archive => Operation::Archive,
            Self::Delete => Operation::Delete,
        }
    }
}
