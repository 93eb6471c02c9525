//! Choose sessions to archive or delete, and judge each. Reads only.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::{Instant, timeout_at};

use super::apply_cleanup::requests_per_session;
use crate::{
    app::{
        agents::{ForAgent, for_agent},
        context::Context,
        error::{Blame, Error, ErrorKind},
        pace::Kind,
        plan::{
            action::Action,
            progress::{SkipReason, Skipped},
            store::{Fate, PlannedSession},
        },
        scan::{
            gap::{Gap, LimitsMet},
            lists::Sessions,
        },
        services::Services,
        waiting,
    },
    domain::{
        agents::UnknownAgent,
        code::Code,
        filter::{self, Filter},
        guard::{Activity, Ruling},
        money::Sums,
        view::{row::Row, size::SizeBudget},
        waiting::waiting_calls,
    },
    model::{Order, SessionHead, SessionId},
};

/// How many rows an answer shows, and how many bytes they may take together.
const SHOWN_ROWS: usize = 20;
pub(super) const SHOWN_BYTES: usize = 9_000;
/// Up to this many ids are read one by one; more are looked up in the list, a hundred a request.
const MAX_READ_ONE_BY_ONE: usize = 10;

pub(crate) enum Selection {
    Ids(Vec<SessionId>),
    Matching(Box<Filter>),
}

/// What a plan may hold.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub max_sessions: usize,
    /// How many sessions of the list are looked at.
    pub max_scan: usize,
    /// Sessions that wait for somebody too.
    pub include_waiting: bool,
}

pub(crate) struct PlanMade {
    pub plan_id: String,
    pub expires_at: String,
    pub matched: usize,
    pub sessions: Vec<Row>,
    pub total_list_cost: Option<String>,
    pub skipped: Skipped,
    pub scanned: usize,
    pub complete: bool,
    pub estimated_seconds: u64,
    /// Why not all that could match were looked at, as far as that is known.
    pub gaps: Vec<Gap>,
    /// Why no session matches.
    pub unknown_agent: Option<UnknownAgent>,
}

pub(crate) async fn plan_cleanup(
    services: &Services,
    cx: &Context,
    action: Action,
    selection: Selection,
    limits: Limits,
) -> Result<PlanMade, Error> {
    services.ensure_enabled(action.op())?;
    let draft = || Draft::new(services, cx, action, limits);
    let drafted = match selection {
        Selection::Ids(ids) => {
            let answer = draft().with_ids(ids, limits.max_scan).await?;
            ForAgent { answer, agent_id: None, unknown: None }
        }
        Selection::Matching(filter) => {
            let read = |filter| draft().with_matching(filter, limits.max_scan);
            for_agent(services, cx, *filter, read, Draft::is_empty).await?
        }
    };
    let draft = drafted.answer;
    let matched = draft.planned.len();
    let total_list_cost = (!draft.cost.is_empty()).then(|| draft.cost.to_string());
    let plans = &services.plans;
    let plan = plans.insert(action, draft.planned, total_list_cost.clone(), limits.include_waiting);
    let plan = plan.ok_or(ErrorKind::Internal)?;
    let seconds = estimated_seconds(services, matched, limits.include_waiting);
    Ok(PlanMade {
        plan_id: plan.id.clone(),
        expires_at: format!("{:.0}", plan.expires_at),
        matched,
        sessions: draft.rows,
        total_list_cost,
        skipped: draft.skipped,
        scanned: draft.scanned,
        complete: draft.complete,
        gaps: draft.gaps,
        estimated_seconds: seconds,
        unknown_agent: drafted.unknown,
    })
}

/// How long applying a plan takes at the rate that limits it most.
fn estimated_seconds(services: &Services, matched: usize, include_waiting: bool) -> u64 {
    let settings = &services.settings;
    let each = requests_per_session(include_waiting);
    let kinds = [(each.reads, settings.max_read_rpm), (each.writes, settings.max_rpm)];
    let seconds = kinds.map(|(each, per_minute)| {
        let requests = matched as u64 * u64::from(each);
        // The first second's worth goes at once.
        (requests * 60).div_ceil(u64::from(per_minute.get())).saturating_sub(1)
    });
    seconds.into_iter().fold(u64::from(matched > 0), u64::max)
}

