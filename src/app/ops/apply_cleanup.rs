//! Archive or delete the sessions of a plan, for as long as one call may take.
//!
//! # How many requests a session costs
//! The promise is that each session is read right before it is written. The API has no
//! conditional write, and a page of the list is as old as the last of its hundred sessions by
//! the time that one is written (ten seconds at ten writes a second), so each session is read
//! by itself: a GET and a POST or DELETE. Before that its events tell whether it waits for
//! somebody, unless the plan includes those that do. The answer of an archive verifies it, and the
//! answer of a delete needs no verification. A session that has changed, is busy or gone costs no
//! write; the permit for that is kept for the next session. One that takes more, because of
//! conflicts or lost answers, runs into debt that is paid before the next permits.
//!
//! All permits are acquired before the first read, so that pacing never comes between the read of
//! a session and its write: a write follows its read by one round trip.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use super::{archive_session::Archive, delete_session::Deletion};
use crate::{
    app::{
        approval::{Approval, ApprovalToken, subject::Subject},
        audit::{End, Ended},
        caller::Progress,
        context::Context,
        error::{Blame, Error, ErrorKind},
        pace::PerKind,
        plan::{
            action::Action,
            progress::{PlanProgress, SkipReason},
            store::{Claim, MAX_CONCURRENT, Plan, PlannedSession, Settlement},
        },
        scan::gap::MAX_REPETITIONS,
        services::Services,
        waiting::{self, Look},
        write::{Conditions, Written, write},
    },
    domain::code::Code,
};

/// Consecutive transient failures after which this call gives up.
const MAX_CONSECUTIVE_FAILURES: usize = 12;
/// How long to wait before the next call, where the service does not say it.
const WAIT_AFTER_LIMIT: Duration = Duration::from_secs(60);
const WAIT_AFTER_FAILURES: Duration = Duration::from_secs(10);
const REPORT_INTERVAL: Duration = Duration::from_millis(500);

/// The record and the write; before them the events, unless a session that waits is written too.
pub(crate) fn requests_per_session(include_waiting: bool) -> PerKind<u32> {
    PerKind { reads: if include_waiting { 1 } else { 2 }, writes: 1 }
}

pub(crate) enum Applied {
    Worked {
        progress: PlanProgress,
        stopped_by: Option<Stop>,
    },
    /// Nothing was written: the caller has to come back with the token.
    NeedsApproval {
        progress: PlanProgress,
        token: ApprovalToken,
    },
}

/// What ended a call early, and how long to wait before the next one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    pub code: Code,
    pub wait: Duration,
}

pub(crate) async fn apply_cleanup(
    services: &Services,
    cx: &Context,
    plan_id: &str,
    token: Option<&str>,
) -> Result<Applied, Error> {
    let plan = services.plans.get(plan_id);
    let plan = plan.ok_or_else(|| ErrorKind::PlanNotFound(plan_id.to_owned()))?;
    services.ensure_enabled(plan.action.op())?;
    if plan.action == Action::Delete && !plan.is_approved() {
        let subject = Subject::PlanDeletion {
            plan_id: plan.id.clone(),
            sessions: plan.progress().matched,
            list_cost: plan.list_cost.clone(),
        };
        match services.approvals.approve(cx, token, &subject).await? {
            Approval::Granted | Approval::Recheck => plan.approve(),
            Approval::Needs(token) => {
                return Ok(Applied::NeedsApproval { progress: plan.progress(), token });
            }
        }
    }
    let stopped_by = apply(services, cx, &plan).await?;
    Ok(Applied::Worked { progress: plan.progress(), stopped_by })
}

/// Works on a plan until it is settled, the time is up, or the caller cancels; claimed sessions
/// are finished first. Returns what stopped it early, if something did; fails with what would
/// fail for every session ([`Blame::Setup`]).
async fn apply(services: &Services, cx: &Context, plan: &Arc<Plan>) -> Result<Option<Stop>, Error> {
    let until = cx.soft_deadline();
    // The service may have asked for a longer pause than this call lasts.
    if plan.has_more()
        && let Some(wait) = services.pacer.pause_beyond(until)
    {
        return Ok(Some(Stop { code: Code::RateLimited, wait }));
    }
    let mut run = Run {
        services,
        cx,
        plan,
        consecutive_failures: 0,
        limits: 0,
        limited_at: None,
        stopped_by: None,
        until,
    };
    run.run().await?;
    Ok(run.stopped_by)
}

