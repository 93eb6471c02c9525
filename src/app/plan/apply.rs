//! Carrying out a plan, for as long as one call may take.
//!
//! # How many requests a session costs
//! The promise is that each session is read right before it is written. The API has no
//! conditional write, and a page of the list is as old as the last of its hundred sessions by
//! the time that one is written (ten seconds at ten requests a second), so the reading must be
//! one's own: two requests a session, a GET and a POST or DELETE. That is also the least. The
//! answer of an archive verifies it, and the answer of a delete needs no verification. A session
//! that turns out to be changed, busy or gone costs one request; the turn taken for its write is
//! kept for the next session. One that takes more, because the service is in doubt with itself or
//! an answer is lost, overdraws its turns, and the turns after it come later for that.
//!
//! Both turns are taken before the reading, so that the pacing never comes between it and the
//! write: a write follows its reading by one round trip.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};

use crate::{
    app::{
        pace::Permits,
        plan::{AT_ONCE, Action, End, InHand, Plan, Planned},
        write,
        write::{Conditions, IfBusy, Outcome},
    },
    explain::Failure,
    mcp::{
        call::Call,
        server::SessionsServer,
        tools::{archive_session::Archive, delete_session::deletion::Deletion},
    },
};

/// Requests that one session costs.
pub(crate) const REQUESTS: u32 = 2;
/// So many failures in a row that are nobody's fault, and this call stops trying.
const MOST_IN_A_ROW: usize = 12;
/// The least time between two reports of progress.
const BETWEEN_REPORTS: Duration = Duration::from_millis(500);

/// Works on a plan until it is carried out, the time is up, or the caller cancels; then what is
/// in hand is brought to its end. Answers the code that stopped it early, if one did.
///
/// # Errors
/// What would be the same for every session: no credential, no permission to audit.
pub(crate) async fn apply(
    server: &SessionsServer,
    call: &Call,
    plan: &Arc<Plan>,
) -> Result<Option<&'static str>, Failure> {
    let mut work = Work {
        server,
        call,
        plan,
        permits: server.pacer().permits(),
        in_a_row: 0,
        stopped_by: None,
        until: call.soon(),
    };
    work.run().await?;
    Ok(work.stopped_by)
}

struct Work<'a> {
    server: &'a SessionsServer,
    call: &'a Call,
    plan: &'a Arc<Plan>,
    /// Acquired by this call and not given to a session.
    permits: Permits,
    in_a_row: usize,
    stopped_by: Option<&'static str>,
    /// When no further session is begun.
    until: Instant,
}

/// A session that was worked on.
struct Settled {
    in_hand: InHand,
    end: Result<End, Failure>,
    /// The code of a transient failure, and its `Retry-After`.
    transient: Option<(&'static str, Option<Duration>)>,
}

impl Work<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        let until = self.until;
        // The service may have asked for a longer rest than this call has.
        if self
            .server
            .pacer()
            .paused_until()
            .is_some_and(|paused_until| paused_until >= until)
        {
            self.stopped_by = Some("rate_limited");
            return Ok(());
        }
        let (server, call, plan) = (self.server, self.call, self.plan);
        let permits = self.permits.clone();
        let mut in_hand = FuturesUnordered::new();
        let mut failure = None;
        let mut reported = Instant::now();
        self.report().await;
        loop {
            let goes_on = failure.is_none()
                && self.stopped_by.is_none()
                && in_hand.len() < AT_ONCE
                && !call.is_cancelled()
                && Instant::now() < until
                && plan.has_more();
            if !goes_on && in_hand.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                Some(ended) = in_hand.next(), if !in_hand.is_empty() => {
                    let (settled, of_one): (Settled, Call) = ended;
                    permits.merge(of_one.permits());
                    failure = self.settle(settled).or(failure);
                    if reported.elapsed() >= BETWEEN_REPORTS {
                        reported = Instant::now();
                        self.report().await;
                    }
                }
                () = call.cancelled(), if goes_on => {}
                () = sleep_until(until), if goes_on => {}
                () = permits.acquire(), if goes_on && permits.available() < REQUESTS => {}
                Ok(place) = server.fleet().places.acquire(), if goes_on && permits.available() >= REQUESTS => {
                    if let Some(session) = plan.take() {
                        let call = call.with(permits.split(REQUESTS));
                        in_hand.push(async move {
                            let settled = one(server, &call, session).await;
                            drop(place);
                            (settled, call)
                        });
                    }
                }
            }
        }
        self.report().await;
        failure.map_or(Ok(()), Err)
    }

    /// Enters what became of a session; the failure is one that would meet every other session.
    fn settle(&mut self, settled: Settled) -> Option<Failure> {
        match settled.transient {
            Some((code, retry_after)) => {
                let wait = self.server.pacer().pause_for(retry_after);
                self.in_a_row += 1;
                let in_vain = Instant::now() + wait >= self.until;
                if in_vain || self.in_a_row >= MOST_IN_A_ROW {
                    self.stopped_by = Some(code);
                }
            }
            None => self.in_a_row = 0,
        }
        match settled.end {
            Ok(end) => {
                settled.in_hand.end(end);
                None
            }
            Err(failure) => {
                settled.in_hand.end(End::Again { in_doubt: false });
                Some(failure)
            }
        }
    }

    async fn report(&self) {
        let standing = self.plan.standing();
        let word = match self.plan.action {
            Action::Archive => "archived",
            Action::Delete => "deleted",
        };
        let message = format!("{} of {} {word}", standing.done, standing.matched);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a plan has at most 1,000 sessions"
        )]
        let (done, total) = (standing.settled() as f64, standing.matched as f64);
        self.call.progress(done, Some(total), message).await;
    }
}

