//! `plan_cleanup`: which sessions would be archived or deleted, which not, and why. Reads only.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::{
    api::Order,
    app::{
        plan::{Action, Planned, Skipped, apply::REQUESTS},
        scan::Scan,
    },
    config::Toolset,
    domain::{
        filter,
        filter::Filter,
        guard::Ruling,
        money::Sums,
        view::{row::Row, size::SizeBudget},
    },
    explain::Failure,
    mcp::{
        args::{filter::FilterArgs, values::SessionIdArg},
        call::Call,
        server::SessionsServer,
        tools::{Effect, LIST, SessionsTool},
    },
    model::{SessionHead, SessionId},
};

pub(crate) struct PlanCleanup;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// What to do with the sessions.
    action: Action,
    /// These sessions, instead of filters.
    #[schemars(length(min = 1, max = 1000))]
    session_ids: Option<Vec<SessionIdArg>>,
    #[serde(flatten)]
    filter: FilterArgs,
    /// How many sessions the plan holds at most.
    #[serde(default = "default_max_sessions")]
    #[schemars(range(min = 1, max = 1000))]
    max_sessions: usize,
    /// How many sessions to look at, oldest first.
    #[serde(default = "default_max_scan")]
    #[schemars(range(min = 1, max = 10000))]
    max_scan: usize,
}

fn default_max_sessions() -> usize {
    100
}

fn default_max_scan() -> usize {
    10_000
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Give it to apply_cleanup.
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
}

/// How many rows an answer shows, and how long they may be together.
const SHOWN_ROWS: usize = 20;
const SHOWN_BYTES: usize = 9_000;
/// Up to so many ids are read one by one; more are looked up in the list, a hundred a request.
const READ_ONE_BY_ONE: usize = 10;
/// How long everyone is slowed down when the service does not say.
const USUAL_HOLD: Duration = Duration::from_secs(1);

impl SessionsTool for PlanCleanup {
    const NAME: &'static str = "plan_cleanup";
    const TITLE: &'static str = "Plan a clean-up";
    const DESCRIPTION: &'static str = "Choose sessions to archive or delete, by filters or ids, \
        and see what would happen: nothing is changed. Busy ones are skipped. Show the user the \
        plan, then call apply_cleanup. \"Unchanged for a month\" is updated_before \"1 month\".";
    const TOOLSET: Toolset = Toolset::Fleet;
    const EFFECT: Effect = Effect::Reads;
    const BULK: bool = true;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let mut draft = Draft::new(server, args.action, args.max_sessions);
        match args.session_ids {
            Some(_) if !args.filter.is_empty() => {
                let mistake = "session_ids and filters are given; give one of them".to_owned();
                return Err(Failure::invalid_arguments(Self::NAME, &[mistake]));
            }
            Some(ids) => {
                let ids = ids.iter().map(|arg| arg.id().clone()).collect();
                draft.of_ids(call, ids, args.max_scan).await?;
            }
            None => {
                let filter = args.filter.read(Self::NAME, server, Timestamp::now())?;
                draft.of_filter(call, filter, args.max_scan).await?;
            }
        }
        draft.finish(call)
    }
}

/// A plan in the making.
struct Draft<'a> {
    server: &'a SessionsServer,
    action: Action,
    most: usize,
    planned: Vec<Planned>,
    rows: Vec<Row>,
    room: SizeBudget,
    cost: Sums,
    skipped: Skipped,
    scanned: usize,
    complete: bool,
}

impl<'a> Draft<'a> {
    fn new(server: &'a SessionsServer, action: Action, most: usize) -> Self {
        Self {
            server,
            action,
            most,
            planned: Vec::new(),
            rows: Vec::new(),
            room: SizeBudget::of(SHOWN_BYTES),
            cost: Sums::default(),
            skipped: Skipped::default(),
            scanned: 0,
            complete: true,
        }
    }

    fn is_full(&self) -> bool {
        self.planned.len() >= self.most
    }

    async fn of_filter(&mut self, call: &Call, filter: Filter, most: usize) -> Result<(), Failure> {
        let server = self.server;
        let mut scan = Scan::new(
            call.client(),
            server.pace(),
            filter,
            Order::Asc,
            most,
            call.soon(),
        );
        while !self.is_full() {
            let next = scan.next().await;
            let next = next.map_err(|error| Failure::api(LIST, &error))?;
            let Some(session) = next else { break };
            self.consider(&session);
        }
        self.scanned = scan.scanned();
        self.complete = scan.is_complete();
        Ok(())
    }

