//! `list_sessions`: rows, filtered and paged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        error::ErrorKind,
        ops::list_sessions::{Query, list_sessions},
    },
    domain::view::row::Row,
    explain::{agents::unknown as unknown_agent_warning, gaps},
    mcp::{
        args::{
            filter::FilterArgs,
            values::{OrderArg, number},
        },
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    #[serde(flatten)]
    filter: FilterArgs,
    /// By creation; desc is newest first.
    #[serde(default)]
    order: OrderArg,
    /// How many rows.
    #[serde(default = "number::<20>")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    /// How many sessions the filters from updated_after on may look at.
    #[serde(default = "number::<1_000>")]
    #[schemars(range(min = 1, max = 10_000))]
    max_scan: u32,
    /// next_page of an earlier answer, with the same filters and order.
    page: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The rows.
    sessions: Vec<Row>,
    /// Give it as page to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
    /// How many sessions were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    scanned: Option<usize>,
    /// Whether every session was looked at; if not, next_page goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
    /// Why the answer is empty or not whole, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SessionsTool for Args {
    const OP: Op = Op::ListSessions;
    const TITLE: &'static str = "List sessions";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Find sessions: short rows with status, title, agent, \
        times, tokens, cost. Newest first; archived ones only with include_archived. If there \
        is a next_page, call again with it as page.",
    )];
    const GROUP: ToolGroup = ToolGroup::Sessions;
    const EFFECT: Effect = Effect::Reads;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let asked = (self.order, &self.filter);
        let request = call.list_request(&asked, self.page.as_deref())?;
        let filter = self.filter.read(request.asked_at());
        let query = Query {
            filter: filter.map_err(ErrorKind::InvalidArguments)?,
            request,
            order: self.order.into(),
            limit: self.limit,
            max_scan: self.max_scan as usize,
        };
        let listed = list_sessions(call.services, call.cx, query).await?;
        let (scanned, complete) = listed.scanned.unzip();
        Ok(Output {
            warnings: gaps::warnings(&listed.gaps, listed.next_page.is_some())
                .into_iter()
                .chain(listed.unknown_agent.iter().map(unknown_agent_warning))
                .collect(),
            sessions: listed.sessions,
            next_page: listed.next_page,
            scanned,
            complete,
        })
    }
}
