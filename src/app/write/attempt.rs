//! One write on one session, step by step.

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{
    conditions::{Conditions, First, IfBusy},
    guarded::{GuardedWrite, Written},
    poll::Poll,
};
use crate::{
    api::{Acted, ApiError, ApiResponse},
    app::{
        approval::{Approval, ApprovalToken},
        context::Context,
        error::{About, Error, ErrorKind},
        services::Services,
        waiting::waiting_calls,
    },
    domain::guard::{Operation, Ruling},
    model::{Session, SessionId},
};

pub(crate) struct Attempt<'a> {
    pub(crate) services: &'a Services,
    pub(crate) cx: &'a Context,
    pub(crate) id: &'a SessionId,
    pub(crate) conditions: &'a Conditions,
    pub(crate) operation: Operation,
    pub(crate) started: Instant,
    pub(crate) wait_until: Instant,
    /// Whether an interrupt was sent, and if so, whether the service accepted it.
    pub(crate) interrupt: Option<bool>,
}

enum Guarded {
    Allowed(Session),
    /// In a dry run: it would be, once this is done.
    AllowedAfter(First, Session),
    NeedsApproval(Session, ApprovalToken),
    Unchanged(Session),
}

impl Attempt<'_> {
    pub(crate) async fn run<W: GuardedWrite>(
        &mut self,
        write: &mut W,
    ) -> Result<Written<W::Prepared>, Error> {
        let mut pauses = self.services.settings.pauses.conflict.iter();
        // An error that repeating the write does not lift, if the guard still allows it.
        let mut rejection = None;
        loop {
            let (session, first) = match self.guarded(write).await? {
                Guarded::Allowed(session) => (session, None),
                Guarded::AllowedAfter(first, session) => (session, Some(first)),
                Guarded::NeedsApproval(session, token) => {
                    return Ok(match write.prepare(&session)? {
                        Some(_) => Written::NeedsApproval { session, token },
                        None => Written::Unchanged(session),
                    });
                }
                Guarded::Unchanged(session) => return Ok(Written::Unchanged(session)),
            };
            if let Some(error) = rejection.take() {
                return Err(self.rejected(session, error).await);
            }
            let Some(prepared) = write.prepare(&session)? else {
                return Ok(Written::Unchanged(session));
            };
            if write.inspect(self.cx, &session).await? && !self.conditions.dry_run {
                continue;
            }
            if self.conditions.dry_run {
                return Ok(Written::DryRun { session, prepared, first });
            }
            match write.approve(self.cx, &session, false).await? {
                Approval::Granted => {}
                Approval::Recheck => continue,
                Approval::Needs(token) => return Ok(Written::NeedsApproval { session, token }),
            }
            match write.send(&self.cx.client(), self.id, &prepared).await {
                Ok(response) => {
                    self.cx.note_write(response.request_id.as_deref());
                    return self.verified(write, session, prepared, response).await;
                }
                Err(error) if error.is_workflow_run_open() => {
                    return Err(Error::new(ErrorKind::WorkflowRunOpen {
                        session: Box::new(session.head),
                        operation: self.operation,
                        error,
                    }));
                }
                Err(error) if matches!(error.http_status(), Some(400 | 409)) => {
                    // A lagging status is worth some repetitions; what the API says about the
                    // content of an update will not change by repeating it.
                    match pauses.next().filter(|_| !self.is_about_content(&error)) {
                        Some(pause) => sleep(*pause).await,
                        None => rejection = Some(error),
                    }
                }
                Err(error) => return Err(self.failed(self.operation, error).await),
            }
        }
    }

    async fn rejected(&self, session: Session, error: ApiError) -> Error {
        if self.is_about_content(&error) {
            return self.api(error);
        }
        // Some services refuse to change a session that waits for an answer.
        let calls = waiting_calls(self.services, self.cx, self.id, &session).await;
        if let Ok(calls) = calls
            && !calls.is_empty()
        {
            let session = Box::new(session.head);
            return ErrorKind::Waiting { session, operation: self.operation, calls }.into();
        }
        Error::new(ErrorKind::Conflict {
            session: Box::new(session.head),
            operation: self.operation,
            error,
        })
    }

    async fn guarded<W: GuardedWrite>(&mut self, write: &mut W) -> Result<Guarded, Error> {
        let pauses = &self.services.settings.pauses;
        let mut stale = pauses.stale_status.iter();
        let new_poll = |cx: &Context, until| Poll::new(until + cx.time_spent_asking(), pauses.poll);
        let mut poll = new_poll(self.cx, self.wait_until);
        loop {
            let session = self.cx.read_session(self.id).await?;
            self.expect_unchanged(&session)?;
            let statuses = &self.services.statuses;
            let refusal = match statuses.judge(self.operation, &session.head) {
                Ruling::Go => return Ok(Guarded::Allowed(session)),
                Ruling::NothingToDo if write.acts_anyway(self.cx, &session).await? => {
                    return Ok(Guarded::Allowed(session));
                }
                Ruling::NothingToDo => return Ok(Guarded::Unchanged(session)),
                Ruling::Refuse(refusal) => refusal,
            };
            let if_busy = if refusal.is_busy() { self.conditions.if_busy } else { IfBusy::Refuse };
            // No turn is stopped or waited for when the change is impossible or already there.
            let acts = if_busy != IfBusy::Refuse && self.interrupt.is_none();
            if acts && write.prepare(&session)?.is_none() {
                return Ok(Guarded::Unchanged(session));
            }
            match if_busy {
                IfBusy::Refuse => match stale.next().filter(|_| refusal.is_busy()) {
                    Some(pause) => sleep(*pause).await,
                    None => {
                        return Err(Error::new(ErrorKind::Refused {
                            session: Box::new(session.head),
                            operation: self.operation,
                            refusal,
                        }));
                    }
                },
                // A dry run neither stops a turn nor waits for its end.
                IfBusy::Interrupt if self.conditions.dry_run => {
                    return Ok(Guarded::AllowedAfter(First::Interrupt, session));
                }
                IfBusy::Wait if self.conditions.dry_run => {
                    return Ok(Guarded::AllowedAfter(First::Wait, session));
                }
                IfBusy::Interrupt if self.interrupt.is_none() => {
                    match write.approve(self.cx, &session, true).await? {
                        Approval::Granted => {}
                        Approval::Recheck => continue,
                        Approval::Needs(token) => {
                            return Ok(Guarded::NeedsApproval(session, token));
                        }
                    }
                    poll = new_poll(self.cx, self.wait_until);
                    self.interrupt = Some(self.send_interrupt().await?);
                }
                IfBusy::Interrupt | IfBusy::Wait => {
                    if !poll.pause(self.cx, &session).await {
                        return Err(Error::new(ErrorKind::BusyTimeout {
                            session: Box::new(session.head),
                            operation: self.operation,
                            waited: self.started.elapsed(),
                            interrupted: self.interrupt == Some(true),
                        }));
                    }
                }
            }
        }
    }

    /// Sends the interrupt; returns whether the service accepted it.
    async fn send_interrupt(&self) -> Result<bool, Error> {
        let event = json!({"type": "user.interrupt"});
        match self.cx.client().send_events(self.id, &[event]).await {
            Ok(response) => {
                self.cx.note_write(response.request_id.as_deref());
                Ok(true)
            }
            // It may have gone idle by itself a moment ago: the next reading shows.
            Err(error) if matches!(error.http_status(), Some(400 | 409)) => Ok(false),
            Err(error) => Err(self.failed(Operation::Interrupt, error).await),
        }
    }

    /// Fails if the session has changed, but for this call's own interrupt, since the caller saw it.
    fn expect_unchanged(&self, session: &Session) -> Result<(), Error> {
        let Some(expected) = &self.conditions.expected_updated_at else {
            return Ok(());
        };
        let updated_at = session.head.updated_at.as_ref();
        if updated_at.is_some_and(|now| now.shows_as(expected)) || self.interrupt == Some(true) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::SessionChanged {
            session: Box::new(session.head.clone()),
            expected: expected.text().to_owned(),
        }))
    }

    async fn verified<W: GuardedWrite>(
        &self,
        write: &W,
        before: Session,
        prepared: W::Prepared,
        response: ApiResponse<Option<Session>>,
    ) -> Result<Written<W::Prepared>, Error> {
        let is_as_asked = |after: &Session| {
            after.head.id == self.id.as_str() && write.verify(&prepared, after).is_ok()
        };
        let mut after = response.body;
        if after.as_ref().is_some_and(|after| !is_as_asked(after)) {
            let read = self.cx.read_session(self.id).await;
            let read = read.map_err(|error| error.in_doubt(self.id, self.operation))?;
            if let Err(mismatch) = write.verify(&prepared, &read) {
                return Err(Error::new(ErrorKind::NotApplied {
                    session: Box::new(read.head),
                    operation: self.operation,
                    mismatch,
                    request_id: response.request_id,
                }));
            }
            after = Some(read);
        }
        Ok(Written::Done { before, prepared, after: after.map(Box::new) })
    }

    /// Whether the API refuses what an update says, not the state of the session.
    fn is_about_content(&self, error: &ApiError) -> bool {
        use Operation::{UpdateBudget, UpdateDetails, UpdateTools};
        let is_update = matches!(self.operation, UpdateTools | UpdateDetails | UpdateBudget);
        is_update && error.http_status() == Some(400)
    }

    /// A write that failed, and may have been carried out all the same.
    async fn failed(&self, operation: Operation, error: ApiError) -> Error {
        let acted = error.acted();
        let subject = About::Session(self.id.clone());
        let error = self.cx.clarified_by_session(subject, self.id, error).await;
        match acted {
            Acted::Unknown => error.in_doubt(self.id, operation),
            Acted::No => error,
        }
    }

    fn api(&self, error: ApiError) -> Error {
        Error::api(About::Session(self.id.clone()), error)
    }
}