struct Draft<'a> {
    services: &'a Services,
    cx: &'a Context,
    action: Action,
    max_sessions: usize,
    include_waiting: bool,
    planned: Vec<PlannedSession>,
    rows: Vec<Row>,
    row_budget: SizeBudget,
    cost: Sums,
    skipped: Skipped,
    scanned: usize,
    complete: bool,
    gaps: Vec<Gap>,
    /// The rate limits met while looking at what sessions wait for, and whether to go on looking.
    looks: LimitsMet,
    looks_on: bool,
}

impl<'a> Draft<'a> {
    fn new(services: &'a Services, cx: &'a Context, action: Action, limits: Limits) -> Self {
        Self {
            services,
            cx,
            action,
            max_sessions: limits.max_sessions,
            include_waiting: limits.include_waiting,
            planned: Vec::new(),
            rows: Vec::new(),
            row_budget: SizeBudget::of(SHOWN_BYTES),
            cost: Sums::default(),
            skipped: Skipped::default(),
            scanned: 0,
            complete: true,
            gaps: Vec::new(),
            looks: LimitsMet::default(),
            looks_on: true,
        }
    }

    fn is_empty(&self) -> bool {
        self.planned.is_empty() && self.skipped.is_empty()
    }

    /// Adds the sessions that match, the oldest first.
    async fn with_matching(mut self, filter: Filter, max_scan: usize) -> Result<Self, Error> {
        let mut scan = self.services.scan_sessions(self.cx, filter, Order::Asc, max_scan);
        while !self.is_full()
            && let Some(session) = scan.next().await?
        {
            self.add(&session);
        }
        self.scanned = scan.scanned();
        self.complete = scan.is_complete();
        self.gaps = scan.gaps();
        Ok(self)
    }

    async fn with_ids(mut self, ids: Vec<SessionId>, max_scan: usize) -> Result<Self, Error> {
        let mut found = self.find_in_list(&ids, max_scan).await?;
        // Not those that were only passed on the way: some may be of agents not allowed.
        self.scanned = found.len();
        let allowed_agents = &self.services.settings.allowed_agents;
        let until = self.cx.soft_deadline();
        let mut seen = BTreeSet::new();
        for id in ids.into_iter().filter(|id| seen.insert(id.clone())) {
            if self.is_full() {
                self.complete = false;
                break;
            }
            if let Some(session) = found.remove(&id) {
                if filter::is_allowed(allowed_agents, &session) {
                    self.add_if_nobody_waits(&id, &session, until).await?;
                } else {
                    let reason = SkipReason::Code(Code::AgentNotAllowed);
                    self.skipped.add(reason, &session.id);
                }
            } else if !self.read(&id, until).await? {
                self.complete = false;
                break;
            }
        }
        Ok(self)
    }

    async fn find_in_list(
        &self,
        ids: &[SessionId],
        max_scan: usize,
    ) -> Result<BTreeMap<SessionId, SessionHead>, Error> {
        let mut wanted: BTreeSet<&SessionId> = ids.iter().collect();
        let mut found = BTreeMap::new();
        if wanted.len() <= MAX_READ_ONE_BY_ONE {
            return Ok(found);
        }
        // Of any agent: those of others are skipped with a reason.
        let filter = Filter { include_archived: true, ..Filter::default() };
        let all = Sessions::<SessionHead>::new(filter, Order::Desc);
        let mut scan = self.services.scan(self.cx, all, max_scan);
        while !wanted.is_empty()
            && let Some(session) = scan.next().await?
        {
            if let Ok(id) = SessionId::parse(&session.id)
                && wanted.remove(&id)
            {
                found.insert(id, session);
            }
        }
        Ok(found)
    }

    fn is_full(&self) -> bool {
        self.planned.len() >= self.max_sessions
    }

