//! The filters that all tools on many sessions share.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    domain::{filter::Filter, toolset::Wanted},
    mcp::args::values::{AmountArg, PairsArg, SessionIdArg, TimeArg},
    model::SessionId,
};

#[derive(Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FilterArgs {
    /// Only sessions of this agent: id or exact name.
    #[schemars(extend("x-alias" = "agent_id"))]
    agent: Option<String>,
    /// Only this version of agent.
    #[schemars(range(min = 1))]
    agent_version: Option<i64>,
    /// Only of this deployment.
    deployment_id: Option<String>,
    /// Only with this memory store.
    memory_store_id: Option<String>,
    /// Only these statuses.
    #[serde(default)]
    statuses: Vec<StatusArg>,
    /// Archived ones too.
    include_archived: Option<bool>,
    /// RFC 3339, or an age such as "7d".
    created_after: Option<TimeArg>,
    /// As created_after.
    created_before: Option<TimeArg>,
    /// As created_after.
    updated_after: Option<TimeArg>,
    /// As created_after; "7d" is unchanged for a week.
    updated_before: Option<TimeArg>,
    /// In the title, in any case.
    #[schemars(length(max = 1000))]
    title_contains: Option<String>,
    /// Pairs that must all be equal.
    #[serde(default)]
    metadata: PairsArg,
    /// Such as "50.00" (USD) or "50.00 EUR".
    min_list_cost: Option<AmountArg>,
    /// An MCP server, server.tool, custom or enabled built-in tool; "bash:always_allow": with this
    /// permission.
    #[schemars(length(max = 1000))]
    uses: Option<String>,
    /// Not in the title, in any case.
    #[schemars(length(max = 1000))]
    not_title_contains: Option<String>,
    /// Without these keys or "key=value" pairs.
    #[serde(default)]
    not_metadata: Vec<String>,
    /// Not these.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    exclude_session_ids: Vec<SessionIdArg>,
}

// The operator's further statuses are added to the schema later.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(extend("enum" = ["idle", "running", "rescheduling", "terminated"]))]
struct StatusArg(String);

impl FilterArgs {
    /// The filter that these conditions make; ages count back from `now`. Its `agent_id` is the
    /// agent as it was given, which may be a name; see [`crate::app::agents`].
    pub(crate) fn read(self, now: Timestamp) -> Result<Filter, Vec<String>> {
        if self.agent_version.is_some() && self.agent.is_none() {
            let mistake = "agent_version needs agent; give both or neither";
            return Err(vec![mistake.to_owned()]);
        }
        let excluded = self.excluded();
        let at = |time: Option<TimeArg>| time.map(|time| time.at(now));
        Ok(Filter {
            agent_id: self.agent,
            agent_version: self.agent_version,
            deployment_id: self.deployment_id,
            memory_store_id: self.memory_store_id,
            statuses: self.statuses.into_iter().map(|status| status.0).collect(),
            include_archived: self.include_archived.unwrap_or(false),
            created_after: at(self.created_after),
            created_before: at(self.created_before),
            title_contains: self.title_contains,
            metadata: self.metadata.pairs().collect(),
            updated_after: at(self.updated_after),
            updated_before: at(self.updated_before),
            min_list_cost: self.min_list_cost.and_then(|amount| amount.money()),
            uses: self.uses.as_deref().map(Wanted::of),
            not_title_contains: self.not_title_contains,
            not_metadata: self.not_metadata,
            excluded: excluded.into(),
            allowed_agents: Vec::new(),
        })
    }

    /// The sessions that are named as ones to leave out.
    pub(crate) fn excluded(&self) -> BTreeSet<SessionId> {
        self.exclude_session_ids.iter().map(|arg| arg.id().clone()).collect()
    }

    /// Whether no session is left out, but for archived ones and those named.
    pub(crate) fn is_empty(&self) -> bool {
        let Ok(Value::Object(mut given)) = serde_json::to_value(self) else {
            return false;
        };
        given.shift_remove("include_archived");
        given.shift_remove("exclude_session_ids");
        given.values().all(|value| match value {
            Value::Null => true,
            Value::Array(values) => values.is_empty(),
            Value::Object(pairs) => pairs.is_empty(),
            _ => false,
        })
    }

    /// Includes archived sessions unless the caller says otherwise.
    pub(crate) fn with_archived(mut self) -> Self {
        self.include_archived.get_or_insert(true);
        self
    }
}