    /// Many ids are found in the list, a hundred a request; what is not there is read.
    async fn of_ids(
        &mut self,
        call: &Call,
        ids: Vec<SessionId>,
        most: usize,
    ) -> Result<(), Failure> {
        let mut wanted: std::collections::BTreeSet<SessionId> = ids.iter().cloned().collect();
        let mut found = std::collections::BTreeMap::new();
        if wanted.len() > READ_ONE_BY_ONE {
            let all = Filter {
                include_archived: true,
                ..Filter::default()
            };
            let pace = self.server.pace();
            let mut scan = Scan::new(call.client(), pace, all, Order::Desc, most, call.soon());
            while !wanted.is_empty() {
                let next = scan.next().await;
                let next = next.map_err(|error| Failure::api(LIST, &error))?;
                let Some(session) = next else { break };
                if let Some(id) = SessionId::parse(&session.id)
                    .ok()
                    .filter(|id| wanted.remove(id))
                {
                    found.insert(id, session);
                }
            }
            // Not those passed over on the way: some may be of agents that are not allowed.
            self.scanned = found.len();
        }
        let until = call.soon();
        let mut seen = std::collections::BTreeSet::new();
        for id in ids.into_iter().filter(|id| seen.insert(id.clone())) {
            if self.is_full() {
                self.complete = false;
                break;
            }
            if let Some(session) = found.remove(&id) {
                self.consider_allowed(&session);
            } else if !self.read(call, &id, until).await? {
                self.complete = false;
                break;
            }
        }
        Ok(())
    }

    /// Reads one session and considers it; false when the time is up. What is wrong with one
    /// session does not spoil the plan of the others.
    async fn read(&mut self, call: &Call, id: &SessionId, until: Instant) -> Result<bool, Failure> {
        loop {
            if timeout_at(until, call.paced()).await.is_err() {
                return Ok(false);
            }
            let failure = match call.session(id).await {
                Ok(session) => {
                    self.scanned += 1;
                    self.consider(&session.head);
                    return Ok(true);
                }
                Err(failure) => failure,
            };
            match failure.code {
                "rate_limited" => {
                    let wait = failure.retry_after().unwrap_or(USUAL_HOLD);
                    self.server.pace().hold(wait);
                }
                "timed_out" => return Ok(false),
                "credentials_missing"
                | "invalid_configuration"
                | "unauthorized"
                | "api_unreachable" => return Err(failure),
                code => {
                    self.scanned += 1;
                    // Of any other failure it is not known what would become of the session.
                    self.complete &= ["not_found", "agent_not_allowed"].contains(&code);
                    self.skipped.add(code, id.as_str());
                    return Ok(true);
                }
            }
        }
    }

    fn consider_allowed(&mut self, session: &SessionHead) {
        if filter::is_allowed(&self.server.config().allowed_agents, session) {
            self.consider(session);
        } else {
            self.skipped.add("agent_not_allowed", &session.id);
        }
    }

    /// Takes a session in, or says why not.
    fn consider(&mut self, session: &SessionHead) {
        let Ok(id) = SessionId::parse(&session.id) else {
            return self.skipped.add("invalid_id", &session.id);
        };
        match self
            .server
            .statuses()
            .judge(self.action.operation(), session)
        {
            Ruling::Go => {}
            Ruling::NothingToDo => return self.skipped.add("nothing_to_do", &session.id),
            Ruling::Refuse(why) => return self.skipped.add(why.code().as_str(), &session.id),
        }
        self.planned.push(Planned::of(id, session));
        let row = Row::of(session);
        if self.rows.len() < SHOWN_ROWS && self.room.take(&row) {
            self.rows.push(row);
        }
        if let Some(cost) = filter::cost(session) {
            // A sum that cannot be exact is left out rather than wrong.
            let _ = self.cost.add(&cost);
        }
    }

    fn finish(self, call: &Call) -> Result<Output, Failure> {
        let matched = self.planned.len();
        let cost = (!self.cost.is_empty()).then(|| self.cost.to_string());
        let fleet = self.server.fleet();
        let plan = fleet.keep(self.action, self.planned, cost.clone());
        let plan = plan.ok_or_else(|| Failure::internal(call.tool()))?;
        let per_minute = u64::from(self.server.config().max_rpm.get());
        // The first second's worth goes at once.
        let requests = matched as u64 * u64::from(REQUESTS);
        let seconds = (requests * 60).div_ceil(per_minute).saturating_sub(1);
        Ok(Output {
            plan_id: plan.id.clone(),
            expires_at: format!("{:.0}", plan.expires_at),
            matched,
            sessions: self.rows,
            total_list_cost: cost,
            skipped: self.skipped,
            scanned: self.scanned,
            complete: self.complete,
            estimated_seconds: seconds.max(u64::from(matched > 0)),
        })
    }
}
