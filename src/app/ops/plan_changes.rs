//! Choose sessions to change, and judge each. Reads only.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    app::{
        agents::{ForAgent, for_agent},
        context::Context,
        error::{Error, ErrorKind},
        plan::{
            action::Action,
            candidate::Candidate,
            draft::Draft,
            progress::{SkipReason, Skipped},
            store::{Fate, PlanOrder, PlannedSession, ToolChange, Undo},
        },
        scan::{
            gap::Gap,
            lists::{Listed, Sessions},
        },
        services::Services,
    },
    domain::{
        agents::UnknownAgent,
        code::Code,
        filter::{self, Filter},
        toolset::{Changes, NoUndo, Patch},
        view::row::Row,
    },
    model::{Order, SessionId, SessionWithTools},
};

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
}

pub(crate) struct PlanMade {
    pub plan_id: String,
    pub expires_at: String,
    pub matched: usize,
    pub sessions: Vec<Row>,
    pub diffs: Vec<(String, Changes)>,
    pub total_list_cost: Option<String>,
    pub skipped: Skipped,
    pub scanned: usize,
    pub complete: bool,
    pub estimated_seconds: u64,
    /// Why not all that could match were looked at, as far as that is known.
    pub gaps: Vec<Gap>,
    /// Why no session matches.
    pub unknown_agent: Option<UnknownAgent>,
    /// Whether any of them waits for somebody is looked at when it is applied.
    pub leaves_waiting: bool,
    /// It holds as many sessions as it may, and not all were looked at.
    pub is_full: bool,
}

/// Makes a plan; `patch` is what it merges into the tools of each session, if it changes those.
pub(crate) async fn plan_changes(
    services: &Services,
    cx: &Context,
    order: PlanOrder,
    patch: Option<Patch>,
    selection: Selection,
    limits: Limits,
) -> Result<PlanMade, Error> {
    services.ensure_enabled(order.action.op())?;
    let patch = patch.map(Arc::new);
    let making = Making { services, cx, order, patch, limits };
    let looks_later = matches!(selection, Selection::Matching(_));
    let drafted = match selection {
        Selection::Ids(ids) => {
            let answer = making.of_ids(ids).await?;
            ForAgent { answer, agent_id: None, unknown: None }
        }
        Selection::Matching(filter) => {
            let read = |filter| making.of_matching(filter);
            for_agent(services, cx, *filter, read, Draft::is_empty).await?
        }
    };
    let unknown_agent = drafted.unknown;
    let made = making.kept(drafted.answer)?;
    let leaves_waiting = looks_later && made.leaves_waiting;
    Ok(PlanMade { unknown_agent, leaves_waiting, ..made })
}

/// Makes the plan that takes back what an earlier one has done so far.
pub(crate) fn plan_undo(
    services: &Services,
    cx: &Context,
    plan_id: &str,
    include_waiting: bool,
) -> Result<PlanMade, Error> {
    let done = services.plans.get(plan_id);
    let done = done.ok_or_else(|| ErrorKind::PlanNotFound(plan_id.to_owned()))?;
    if done.order.action != Action::UpdateTools {
        return Err(ErrorKind::NothingToUndo(plan_id.to_owned()).into());
    }
    services.ensure_enabled(Action::UpdateTools.op())?;
    let order = PlanOrder { action: Action::UpdateTools, include_waiting };
    let limits = Limits { max_sessions: usize::MAX, max_scan: 0 };
    let making = Making { services, cx, order, patch: None, limits };
    let mut draft = making.draft();
    done.sessions_from(0, |session| {
        if session.in_doubt && matches!(session.fate, Fate::Failed(_)) {
            draft.skip(SkipReason::InDoubt, session.id.as_str());
        }
        if let Some(undo) = &session.undo {
            draft.scanned += 1;
            match taking_back(session, undo) {
                Some(planned) => draft.plan(planned),
                None => draft.skip(SkipReason::NoUndo, session.id.as_str()),
            }
        }
        true
    });
    making.kept(draft)
}

/// The session as it was after it was changed, to be changed back.
fn taking_back(session: &PlannedSession, undo: &Undo) -> Option<PlannedSession> {
    let patch = Arc::clone(undo.patch.as_ref().ok()?);
    // What takes back the taking back is known once that is done.
    let change = ToolChange { patch, undo: Err(NoUndo::Inexact) };
    Some(PlannedSession {
        updated_at: undo.updated_at.clone(),
        fingerprint: undo.fingerprint,
        newest_event: None,
        tools: Some(Arc::new(change)),
        turn: None,
        undo: None,
        in_doubt: false,
        fate: Fate::Pending,
        ..session.clone()
    })
}

fn plain(session: SessionWithTools) -> Candidate {
    Candidate::plain(session.0)
}

struct Making<'a> {
    services: &'a Services,
    cx: &'a Context,
    order: PlanOrder,
    patch: Option<Arc<Patch>>,
    limits: Limits,
}

