//! The child threads of a session.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::row::{name, short};
use crate::{domain::events, model::Event};

/// A child thread of a multi-agent session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChildThread {
    /// Its id.
    pub id: String,
    /// The name of its agent, else the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// idle, running, rescheduling, terminated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The workflow run it works for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_run_id: Option<String>,
}

/// The children among all threads of a session, those at work first.
pub(crate) fn children(threads: &[Event]) -> Vec<ChildThread> {
    let has_parent = |thread: &Event| events::text(thread, "parent_thread_id").is_some();
    // The only thread of a session is the session itself, unless it has another above it.
    if threads.len() < 2 && !threads.iter().any(has_parent) {
        return Vec::new();
    }
    let is_child = |thread: &&Event| !thread.get("parent_thread_id").is_some_and(Value::is_null);
    let mut children: Vec<ChildThread> =
        threads.iter().filter(is_child).filter_map(ChildThread::of).collect();
    children.sort_by_key(|child| matches!(child.status.as_deref(), Some("idle" | "terminated")));
    children
}

impl ChildThread {
    fn of(thread: &Event) -> Option<Self> {
        let agent = thread.get("agent");
        let named = |field: &str| agent?.get(field)?.as_str().filter(|text| !text.is_empty());
        Some(Self {
            id: short(events::text(thread, "id")?),
            agent: named("name").or_else(|| named("id")).map(name),
            status: events::text(thread, "status").map(short),
            workflow_run_id: events::text(thread, "workflow_run_id").map(short),
        })
    }
}
