//! `plan_changes`: which sessions would be archived, deleted, interrupted or given other tools,
//! which not, and why. Reads only.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::{
        error::ErrorKind,
        ops::{
            plan_changes::{Limits, PlanMade, Selection, plan_changes, plan_undo},
            show_plan::show_plan,
        },
        plan::{
            action::Action,
            progress::{SkipReason, Skipped},
            store::{Fate, PlanOrder},
        },
    },
    domain::{
        toolset::{Changes, Mode, Patch},
        view::row::Row,
    },
    explain::{agents::unknown as unknown_agent_warning, gaps, plan, vocabulary::Vocabulary},
    mcp::{
        args::{
            filter::FilterArgs,
            values::{SessionIdArg, number},
        },
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
    model::SessionId,
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// What to do with the sessions.
    action: Option<Action>,
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
    /// For update_tools: entries to merge into those of each session.
    #[schemars(with = "Option<Vec<Map<String, Value>>>", extend("x-check" = "entries"))]
    tools: Option<Vec<Value>>,
    /// The same.
    #[schemars(with = "Option<Vec<Map<String, Value>>>", extend("x-check" = "entries"))]
    mcp_servers: Option<Vec<Value>>,
    /// The same.
    #[serde(default)]
    remove_tools: Vec<String>,
    /// The same.
    #[serde(default)]
    remove_mcp_servers: Vec<String>,
    /// The same.
    #[serde(default)]
    remove_configs: Vec<String>,
    /// Instead: an earlier plan, to see each of its sessions and what became of it.
    plan_id: Option<String>,
    /// With plan_id: make the plan that takes its update_tools back.
    #[serde(default)]
    undo: bool,
    /// With plan_id: next_page of an earlier answer.
    page: Option<String>,
}

impl Args {
    fn invalid<T>(mistake: &str) -> Result<T, Error> {
        Err(ErrorKind::InvalidArguments(vec![mistake.to_owned()]).into())
    }

    /// The action and the sessions of a new plan.
    fn choice(&mut self, vocabulary: &dyn Vocabulary) -> Result<(Action, Selection), Error> {
        let Some(action) = self.action else {
            let choices = Action::ALL.into_iter().filter(|it| !vocabulary.is_disabled(it.op()));
            let choices = choices.map(Action::name).collect::<Vec<_>>().join(", ");
            return Self::invalid(&format!(
                "action is missing; it must be one of {choices} (or give plan_id to see an \
                 earlier plan)",
            ));
        };
        if self.page.is_some() || self.undo {
            return Self::invalid("page and undo belong to plan_id; a new plan has neither");
        }
        let selection = match self.session_ids.take() {
            Some(_) if !self.filter.is_empty() => {
                return Self::invalid("session_ids and filters are given; give one of them");
            }
            Some(ids) => {
                let excluded = self.filter.excluded();
                let ids = ids.iter().map(SessionIdArg::id).filter(|id| !excluded.contains(id));
                let ids: Vec<SessionId> = ids.cloned().collect();
                if ids.is_empty() {
                    return Self::invalid("exclude_session_ids leaves none of session_ids");
                }
                Selection::Ids(ids)
            }
            None if self.filter.is_empty() => {
                return Self::invalid(
                    "neither session_ids nor a filter is given; choose sessions, or give statuses \
                     with every status to mean all",
                );
            }
            None => {
                let filter = std::mem::take(&mut self.filter).read(Timestamp::now());
                Selection::Matching(Box::new(filter.map_err(ErrorKind::InvalidArguments)?))
            }
        };
        Ok((action, selection))
    }

    /// What is merged into the tools of each session, with update_tools alone.
    fn patch(&mut self) -> Option<Patch> {
        let patch = Patch {
            mode: Mode::Merge,
            // Merging an empty array changes nothing.
            tools: self.tools.take().filter(|tools| !tools.is_empty()),
            mcp_servers: self.mcp_servers.take().filter(|servers| !servers.is_empty()),
            remove_tools: std::mem::take(&mut self.remove_tools),
            remove_mcp_servers: std::mem::take(&mut self.remove_mcp_servers),
            remove_configs: std::mem::take(&mut self.remove_configs),
        };
        (patch != Patch::default()).then_some(patch)
    }

    /// Fails if the earlier plan is given together with what makes a new one.
    fn ensure_alone(&mut self) -> Result<(), Error> {
        let has_choice =
            self.action.is_some() || self.session_ids.is_some() || !self.filter.is_empty();
        if has_choice || !self.filter.excluded().is_empty() || self.patch().is_some() {
            return Self::invalid(
                "plan_id shows an earlier plan as it is; give only page or undo with it, or leave \
                 it out to make a new plan",
            );
        }
        if self.undo && self.page.is_some() {
            return Self::invalid("undo makes a new plan, which has no pages yet; leave page out");
        }
        Ok(())
    }

    fn shown(&self, plan_id: &str, call: ToolCall<'_>) -> Result<Output, Error> {
        let request = call.list_request(&plan_id, self.page.as_deref())?;
        let page = show_plan(call.services, plan_id, &request)?;
        let progress = page.plan.progress();
        Ok(Output {
            plan_id: page.plan.id.clone(),
            expires_at: format!("{:.0}", page.plan.expires_at),
            action: page.plan.order.action,
            matched: progress.matched,
            sessions: page.sessions.into_iter().map(PlanRow::of).collect(),
            more: None,
            diffs: Vec::new(),
            next_page: page.next_page,
            total_list_cost: page.plan.list_cost.clone(),
            skipped: progress.skipped,
            scanned: None,
            complete: None,
            estimated_seconds: None,
            warnings: Vec::new(),
        })
    }
}

