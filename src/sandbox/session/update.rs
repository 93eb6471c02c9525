//! Updating and archiving a session.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Session, Status, outcome::Evaluation};
use crate::sandbox::{
    agent::Agent,
    attributes,
    clock::Clock,
    fields::Fields,
    quirks::{Quirk, Quirks},
    rejection::{Rejection, Result},
};

impl Session {
    /// Applies all of an update or, on an error, nothing.
    pub(in crate::sandbox) fn update(
        &mut self,
        clock: &mut Clock,
        quirks: &Quirks,
        body: &Value,
    ) -> Result<()> {
        let fields = Fields::body(body, "agent title metadata budget vault_ids")?;
        if fields.raw("vault_ids").is_some() {
            return Err(fields.error("vault_ids", "cannot be changed yet"));
        }
        if quirks.has(Quirk::IgnoresUpdates) {
            return Ok(());
        }
        if self.archived_at.is_some() {
            let message = "The session is archived and cannot be changed.";
            return Err(Rejection::conflict(message));
        }
        let agent = self.updated_agent(&fields, quirks)?;
        if fields.raw("agent").is_some() {
            self.check_no_open_run()?;
        }
        let title = self.updated_title(&fields, quirks)?;
        let metadata = match fields.value("metadata") {
            None => self.metadata.clone(),
            Some(patch) => attributes::patch_metadata(&self.metadata, patch)?,
        };
        let budget_cents = self.updated_budget(&fields)?;

        let mut changes = Map::new();
        if (&agent.tools, &agent.mcp_servers) != (&self.agent.tools, &self.agent.mcp_servers) {
            changes.insert("agent".to_owned(), json!(agent.as_ref()));
            self.agent = agent;
        }
        if title != self.title {
            changes.insert("title".to_owned(), json!(title));
            self.title = title;
        }
        if metadata != self.metadata {
            changes.insert("metadata".to_owned(), json!(metadata));
            self.metadata = metadata;
        }
        if budget_cents != self.budget_cents {
            self.budget_cents = budget_cents;
            changes.insert("budget".to_owned(), json!(self.budget()));
        }
        if !changes.is_empty() {
            self.updated_at = clock.stamp();
            let changes = Value::Object(changes);
            self.record("session.updated", self.updated_at, changes);
            self.resume_within_budget(clock);
        }
        Ok(())
    }

    fn updated_agent(&self, fields: &Fields<'_>, quirks: &Quirks) -> Result<Arc<Agent>> {
        let Some(change) = fields.raw("agent") else {
            return Ok(Arc::clone(&self.agent));
        };
        let change = Fields::new(change, "agent")?;
        change.allow("tools mcp_servers")?;
        let mut agent = Agent::clone(&self.agent);
        agent.replace_tools(&change)?;
        match self.status {
            Status::Idle => Ok(Arc::new(agent)),
            _ if quirks.has(Quirk::IgnoresAgentWhileBusy) => Ok(Arc::clone(&self.agent)),
            Status::Terminated => {
                Err(Rejection::conflict("The session is terminated; its agent cannot be changed."))
            }
            Status::Running | Status::Rescheduling => Err(Rejection::conflict(
                "The session is running; its agent can change when it is idle.",
            )),
        }
    }

    fn updated_title(&self, fields: &Fields<'_>, quirks: &Quirks) -> Result<Option<String>> {
        match fields.raw("title") {
            None => Ok(self.title.clone()),
            Some(Value::Null) if quirks.has(Quirk::NullTitleIgnored) => Ok(self.title.clone()),
            Some(Value::Null) if quirks.has(Quirk::NullTitleFails) => {
                Err(Rejection::fault(StatusCode::INTERNAL_SERVER_ERROR))
            }
            Some(_) => Ok(fields.text("title")?.map(str::to_owned)),
        }
    }

    fn updated_budget(&self, fields: &Fields<'_>) -> Result<Option<u64>> {
        if fields.raw("budget").is_none() {
            return Ok(self.budget_cents);
        }
        if self.status == Status::Terminated {
            let message = "The session is terminated; its budget cannot change.";
            return Err(Rejection::conflict(message));
        }
        let Some(cents) = attributes::budget(fields)? else {
            return Ok(None);
        };
        if self.budget_cents.is_none() {
            let complaint = "a session created without a budget cannot get one";
            let error = fields.error("budget", complaint);
            return Err(error.with_code("budget_create_only"));
        }
        if cents <= self.usage.cents {
            let error = fields.error("budget", "must be above what the session has consumed");
            return Err(error.with_code("budget_not_raised"));
        }
        Ok(Some(cents))
    }

    pub(in crate::sandbox) fn archive(&mut self, clock: &mut Clock, quirks: &Quirks) -> Result<()> {
        if self.archived_at.is_some() {
            if quirks.has(Quirk::RearchiveConflicts) {
                return Err(Rejection::conflict("The session is already archived."));
            }
            if quirks.has(Quirk::RearchiveMoves) {
                self.updated_at = clock.stamp();
                self.archived_at = Some(self.updated_at);
            }
            return Ok(());
        }
        let running = self.status == Status::Running;
        if running && !quirks.has(Quirk::ArchivesBusy) {
            return Err(Rejection::conflict(
                "A running session cannot be archived. Send a user.interrupt event first.",
            ));
        }
        if !running && !quirks.has(Quirk::EndsRuns) {
            self.check_no_open_run()?;
        }
        if !running {
            self.stop_runs(clock);
        }
        let now = clock.stamp();
        self.archived_at = Some(now);
        self.updated_at = now;
        if running {
            return Ok(());
        }
        let terminated = self.status == Status::Terminated;
        let status =
            if quirks.has(Quirk::IdleAfterArchive) { Status::Idle } else { Status::Terminated };
        self.turn.number += 1;
        self.turn.pending_calls.clear();
        self.history.queue.clear();
        self.close_outcome(clock, Evaluation::Interrupted, "The session was archived.");
        self.stop_running(now);
        self.set_status(status);
        self.turn.stop = None;
        self.updated_at = now;
        for index in 0..self.threads.len() {
            self.close_thread(clock, index, status);
        }
        if !terminated {
            self.record_status(Status::Terminated, None, || clock.stamp());
        }
        Ok(())
    }
}
