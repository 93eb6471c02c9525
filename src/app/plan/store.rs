//! The plans of this process, and what has become of each session of a plan.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use super::{
    action::Action,
    progress::{FailedSession, PlanProgress, SkipReason},
};
use crate::{
    app::{error::Error, locks::lock, pace::PerKind},
    domain::{
        code::Code,
        fingerprint::Fingerprint,
        toolset::{NoUndo, Patch},
        view::row::Row,
    },
    model::{ApiTime, SessionId},
};

const PLAN_TTL: Duration = Duration::from_secs(30 * 60);
/// How many plans are kept; the oldest goes first.
const MAX_PLANS: usize = 32;
/// How many sessions are worked on at once, over all plans.
pub(crate) const MAX_CONCURRENT: usize = 8;
const NAMED_FAILURES: usize = 50;

#[derive(Debug)]
pub(crate) struct Plans {
    plans: Mutex<VecDeque<Arc<Plan>>>,
    slots: Semaphore,
}

impl Default for Plans {
    fn default() -> Self {
        Self { plans: Mutex::default(), slots: Semaphore::new(MAX_CONCURRENT) }
    }
}

impl Plans {
    /// Keeps a plan for these sessions. `None` when this machine provides no random id.
    pub(crate) fn insert(
        &self,
        order: PlanOrder,
        sessions: Vec<PlannedSession>,
        list_cost: Option<String>,
    ) -> Option<Arc<Plan>> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).ok()?;
        let now = Instant::now();
        let plan = Arc::new(Plan {
            id: format!("plan_{:032x}", u128::from_be_bytes(random)),
            order,
            list_cost,
            expires_at: Timestamp::now() + PLAN_TTL,
            expires: now + PLAN_TTL,
            state: Mutex::new(PlanState {
                progress: PlanProgress {
                    matched: sessions.len(),
                    remaining: sessions.len(),
                    ..PlanProgress::default()
                },
                unclaimed: (0..sessions.len()).collect(),
                sessions,
                approved: false,
            }),
        });
        let mut plans = lock(&self.plans);
        plans.retain(|plan| plan.expires > now);
        while plans.len() >= MAX_PLANS {
            plans.pop_front();
        }
        plans.push_back(Arc::clone(&plan));
        Some(plan)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Plan>> {
        let (now, plans) = (Instant::now(), lock(&self.plans));
        let mut plans = plans.iter();
        plans.find(|plan| plan.id == id && plan.expires > now).cloned()
    }

    pub(crate) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
    }
}

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) order: PlanOrder,
    pub(crate) list_cost: Option<String>,
    pub(crate) expires_at: Timestamp,
    expires: Instant,
    state: Mutex<PlanState>,
}

/// What a plan is to do.
#[derive(Debug, Clone)]
pub(crate) struct PlanOrder {
    pub(crate) action: Action,
    /// Sessions that wait for somebody are written too.
    pub(crate) include_waiting: bool,
}

impl PlanOrder {
    /// The requests that one session takes; `copies` are kept of what is deleted.
    pub(crate) fn requests(&self, copies: bool) -> PerKind<u32> {
        self.action.requests(self.include_waiting, copies)
    }
}

/// A change of one session's tools, and the one that takes it back.
#[derive(Debug)]
pub(crate) struct ToolChange {
    pub(crate) patch: Arc<Patch>,
    /// As far as it was known when the plan was made.
    pub(crate) undo: Result<Patch, NoUndo>,
}

/// A change of tools that was carried out.
#[derive(Debug, Clone)]
pub(crate) struct Undo {
    pub(crate) patch: Result<Arc<Patch>, NoUndo>,
    /// Of the session afterwards.
    pub(crate) updated_at: Option<ApiTime>,
    pub(crate) fingerprint: Option<Fingerprint>,
}