struct Run<'a> {
    services: &'a Services,
    cx: &'a Context,
    plan: &'a Arc<Plan>,
    consecutive_failures: usize,
    /// Consecutive rate limits that do not say how long they last; those of requests that were
    /// under way together count once.
    limits: u32,
    limited_at: Option<Instant>,
    stopped_by: Option<Stop>,
    /// When no further session is claimed.
    until: Instant,
}

/// What became of one session, and whether everything has to slow down because of it.
enum Worked {
    Settled(Settlement),
    SlowDown(Error),
    Stop(Error),
}

impl Run<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        let (services, cx, plan, until) = (self.services, self.cx, self.plan, self.until);
        let permits = services.pacer.permits();
        let needed = requests_per_session(plan.include_waiting);
        let mut working = FuturesUnordered::new();
        let mut failure = None;
        let mut reported = Instant::now();
        self.report().await;
        loop {
            let claims_more = failure.is_none()
                && self.stopped_by.is_none()
                && working.len() < MAX_CONCURRENT
                && !cx.is_cancelled()
                && Instant::now() < until
                && plan.has_more();
            if !claims_more && working.is_empty() {
                break;
            }
            let has_permits = permits.has(needed);
            tokio::select! {
                biased;
                Some((claim, worked, child, begun)) = working.next(), if !working.is_empty() => {
                    let child: Context = child;
                    permits.merge(child.permits());
                    audit(&child, plan.action, &worked);
                    failure = self.settle(claim, worked, begun).or(failure);
                    if reported.elapsed() >= REPORT_INTERVAL {
                        reported = Instant::now();
                        self.report().await;
                    }
                }
                () = cx.cancelled(), if claims_more => {}
                () = sleep_until(until), if claims_more => {}
                () = permits.acquire_up_to(needed), if claims_more && !has_permits => {}
                Some(slot) = services.plans.slot(), if claims_more && has_permits => {
                    if let Some(claim) = plan.claim() {
                        let permits = permits.split(needed);
                        let child = cx.on_session(&claim.session.id, permits);
                        let begun = Instant::now();
                        working.push(async move {
                            let worked = work(services, &child, &claim).await;
                            drop(slot);
                            (claim, worked, child, begun)
                        });
                    }
                }
            }
        }
        self.report().await;
        failure.map_or(Ok(()), Err)
    }

    /// Enters what became of a session; returns an error that every other session would meet.
    fn settle(&mut self, claim: Claim, worked: Worked, begun: Instant) -> Option<Error> {
        let failures = self.consecutive_failures;
        self.consecutive_failures = 0;
        match worked {
            Worked::Settled(settlement) => {
                self.limits = 0;
                claim.settle(settlement);
            }
            Worked::SlowDown(error) => {
                let code = error.cause_code();
                let hint = error.retry_after().filter(|wait| !wait.is_zero());
                let wait = self.services.pacer.pause_for(hint);
                self.consecutive_failures = failures + 1;
                if code == Code::RateLimited
                    && hint.is_none()
                    && self.limited_at.is_none_or(|limited_at| begun >= limited_at)
                {
                    self.limits += 1;
                    self.limited_at = Some(Instant::now());
                }
                let outlasts_call = Instant::now() + wait >= self.until;
                if outlasts_call
                    || self.limits > MAX_REPETITIONS
                    || self.consecutive_failures >= MAX_CONSECUTIVE_FAILURES
                {
                    let is_limit = matches!(code, Code::RateLimited | Code::Overloaded);
                    let usual = if is_limit { WAIT_AFTER_LIMIT } else { WAIT_AFTER_FAILURES };
                    self.stopped_by = Some(Stop { code, wait: hint.unwrap_or(usual) });
                }
                claim.settle(Settlement::Retry { in_doubt: error.is_in_doubt() });
            }
            Worked::Stop(error) => {
                claim.settle(Settlement::Retry { in_doubt: error.is_in_doubt() });
                return Some(error);
            }
        }
        None
    }

    async fn report(&self) {
        let progress = self.plan.progress();
        self.cx
            .progress(Progress::Applied {
                action: self.plan.action,
                done: progress.done,
                settled: progress.matched - progress.remaining,
                matched: progress.matched,
            })
            .await;
    }
}

