//! The rules of changing a session: update, archive, and creation from a body.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    body::Fields,
    clock::{Clock, Instant},
    quirks::{Quirk, Quirks},
    refusal::{Outcome, Refusal},
    session::{Session, Status},
};

const MOST_METADATA: usize = 16;
const LONGEST_KEY: usize = 64;
const LONGEST_VALUE: usize = 512;

impl Session {
    /// Carries out an update: everything in it, or nothing.
    pub(super) fn update(
        &mut self,
        clock: &mut Clock,
        quirks: &Quirks,
        body: &Value,
    ) -> Outcome<()> {
        let known = ["agent", "title", "metadata", "budget", "vault_ids"];
        let fields = Fields::of(body, "", &known)?;
        if fields.raw("vault_ids").is_some() {
            return Err(fields.wrong("vault_ids", "cannot be changed yet"));
        }
        if quirks.has(Quirk::IgnoresUpdates) {
            return Ok(());
        }
        if self.archived_at.is_some() {
            return Err(Refusal::conflict(
                "The session is archived and cannot be changed.",
            ));
        }
        let agent = self.updated_agent(&fields, quirks)?;
        let title = updated_title(&fields, quirks)?;
        let metadata = match fields.value("metadata") {
            Some(patch) => Some(patched(&self.metadata, patch)?),
            None => None,
        };
        let budget = self.updated_budget(&fields)?;

        let mut changes = Map::new();
        if let Some(agent) = agent {
            // Compared as JSON, because that is what a client could see differ.
            let shown = json!(agent);
            if shown != json!(self.agent.as_ref()) {
                changes.insert("agent".to_owned(), shown);
                self.agent = Arc::new(agent);
            }
        }
        if let Some(title) = title.filter(|title| *title != self.title) {
            changes.insert("title".to_owned(), json!(title));
            self.title = title;
        }
        if let Some(metadata) = metadata.filter(|metadata| *metadata != self.metadata) {
            changes.insert("metadata".to_owned(), json!(metadata));
            self.metadata = metadata;
        }
        if let Some(budget) = budget.filter(|budget| *budget != self.budget_cents) {
            self.budget_cents = budget;
            changes.insert("budget".to_owned(), json!(self.budget()));
        }
        if !changes.is_empty() {
            self.updated_at = clock.stamp();
            self.record("session.updated", self.updated_at, Value::Object(changes));
        }
        Ok(())
    }

    fn updated_agent(
        &self,
        fields: &Fields<'_>,
        quirks: &Quirks,
    ) -> Outcome<Option<super::agent::Agent>> {
        let Some(change) = fields.raw("agent") else {
            return Ok(None);
        };
        let change = Fields::of(change, "agent", &["tools", "mcp_servers"])?;
        let mut agent = self.agent.as_ref().clone();
        agent.replace_tools(&change)?;
        match self.stored {
            Status::Idle => Ok(Some(agent)),
            _ if quirks.has(Quirk::IgnoresAgentWhileBusy) => Ok(None),
            Status::Terminated => Err(Refusal::conflict(
                "The session is terminated; its agent cannot be changed.",
            )),
            Status::Running | Status::Rescheduling => Err(Refusal::conflict(
                "The session is running; its agent can change when it is idle.",
            )),
        }
    }

    #[expect(
        clippy::option_option,
        reason = "no change, removed and set are three cases"
    )]
    fn updated_budget(&self, fields: &Fields<'_>) -> Outcome<Option<Option<u64>>> {
        let Some(value) = fields.raw("budget") else {
            return Ok(None);
        };
        if self.stored == Status::Terminated {
            return Err(Refusal::conflict(
                "The session is terminated; its budget cannot change.",
            ));
        }
        let Some(cents) = budget(value, fields)? else {
            return Ok(Some(None));
        };
        if self.budget_cents.is_none() {
            let refusal = fields.wrong(
                "budget",
                "a session created without a budget cannot get one",
            );
            return Err(refusal.because("budget_create_only"));
        }
        if cents <= self.usage.cents {
            let refusal = fields.wrong("budget", "must be above what the session has consumed");
            return Err(refusal.because("budget_not_raised"));
        }
        Ok(Some(Some(cents)))
    }

    /// Archives the session for good.
    pub(super) fn archive(&mut self, clock: &mut Clock, quirks: &Quirks) -> Outcome<()> {
        if self.archived_at.is_some() {
            if quirks.has(Quirk::RearchiveConflicts) {
                return Err(Refusal::conflict("The session is already archived."));
            }
            if quirks.has(Quirk::RearchiveMoves) {
                self.updated_at = clock.stamp();
                self.archived_at = Some(self.updated_at);
            }
            return Ok(());
        }
        let busy = self.stored == Status::Running;
        if busy && !quirks.has(Quirk::ArchivesBusy) {
            return Err(Refusal::conflict(
                "A running session cannot be archived. Send a user.interrupt event first.",
            ));
        }
        let now = clock.stamp();
        self.archived_at = Some(now);
        self.updated_at = now;
        if busy {
            return Ok(());
        }
        self.turn += 1;
        self.catches_up = None;
        self.waiting.clear();
        self.queue.clear();
        self.running_since = None;
        let status = if quirks.has(Quirk::IdleAfterArchive) {
            Status::Idle
        } else {
            Status::Terminated
        };
        self.live = status;
        self.stored = status;
        for thread in &mut self.threads {
            thread.status = status;
            thread.updated_at = now;
        }
        self.record("session.status_terminated", now, json!({}));
        Ok(())
    }

    /// Whether the session may be deleted now.
    pub(super) fn may_be_deleted(&self) -> Outcome<()> {
        if self.stored == Status::Running {
            return Err(Refusal::conflict(
                "A running session cannot be deleted. Send a user.interrupt event first.",
            ));
        }
        Ok(())
    }
}

