//! Clean-up of many sessions: plans, their store, and what has become of each session of a plan.
//!
//! A plan is made once and never changed; what changes is its ledger. Every session of a plan is
//! in exactly one place of it: still to do, in hand, done, skipped, or failed. A session is taken
//! in hand by one call at a time, so that a plan applied twice, or twice at once, does nothing
//! twice.

pub mod apply;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, time::Instant};

use crate::{
    domain::guard::Operation,
    model::{ApiTime, SessionHead, SessionId},
};

/// How long a plan is kept.
const KEPT: Duration = Duration::from_secs(30 * 60);
/// How many plans are kept; the oldest goes first.
const MOST_PLANS: usize = 32;
/// How many sessions are worked on at once, over all plans.
const AT_ONCE: usize = 8;
/// How many ids a skip reason names.
const NAMED_IDS: usize = 5;
/// How many failed sessions are told of one by one.
const NAMED_FAILURES: usize = 50;

/// What a plan does to each of its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// no new events, the history stays
    Archive,
    /// gone for good
    Delete,
}

impl Action {
    /// What the guard is asked about.
    pub(crate) fn operation(self) -> Operation {
        match self {
            Self::Archive => Operation::Archive,
            Self::Delete => Operation::Delete,
        }
    }
}

/// The plans of this process, and the places for those who carry them out.
#[derive(Debug)]
pub(crate) struct Fleet {
    plans: Mutex<VecDeque<Arc<Plan>>>,
    places: Semaphore,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            plans: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
        }
    }
}

impl Fleet {
    /// Keeps a plan for these sessions, which cost so much so far. `None` when this machine gives no random id.
    pub(crate) fn keep(
        &self,
        action: Action,
        sessions: Vec<Planned>,
        list_cost: Option<String>,
    ) -> Option<Arc<Plan>> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).ok()?;
        let now = Instant::now();
        let plan = Arc::new(Plan {
            id: format!("plan_{:032x}", u128::from_be_bytes(random)),
            action,
            matched: sessions.len(),
            list_cost,
            expires_at: Timestamp::now() + KEPT,
            until: now + KEPT,
            confirmed: AtomicBool::new(false),
            ledger: Mutex::new(Ledger {
                to_do: sessions.into(),
                ..Ledger::default()
            }),
        });
        let mut plans = self.plans();
        plans.retain(|plan| plan.until > now);
        while plans.len() >= MOST_PLANS {
            plans.pop_front();
        }
        plans.push_back(Arc::clone(&plan));
        Some(plan)
    }

    /// The plan of this id, if it is still kept.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Plan>> {
        let now = Instant::now();
        self.plans()
            .iter()
            .find(|plan| plan.id == id && plan.until > now)
            .cloned()
    }

    fn plans(&self) -> MutexGuard<'_, VecDeque<Arc<Plan>>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which sessions are to be archived or deleted, and how far that is.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) action: Action,
    /// How many sessions it is about.
    pub(crate) matched: usize,
    /// What they cost so far, if it is known.
    pub(crate) list_cost: Option<String>,
    pub(crate) expires_at: Timestamp,
    until: Instant,
    confirmed: AtomicBool,
    ledger: Mutex<Ledger>,
}

/// A session of a plan, as it was when the plan was made.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    id: SessionId,
    updated_at: Option<ApiTime>,
    /// A write was sent and its end is not known.
    in_doubt: bool,
}

impl Planned {
    pub(crate) fn of(id: SessionId, session: &SessionHead) -> Self {
        Self {
            id,
            updated_at: session.updated_at.clone(),
            in_doubt: false,
        }
    }
}

#[derive(Debug, Default)]
struct Ledger {
    to_do: VecDeque<Planned>,
    in_hand: usize,
    done: usize,
    skipped: Skipped,
    failed_count: usize,
    failed: Vec<FailedSession>,
}

/// Sessions that were left alone, by the reason's code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Skipped(BTreeMap<&'static str, Reason>);

/// Who was left alone for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
struct Reason {
    count: usize,
    /// The first five.
    ids: Vec<String>,
}

impl Skipped {
    pub(crate) fn add(&mut self, code: &'static str, id: &str) {
        let reason = self.0.entry(code).or_default();
        reason.count += 1;
        if reason.ids.len() < NAMED_IDS {
            reason.ids.push(id.to_owned());
        }
    }
}

/// A session that could not be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FailedSession {
    id: String,
    code: &'static str,
    message: String,
}

/// How far a plan is, over all calls: `done + skipped + failed_count + remaining = matched`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Standing {
    /// Sessions of the plan.
    pub(crate) matched: usize,
    /// Archived or deleted.
    pub(crate) done: usize,
    /// Left alone, by code: count and first ids.
    pub(crate) skipped: Skipped,
    /// How many could not be written.
    pub(crate) failed_count: usize,
    /// The first of them: id, code, message.
    pub(crate) failed: Vec<FailedSession>,
    /// Still to do; call again until it is 0.
    pub(crate) remaining: usize,
}

impl Standing {
    /// Sessions that need nothing more.
    pub(crate) fn settled(&self) -> usize {
        self.matched - self.remaining
    }
}

impl Plan {
    /// How far it is.
    pub(crate) fn standing(&self) -> Standing {
        let ledger = self.ledger();
        Standing {
            matched: self.matched,
            done: ledger.done,
            skipped: ledger.skipped.clone(),
            failed_count: ledger.failed_count,
            failed: ledger.failed.clone(),
            remaining: ledger.to_do.len() + ledger.in_hand,
        }
    }

    /// Whether it was confirmed as a whole.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed.load(Ordering::Acquire)
    }

    /// It was confirmed as a whole, for all further calls.
    pub(crate) fn confirm(&self) {
        self.confirmed.store(true, Ordering::Release);
    }

    fn has_more(&self) -> bool {
        !self.ledger().to_do.is_empty()
    }

    /// Takes the next session in hand.
    fn take(self: &Arc<Self>) -> Option<InHand> {
        let mut ledger = self.ledger();
        let session = ledger.to_do.pop_front()?;
        ledger.in_hand += 1;
        Some(InHand {
            plan: Arc::clone(self),
            session: Some(session),
        })
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that one call works on. Dropped without an end (the host went away, a panic) it goes
/// back, with its end in doubt.
#[derive(Debug)]
struct InHand {
    plan: Arc<Plan>,
    session: Option<Planned>,
}

/// What became of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Done,
    Skipped(&'static str),
    Failed(&'static str, String),
    /// Not its fault: to be tried again, with or without a write whose end is not known.
    Again {
        in_doubt: bool,
    },
}

impl InHand {
    fn session(&self) -> Option<&Planned> {
        self.session.as_ref()
    }

    fn end(mut self, end: End) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        let mut ledger = self.plan.ledger();
        ledger.in_hand -= 1;
        match end {
            End::Done => ledger.done += 1,
            End::Skipped(code) => ledger.skipped.add(code, session.id.as_str()),
            End::Failed(code, message) => {
                ledger.failed_count += 1;
                if ledger.failed.len() < NAMED_FAILURES {
                    let id = session.id.to_string();
                    ledger.failed.push(FailedSession { id, code, message });
                }
            }
            End::Again { in_doubt } => {
                session.in_doubt |= in_doubt;
                ledger.to_do.push_back(session);
            }
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.in_doubt = true;
            let mut ledger = self.plan.ledger();
            ledger.in_hand -= 1;
            ledger.to_do.push_front(session);
        }
    }
}