async fn work(services: &Services, cx: &Context, claim: &Claim) -> Worked {
    let (session, action) = (&claim.session, claim.plan.action);
    let settled = match has_taken_effect(cx, action, session).await {
        Ok(true) => Ok(Settlement::Done),
        Ok(false) => write_one(services, cx, &claim.plan, session).await,
        Err(error) => Err(error),
    };
    // A write of an earlier call may still have been carried out.
    let in_doubt = |error: Error| {
        let operation = action.operation();
        if session.in_doubt { error.in_doubt(&session.id, operation) } else { error }
    };
    let settled = settled.map_err(in_doubt);
    match settled {
        Ok(settlement) => Worked::Settled(settlement),
        Err(error) => match error.blame() {
            Blame::Service => Worked::SlowDown(error),
            Blame::Setup => Worked::Stop(error),
            Blame::Session => Worked::Settled(skipped_or_failed(error)),
        },
    }
}

/// Writes the session's own line: that it is settled, or that a write was sent whose end is not
/// known. What is only put off has none.
fn audit(cx: &Context, action: Action, worked: &Worked) {
    let trail = cx.trail();
    let (end, error) = match worked {
        Worked::Settled(Settlement::Done) => (End::Outcome(action.done().to_owned()), None),
        Worked::Settled(Settlement::Skipped(reason)) => {
            (End::Outcome(format!("skipped: {}", reason.as_str())), None)
        }
        Worked::Settled(Settlement::Failed(error)) => (End::Code(error.code()), Some(error)),
        Worked::SlowDown(error) | Worked::Stop(error) if trail.has_begun() => {
            (End::Code(error.code()), Some(error))
        }
        Worked::Settled(Settlement::Retry { .. }) | Worked::SlowDown(_) | Worked::Stop(_) => return,
    };
    if let Some(call) = trail.audited() {
        let last_write = trail.last_write();
        let request_id = error.and_then(Error::request_id).or(last_write.as_deref());
        let in_doubt = trail.is_in_doubt() || error.is_some_and(Error::is_in_doubt);
        call.ended(Ended { end, request_id, in_doubt });
    }
}

/// A session that is no longer as planned is skipped, unless a write may have been carried out.
fn skipped_or_failed(error: Error) -> Settlement {
    let code = error.code();
    if error.is_in_doubt() {
        return Settlement::Failed(error);
    }
    match code {
        Code::NotFound
        | Code::AgentNotAllowed
        | Code::SessionChanged
        | Code::SessionRunning
        | Code::SessionRescheduling
        | Code::SessionArchived
        | Code::SessionTerminated
        | Code::StatusUnrecognized
        | Code::SessionWaiting
        | Code::WorkflowRunOpen => Settlement::Skipped(SkipReason::Code(code)),
        _ => Settlement::Failed(error),
    }
}

/// Whether a write whose end was in doubt has taken effect after all.
async fn has_taken_effect(
    cx: &Context,
    action: Action,
    session: &PlannedSession,
) -> Result<bool, Error> {
    if !session.in_doubt {
        return Ok(false);
    }
    match (cx.read_session(&session.id).await, action) {
        (Ok(session), Action::Archive) => Ok(session.head.is_archived()),
        (Ok(_), Action::Delete) => Ok(false),
        (Err(error), Action::Delete) if matches!(error.http_status(), Some(404 | 410)) => Ok(true),
        (Err(error), _) => Err(error),
    }
}

async fn write_one(
    services: &Services,
    cx: &Context,
    plan: &Plan,
    session: &PlannedSession,
) -> Result<Settlement, Error> {
    let look = if plan.include_waiting {
        Look::none()
    } else {
        Look::refusing(waiting::events(cx, &session.id).await?)
    };
    let conditions =
        Conditions { expected_updated_at: session.updated_at.clone(), ..Conditions::default() };
    let id = &session.id;
    let written = match plan.action {
        Action::Archive => {
            let mut archive = Archive::new(services, look);
            write(services, cx, id, &conditions, &mut archive).await?
        }
        Action::Delete => {
            let mut deletion = Deletion::approved(services, id, look);
            write(services, cx, id, &conditions, &mut deletion).await?
        }
    };
    Ok(match written {
        Written::Done { .. } => Settlement::Done,
        // Somebody else has archived it.
        Written::Unchanged(_) | Written::DryRun { .. } | Written::NeedsApproval { .. } => {
            Settlement::Skipped(SkipReason::NothingToDo)
        }
    })
}