    /// Reads one session and adds or skips it; false when the time is up, or a rate limit lasts
    /// longer. The first request does not wait for other bulk work.
    async fn read(&mut self, id: &SessionId, until: Instant) -> Result<bool, Error> {
        let mut limits = LimitsMet::default();
        let mut is_first = self.scanned == 0;
        loop {
            if !is_first {
                if let Some(pause) = self.services.pacer.pause_beyond(until) {
                    self.gaps.push(Gap::RateLimited(Some(pause)));
                    return Ok(false);
                }
                let permit = timeout_at(until, self.cx.permits().acquire(Kind::Read));
                if permit.await.is_err() {
                    return Ok(false);
                }
            }
            is_first = false;
            let error = match self.cx.read_session(id).await {
                Ok(session) => {
                    self.scanned += 1;
                    self.add_if_nobody_waits(id, &session.head, until).await?;
                    return Ok(true);
                }
                Err(error) => error,
            };
            match error.code() {
                Code::RateLimited => {
                    let wait = self.services.pacer.pause_for(error.retry_after());
                    let is_in_time = Instant::now() + wait < until;
                    let goes_on = error.as_api().is_some_and(|it| limits.allow_repetition(it));
                    if !goes_on || !is_in_time {
                        if self.scanned == 0 {
                            return Err(error);
                        }
                        self.gaps.push(Gap::RateLimited(error.retry_after()));
                        return Ok(false);
                    }
                }
                Code::TimedOut => return Ok(false),
                Code::ApiUnreachable => return Err(error),
                _ if error.blame() == Blame::Setup => return Err(error),
                code => {
                    self.scanned += 1;
                    // After any other failure it is not known what the session is.
                    self.complete &= matches!(code, Code::NotFound | Code::AgentNotAllowed);
                    self.skipped.add(SkipReason::Code(code), id.as_str());
                    return Ok(true);
                }
            }
        }
    }

    /// Adds a session that was named, unless it waits for somebody. Once the time is up nobody
    /// looks any more: applying the plan does.
    async fn add_if_nobody_waits(
        &mut self,
        id: &SessionId,
        session: &SessionHead,
        until: Instant,
    ) -> Result<(), Error> {
        let may_be_written = self.refusal(session).is_none();
        let is_idle = self.services.statuses.activity(session) == Activity::Idle;
        let looks = self.looks_on && may_be_written && is_idle && !self.include_waiting;
        if looks && timeout_at(until, self.cx.permits().acquire(Kind::Read)).await.is_ok() {
            match waiting::events(self.cx, id).await {
                Ok(events) if waiting_calls(None, &events).is_empty() => {}
                Ok(_) => {
                    self.skipped.add(SkipReason::Code(Code::SessionWaiting), &session.id);
                    return Ok(());
                }
                Err(error) if error.blame() == Blame::Setup => return Err(error),
                Err(error) if error.code() == Code::RateLimited => {
                    self.services.pacer.pause_for(error.retry_after());
                    self.looks_on =
                        error.as_api().is_some_and(|it| self.looks.allow_repetition(it));
                }
                Err(_) => {}
            }
        }
        self.add(session);
        Ok(())
    }

    /// Why the session may not be written, by its record.
    fn refusal(&self, session: &SessionHead) -> Option<SkipReason> {
        let statuses = &self.services.statuses;
        match statuses.judge(self.action.operation(), session) {
            Ruling::Go => None,
            Ruling::NothingToDo => Some(SkipReason::NothingToDo),
            Ruling::Refuse(refusal) => Some(SkipReason::Code(refusal.code())),
        }
    }

    fn add(&mut self, session: &SessionHead) {
        let Ok(id) = SessionId::parse(&session.id) else {
            return self.skipped.add(SkipReason::InvalidId, &session.id);
        };
        if let Some(reason) = self.refusal(session) {
            return self.skipped.add(reason, &session.id);
        }
        let row = Row::of(session);
        self.planned.push(PlannedSession {
            id,
            updated_at: session.updated_at.clone(),
            row: row.clone(),
            in_doubt: false,
            fate: Fate::Pending,
        });
        if self.rows.len() < SHOWN_ROWS && self.row_budget.take(&row) {
            self.rows.push(row);
        }
        if let Some(cost) = filter::cost(session) {
            // A sum that cannot be exact is left out rather than wrong.
            let _ = self.cost.add(&cost);
        }
    }
}