/// A session of a plan, as it was when the plan was made.
#[derive(Debug, Clone)]
pub(crate) struct PlannedSession {
    pub(crate) id: SessionId,
    pub(crate) updated_at: Option<ApiTime>,
    /// As far as it is known.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Of a session that was looked at: the newest event that told whether it waits.
    pub(crate) newest_event: Option<String>,
    pub(crate) row: Row,
    /// Of a plan that interrupts: the turn it was in.
    pub(crate) turn: Option<String>,
    /// Of a plan that changes tools.
    pub(crate) tools: Option<Arc<ToolChange>>,
    /// What takes back what was done.
    pub(crate) undo: Option<Undo>,
    /// A write was sent and its end is not known.
    pub(crate) in_doubt: bool,
    pub(crate) fate: Fate,
}

/// What became of a session of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Pending,
    Done,
    Skipped(SkipReason),
    Failed(Code),
}

#[derive(Debug)]
struct PlanState {
    sessions: Vec<PlannedSession>,
    /// Their indices.
    unclaimed: VecDeque<usize>,
    progress: PlanProgress,
    approved: bool,
}

impl Plan {
    pub(crate) fn progress(&self) -> PlanProgress {
        lock(&self.state).progress.clone()
    }

    pub(crate) fn is_approved(&self) -> bool {
        lock(&self.state).approved
    }

    pub(crate) fn approve(&self) {
        lock(&self.state).approved = true;
    }

    pub(crate) fn has_more(&self) -> bool {
        !lock(&self.state).unclaimed.is_empty()
    }

    /// Its sessions from this one on, with what has become of them so far, while `take` wants more.
    pub(crate) fn sessions_from(
        &self,
        first: usize,
        mut take: impl FnMut(&PlannedSession) -> bool,
    ) {
        let state = lock(&self.state);
        let _ = state.sessions.iter().skip(first).take_while(|&session| take(session)).count();
    }

    pub(crate) fn claim(self: &Arc<Self>) -> Option<Claim> {
        let mut state = lock(&self.state);
        let index = state.unclaimed.pop_front()?;
        let session = state.sessions.get(index)?.clone();
        Some(Claim { plan: Arc::clone(self), index, session, settled: false })
    }
}

/// A session that one call works on. Dropped unsettled, it is released with its write in doubt.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) plan: Arc<Plan>,
    index: usize,
    pub(crate) session: PlannedSession,
    settled: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Settlement {
    Done(Option<Undo>),
    Skipped(SkipReason),
    Failed(Error),
    /// Not its fault: to be tried again, with or without a write whose end is not known.
    Retry {
        in_doubt: bool,
    },
}

impl Claim {
    pub(crate) fn settle(mut self, settlement: Settlement) {
        self.settled = true;
        let mut state = lock(&self.plan.state);
        let progress = &mut state.progress;
        let (mut undo, mut in_doubt) = (None, false);
        let fate = match settlement {
            Settlement::Done(taken_back_by) => {
                progress.done += 1;
                undo = taken_back_by;
                Fate::Done
            }
            Settlement::Skipped(reason) => {
                progress.skipped.add(reason, self.session.id.as_str());
                Fate::Skipped(reason)
            }
            Settlement::Failed(error) => {
                progress.failed_count += 1;
                in_doubt = error.is_in_doubt();
                let fate = Fate::Failed(error.code());
                if progress.failed.len() < NAMED_FAILURES {
                    let id = self.session.id.to_string();
                    progress.failed.push(FailedSession { id, error });
                }
                fate
            }
            Settlement::Retry { in_doubt } => {
                state.unclaimed.push_back(self.index);
                return state.doubt(self.index, in_doubt);
            }
        };
        progress.remaining -= 1;
        if let Some(session) = state.sessions.get_mut(self.index) {
            session.fate = fate;
            session.undo = undo;
            session.in_doubt |= in_doubt;
        }
    }
}

impl PlanState {
    fn doubt(&mut self, index: usize, in_doubt: bool) {
        if let Some(session) = self.sessions.get_mut(index) {
            session.in_doubt |= in_doubt;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.settled {
            let mut state = lock(&self.plan.state);
            state.unclaimed.push_front(self.index);
            state.doubt(self.index, true);
        }
    }
}
