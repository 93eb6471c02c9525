//! `list_agents`: what sessions can be started from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::ops::list_agents::{Query, list_agents},
    domain::view::agent::{AgentRow, EnvironmentRow},
    explain::{explain, gaps},
    mcp::{
        args::values::number,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Only agents with this in their name, whatever its case.
    name_contains: Option<String>,
    /// Archived ones too.
    include_archived: Option<bool>,
    /// How many agents.
    #[serde(default = "number::<50>")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    /// next_page of an earlier answer, with the same arguments.
    page: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The agents.
    agents: Vec<AgentRow>,
    /// The environments; on the first page only.
    #[serde(skip_serializing_if = "Option::is_none")]
    environments: Option<Vec<EnvironmentRow>>,
    /// Give it as page to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
    /// What is missing, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SessionsTool for Args {
    const OP: Op = Op::ListAgents;
    const TITLE: &'static str = "List agents";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always("List the agents and environments that there are: ids, names, tools."),
        Text::Where(Op::StartSession, "start_session takes ids or names."),
    ];
    const GROUP: ToolGroup = ToolGroup::Work;
    const EFFECT: Effect = Effect::Reads;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let include_archived = self.include_archived.unwrap_or_default();
        let asked = (&self.name_contains, include_archived);
        let query = Query {
            request: call.list_request(&asked, self.page.as_deref())?,
            name_contains: self.name_contains,
            include_archived,
            limit: self.limit,
        };
        let listed = Box::pin(list_agents(call.services, call.cx, query)).await?;
        let mut warnings = gaps::warnings(&listed.gaps, listed.next_page.is_some());
        let environments = match listed.environments {
            Some(Ok(environments)) => {
                let cut = "there are more environments than are shown here";
                warnings.extend(environments.is_cut.then(|| cut.to_owned()));
                Some(environments.rows)
            }
            Some(Err(error)) => {
                let cause = explain(&error, Op::ListAgents, call.vocabulary);
                let (code, message) = (cause.code, cause.message);
                warnings.push(format!("the environments cannot be read: {code}: {message}"));
                None
            }
            None => None,
        };
        Ok(Output { agents: listed.agents, environments, next_page: listed.next_page, warnings })
    }
}
