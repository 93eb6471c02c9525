//! `plan_cleanup`: which sessions would be archived or deleted, which not, and why. Reads only.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        error::ErrorKind,
        ops::plan_cleanup::{Limits, Selection, plan_cleanup},
        plan::{action::Action, progress::Skipped},
    },
    domain::view::row::Row,
    explain::{agents::unknown as unknown_agent_warning, gaps},
    mcp::{
        args::{
            filter::FilterArgs,
            values::{SessionIdArg, number},
        },
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// What to do with the sessions.
    action: Action,
    /// These sessions, instead of filters.
    #[schemars(length(min = 1, max = 1000))]
    session_ids: Option<Vec<SessionIdArg>>,
    #[serde(flatten)]
    filter: FilterArgs,
    /// Also sessions that wait for somebody's answer.
    #[serde(default)]
    include_waiting: bool,
    /// How many sessions the plan holds at most.
    #[serde(default = "number::<100>")]
    #[schemars(range(min = 1, max = 1000))]
    max_sessions: u32,
    /// How many sessions to look at, oldest first.
    #[serde(default = "number::<10_000>")]
    #[schemars(range(min = 1, max = 10000))]
    max_scan: u32,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Give it to apply_cleanup.
    #[schemars(extend("x-mentions" = "apply_cleanup"))]
    plan_id: String,
    /// When the plan ends.
    expires_at: String,
    /// How many sessions would be acted on.
    matched: usize,
    /// The first of them.
    sessions: Vec<Row>,
    /// What the matched ones cost so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_list_cost: Option<String>,
    /// Those that may not be acted on, by code: count and first ids.
    skipped: Skipped,
    /// How many sessions were looked at.
    scanned: usize,
    /// Whether all that could match were.
    complete: bool,
    /// How long applying it takes.
    estimated_seconds: u64,
    /// Why the answer is empty or not whole, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SessionsTool for Args {
    const OP: Op = Op::PlanCleanup;
    const TITLE: &'static str = "Plan a clean-up";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always(
            "Choose sessions to archive or delete, by filters or ids, and see what would happen: \
             nothing is changed. Busy ones are skipped, and those that wait for an answer when the \
             plan is applied.",
        ),
        Text::Where(Op::ApplyCleanup, "Show the user the plan, then call apply_cleanup."),
        Text::Always("\"Unchanged for a month\" is updated_before \"1 month\"."),
    ];
    const GROUP: ToolGroup = ToolGroup::Fleet;
    const EFFECT: Effect = Effect::Reads;
    const BULK: bool = true;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let selection = match self.session_ids {
            Some(_) if !self.filter.is_empty() => {
                let mistake = "session_ids and filters are given; give one of them".to_owned();
                return Err(ErrorKind::InvalidArguments(vec![mistake]).into());
            }
            Some(ids) => Selection::Ids(ids.iter().map(|arg| arg.id().clone()).collect()),
            None if self.filter.is_empty() => {
                let mistake = "neither session_ids nor a filter is given; choose sessions, or give \
                    statuses with every status to mean all";
                return Err(ErrorKind::InvalidArguments(vec![mistake.to_owned()]).into());
            }
            None => {
                let filter = self.filter.read(Timestamp::now());
                Selection::Matching(Box::new(filter.map_err(ErrorKind::InvalidArguments)?))
            }
        };
        let limits = Limits {
            max_sessions: self.max_sessions as usize,
            max_scan: self.max_scan as usize,
            include_waiting: self.include_waiting,
        };
        let (services, cx) = (call.services, call.cx);
        let made = plan_cleanup(services, cx, self.action, selection, limits).await?;
        Ok(Output {
            plan_id: made.plan_id,
            expires_at: made.expires_at,
            matched: made.matched,
            sessions: made.sessions,
            total_list_cost: made.total_list_cost,
            skipped: made.skipped,
            scanned: made.scanned,
            complete: made.complete,
            estimated_seconds: made.estimated_seconds,
            warnings: gaps::warnings(&made.gaps, false)
                .into_iter()
                .chain(made.unknown_agent.iter().map(unknown_agent_warning))
                .collect(),
        })
    }
}
