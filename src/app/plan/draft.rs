//! A plan that is being made: which sessions it takes, and why not the others.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};

use super::{
    candidate::{Candidate, ToolPlan},
    progress::{SkipReason, Skipped},
    store::{Fate, PlanOrder, PlannedSession},
};
use crate::{
    app::{
        context::Context,
        error::{Blame, Error},
        pace::Kind,
        scan::gap::{Gap, LimitsMet},
        services::Services,
        waiting,
    },
    domain::{
        code::Code,
        events, filter,
        guard::{Activity, Operation, Ruling},
        money::Sums,
        toolset::{Changes, Patch},
        turns::newest_turn,
        view::{row::Row, size::SizeBudget},
        waiting::waiting_calls,
    },
    model::{Event, SessionHead, SessionId},
};

/// How many rows and diffs an answer shows, and how many bytes the rows may take together.
const SHOWN_ROWS: usize = 20;
const SHOWN_DIFFS: usize = 3;
pub(crate) const SHOWN_BYTES: usize = 9_000;
/// The same beside diffs.
const SHOWN_BYTES_WITH_DIFFS: usize = 6_000;

pub(crate) struct Draft<'a> {
    services: &'a Services,
    cx: &'a Context,
    order: PlanOrder,
    patch: Option<Arc<Patch>>,
    max_sessions: usize,
    until: Instant,
    pub(crate) planned: Vec<PlannedSession>,
    pub(crate) rows: Vec<Row>,
    row_budget: SizeBudget,
    /// The id of a session and what would change of its tools.
    pub(crate) diffs: Vec<(String, Changes)>,
    pub(crate) cost: Sums,
    pub(crate) skipped: Skipped,
    pub(crate) scanned: usize,
    pub(crate) complete: bool,
    pub(crate) gaps: Vec<Gap>,
    /// The rate limits met while looking at what sessions wait for, and whether to go on looking.
    looks: LimitsMet,
    looks_on: bool,
}

