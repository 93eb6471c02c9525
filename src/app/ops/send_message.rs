//! Say something to a session.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    api::Client,
    app::{
        context::Context,
        error::{Error, ErrorKind, not_in_history},
        locks::lock,
        recent_events::recent_events,
        services::Services,
        turn_end::{Turn, TurnEnd, session_after, turn_end},
        waiting::call_events,
        write::{Conditions, GuardedWrite, Sent, Written, write},
    },
    domain::{
        code::Code,
        details,
        diagnosis::reason_type,
        events,
        guard::{Activity, Operation},
        waiting::waiting_calls,
    },
    model::{Event, Session, SessionId, SessionState},
};

const MESSAGE: &str = "user.message";
/// Enough to find a message that was just sent among others.
const MESSAGES: u32 = 50;
/// A session that changes all the time is not looked at for ever.
const MAX_LOOKS: u32 = 3;

pub(crate) struct SentMessage {
    pub written: Written<()>,
    /// The message's event, as far as the service names it.
    pub event_id: Option<String>,
    /// What came of it, if that was waited for.
    pub end: Option<Result<TurnEnd, Error>>,
    /// The session after it was sent, where that was not waited for and can be read.
    pub after: Option<Session>,
}

/// Sends a message, never twice, and waits for what comes of it. `queues`: a session at work takes
/// it up when it can; else `conditions` say what is done about its turn.
pub(crate) async fn send_message(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    text: String,
    queues: bool,
    conditions: &Conditions,
    wait: Duration,
) -> Result<SentMessage, Error> {
    let mut message = Message {
        services,
        id,
        text,
        queues,
        known: HashSet::new(),
        unnamed: 0,
        state: None,
        looks: 0,
        event_id: Mutex::default(),
    };
    let written = Box::pin(write(services, cx, id, conditions, &mut message)).await?;
    let mut event_id = lock(&message.event_id).clone();
    let is_sent = match &written {
        Written::Done { before, .. } => {
            if event_id.is_none() {
                event_id = message.found(cx, before).await?.and_then(|found| found.id);
            }
            true
        }
        _ => false,
    };
    let (mut end, mut after) = (None, None);
    if is_sent && wait.is_zero() {
        after = session_after(cx, id).await;
    } else if is_sent {
        let turn = event_id.as_deref().map_or(Turn::OfNewest, Turn::Of);
        end = Some(turn_end(services, cx, id, wait, turn).await);
    }
    Ok(SentMessage { written, event_id, end, after })
}

/// A message of the history that is this one.
struct FoundMessage {
    id: Option<String>,
}

struct Message<'a> {
    services: &'a Services,
    id: &'a SessionId,
    text: String,
    queues: bool,
    /// The messages that were there before it was sent.
    known: HashSet<String>,
    /// How many said the same without an id, which some services leave out.
    unnamed: usize,
    /// The state of the session that was looked at.
    state: Option<SessionState>,
    looks: u32,
    event_id: Mutex<Option<String>>,
}

