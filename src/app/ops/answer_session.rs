//! Answer a tool call that a session waits for.

use serde_json::Value;
use tokio::time::sleep;

use crate::{
    api::Client,
    app::{
        approval::{Approval, subject::Subject},
        context::Context,
        error::{Error, ErrorKind, NotWaiting, UnfitAnswer, not_in_history},
        recent_events::recent_events,
        services::Services,
        turn_end::session_after,
        waiting::call_events,
        write::{Conditions, GuardedWrite, Sent, Written, write},
    },
    domain::{
        answer::{Answer, NotWaitingReason, first_answer, is_same, why_not},
        events,
        guard::Operation,
        text,
        waiting::{WaitingCall, short_input, waiting_calls},
    },
    model::{Event, Session, SessionId},
};

/// Longest input of a call that a person is asked about, in characters.
const ASKED_CHARACTERS: usize = 1_000;
const ANSWER_KINDS: [&str; 3] =
    ["user.tool_confirmation", "user.custom_tool_result", "user.tool_result"];
/// Enough to find an answer that was just sent among others.
const ANSWERS: u32 = 50;

pub(crate) struct Answered {
    pub written: Written<()>,
    /// The call that was answered, or would be.
    pub call: Option<WaitingCall>,
    /// What is still waited for.
    pub waiting: Vec<WaitingCall>,
    /// The session after it was answered, where that can be read.
    pub after: Option<Session>,
}

/// Answers the call of this event, or the only one that waits. What the session and its threads
/// wait for is read right before.
pub(crate) async fn answer_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    event_id: Option<String>,
    answer: Answer,
    token: Option<String>,
    dry_run: bool,
) -> Result<Answered, Error> {
    let conditions = Conditions { dry_run, ..Conditions::default() };
    let needs_approval =
        answer == Answer::Allow && services.approvals.are_required_for_allowances();
    let mut answering = Answering {
        services,
        id,
        event_id,
        answer,
        token,
        approved: (!needs_approval).then_some(Approved::Anything),
        call: None,
        input: None,
        others: Vec::new(),
    };
    let written = write(services, cx, id, &conditions, &mut answering).await?;
    let mut after = None;
    if let Written::Done { before, .. } = &written {
        answering.ensure_effective(cx, before).await?;
        after = session_after(cx, id).await;
    }
    let mut call = answering.call.take();
    if let (Written::NeedsApproval { .. }, Some(call)) = (&written, &mut call) {
        let input = answering.input.as_ref();
        call.input = input.map(|input| short_input(input, ASKED_CHARACTERS));
    }
    Ok(Answered { written, call, waiting: answering.others, after })
}

struct Answering<'a> {
    services: &'a Services,
    id: &'a SessionId,
    /// The call to answer; once it is known, that one and no other.
    event_id: Option<String>,
    answer: Answer,
    token: Option<String>,
    approved: Option<Approved>,
    call: Option<WaitingCall>,
    /// The whole input of the call.
    input: Option<Value>,
    others: Vec<WaitingCall>,
}

enum Approved {
    /// No approval is needed.
    Anything,
    /// The call of this event.
    Call(String),
}

