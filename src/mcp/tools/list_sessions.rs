//! `list_sessions`: rows, filtered and paged.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::scan::{PAGE, Scan},
    config::Toolset,
    domain::view::{
        row::Row,
        size::{LIST_BYTES, SizeBudget},
    },
    explain::Failure,
    mcp::{
        args::{filter::FilterArgs, values::OrderArg},
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
};

pub(crate) struct ListSessions;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    #[serde(flatten)]
    filter: FilterArgs,
    /// By creation; desc is newest first.
    #[serde(default)]
    order: OrderArg,
    /// How many rows.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    /// How many sessions the filters from updated_after on may look at.
    #[serde(default = "default_max_scan")]
    #[schemars(range(min = 1, max = 10_000))]
    max_scan: u32,
    /// next_page of an earlier answer, with the same filters and order.
    page: Option<String>,
}

fn default_limit() -> u32 {
    20
}

fn default_max_scan() -> u32 {
    1_000
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
}

impl SessionsTool for ListSessions {
    const NAME: &'static str = "list_sessions";
    const TITLE: &'static str = "List sessions";
    const DESCRIPTION: &'static str = "Find sessions: short rows with status, title, agent, \
        times, tokens, cost. Newest first; archived ones only with include_archived. If there \
        is a next_page, call again with it as page.";
    const TOOLSET: Toolset = Toolset::Sessions;
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let asked = (args.order, &args.filter);
        let question = call.question(server, &asked, args.page.as_deref(), Timestamp::now())?;
        let filter = args.filter.read(Self::NAME, server, question.asked_at)?;
        let (own, most) = (filter.has_local_conditions(), args.max_scan as usize);
        let order = args.order.into();
        let mut scan = Scan::new(
            call.client(),
            server.pace(),
            filter,
            order,
            most,
            call.soon(),
        )
        .by(if own { PAGE } else { args.limit })
        .from(question.position.clone());
        let mut rows = Vec::new();
        let mut room = SizeBudget::of(LIST_BYTES);
        let mut full = false;
        while !full && rows.len() < args.limit as usize {
            let next = scan.next().await;
            let Some(session) = next.map_err(|error| Failure::api(super::LIST, &error))? else {
                break;
            };
            let row = Row::of(&session);
            if room.take(&row) || rows.is_empty() {
                rows.push(row);
            } else {
                scan.put_back(session);
                full = true;
            }
        }
        // Without filters of our own it is a scan only where the service ignored the API's.
        let stopped = !full && rows.len() < args.limit as usize && !scan.is_complete();
        let is_scan = own || stopped;
        Ok(Output {
            sessions: rows,
            next_page: question.continued(server.cursors(), scan.position()),
            scanned: is_scan.then(|| scan.scanned()),
            complete: is_scan.then(|| scan.is_complete()),
        })
    }
}
