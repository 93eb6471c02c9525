//! The filters that every tool over many sessions shares.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Failure, args::When};
use crate::{api::SessionQuery, domain::filter::Filter, server::SessionsServer};

/// Conditions on the sessions a tool is about.
#[derive(Deserialize, JsonSchema)]
pub(super) struct FilterArgs {
    /// Only sessions of this agent.
    agent_id: Option<String>,
    /// Only this version of agent_id.
    #[schemars(range(min = 1))]
    agent_version: Option<i64>,
    /// Only sessions of this deployment.
    deployment_id: Option<String>,
    /// Only sessions with this memory store.
    memory_store_id: Option<String>,
    /// Only these statuses.
    #[serde(default)]
    statuses: Vec<StatusArg>,
    /// Archived sessions too.
    #[serde(default)]
    include_archived: bool,
    /// Created at or after: RFC 3339, or an age such as "7d".
    created_after: Option<When>,
    /// Created before: RFC 3339, or an age such as "36h".
    created_before: Option<When>,
}

/// A status that can be asked for. The list of names is in the schema, where the operator's
/// further names are added.
#[derive(Deserialize)]
#[serde(transparent)]
struct StatusArg(String);

impl JsonSchema for StatusArg {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "enum": ["idle", "running", "rescheduling", "terminated"]
        })
    }
}

impl FilterArgs {
    /// What the conditions mean together with the operator's.
    ///
    /// # Errors
    /// `invalid_arguments` when conditions need each other, and one is missing.
    pub(super) fn read(self, tool: &str, server: &SessionsServer) -> Result<Filter, Failure> {
        if self.agent_version.is_some() && self.agent_id.is_none() {
            let mistake = "agent_version needs agent_id; give both or neither".to_owned();
            return Err(Failure::invalid_arguments(tool, &[mistake]));
        }
        Ok(Filter {
            agent_id: self.agent_id,
            agent_version: self.agent_version,
            deployment_id: self.deployment_id,
            memory_store_id: self.memory_store_id,
            statuses: self.statuses.into_iter().map(|status| status.0).collect(),
            include_archived: self.include_archived,
            created_after: self.created_after.map(|when| when.0),
            created_before: self.created_before.map(|when| when.0),
            allowed_agents: server.config().allowed_agents.clone(),
        })
    }
}

/// What of a filter the API itself can be asked for.
impl From<&Filter> for SessionQuery {
    fn from(filter: &Filter) -> Self {
        Self {
            agent_id: filter.agent_id.clone(),
            agent_version: filter.agent_version,
            deployment_id: filter.deployment_id.clone(),
            memory_store_id: filter.memory_store_id.clone(),
            statuses: filter.statuses.clone(),
            include_archived: filter.include_archived,
            created_gte: filter.created_after,
            created_lt: filter.created_before,
            ..Self::default()
        }
    }
}
