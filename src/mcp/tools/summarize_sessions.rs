//! `summarize_sessions`: what there is and what it costs.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{error::ErrorKind, ops::summarize_sessions::summarize_sessions},
    domain::view::{
        size::size,
        summary::{Part, Summarized},
    },
    explain::{agents::unknown as unknown_agent_warning, gaps},
    mcp::{
        args::{
            filter::FilterArgs,
            values::{SummaryPartArg, number},
        },
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

/// The default of top.
const TOP: usize = 5;
/// What sums, rows and warnings may take of a default answer of 3,000 characters, and of the
/// largest one of 12,000.
const SHORT_BYTES: usize = 2_900;
const LONG_BYTES: usize = 11_900;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    #[serde(flatten)]
    filter: FilterArgs,
    /// Which of by_status, by_agent, by_day, by_metadata:KEY, most_expensive, longest_unchanged;
    /// by default by_status, by_agent, most_expensive.
    #[serde(default)]
    #[schemars(length(max = 10))]
    show: Vec<SummaryPartArg>,
    /// Entries of each.
    #[serde(default = "number::<5>")]
    #[schemars(range(min = 1, max = 50))]
    top: u32,
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
        total and by what show names. Cost is that of a session's whole life, on its day of \
        creation. Archived ones too, unless include_archived is false.",
    )];
    const GROUP: ToolGroup = ToolGroup::Fleet;
    const EFFECT: Effect = Effect::Reads;
    const FILTERS: bool = true;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let filter = self.filter.with_archived().read(Timestamp::now());
        let filter = filter.map_err(ErrorKind::InvalidArguments)?;
        let (max_scan, top) = (self.max_scan as usize, self.top as usize);
        let mut parts: BTreeSet<Part> = self.show.into_iter().map(|part| part.0).collect();
        if parts.is_empty() {
            parts = Part::DEFAULT.into();
        }
        let is_short = top <= TOP && parts.iter().all(|part| Part::DEFAULT.contains(part));
        let most = if is_short { SHORT_BYTES } else { LONG_BYTES };
        let shown = (&parts, top);
        let summed = summarize_sessions(call.services, call.cx, filter, max_scan, shown).await?;
        let warnings: Vec<String> = gaps::warnings(&summed.gaps, false)
            .into_iter()
            .chain(summed.unknown_agent.iter().map(unknown_agent_warning))
            .collect();
        let most = most.saturating_sub(size(&warnings));
        Ok(Output {
            summary: summed.summary.fitting(|shown| size(shown) <= most),
            scanned: summed.scanned,
            complete: summed.complete,
            warnings,
        })
    }
}