impl Answering<'_> {
    fn not_waiting(
        &self,
        session: &Session,
        reason: NotWaitingReason,
        calls: Vec<WaitingCall>,
    ) -> Error {
        let (session, event_id) = (session.head.clone(), self.event_id.clone());
        let failed = NotWaiting { session, event_id, reason, calls };
        ErrorKind::NotWaiting(Box::new(failed)).into()
    }

    /// Finds the call among those that wait now.
    fn find(&mut self, session: &Session, events: &[Event]) -> Result<(), Error> {
        let mut calls = waiting_calls(session.fields.get("stop_reason"), events);
        let place = match (&self.event_id, calls.len()) {
            (Some(id), _) => calls.iter().position(|call| call.event_id == *id),
            (None, 0 | 1) => calls.first().map(|_| 0),
            (None, _) => {
                let failed = UnfitAnswer { session: session.head.clone(), call: None, calls };
                return Err(ErrorKind::UnfitAnswer(Box::new(failed)).into());
            }
        };
        let Some(place) = place else {
            let id = self.event_id.as_deref();
            let reason = id.map_or(NotWaitingReason::Unknown, |id| why_not(events, id));
            return Err(self.not_waiting(session, reason, calls));
        };
        let call = calls.remove(place);
        if !self.answer.fits(&call) {
            let (session, call) = (session.head.clone(), Some(call));
            let failed = UnfitAnswer { session, call, calls };
            return Err(ErrorKind::UnfitAnswer(Box::new(failed)).into());
        }
        let event = events.iter().find(|event| events::text(event, "id") == Some(&call.event_id));
        self.input = event.and_then(|event| event.get("input")).cloned();
        self.event_id = Some(call.event_id.clone());
        self.call = Some(call);
        self.others = calls;
        Ok(())
    }

    fn event(&self) -> Option<Value> {
        Some(self.answer.event(self.call.as_ref()?))
    }

    /// The service takes a confirmation that comes too late without a word, and ignores it: then
    /// somebody else's answer is the first in the history.
    async fn ensure_effective(&self, cx: &Context, session: &Session) -> Result<(), Error> {
        let (Some(sent), Some(id)) = (self.event(), &self.event_id) else {
            return Ok(());
        };
        let mut pauses = self.services.settings.pauses.conflict.iter();
        loop {
            let Ok(events) = recent_events(cx, self.id, &ANSWER_KINDS, ANSWERS).await else {
                // It was accepted, and that cannot be looked at.
                return Ok(());
            };
            match first_answer(&events, id) {
                Some(first) if is_same(first, &sent) => return Ok(()),
                Some(_) => {
                    let others = self.others.clone();
                    return Err(self.not_waiting(session, NotWaitingReason::Answered, others));
                }
                None => {}
            }
            let Some(pause) = pauses.next() else {
                let request_id = cx.trail().last_write();
                return Err(not_in_history(session, Operation::Answer, request_id));
            };
            sleep(*pause).await;
        }
    }
}

impl GuardedWrite for Answering<'_> {
    type Prepared = ();

    fn operation(&self) -> Operation {
        Operation::Answer
    }

    /// What waits is what an answer depends on, not the session's record: the look is the last
    /// thing before the answer is sent.
    async fn inspect(&mut self, cx: &Context, session: &Session) -> Result<bool, Error> {
        let events = call_events(cx, self.id).await?;
        self.find(session, &events)?;
        Ok(false)
    }

    async fn approve(
        &mut self,
        cx: &Context,
        session: &Session,
        _busy: bool,
    ) -> Result<Approval, Error> {
        let Some(call) = self.call.clone() else {
            return Err(ErrorKind::Internal.into());
        };
        match &self.approved {
            Some(Approved::Anything) => return Ok(Approval::Granted),
            Some(Approved::Call(id)) if *id == call.event_id => return Ok(Approval::Granted),
            _ => {}
        }
        let whole_input = self.input.as_ref().map(text::json).unwrap_or_default();
        let subject = Subject::Allowance {
            session: Box::new(session.head.clone()),
            id: self.id.clone(),
            input: self.input.as_ref().map(|_| text::shortened(&whole_input, ASKED_CHARACTERS)),
            whole_input,
            call: call.clone(),
        };
        let approvals = &self.services.approvals;
        let approval = approvals.approve(cx, self.token.as_deref(), &subject).await?;
        if !matches!(approval, Approval::Needs(_)) {
            self.approved = Some(Approved::Call(call.event_id));
        }
        Ok(approval)
    }

    async fn send(&self, client: &Client, id: &SessionId, (): &()) -> Sent {
        let event = self.event().unwrap_or_default();
        Ok(client.send_events(id, &[event]).await?.map(|_| None))
    }

    async fn reason_of_rejection(&mut self, cx: &Context, session: &Session) -> Option<Error> {
        let events = call_events(cx, self.id).await.ok()?;
        self.find(session, &events).err()
    }

    /// Whether the call has this answer. Where it has another one, or none, looking at what waits
    /// decides.
    async fn look_back(&mut self, cx: &Context, lost: bool) -> Result<Option<bool>, Error> {
        let (Some(sent), Some(id)) = (self.event(), self.event_id.as_deref()) else {
            return Ok(Some(false));
        };
        if !lost {
            return Ok(Some(false));
        }
        let events = recent_events(cx, self.id, &ANSWER_KINDS, ANSWERS).await?;
        Ok(Some(first_answer(&events, id).is_some_and(|first| is_same(first, &sent))))
    }
}
