//! Deployments, to read only: they start no sessions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeploymentStatus {
    Active,
    Paused,
}

/// What a deployment binds to its agent. Deserialized from the seed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeploymentSettings {
    pub(super) name: String,
    description: Option<String>,
    /// With a version.
    pub(super) agent: Value,
    environment_id: String,
    pub(super) status: DeploymentStatus,
    paused_reason: Option<Value>,
    initial_events: Vec<Value>,
    #[serde(default)]
    resources: Vec<Value>,
    #[serde(default)]
    vault_ids: Vec<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Value>,
}

#[derive(Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) settings: DeploymentSettings,
    /// Whether it runs each Monday at 06:00 UTC.
    pub(super) weekly: bool,
    pub(super) created_at: Timestamp,
    pub(super) archived_at: Option<Timestamp>,
}

/// A deployment as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct DeploymentView<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    settings: &'a DeploymentSettings,
    schedule: Option<Schedule>,
    created_at: Timestamp,
    updated_at: Timestamp,
    archived_at: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Schedule {
    #[serde(rename = "type")]
    kind: &'static str,
    expression: &'static str,
    timezone: &'static str,
    last_run_at: Option<Timestamp>,
    upcoming_runs_at: Vec<Timestamp>,
}

impl Deployment {
    pub(super) fn agent_id(&self) -> Option<&str> {
        self.settings.agent.get("id").and_then(Value::as_str)
    }

    pub(super) fn view(&self, now: Timestamp) -> DeploymentView<'_> {
        DeploymentView {
            id: &self.id,
            kind: "deployment",
            settings: &self.settings,
            schedule: self.weekly.then(|| self.schedule(now)),
            created_at: self.created_at,
            updated_at: self.archived_at.unwrap_or(self.created_at),
            archived_at: self.archived_at,
        }
    }

    /// Runs each Monday at 06:00 UTC.
    fn schedule(&self, now: Timestamp) -> Schedule {
        const WEEK: i64 = 7 * 24 * 60 * 60 * 1_000_000;
        /// 1970-01-05T06:00:00Z, a Monday.
        const FIRST: i64 = (4 * 24 + 6) * 60 * 60 * 1_000_000;
        let last = (now.micros() - FIRST).div_euclid(WEEK);
        let run = |number: i64| Timestamp::from_micros(number * WEEK + FIRST);
        let count = if self.archived_at.is_none() { 5 } else { 0 };
        Schedule {
            kind: "cron",
            expression: "0 6 * * 1",
            timezone: "UTC",
            last_run_at: Some(run(last)).filter(|at| *at >= self.created_at),
            upcoming_runs_at: (1..=count).map(|ahead| run(last + ahead)).collect(),
        }
    }
}