impl<'a> Making<'a> {
    fn draft(&self) -> Draft<'a> {
        let (order, patch) = (self.order.clone(), self.patch.clone());
        Draft::new(self.services, self.cx, order, patch, self.limits.max_sessions)
    }

    /// Keeps the plan.
    fn kept(&self, draft: Draft<'_>) -> Result<PlanMade, Error> {
        let matched = draft.planned.len();
        let list_cost = (!draft.cost.is_empty()).then(|| draft.cost.to_string());
        let plans = &self.services.plans;
        let plan = plans.insert(self.order.clone(), draft.planned, list_cost.clone());
        let plan = plan.ok_or(ErrorKind::Internal)?;
        Ok(PlanMade {
            plan_id: plan.id.clone(),
            expires_at: format!("{:.0}", plan.expires_at),
            matched,
            sessions: draft.rows,
            diffs: draft.diffs,
            total_list_cost: list_cost,
            skipped: draft.skipped,
            scanned: draft.scanned,
            complete: draft.complete,
            gaps: draft.gaps,
            estimated_seconds: self.estimated_seconds(matched),
            unknown_agent: None,
            leaves_waiting: !self.order.include_waiting && self.order.action != Action::Interrupt,
            is_full: matched >= self.limits.max_sessions && !draft.complete,
        })
    }

    /// How long applying it takes at the rate that limits it most.
    fn estimated_seconds(&self, matched: usize) -> u64 {
        let (settings, each) =
            (&self.services.settings, self.order.requests(self.services.exports()));
        let kinds = [(each.reads, settings.max_read_rpm), (each.writes, settings.max_rpm)];
        let seconds = kinds.map(|(each, per_minute)| {
            let requests = matched as u64 * u64::from(each);
            // The first second's worth goes at once.
            (requests * 60).div_ceil(u64::from(per_minute.get())).saturating_sub(1)
        });
        seconds.into_iter().fold(u64::from(matched > 0), u64::max)
    }

    /// The sessions that match, the oldest first.
    async fn of_matching(&self, filter: Filter) -> Result<Draft<'a>, Error> {
        match self.patch.clone() {
            Some(patch) => {
                let patched = |session: SessionWithTools| Candidate::patched(session.0, &patch);
                self.of_list(filter, patched).await
            }
            None => self.of_list(filter, plain).await,
        }
    }

    async fn of_list<T: Listed>(
        &self,
        mut filter: Filter,
        candidate: impl Fn(T) -> Candidate,
    ) -> Result<Draft<'a>, Error> {
        let mut draft = self.draft();
        filter.allowed_agents.clone_from(&self.services.settings.allowed_agents);
        let sessions = Sessions::<T>::new(filter, Order::Asc);
        let mut scan = self.services.scan(self.cx, sessions, self.limits.max_scan);
        let mut goes_on = true;
        while goes_on
            && !draft.is_full()
            && let Some(session) = scan.next().await?
        {
            goes_on = draft.add(candidate(session), false).await?;
        }
        draft.scanned = scan.scanned();
        draft.complete &= goes_on && scan.is_complete();
        draft.gaps.extend(scan.gaps());
        Ok(draft)
    }

    async fn of_ids(&self, ids: Vec<SessionId>) -> Result<Draft<'a>, Error> {
        let mut found = match self.patch.clone() {
            Some(patch) => {
                let patched = |session: SessionWithTools| Candidate::patched(session.0, &patch);
                self.in_list(&ids, patched).await?
            }
            None => self.in_list(&ids, plain).await?,
        };
        let mut draft = self.draft();
        // Not those that were only passed on the way: some may be of agents not allowed.
        draft.scanned = found.len();
        let allowed_agents = &self.services.settings.allowed_agents;
        let mut seen = BTreeSet::new();
        for id in ids.into_iter().filter(|id| seen.insert(id.clone())) {
            if draft.is_full() {
                draft.complete = false;
                break;
            }
            let goes_on = match found.remove(&id) {
                Some(candidate) if filter::is_allowed(allowed_agents, &candidate.head) => {
                    draft.add(candidate, true).await?
                }
                Some(_) => {
                    draft.skip(SkipReason::Code(Code::AgentNotAllowed), id.as_str());
                    true
                }
                None => draft.read(&id).await?,
            };
            if !goes_on {
                draft.complete = false;
                break;
            }
        }
        Ok(draft)
    }

    /// Those of the ids that the list has, where there are too many to read each.
    async fn in_list<T: Listed>(
        &self,
        ids: &[SessionId],
        candidate: impl Fn(T) -> Candidate,
    ) -> Result<BTreeMap<SessionId, Candidate>, Error> {
        let mut wanted: BTreeSet<&SessionId> = ids.iter().collect();
        let mut found = BTreeMap::new();
        if wanted.len() <= MAX_READ_ONE_BY_ONE {
            return Ok(found);
        }
        // Of any agent: those of others are skipped with a reason.
        let filter = Filter { include_archived: true, ..Filter::default() };
        let all = Sessions::<T>::new(filter, Order::Desc);
        let mut scan = self.services.scan(self.cx, all, self.limits.max_scan);
        while !wanted.is_empty()
            && let Some(session) = scan.next().await?
        {
            if let Ok(id) = SessionId::parse(&session.head().id)
                && wanted.remove(&id)
            {
                found.insert(id, candidate(session));
            }
        }
        Ok(found)
    }
}
