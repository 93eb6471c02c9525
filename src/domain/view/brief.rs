//! One session beside what was done to it.

use schemars::JsonSchema;
use serde::Serialize;

use super::row::{name, short, status};
use crate::{domain::time::to_the_second, model::SessionHead};

/// What a caller has to know of a session it has just written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Brief {
    /// The session's id.
    pub id: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// idle, running, rescheduling, terminated, or a newer name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// RFC 3339, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
}

impl Brief {
    /// What of a session is shown.
    pub fn of(session: &SessionHead) -> Self {
        Self {
            id: short(&session.id),
            title: session.title().map(name),
            status: status(session),
            updated_at: session.updated_at.as_ref().map(to_the_second),
        }
    }
}
