//! `summarize_sessions`: what there is and what it costs.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::Order,
    app::scan::{Scan, sessions::Sessions},
    config::Toolset,
    domain::view::{
        size::size,
        summary::{Summarized, Summary},
    },
    explain::Failure,
    mcp::{
        args::filter::FilterArgs,
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
};

/// What the sums and rows may take of an answer of 12,000 characters.
const BYTES: usize = 11_800;
/// How often progress is told.
const PAGES_A_WORD: usize = 100;

pub(crate) struct SummarizeSessions;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    #[serde(flatten)]
    filter: FilterArgs,
    /// How many sessions to look at, newest first.
    #[serde(default = "default_max_scan")]
    #[schemars(range(min = 1, max = 10_000))]
    max_scan: u32,
}

fn default_max_scan() -> u32 {
    5_000
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    #[serde(flatten)]
    summary: Summarized,
    /// How many sessions were looked at.
    scanned: usize,
    /// Whether every session was looked at; if not, the sums are of the newest.
    complete: bool,
}

impl SessionsTool for SummarizeSessions {
    const NAME: &'static str = "summarize_sessions";
    const TITLE: &'static str = "Summarize sessions";
    const DESCRIPTION: &'static str = "Count sessions and sum up cost, tokens and active time: in \
        total, by status, agent and day of creation, with the dearest and the longest unchanged. \
        Archived ones too, unless include_archived is false.";
    const TOOLSET: Toolset = Toolset::Fleet;
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let filter = args
            .filter
            .with_archived()
            .read(&server.config().allowed_agents, Timestamp::now())
            .map_err(|mistakes| Failure::invalid_arguments(Self::NAME, &mistakes))?;
        let (most, until) = (args.max_scan as usize, call.soon());
        let order = Order::Desc;
        let source = Sessions { filter, order };
        let mut scan = Scan::new(source, call.client(), server.pacer(), most, until);
        let mut summary = Summary::default();
        let mut told = 0;
        loop {
            let next = scan.next().await;
            let Some(session) = next.map_err(|error| Failure::api(super::LIST, &error))? else {
                break;
            };
            summary.add(&session);
            if scan.scanned() >= told + PAGES_A_WORD {
                told = scan.scanned();
                let message = format!("{told} sessions looked at");
                #[expect(clippy::cast_precision_loss, reason = "at most 10,000")]
                call.progress(told as f64, None, message).await;
            }
        }
        Ok(Output {
            scanned: scan.scanned(),
            complete: scan.is_complete(),
            summary: summary.fitting(|shown| size(shown) <= BYTES),
        })
    }
}
