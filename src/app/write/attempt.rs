//! One write on one session, step by step.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{
    api::{ApiError, ApiResponse},
    app::write::{Conditions, IfBusy, Leave, Outcome, Write, poll::Poll},
    domain::guard::{Operation, Refusal, Ruling},
    explain::Failure,
    mcp::{call::Call, server::SessionsServer},
    model::{Session, SessionId},
};

/// One call of [`carry_out`], with what all its steps need.
pub(crate) struct Attempt<'a> {
    pub(crate) server: &'a SessionsServer,
    pub(crate) call: &'a Call,
    pub(crate) id: &'a SessionId,
    pub(crate) conditions: &'a Conditions,
    pub(crate) operation: Operation,
    pub(crate) started: Instant,
    pub(crate) wait_until: Instant,
}

/// A reading that the guard has looked at.
enum Reading {
    Go(Session),
    Withheld(Session),
    NothingToDo(Session),
}

impl Attempt<'_> {
    /// `interrupted` becomes whether an interrupt was sent, and if so, whether the service took it.
    pub(crate) async fn run<W: Write>(
        &self,
        write: &W,
        interrupted: &mut Option<bool>,
    ) -> Result<Outcome<W::Prepared>, Failure> {
        let mut pauses = self.server.config().pauses.conflict.iter();
        // The API's refusal of what the guard had allowed, and whether that is the last word.
        let mut refused: Option<(ApiError, bool)> = None;
        loop {
            let session = match self.ready(write, interrupted).await? {
                Reading::Go(session) => session,
                Reading::Withheld(session) => {
                    let Some(prepared) = write.prepare(&session)? else {
                        return Ok(Outcome::NothingToDo(session));
                    };
                    return Ok(Outcome::Would { session, prepared });
                }
                Reading::NothingToDo(session) => return Ok(Outcome::NothingToDo(session)),
            };
            match refused.take() {
                Some((error, true)) if self.is_update() && error.http_status() == Some(400) => {
                    return Err(self.api(&error));
                }
                Some((error, true)) => {
                    return Err(Failure::conflict(self.done(), &session.head, &error));
                }
                Some((_, false)) | None => {}
            }
            let Some(prepared) = write.prepare(&session)? else {
                return Ok(Outcome::NothingToDo(session));
            };
            if self.conditions.dry_run {
                return Ok(Outcome::Would { session, prepared });
            }
            match write.leave(self.call, &session, false).await? {
                Leave::Granted => {}
                Leave::LookAgain => continue,
                Leave::Withheld => return Ok(Outcome::Would { session, prepared }),
            }
            match write.send(self.call.client(), self.id, &prepared).await {
                Ok(answer) => {
                    self.call.note_write(answer.request_id.as_deref());
                    return self.verified(write, session, prepared, answer).await;
                }
                Err(error) if matches!(error.http_status(), Some(400 | 409)) => {
                    refused = Some(self.refused_after_the_guard(error, &mut pauses).await);
                }
                Err(error) => return Err(self.in_doubt(self.done(), &error)),
            }
        }
    }

    /// The guard passed and the API refuses. A lagging state is worth some more tries; what the
    /// API says about the content of an update will not change by repeating it.
    async fn refused_after_the_guard(
        &self,
        error: ApiError,
        pauses: &mut std::slice::Iter<'_, Duration>,
    ) -> (ApiError, bool) {
        if self.is_update() && error.http_status() == Some(400) {
            return (error, true);
        }
        let Some(pause) = pauses.next() else {
            return (error, true);
        };
        sleep(*pause).await;
        (error, false)
    }

    /// Reads until the guard has a final word on the session.
    async fn ready<W: Write>(
        &self,
        write: &W,
        interrupted: &mut Option<bool>,
    ) -> Result<Reading, Failure> {
        let mut stale = self.server.config().pauses.stale_status.iter();
        let mut poll = Poll::until(
            self.wait_until + self.call.paused(),
            self.server.config().pauses.poll,
        );
        loop {
            let session = self.call.session(self.id).await?;
            self.expect_unchanged(&session, *interrupted == Some(true))?;
            let why = match self.server.statuses().judge(self.operation, &session.head) {
                Ruling::Go => return Ok(Reading::Go(session)),
                Ruling::NothingToDo => return Ok(Reading::NothingToDo(session)),
                Ruling::Refuse(why) => why,
            };
            let if_busy = if why.is_busy() {
                self.conditions.if_busy
            } else {
                IfBusy::Refuse
            };
            // Nobody's turn is stopped or waited for, for what is impossible or already so.
            let acts = if_busy != IfBusy::Refuse && interrupted.is_none();
            if acts && write.prepare(&session)?.is_none() {
                return Ok(Reading::NothingToDo(session));
            }
            match if_busy {
                IfBusy::Refuse => match stale.next().filter(|_| why.is_busy()) {
                    Some(pause) => sleep(*pause).await,
                    None => return Err(self.refused(&session, why)),
                },
                // An interrupt changes the session, so a dry run stops short of it.
                IfBusy::Interrupt if self.conditions.dry_run => return Ok(Reading::Go(session)),
                IfBusy::Interrupt if interrupted.is_none() => {
                    match write.leave(self.call, &session, true).await? {
                        Leave::Granted => {}
                        Leave::LookAgain => continue,
                        Leave::Withheld => return Ok(Reading::Withheld(session)),
                    }
                    poll = Poll::until(
                        self.wait_until + self.call.paused(),
                        self.server.config().pauses.poll,
                    );
                    *interrupted = Some(self.interrupt().await?);
                }
                IfBusy::Interrupt | IfBusy::Wait => {
                    if !poll.pause(self.call, &session).await {
                        return Err(self.busy_timeout(&session, *interrupted == Some(true)));
                    }
                }
            }
        }
    }

    /// Sends the interrupt; answers whether the service took it.
    async fn interrupt(&self) -> Result<bool, Failure> {
        let event = json!({"type": "user.interrupt"});
        match self.call.client().send_events(self.id, &[event]).await {
            Ok(answer) => {
                self.call.note_write(answer.request_id.as_deref());
                Ok(true)
            }
            // It may have gone idle by itself a moment ago: the next reading tells.
            Err(error) if matches!(error.http_status(), Some(400 | 409)) => Ok(false),
            Err(error) => Err(self.in_doubt("interrupted", &error)),
        }
    }

    /// Fails if the session is not as the caller saw it. What this call's own interrupt changed
    /// does not count.
    fn expect_unchanged(&self, session: &Session, interrupted: bool) -> Result<(), Failure> {
        let Some(expected) = &self.conditions.expected_updated_at else {
            return Ok(());
        };
        let same = session
            .head
            .updated_at
            .as_ref()
            .is_some_and(|now| now.shows_as(expected));
        if same || interrupted {
            return Ok(());
        }
        Err(Failure::session_changed(
            self.call.tool(),
            &session.head,
            expected.text(),
        ))
    }

    /// Compares the answer with what was asked for, and once more with a fresh reading.
    async fn verified<W: Write>(
        &self,
        write: &W,
        before: Session,
        prepared: W::Prepared,
        answer: ApiResponse<Option<Session>>,
    ) -> Result<Outcome<W::Prepared>, Failure> {
        let Some(mut after) = answer.body else {
            return Ok(Outcome::Written {
                before,
                prepared,
                after: None,
            });
        };
        let is_another = after.head.id != self.id.as_str();
        if is_another || write.verify(&prepared, &after).is_err() {
            after = self
                .call
                .session(self.id)
                .await
                .map_err(|failure| failure.with_doubt(self.id, self.done()))?;
            if let Err(differences) = write.verify(&prepared, &after) {
                let request = answer.request_id;
                return Err(Failure::not_applied(
                    self.done(),
                    &after.head,
                    &differences,
                    request,
                ));
            }
        }
        Ok(Outcome::Written {
            before,
            prepared,
            after: Some(Box::new(after)),
        })
    }

    fn is_update(&self) -> bool {
        use Operation::{UpdateBudget, UpdateDetails, UpdateTools};
        matches!(self.operation, UpdateTools | UpdateDetails | UpdateBudget)
    }

    /// The operation as a participle: "the session is …".
    fn done(&self) -> &'static str {
        match self.operation {
            Operation::Archive => "archived",
            Operation::Delete => "deleted",
            Operation::Interrupt => "interrupted",
            Operation::UpdateTools | Operation::UpdateDetails | Operation::UpdateBudget => {
                "updated"
            }
        }
    }

    fn refused(&self, session: &Session, why: Refusal) -> Failure {
        Failure::refused(self.call.tool(), self.done(), &session.head, why)
    }

    fn busy_timeout(&self, session: &Session, interrupted: bool) -> Failure {
        let (tool, waited) = (self.call.tool(), self.started.elapsed());
        Failure::busy_timeout(tool, self.done(), &session.head, waited, interrupted)
    }

    /// A write that failed, and may have been carried out all the same.
    fn in_doubt(&self, done: &str, error: &ApiError) -> Failure {
        let failure = self.api(error);
        // Of an earlier try that was lost the failure tells by itself.
        let is_told = matches!(error, ApiError::Refused { in_doubt: true, .. });
        if error.may_have_acted() && !is_told {
            return failure.with_doubt(self.id, done);
        }
        failure
    }

    fn api(&self, error: &ApiError) -> Failure {
        Failure::api(&format!("session {}", self.id), error)
    }
}