/// Reads, guards and writes one session.
async fn one(server: &SessionsServer, call: &Call, in_hand: InHand) -> Settled {
    let Some(planned) = in_hand.session().cloned() else {
        return Settled {
            in_hand,
            end: Ok(End::Done),
            transient: None,
        };
    };
    let action = in_hand.plan.action;
    let outcome = match already(call, action, &planned).await {
        Ok(true) => {
            return Settled {
                in_hand,
                end: Ok(End::Done),
                transient: None,
            };
        }
        Ok(false) => write(server, call, action, &planned).await,
        Err(failure) => Err(failure),
    };
    let failure = match outcome {
        Ok(end) => {
            return Settled {
                in_hand,
                end: Ok(end),
                transient: None,
            };
        }
        Err(failure) => failure,
    };
    let settled = |end, transient| Settled {
        in_hand,
        end,
        transient,
    };
    match failure.code {
        "rate_limited" | "overloaded" | "api_unreachable" | "timed_out" => {
            // Even after a 429: it may have answered the repetition of a write that was lost.
            settled(
                Ok(End::Again { in_doubt: true }),
                Some((failure.code, failure.retry_after())),
            )
        }
        "not_found"
        | "agent_not_allowed"
        | "session_changed"
        | "session_running"
        | "session_rescheduling"
        | "session_archived"
        | "session_terminated"
        | "status_unrecognized" => settled(Ok(End::Skipped(failure.code)), None),
        "credentials_missing" | "invalid_configuration" | "unauthorized" => {
            settled(Err(failure), None)
        }
        code => settled(Ok(End::Failed(code, failure.into_message())), None),
    }
}

/// Whether a write whose end was in doubt has taken effect after all.
async fn already(call: &Call, action: Action, planned: &Planned) -> Result<bool, Failure> {
    if !planned.in_doubt {
        return Ok(false);
    }
    match (call.session(&planned.id).await, action) {
        (Ok(session), Action::Archive) => Ok(session.head.is_archived()),
        (Ok(_), Action::Delete) => Ok(false),
        (Err(failure), Action::Delete) if failure.code == "not_found" => Ok(true),
        (Err(failure), _) => Err(failure),
    }
}

async fn write(
    server: &SessionsServer,
    call: &Call,
    action: Action,
    planned: &Planned,
) -> Result<End, Failure> {
    let conditions = Conditions {
        if_busy: IfBusy::Refuse,
        wait: Duration::ZERO,
        dry_run: false,
        expected_updated_at: planned.updated_at.clone(),
    };
    let end = match action {
        Action::Archive => {
            end_of(&write::carry_out(server, call, &planned.id, &conditions, &Archive).await?)
        }
        Action::Delete => {
            let deletion = Deletion::confirmed_before(server, &planned.id);
            end_of(&write::carry_out(server, call, &planned.id, &conditions, &deletion).await?)
        }
    };
    Ok(end)
}

fn end_of<P>(outcome: &Outcome<P>) -> End {
    match outcome {
        Outcome::Written { .. } => End::Done,
        // It is archived already, by somebody else.
        Outcome::NothingToDo(_) | Outcome::Would { .. } => End::Skipped("nothing_to_do"),
    }
}