impl Message<'_> {
    fn event(&self) -> Value {
        json!({"type": MESSAGE, "content": [{"type": "text", "text": self.text}]})
    }

    /// The messages of the session, newest first; nothing of a service without a history.
    async fn messages(&self, cx: &Context) -> Result<Option<Vec<Event>>, Error> {
        match recent_events(cx, self.id, &[MESSAGE], MESSAGES).await {
            Err(error) if error.code() == Code::Rejected || error.is_unknown_route() => Ok(None),
            read => read.map(Some),
        }
    }

    /// Those that say the same. Services may add fields to a content, or keep its text alone.
    fn same<'b>(&self, messages: &'b [Event]) -> impl Iterator<Item = &'b Event> {
        let says_it = |message: &&Event| {
            message.get("content").is_some_and(|content| events::said(content) == [&self.text])
        };
        messages.iter().filter(says_it)
    }

    /// This message, if it is among these and was not there before it was sent.
    fn find(&self, messages: &[Event]) -> Option<FoundMessage> {
        let ids = self.same(messages).filter_map(id_of);
        let new = ids.into_iter().find(|id| !self.known.contains(*id)).map(str::to_owned);
        if new.is_some() {
            return Some(FoundMessage { id: new });
        }
        (unnamed(self.same(messages)) > self.unnamed).then_some(FoundMessage { id: None })
    }

    /// Looks for the message that a service accepted without naming it.
    async fn found(&self, cx: &Context, session: &Session) -> Result<Option<FoundMessage>, Error> {
        let mut pauses = self.services.settings.pauses.conflict.iter();
        loop {
            // It was accepted: what cannot be looked at is no failure.
            let Ok(Some(messages)) = self.messages(cx).await else {
                return Ok(None);
            };
            if let Some(found) = self.find(&messages) {
                return Ok(Some(found));
            }
            match pauses.next() {
                Some(pause) => sleep(*pause).await,
                None => {
                    return Err(not_in_history(session, self.operation(), cx.trail().last_write()));
                }
            }
        }
    }

    fn is_idle(&self, session: &Session) -> bool {
        self.services.statuses.activity(&session.head) == Activity::Idle
    }

    /// Why the session, which is idle, takes no message now. A budget that was raised resumes the
    /// work by itself, unless the service goes on refusing messages.
    async fn refusal(
        &self,
        cx: &Context,
        session: &Session,
        is_rejected: bool,
    ) -> Result<Option<Error>, Error> {
        let events = match call_events(cx, self.id).await {
            Err(error) if error.is_unknown_route() => return Ok(None),
            read => read?,
        };
        let recorded = session.fields.get("stop_reason");
        let pause = events.iter().find(|event| events::kind(event) == "session.status_idle");
        let reason = pause.map_or(recorded, |pause| pause.get("stop_reason"));
        let is_stopped = reason.and_then(reason_type) == Some("budget_reached");
        if is_stopped && (is_rejected || !details::is_budget_lifted(session)) {
            let session = Box::new(session.head.clone());
            return Ok(Some(ErrorKind::BudgetReached(session).into()));
        }
        let calls = waiting_calls(recorded, &events);
        if calls.is_empty() {
            return Ok(None);
        }
        let (session, operation) = (Box::new(session.head.clone()), self.operation());
        Ok(Some(ErrorKind::Waiting { session, operation, calls }.into()))
    }
}

impl GuardedWrite for Message<'_> {
    type Prepared = ();

    fn operation(&self) -> Operation {
        if self.queues { Operation::QueueMessage } else { Operation::SendMessage }
    }

    /// Once a state of the session. A busy one is asked for its messages only, so that this one
    /// can be told from them should its answer get lost.
    async fn inspect(&mut self, cx: &Context, session: &Session) -> Result<bool, Error> {
        let state = session.head.state();
        let is_idle = self.is_idle(session);
        let has_looked = self.state.is_some() && (!is_idle || self.state.as_ref() == Some(&state));
        if has_looked || self.looks >= MAX_LOOKS {
            return Ok(false);
        }
        self.looks += 1;
        let messages = self.messages(cx);
        let (messages, refusal) = if is_idle {
            let (messages, refusal) = tokio::join!(messages, self.refusal(cx, session, false));
            (messages?, refusal?)
        } else {
            (messages.await?, None)
        };
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let messages = messages.unwrap_or_default();
        self.known = messages.iter().filter_map(id_of).map(str::to_owned).collect();
        self.unnamed = unnamed(self.same(&messages));
        self.state = Some(state);
        Ok(true)
    }

    async fn send(&self, client: &Client, id: &SessionId, (): &()) -> Sent {
        let answer = client.send_events(id, &[self.event()]).await?;
        let mut events = answer.body.iter();
        let sent = events.find(|event| events::kind(event) == MESSAGE);
        *lock(&self.event_id) = sent.and_then(id_of).map(str::to_owned);
        Ok(answer.map(|_| None))
    }

    async fn reason_of_rejection(&mut self, cx: &Context, session: &Session) -> Option<Error> {
        if !self.is_idle(session) {
            return None;
        }
        self.refusal(cx, session, true).await.ok().flatten()
    }

    async fn look_back(&mut self, cx: &Context, lost: bool) -> Result<Option<bool>, Error> {
        if !lost {
            return Ok(Some(false));
        }
        let messages = self.messages(cx).await?.unwrap_or_default();
        let found = self.find(&messages);
        let is_there = found.is_some();
        *lock(&self.event_id) = found.and_then(|found| found.id);
        Ok(Some(is_there))
    }

    /// A message that is said twice is done twice.
    fn is_repeatable(&self) -> bool {
        false
    }
}

fn id_of(event: &Event) -> Option<&str> {
    events::text(event, "id").filter(|id| !id.is_empty())
}

fn unnamed<'a>(messages: impl Iterator<Item = &'a Event>) -> usize {
    messages.filter(|message| id_of(message).is_none()).count()
}
