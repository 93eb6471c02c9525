//! What a plan does to each of its sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::guard::Operation;

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
    /// What the audit log says of a session to which it was done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Archive => "archived",
            Self::Delete => "deleted",
        }
    }

    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Archive => Operation::Archive,
            Self::Delete => Operation::Delete,
        }
    }
}
