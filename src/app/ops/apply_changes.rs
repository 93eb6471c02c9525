//! Carry out a plan on its sessions, for as long as one call may take.
//!
//! # How many requests a session costs
//! The promise is that each session is read right before it is written. The API has no
//! conditional write, and a page of the list is as old as the last of its hundred sessions by
//! the time that one is written (ten seconds at ten writes a second), so each session is read
//! by itself: a GET and a POST or DELETE. Before that its events tell whether it waits for
//! somebody, unless the plan includes those that do, and which turn an interrupt would stop. The
//! answer of a write verifies it, but that of a delete: a last GET does. A session that has
//! changed, is busy or gone costs no write; the permit for that is kept for the next session. One
//! that takes more, because of conflicts or lost answers, runs into debt that is paid before the
//! next permits.
//!
//! All permits are acquired before the first read, so that pacing never comes between the read of
//! a session and its write: a write follows its read by one round trip.

mod one;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use self::one::{Worked, audit, work};
use crate::{
    app::{
        approval::{
            Approval, ApprovalToken,
            subject::{PlanDeletion, Subject},
        },
        caller::Progress,
        context::Context,
        error::{Error, ErrorKind},
        plan::{
            action::Action,
            progress::PlanProgress,
            store::{Claim, MAX_CONCURRENT, Plan, Settlement},
        },
        scan::gap::MAX_REPETITIONS,
        services::Services,
    },
    domain::code::Code,
};

/// Consecutive transient failures after which this call gives up.
const MAX_CONSECUTIVE_FAILURES: usize = 12;
/// How long to wait before the next call, where the service does not say it.
const WAIT_AFTER_LIMIT: Duration = Duration::from_secs(60);
const WAIT_AFTER_FAILURES: Duration = Duration::from_secs(10);
/// How many of the sessions that a call changed are named.
const NAMED_CHANGES: usize = 100;
/// How many sessions a question names.
const NAMED_SESSIONS: usize = 5;
const REPORT_INTERVAL: Duration = Duration::from_millis(500);

pub(crate) enum Applied {
    Worked {
        progress: PlanProgress,
        /// The first sessions that this call changed.
        changed: Vec<String>,
        stopped_by: Option<Stop>,
    },
    /// Nothing was written: the caller has to come back with the token.
    NeedsApproval { progress: PlanProgress, token: ApprovalToken, subject: Box<Subject> },
}

/// What ended a call early, and how long to wait before the next one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    pub code: Code,
    pub wait: Duration,
}

pub(crate) async fn apply_changes(
    services: &Services,
    cx: &Context,
    plan_id: &str,
    token: Option<&str>,
) -> Result<Applied, Error> {
    let plan = services.plans.get(plan_id);
    let plan = plan.ok_or_else(|| ErrorKind::PlanNotFound(plan_id.to_owned()))?;
    services.ensure_enabled(plan.order.action.op())?;
    if plan.order.action == Action::Delete && !plan.is_approved() {
        let subject = Subject::PlanDeletion(Box::new(deletion(services, &plan)));
        match services.approvals.approve(cx, token, &subject).await? {
            Approval::Granted | Approval::Recheck => plan.approve(),
            Approval::Needs(token) => {
                let (progress, subject) = (plan.progress(), Box::new(subject));
                return Ok(Applied::NeedsApproval { progress, token, subject });
            }
        }
    }
    let (changed, stopped_by) = apply(services, cx, &plan).await?;
    Ok(Applied::Worked { progress: plan.progress(), changed, stopped_by })
}

/// What a person is asked about.
fn deletion(services: &Services, plan: &Plan) -> PlanDeletion {
    let (mut titles, mut agents, mut created) = (Vec::new(), BTreeSet::new(), Vec::new());
    plan.sessions_from(0, |session| {
        let row = &session.row;
        if titles.len() < NAMED_SESSIONS {
            titles.push(row.title.clone().unwrap_or_else(|| row.id.clone()));
        }
        let agent = row.agent.as_ref();
        agents.extend(agent.and_then(|agent| agent.name.clone().or_else(|| agent.id.clone())));
        created.extend(row.created_at.clone());
        true
    });
    PlanDeletion {
        plan_id: plan.id.clone(),
        sessions: plan.progress().matched,
        list_cost: plan.list_cost.clone(),
        titles,
        agents: agents.into_iter().collect(),
        created: created.iter().min().cloned().zip(created.iter().max().cloned()),
        exported: services.exports(),
    }
}

/// Works on a plan until it is settled, the time is up, or the caller cancels; claimed sessions
/// are finished first. Returns what stopped it early, if something did; fails with what would
/// fail for every session ([`Blame::Setup`]).
async fn apply(
    services: &Services,
    cx: &Context,
    plan: &Arc<Plan>,
) -> Result<(Vec<String>, Option<Stop>), Error> {
    let until = cx.soft_deadline();
    // The service may have asked for a longer pause than this call lasts.
    if plan.has_more()
        && let Some(wait) = services.pacer.pause_beyond(until)
    {
        return Ok((Vec::new(), Some(Stop { code: Code::RateLimited, wait })));
    }
    let mut run = Run {
        services,
        cx,
        plan,
        consecutive_failures: 0,
        limits: 0,
        limited_at: None,
        stopped_by: None,
        changed: Vec::new(),
        until,
    };
    run.run().await?;
    Ok((run.changed, run.stopped_by))
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
    /// The first sessions that were changed.
    changed: Vec<String>,
    /// When no further session is claimed.
    until: Instant,
}

impl Run<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        let (services, cx, plan, until) = (self.services, self.cx, self.plan, self.until);
        let permits = services.pacer.permits();
        let needed = plan.order.requests(services.exports());
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
                    audit(&child, plan.order.action, &worked);
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
                            let worked = Box::pin(work(services, &child, &claim)).await;
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
                let is_done = matches!(settlement, Settlement::Done(_));
                if is_done && self.changed.len() < NAMED_CHANGES {
                    self.changed.push(claim.session.id.to_string());
                }
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
                action: self.plan.order.action,
                done: progress.done,
                settled: progress.matched - progress.remaining,
                matched: progress.matched,
            })
            .await;
    }
}