/// A session of a plan, as it was when the plan was made.
#[derive(Serialize, JsonSchema)]
struct PlanRow {
    #[serde(flatten)]
    row: Row,
    /// What became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<RowOutcome>,
    /// Why it was skipped or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum RowOutcome {
    Pending,
    Done,
    Skipped,
    Failed,
}

impl PlanRow {
    fn of((row, fate): (Row, Fate)) -> Self {
        let (outcome, code) = match fate {
            Fate::Pending => (RowOutcome::Pending, None),
            Fate::Done => (RowOutcome::Done, None),
            Fate::Skipped(reason) => (RowOutcome::Skipped, Some(SkipReason::as_str(reason))),
            Fate::Failed(code) => (RowOutcome::Failed, Some(code.as_str())),
        };
        Self { row, outcome: Some(outcome), code }
    }
}

impl From<Row> for PlanRow {
    fn from(row: Row) -> Self {
        Self { row, outcome: None, code: None }
    }
}

/// What would change of one session's tools.
#[derive(Serialize, JsonSchema)]
struct SessionDiff {
    id: String,
    #[serde(flatten)]
    changes: Changes,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Give it to apply_changes.
    #[schemars(extend("x-mentions" = "apply_changes"))]
    plan_id: String,
    /// When the plan ends.
    expires_at: String,
    /// What it does.
    #[schemars(with = "String")]
    action: Action,
    /// How many sessions would be acted on.
    matched: usize,
    /// The first of them; with plan_id a page of them, each with what became of it.
    sessions: Vec<PlanRow>,
    /// How many more there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    /// Of update_tools: what would change of the first three.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diffs: Vec<SessionDiff>,
    /// Give it as page, with plan_id, to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<String>,
    /// What the matched ones cost so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_list_cost: Option<String>,
    /// Those that may not be acted on, by code: count and first ids.
    skipped: Skipped,
    /// How many sessions were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    scanned: Option<usize>,
    /// Whether all that could match were.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete: Option<bool>,
    /// How long applying it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_seconds: Option<u64>,
    /// Why the answer is empty or not whole, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SessionsTool for Args {
    const OP: Op = Op::PlanChanges;
    const TITLE: &'static str = "Plan changes of many sessions";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always(
            "Choose sessions to archive, delete, interrupt or give other tools, by filters or ids, \
             and see what would happen: nothing is changed. Those that may not be written are \
             skipped, and those that wait for an answer when the plan is applied.",
        ),
        Text::Where(Op::ApplyChanges, "Show the user the plan, then call apply_changes."),
        Text::Always("\"Unchanged for a month\" is updated_before \"1 month\"."),
    ];
    const GROUP: ToolGroup = ToolGroup::Fleet;
    const EFFECT: Effect = Effect::Reads;
    const FILTERS: bool = true;
    const BULK: bool = true;
    type Output = Output;

    async fn call(mut self, call: ToolCall<'_>) -> Result<Output, Error> {
        let (services, cx, include_waiting) = (call.services, call.cx, self.include_waiting);
        if let Some(plan_id) = self.plan_id.clone() {
            self.ensure_alone()?;
            if !self.undo {
                return self.shown(&plan_id, call);
            }
            let made = plan_undo(services, cx, &plan_id, include_waiting)?;
            return Ok(Output::of(Action::UpdateTools, made));
        }
        let (action, selection) = self.choice(call.vocabulary)?;
        let patch = self.patch();
        match (action, &patch) {
            (Action::UpdateTools, None) => {
                return Self::invalid(
                    "nothing is given to change; update_tools needs tools, mcp_servers or one of \
                     the remove arguments",
                );
            }
            (Action::UpdateTools, Some(_)) | (_, None) => {}
            (_, Some(_)) => {
                return Self::invalid(&format!(
                    "tools, mcp_servers and the remove arguments go with action update_tools, not \
                     with {}",
                    action.name()
                ));
            }
        }
        let limits =
            Limits { max_sessions: self.max_sessions as usize, max_scan: self.max_scan as usize };
        let order = PlanOrder { action, include_waiting };
        let made = plan_changes(services, cx, order, patch, selection, limits);
        Ok(Output::of(action, Box::pin(made).await?))
    }
}

impl Output {
    fn of(action: Action, made: PlanMade) -> Self {
        let more = made.matched - made.sessions.len();
        let warnings = plan::warnings(&made).into_iter().chain(gaps::warnings(&made.gaps, false));
        let warnings = warnings.chain(made.unknown_agent.iter().map(unknown_agent_warning));
        let warnings = warnings.collect();
        let diff = |(id, changes)| SessionDiff { id, changes };
        Self {
            plan_id: made.plan_id,
            expires_at: made.expires_at,
            action,
            matched: made.matched,
            sessions: made.sessions.into_iter().map(PlanRow::from).collect(),
            more: (more > 0).then_some(more),
            diffs: made.diffs.into_iter().map(diff).collect(),
            next_page: None,
            total_list_cost: made.total_list_cost,
            skipped: made.skipped,
            scanned: Some(made.scanned),
            complete: Some(made.complete),
            estimated_seconds: Some(made.estimated_seconds),
            warnings,
        }
    }
}