/// The outer option says whether the title is to change, the inner one what it becomes.
#[expect(
    clippy::option_option,
    reason = "no change, cleared and set are three cases"
)]
fn updated_title(fields: &Fields<'_>, quirks: &Quirks) -> Outcome<Option<Option<String>>> {
    match fields.raw("title") {
        None => Ok(None),
        Some(Value::Null) if quirks.has(Quirk::NullTitleIgnored) => Ok(None),
        Some(Value::Null) if quirks.has(Quirk::NullTitleFails) => Err(Refusal::fault(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
        )),
        Some(_) => Ok(Some(fields.text("title")?.map(str::to_owned))),
    }
}

/// The metadata of a new session: every value a string.
pub(super) fn metadata(fields: &Fields<'_>) -> Outcome<BTreeMap<String, String>> {
    let Some(value) = fields.value("metadata") else {
        return Ok(BTreeMap::new());
    };
    if value
        .as_object()
        .is_some_and(|map| map.values().any(Value::is_null))
    {
        return Err(fields.wrong("metadata", "values must be strings"));
    }
    patched(&BTreeMap::new(), value)
}

/// `metadata` with a patch applied: strings upsert, null deletes.
fn patched(
    metadata: &BTreeMap<String, String>,
    patch: &Value,
) -> Outcome<BTreeMap<String, String>> {
    let wrong = |complaint: String| Err(Refusal::invalid(format!("metadata: {complaint}")));
    let Some(patch) = patch.as_object() else {
        return wrong("must be an object".to_owned());
    };
    let mut patched = metadata.clone();
    for (key, value) in patch {
        if key.is_empty() || key.chars().count() > LONGEST_KEY {
            return wrong(format!("{key:?}: a key has 1 to {LONGEST_KEY} characters"));
        }
        match value {
            Value::Null => {
                patched.remove(key);
            }
            Value::String(text) if text.chars().count() <= LONGEST_VALUE => {
                patched.insert(key.clone(), text.clone());
            }
            Value::String(_) => {
                return wrong(format!(
                    "{key:?}: a value has at most {LONGEST_VALUE} characters"
                ));
            }
            _ => return wrong(format!("{key:?}: a value is a string, or null to delete")),
        }
    }
    if patched.len() > MOST_METADATA {
        return wrong(format!("at most {MOST_METADATA} pairs"));
    }
    Ok(patched)
}

/// Cents of a budget object; none if it is null.
pub(super) fn budget(value: &Value, fields: &Fields<'_>) -> Outcome<Option<u64>> {
    if value.is_null() {
        return Ok(None);
    }
    let limit = Fields::of(value, fields.at("budget"), &["type", "max_list_cost"])?;
    if limit.kind()? != "limit" {
        return Err(limit.wrong("type", "must be \"limit\""));
    }
    let Some(cost) = limit.value("max_list_cost") else {
        return Err(limit.wrong("max_list_cost", "is required"));
    };
    let cost = Fields::of(cost, limit.at("max_list_cost"), &["amount", "currency"])?;
    if cost.required_text("currency")? != "USD" {
        return Err(cost.wrong("currency", "must be USD"));
    }
    let amount = cost.required_text("amount")?;
    let plain = amount.chars().all(|c| c.is_ascii_digit()) && !amount.starts_with('0');
    match amount.parse() {
        Ok(cents) if plain => Ok(Some(cents)),
        _ => Err(cost.wrong(
            "amount",
            "a positive integer of minor units, without leading zeros",
        )),
    }
}

/// The resources of a new session, each with what the service adds to it.
pub(super) fn resources(fields: &Fields<'_>, session: &str, now: Instant) -> Outcome<Vec<Value>> {
    let given = fields.array("resources")?.unwrap_or_default();
    let given = given.iter().enumerate();
    given
        .map(|(position, value)| {
            let id = format!("sesrsc_{session}_{:02}", position + 1);
            resource(value, format!("resources.{position}"), &id, now)
        })
        .collect()
}

fn resource(value: &Value, path: String, id: &str, now: Instant) -> Outcome<Value> {
    match Fields::open(value, path.as_str())?.kind()? {
        "file" => {
            let fields = Fields::of(value, path, &["type", "file_id", "mount_path"])?;
            let file = fields.required_text("file_id")?;
            let mount = fields.text("mount_path")?.map(str::to_owned);
            Ok(json!({
                "id": id, "type": "file", "file_id": file,
                "mount_path": mount.unwrap_or_else(|| format!("/mnt/session/uploads/{file}")),
                "created_at": now, "updated_at": now,
            }))
        }
        "github_repository" => {
            let known = [
                "type",
                "url",
                "authorization_token",
                "checkout",
                "mount_path",
            ];
            let fields = Fields::of(value, path, &known)?;
            let url = fields.required_text("url")?;
            let name = url
                .trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or("repository");
            let mount = fields.text("mount_path")?.map(str::to_owned);
            Ok(json!({
                "id": id, "type": "github_repository", "url": url,
                "mount_path": mount.unwrap_or_else(|| format!("/workspace/{name}")),
                "checkout": fields.value("checkout"),
                "created_at": now, "updated_at": now,
            }))
        }
        "memory_store" => {
            let known = ["type", "memory_store_id", "access", "instructions"];
            let fields = Fields::of(value, path, &known)?;
            Ok(json!({
                "type": "memory_store",
                "memory_store_id": fields.required_text("memory_store_id")?,
                "access": fields.text("access")?.unwrap_or("read_write"),
                "instructions": fields.text("instructions")?,
            }))
        }
        kind => Err(Refusal::invalid(format!(
            "{path}.type: unknown resource type {kind:?}"
        ))),
    }
}
