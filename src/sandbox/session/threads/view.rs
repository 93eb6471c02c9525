//! Threads and their histories as they are shown.

use serde_json::{Value, json};

use crate::sandbox::{
    clock::Timestamp,
    history::History,
    rejection::{Rejection, Result},
    session::{Session, Status, Usage, thread::Thread},
};

impl Session {
    pub(in crate::sandbox) fn no_such_thread(&self, id: &str) -> Rejection {
        Rejection::not_found(format!("The session {:?} has no thread {id:?}.", self.id))
    }

    /// All threads with their statuses, the primary one first.
    pub(in crate::sandbox) fn threads(&self, now: Timestamp) -> Vec<(Status, Value)> {
        let primary = (self.primary_status(), self.primary_view(now));
        let children = self.threads.iter();
        let children = children.map(|thread| (thread.status, self.child_view(thread, now)));
        std::iter::once(primary).chain(children).collect()
    }

    /// The thread with this id.
    ///
    /// # Errors
    /// If the session has none.
    pub(in crate::sandbox) fn thread(&self, id: &str, now: Timestamp) -> Result<Value> {
        if id == self.primary_thread_id() {
            return Ok(self.primary_view(now));
        }
        let thread = self.threads.iter().find(|thread| thread.id == id);
        let thread = thread.ok_or_else(|| self.no_such_thread(id))?;
        Ok(self.child_view(thread, now))
    }

    /// The history of a thread, which the primary one shares with the session.
    ///
    /// # Errors
    /// If the session has no such thread.
    pub(in crate::sandbox) fn history_of(&mut self, id: &str) -> Result<&mut History> {
        if id == self.primary_thread_id() {
            return Ok(&mut self.history);
        }
        match self.child(id) {
            Some(index) => {
                let missing = self.no_such_thread(id);
                let thread = self.threads.get_mut(index);
                thread.map(|thread| &mut thread.history).ok_or(missing)
            }
            None => Err(self.no_such_thread(id)),
        }
    }

    fn primary_view(&self, now: Timestamp) -> Value {
        let has = |kind: &str| self.history.events.iter().any(|event| event.kind() == kind);
        let children = self.threads.iter();
        let children = children.fold(Usage::default(), |mut sum, thread| {
            sum.add(thread.usage);
            sum
        });
        let active_seconds = self.active_seconds(now);
        let end = self.archived_at.unwrap_or(now);
        let stats = json!({
            "active_seconds": active_seconds,
            "duration_seconds": end.seconds_since(self.created_at),
            "startup_seconds": 0.0,
        });
        json!({
            "id": self.primary_thread_id(),
            "type": "session_thread",
            "session_id": self.id,
            "parent_thread_id": null,
            "workflow_run_id": null,
            "agent": self.agent.as_thread_agent(),
            "status": self.primary_status(),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "archived_at": self.archived_at,
            "stats": has("session.status_running").then_some(stats),
            "usage": has("session.status_idle")
                .then(|| self.usage.since(children).to_json(active_seconds)),
        })
    }

    fn child_view(&self, thread: &Thread, now: Timestamp) -> Value {
        let active_seconds = thread.active_seconds(now);
        let end = thread.archived_at.unwrap_or(now);
        json!({
            "id": thread.id,
            "type": "session_thread",
            "session_id": self.id,
            "parent_thread_id": self.primary_thread_id(),
            "workflow_run_id": thread.workflow_run_id,
            "agent": thread.agent,
            "status": thread.status,
            "created_at": thread.created_at,
            "updated_at": thread.updated_at,
            "archived_at": thread.archived_at,
            "stats": {
                "active_seconds": active_seconds,
                "duration_seconds": end.seconds_since(thread.created_at),
                "startup_seconds": 0.0,
            },
            "usage": thread.has_been_idle.then(|| thread.usage.to_json(active_seconds)),
        })
    }
}
