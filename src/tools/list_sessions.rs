//! `list_sessions`: rows, filtered and paged.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Call, Effect, Failure, SessionsTool, Toolset, filter_args::FilterArgs};
use crate::{
    api::{Order, SessionQuery},
    domain::summary::Row,
    server::SessionsServer,
};

pub(super) struct ListSessions;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Args {
    #[serde(flatten)]
    filter: FilterArgs,
    /// By creation: newest (desc, default) or oldest first.
    #[serde(default)]
    #[schemars(default)]
    order: OrderArg,
    /// How many rows.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    /// next_page of an earlier answer, with the same other arguments.
    page: Option<String>,
}

fn default_limit() -> u32 {
    20
}

#[derive(Deserialize, JsonSchema, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum OrderArg {
    #[default]
    Desc,
    Asc,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// The rows.
    sessions: Vec<Row>,
    /// Give it as page to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
}

impl SessionsTool for ListSessions {
    const NAME: &'static str = "list_sessions";
    const TITLE: &'static str = "List sessions";
    const DESCRIPTION: &'static str = "List sessions as short rows: status, title, agent, times, \
        tokens, cost. Newest first; archived ones only with include_archived. An empty answer \
        means that nothing matches.";
    const TOOLSET: Toolset = Toolset::Sessions;
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let filter = args.filter.read(Self::NAME, server)?;
        let mut query = SessionQuery::from(&filter);
        query.order = Some(args.order.into());
        query.limit = Some(args.limit);
        query.page = args.page;
        let page = call.client().list_sessions(&query).await;
        let page = page
            .map_err(|error| Failure::api("the list of sessions", &error))?
            .body;
        let matching = page.data.iter().filter(|session| filter.matches(session));
        Ok(Output {
            sessions: matching.map(Row::of).collect(),
            next_page: page.next_page,
        })
    }
}

impl From<OrderArg> for Order {
    fn from(order: OrderArg) -> Self {
        match order {
            OrderArg::Desc => Self::Desc,
            OrderArg::Asc => Self::Asc,
        }
    }
}