impl<'a> Draft<'a> {
    /// A plan without sessions; `patch` if it changes tools.
    pub(crate) fn new(
        services: &'a Services,
        cx: &'a Context,
        order: PlanOrder,
        patch: Option<Arc<Patch>>,
        max_sessions: usize,
    ) -> Self {
        let shown = if patch.is_some() { SHOWN_BYTES_WITH_DIFFS } else { SHOWN_BYTES };
        Self {
            services,
            cx,
            order,
            patch,
            max_sessions,
            until: cx.soft_deadline(),
            planned: Vec::new(),
            rows: Vec::new(),
            row_budget: SizeBudget::of(shown),
            diffs: Vec::new(),
            cost: Sums::default(),
            skipped: Skipped::default(),
            scanned: 0,
            complete: true,
            gaps: Vec::new(),
            looks: LimitsMet::default(),
            looks_on: true,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.planned.is_empty() && self.skipped.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.planned.len() >= self.max_sessions
    }

    /// Reads one session and adds or skips it; false when the time is up, or a rate limit lasts
    /// longer. The first request does not wait for other bulk work.
    pub(crate) async fn read(&mut self, id: &SessionId) -> Result<bool, Error> {
        let mut limits = LimitsMet::default();
        let mut is_first = self.scanned == 0;
        loop {
            if !is_first {
                if let Some(pause) = self.services.pacer.pause_beyond(self.until) {
                    self.gaps.push(Gap::RateLimited(Some(pause)));
                    return Ok(false);
                }
                if !self.has_permit().await {
                    return Ok(false);
                }
            }
            is_first = false;
            let error = match self.cx.read_session(id).await {
                Ok(session) => {
                    self.scanned += 1;
                    let candidate = match &self.patch {
                        Some(patch) => Candidate::patched(session, patch),
                        None => Candidate::plain(session),
                    };
                    return self.add(candidate, true).await;
                }
                Err(error) => error,
            };
            match error.code() {
                Code::RateLimited => {
                    let wait = self.services.pacer.pause_for(error.retry_after());
                    let is_in_time = Instant::now() + wait < self.until;
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
                    self.skip(SkipReason::Code(code), id.as_str());
                    return Ok(true);
                }
            }
        }
    }

    async fn has_permit(&self) -> bool {
        timeout_at(self.until, self.cx.permits().acquire(Kind::Read)).await.is_ok()
    }

    pub(crate) fn skip(&mut self, reason: SkipReason, id: &str) {
        self.skipped.add(reason, id);
    }

    /// Adds a session, or notes why not; false when no more can be added in time. One that was
    /// `named` is looked at for what it waits for.
    pub(crate) async fn add(&mut self, candidate: Candidate, named: bool) -> Result<bool, Error> {
        let head = &candidate.head;
        let Ok(id) = SessionId::parse(&head.id) else {
            self.skip(SkipReason::InvalidId, &candidate.head.id);
            return Ok(true);
        };
        let reason = match candidate.tools {
            Some(ToolPlan::Impossible) => Some(SkipReason::Code(Code::InvalidToolset)),
            Some(ToolPlan::Unchanged) => Some(SkipReason::NothingToDo),
            Some(ToolPlan::Change(..)) | None => None,
        };
        if let Some(reason) = self.refusal(head, named).or(reason) {
            self.skip(reason, id.as_str());
            return Ok(true);
        }
        if self.order.action.operation() == Operation::Interrupt {
            return self.add_turn(id, candidate).await;
        }
        let is_idle = self.services.statuses.activity(head) == Activity::Idle;
        let looks = self.looks_on && named && is_idle && !self.order.include_waiting;
        let mut newest = None;
        // Once the time is up nobody looks any more: applying the plan does.
        if looks && self.has_permit().await {
            match waiting::events(self.cx, &id).await {
                Ok(events) if waiting_calls(None, &events).is_empty() => {
                    newest = newest_id(&events);
                }
                Ok(_) => {
                    self.skip(SkipReason::Code(Code::SessionWaiting), id.as_str());
                    return Ok(true);
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
        self.take(id, candidate, None, newest);
        Ok(true)
    }

    /// Adds a session whose turn is to be stopped: that which it is in now.
    async fn add_turn(&mut self, id: SessionId, candidate: Candidate) -> Result<bool, Error> {
        let events = loop {
            if let Some(pause) = self.services.pacer.pause_beyond(self.until) {
                self.gaps.push(Gap::RateLimited(Some(pause)));
                return Ok(false);
            }
            if !self.has_permit().await {
                return Ok(false);
            }
            match waiting::turn_events(self.cx, &id).await {
                Ok(events) => break events,
                Err(error) if error.blame() == Blame::Setup => return Err(error),
                Err(error) if error.code() == Code::RateLimited => {
                    self.services.pacer.pause_for(error.retry_after());
                    if !error.as_api().is_some_and(|it| self.looks.allow_repetition(it)) {
                        self.gaps.push(Gap::RateLimited(error.retry_after()));
                        return Ok(false);
                    }
                }
                Err(error) => {
                    self.complete = false;
                    self.skip(SkipReason::Code(error.code()), id.as_str());
                    return Ok(true);
                }
            }
        };
        match self.reason_not_to_stop(&candidate.head, &events) {
            Some(reason) => self.skip(reason, id.as_str()),
            None => self.take(id, candidate, newest_turn(&events).map(str::to_owned), None),
        }
        Ok(true)
    }

    /// An idle session has no turn to stop, but its waiting for an answer.
    fn reason_not_to_stop(&self, head: &SessionHead, events: &[Event]) -> Option<SkipReason> {
        if self.services.statuses.activity(head) != Activity::Idle {
            return None;
        }
        match (waiting_calls(None, events).is_empty(), self.order.include_waiting) {
            (true, _) => Some(SkipReason::NothingToDo),
            (false, false) => Some(SkipReason::Code(Code::SessionWaiting)),
            (false, true) => None,
        }
    }

    /// Why the session may not be written, by its record.
    fn refusal(&self, session: &SessionHead, named: bool) -> Option<SkipReason> {
        let operation = self.order.action.operation();
        // Of an idle session there may be its waiting for an answer to stop.
        let is_looked_at =
            operation == Operation::Interrupt && (named || self.order.include_waiting);
        match self.services.statuses.judge(operation, session) {
            Ruling::Go => None,
            Ruling::NothingToDo if is_looked_at => None,
            Ruling::NothingToDo => Some(SkipReason::NothingToDo),
            Ruling::Refuse(refusal) => Some(SkipReason::Code(refusal.code())),
        }
    }

    fn take(
        &mut self,
        id: SessionId,
        candidate: Candidate,
        turn: Option<String>,
        newest_event: Option<String>,
    ) {
        let fingerprint = Some(candidate.fingerprint);
        let head = candidate.head;
        let tools = match candidate.tools {
            Some(ToolPlan::Change(change, changes)) => {
                if self.diffs.len() < SHOWN_DIFFS {
                    self.diffs.push((head.id.clone(), changes));
                }
                Some(change)
            }
            _ => None,
        };
        if let Some(cost) = filter::cost(&head) {
            // A sum that cannot be exact is left out rather than wrong.
            let _ = self.cost.add(&cost);
        }
        self.plan(PlannedSession {
            id,
            updated_at: head.updated_at.clone(),
            fingerprint,
            newest_event,
            row: Row::of(&head),
            turn,
            tools,
            undo: None,
            in_doubt: false,
            fate: Fate::Pending,
        });
    }

    pub(crate) fn plan(&mut self, session: PlannedSession) {
        let row = &session.row;
        if self.rows.len() < SHOWN_ROWS && self.row_budget.take(row) {
            self.rows.push(row.clone());
        }
        self.planned.push(session);
    }
}

/// The id of the newest of these events.
pub(crate) fn newest_id(events: &[Event]) -> Option<String> {
    events.first().and_then(|event| events::text(event, "id")).map(str::to_owned)
}
