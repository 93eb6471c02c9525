//! One write on one session, step by step.

use tokio::time::{Instant, sleep};

use super::{
    conditions::{Conditions, First, IfBusy},
    guarded::{GuardedWrite, Written},
    lost::{Lost, TookEffect, done, effect},
    pending_interrupt::{InterruptSent, PendingInterrupt},
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
    domain::{
        fingerprint::Fingerprint,
        guard::{Operation, Ruling},
    },
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
    /// The interrupt that was sent for this write.
    pub(crate) interrupt: Option<InterruptSent>,
    pub(crate) pending_interrupt: PendingInterrupt,
}

enum Guarded {
    Allowed(Session),
    /// In a dry run: it would be, once this is done.
    AllowedAfter(First, Session),
    NeedsApproval(Session, ApprovalToken),
    Unchanged(Session),
    /// A write whose answer was lost did what was asked.
    TookEffect(TookEffect),
}

impl Attempt<'_> {
    pub(crate) async fn run<W: GuardedWrite>(
        &mut self,
        write: &mut W,
    ) -> Result<Written<W::Prepared>, Error> {
        let mut lost = None;
        let written = self.until_settled(write, &mut lost).await;
        written.map_err(|error| match lost {
            Some(_) => error.in_doubt(self.id, self.operation),
            None => error,
        })
    }

    /// Reads, guards, prepares, approves and sends; every repetition is a new attempt, from a new
    /// reading on. `lost` is the last write that was sent and may have been carried out.
    async fn until_settled<W: GuardedWrite>(
        &mut self,
        write: &mut W,
        lost: &mut Option<Lost<W::Prepared>>,
    ) -> Result<Written<W::Prepared>, Error> {
        let mut pauses = self.services.settings.pauses.conflict.iter();
        let (mut repetitions, mut has_failed) = (0, false);
        // An error that repeating the write does not lift, if the guard still allows it.
        let mut rejection = None;
        loop {
            let (session, first) = match self.guarded(write, lost.as_ref(), has_failed).await? {
                Guarded::Allowed(session) => (session, None),
                Guarded::AllowedAfter(first, session) => (session, Some(first)),
                Guarded::NeedsApproval(session, token) => {
                    return Ok(match write.prepare(&session)? {
                        Some(_) => Written::NeedsApproval { session, token },
                        None => Written::Unchanged(session),
                    });
                }
                Guarded::Unchanged(session) => return Ok(Written::Unchanged(session)),
                Guarded::TookEffect(effect) => return Ok(done(lost.take(), effect.after)),
            };
            if let Some(error) = rejection.take() {
                return Err(self.rejected(write, session, error).await);
            }
            let Some(prepared) = write.prepare(&session)? else {
                return Ok(match lost.take() {
                    Some(lost) => done(Some(lost), Some(session)),
                    None => Written::Unchanged(session),
                });
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
            let outstanding = self.cx.begin_write()?;
            let sent = write.send(&self.cx.client(), self.id, &prepared).await;
            let error = match sent {
                Ok(response) => {
                    outstanding.answered(response.request_id.as_deref());
                    return self.verified(write, session, prepared, response).await;
                }
                Err(error) => error,
            };
            outstanding.answered(error.request_id());
            has_failed = true;
            if error.is_workflow_run_open() {
                return Err(Error::new(ErrorKind::WorkflowRunOpen {
                    session: Box::new(session.head),
                    operation: self.operation,
                    error,
                }));
            }
            if matches!(error.http_status(), Some(400 | 409)) {
                // A lagging status is worth some repetitions; what the API says about the
                // content of an update will not change by repeating it.
                match pauses.next().filter(|_| !self.is_about_content(&error)) {
                    Some(pause) => sleep(*pause).await,
                    None => rejection = Some(error),
                }
                continue;
            }
            if error.acted() == Acted::Unknown {
                *lost = Some(Lost { before: session, prepared });
            }
            if write.removes()
                && error.is_not_found()
                && let Some(Lost { before, prepared }) = lost.take()
            {
                // The lost attempt removed it, although readings may still lag.
                let request_id = error.request_id().map(str::to_owned);
                let response = ApiResponse { body: None, request_id, date: None };
                let verified = self.verified(write, before, prepared, response).await;
                return verified.map_err(|error| error.in_doubt(self.id, self.operation));
            }
            let is_repeatable = lost.is_none() || write.is_repeatable();
            match self.cx.pause_before_repetition(&error, repetitions).filter(|_| is_repeatable) {
                Some(pause) => sleep(pause).await,
                None => return self.given_up(write, lost, error).await,
            }
            repetitions += 1;
        }
    }

    /// The end of a write that is not sent again: one more look tells whether it took effect.
    async fn given_up<W: GuardedWrite>(
        &self,
        write: &mut W,
        lost: &mut Option<Lost<W::Prepared>>,
        error: ApiError,
    ) -> Result<Written<W::Prepared>, Error> {
        if let Some(sent) = lost.as_ref()
            && let Ok(seen) = write.look_back(self.cx, true).await
        {
            let read = self.cx.read_session(self.id).await;
            if let Some(effect) = effect(write, sent, seen, &read) {
                return Ok(done(lost.take(), effect.after));
            }
        }
        Err(self.failed(self.operation, error).await)
    }

    async fn rejected<W: GuardedWrite>(
        &self,
        write: &mut W,
        session: Session,
        error: ApiError,
    ) -> Error {
        if let Some(reason) = write.reason_of_rejection(self.cx, &session).await {
            return reason;
        }
        if self.is_about_content(&error) {
            return self.api(error);
        }
        // Some services refuse to change a session that waits for an answer.
        let calls = match self.operation {
            Operation::Answer => Ok(Vec::new()),
            _ => waiting_calls(self.services, self.cx, self.id, &session).await,
        };
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

    async fn guarded<W: GuardedWrite>(
        &mut self,
        write: &mut W,
        lost: Option<&Lost<W::Prepared>>,
        has_failed: bool,
    ) -> Result<Guarded, Error> {
        let pauses = &self.services.settings.pauses;
        let mut stale = pauses.stale_status.iter();
        let new_poll = |cx: &Context, until| Poll::new(until + cx.time_spent_asking(), pauses.poll);
        let mut poll = new_poll(self.cx, self.wait_until);
        loop {
            let seen =
                if has_failed { write.look_back(self.cx, lost.is_some()).await? } else { None };
            let read = self.cx.read_session(self.id).await;
            if let Some(lost) = lost
                && let Some(effect) = effect(write, lost, seen, &read)
            {
                return Ok(Guarded::TookEffect(effect));
            }
            let session = read?;
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
                    if !self.pending_interrupt.is_marked() {
                        self.interrupt = self.pending_interrupt.mark(self.cx, self.id).await?;
                        continue;
                    }
                    match write.approve(self.cx, &session, true).await? {
                        Approval::Granted => {}
                        Approval::Recheck => continue,
                        Approval::Needs(token) => {
                            return Ok(Guarded::NeedsApproval(session, token));
                        }
                    }
                    poll = new_poll(self.cx, self.wait_until);
                    self.interrupt = self.pending_interrupt.send(self.cx, self.id).await?;
                }
                IfBusy::Interrupt | IfBusy::Wait => {
                    if !poll.pause(self.cx, &session).await {
                        return Err(Error::new(ErrorKind::BusyTimeout {
                            session: Box::new(session.head),
                            operation: self.operation,
                            waited: self.started.elapsed(),
                            interrupted: self.may_have_interrupted(),
                        }));
                    }
                }
            }
        }
    }

    fn may_have_interrupted(&self) -> bool {
        self.pending_interrupt.is_lost()
            || self.interrupt.is_some_and(|sent| sent != InterruptSent::Refused)
    }

    /// Fails if the session has changed, but for this call's own interrupt, since the caller saw it.
    fn expect_unchanged(&self, session: &Session) -> Result<(), Error> {
        let expected = self.conditions.expected_updated_at.as_ref();
        let updated_at = session.head.updated_at.as_ref();
        let is_as_old =
            expected.is_none_or(|expected| updated_at.is_some_and(|now| now.shows_as(expected)));
        let fingerprint = self.conditions.expected_fingerprint;
        let is_same = fingerprint.is_none_or(|expected| expected.agrees(Fingerprint::of(session)));
        if is_as_old && is_same || self.may_have_interrupted() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::SessionChanged {
            session: Box::new(session.head.clone()),
            expected: expected.map(|at| at.text().to_owned()).unwrap_or_default(),
        }))
    }

    /// Believes an answer that shows the session as asked, and looks for it otherwise: reads may
    /// lag for a moment.
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
        let answered = response.body.filter(|_| !write.removes());
        if !write.removes() && answered.as_ref().is_none_or(is_as_asked) {
            return Ok(Written::Done { before, prepared, after: answered.map(Box::new) });
        }
        let mut pauses = self.services.settings.pauses.conflict.iter();
        loop {
            let read = match self.cx.read_session(self.id).await {
                Ok(read) => read,
                Err(error) if write.removes() && error.is_gone() => {
                    return Ok(Written::Done { before, prepared, after: None });
                }
                Err(error) => return Err(self.unverified(error, response.request_id)),
            };
            let Err(mismatch) = write.verify(&prepared, &read) else {
                return Ok(Written::Done { before, prepared, after: Some(Box::new(read)) });
            };
            match pauses.next() {
                Some(pause) => sleep(*pause).await,
                None => {
                    return Err(Error::new(ErrorKind::NotApplied {
                        session: Box::new(read.head),
                        operation: self.operation,
                        mismatch,
                        request_id: response.request_id,
                    }));
                }
            }
        }
    }

    /// A write was accepted and cannot be looked at: what the failed read says is not about it.
    fn unverified(&self, error: Error, request_id: Option<String>) -> Error {
        let error = if error.is_transient() {
            error
        } else {
            let cause = format!("accepted, and reading fails: {error}");
            self.api(ApiError::bad_response(200, cause, request_id))
        };
        error.in_doubt(self.id, self.operation)
    }

    /// Whether the API refuses what is sent, not the state of the session.
    fn is_about_content(&self, error: &ApiError) -> bool {
        use Operation::{Archive, Delete, Interrupt};
        let has_content = !matches!(self.operation, Archive | Delete | Interrupt);
        has_content && error.http_status() == Some(400)
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
