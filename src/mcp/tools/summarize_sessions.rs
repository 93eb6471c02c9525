//! `summarize_sessions`: what there is and what it costs.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{error::ErrorKind, ops::summarize_sessions::summarize_sessions},
    domain::view::summary::Summarized,
    explain::{agents::unknown as unknown_agent_warning, gaps},
    mcp::{
        args::{filter::FilterArgs, values::number},
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    #[serde(flatten)]
    filter: FilterArgs,
    /// How many sessions to look at, newest first.
    #[serde(default = "number::<5_000>")]
    #[schemars(range(min = 1, max = 10_000))]
    max_scan: u32,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    #[serde(flatten)]
    summary: Summarized,
    /// How many sessions were looked at.
    scanned: usize,
    /// Whether every session was looked at; if not, the sums are of the newest.
    complete: bool,
    /// Why the answer is empty or not whole, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SessionsTool for Args {
    const OP: Op = Op::SummarizeSessions;
    const TITLE: &'static str = "Summarize sessions";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Count sessions and sum up cost, tokens and active time: in \
        total, by status, agent and day of creation, with the dearest and the longest unchanged. \
        Archived ones too, unless include_archived is false.",
    )];
    const GROUP: ToolGroup = ToolGroup::Fleet;
    const EFFECT: Effect = Effect::Reads;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let filter = self.filter.with_archived().read(Timestamp::now());
        let filter = filter.map_err(ErrorKind::InvalidArguments)?;
        let max_scan = self.max_scan as usize;
        let summed = summarize_sessions(call.services, call.cx, filter, max_scan).await?;
        Ok(Output {
            summary: summed.summary,
            scanned: summed.scanned,
            complete: summed.complete,
            warnings: gaps::warnings(&summed.gaps, false)
                .into_iter()
                .chain(summed.unknown_agent.iter().map(unknown_agent_warning))
                .collect(),
        })
    }
}
