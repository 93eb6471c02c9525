//! Events sent by clients: all are checked before the first one takes effect.

use serde_json::{Map, Value};

use super::{
    Session, content, outcome,
    pending::{Answer, Awaited},
};
use crate::sandbox::{clock::Clock, fields::Fields, quirks::Quirks, rejection::Result};

/// What an event asks of the session.
#[derive(Debug)]
pub(super) enum Request {
    Message,
    SystemMessage,
    /// Of the whole session, or of one thread.
    Interrupt(Option<String>),
    Answer(Answer),
    DefineOutcome,
}

impl Request {
    /// Whether a `system.message` may follow in the same request.
    pub(super) fn takes_system_message(&self) -> bool {
        match self {
            Self::Message => true,
            Self::Answer(answer) => answer.awaited != Awaited::Confirmation,
            Self::SystemMessage | Self::Interrupt(_) | Self::DefineOutcome => false,
        }
    }
}

/// A valid event that has not taken effect yet.
#[derive(Debug)]
pub(in crate::sandbox) struct IncomingEvent {
    kind: String,
    pub(super) request: Request,
    fields: Map<String, Value>,
}

impl IncomingEvent {
    /// Whether a session may be created with this event.
    pub(in crate::sandbox) fn may_be_initial(&self) -> bool {
        matches!(self.request, Request::Message | Request::DefineOutcome)
    }
}

/// Reads the array of events under `key`.
pub(in crate::sandbox) fn read(fields: &Fields<'_>, key: &str) -> Result<Vec<IncomingEvent>> {
    let events = fields.objects(key)?;
    events.map(|event| read_event(&event?)).collect()
}

fn read_event(event: &Fields<'_>) -> Result<IncomingEvent> {
    let kind = event.kind()?;
    let request = match kind {
        "user.message" => {
            event.allow("type content")?;
            content::check_required(event, content::MESSAGE)?;
            Request::Message
        }
        "system.message" => {
            event.allow("type content")?;
            content::check_required(event, content::SYSTEM)?;
            Request::SystemMessage
        }
        "user.interrupt" => {
            event.allow("type session_thread_id")?;
            Request::Interrupt(event.text("session_thread_id")?.map(str::to_owned))
        }
        "user.tool_confirmation" => {
            event.allow("type tool_use_id result deny_message")?;
            let call = event.required_text("tool_use_id")?.to_owned();
            let reason = event.text("deny_message")?;
            let deny_message = match event.required_text("result")? {
                "allow" if reason.is_some() => {
                    return Err(event.error("deny_message", "only with the result \"deny\""));
                }
                "allow" => None,
                "deny" => Some(reason.unwrap_or("The user denied this call.").to_owned()),
                _ => return Err(event.error("result", "must be allow or deny")),
            };
            Request::Answer(Answer { call, awaited: Awaited::Confirmation, deny_message })
        }
        "user.custom_tool_result" => {
            read_result(event, "custom_tool_use_id", Awaited::CustomResult)?
        }
        "user.tool_result" => read_result(event, "tool_use_id", Awaited::ToolResult)?,
        "user.define_outcome" => {
            outcome::check(event)?;
            Request::DefineOutcome
        }
        _ => return Err(event.error("type", format_args!("{kind:?} cannot be sent"))),
    };
    Ok(IncomingEvent { kind: kind.to_owned(), request, fields: event.map.clone() })
}

fn read_result(event: &Fields<'_>, key: &str, awaited: Awaited) -> Result<Request> {
    event.allow(&format!("type {key} content is_error"))?;
    let call = event.required_text(key)?.to_owned();
    event.boolean("is_error")?;
    content::check(event, content::RESULT)?;
    Ok(Request::Answer(Answer { call, awaited, deny_message: None }))
}

impl Session {
    /// Accepts all of `events` or none, and returns them as recorded.
    pub(in crate::sandbox) fn receive(
        &mut self,
        clock: &mut Clock,
        quirks: &Quirks,
        events: Vec<IncomingEvent>,
    ) -> Result<Vec<Value>> {
        self.admit(&events, quirks)?;
        let mut recorded = Vec::with_capacity(events.len());
        let mut events = events.into_iter().peekable();
        while let Some(event) = events.next() {
            let belongs = |next: &IncomingEvent| matches!(next.request, Request::SystemMessage);
            let system_message = events.next_if(belongs);
            self.accept(clock, event, system_message, &mut recorded);
        }
        Ok(recorded)
    }

    /// Accepts an event, and the `system.message` that belongs to it.
    fn accept(
        &mut self,
        clock: &mut Clock,
        event: IncomingEvent,
        system_message: Option<IncomingEvent>,
        recorded: &mut Vec<Value>,
    ) {
        let free = !self.primary_is_busy() && self.turn.pending_calls.is_empty();
        let queued = !free && matches!(event.request, Request::Message);
        let IncomingEvent { kind, request, mut fields } = event;
        if matches!(request, Request::DefineOutcome) {
            self.define_outcome(&mut fields);
        }
        let child = self.child_concerned(&request);
        if let (Some(child), Request::Answer(_)) = (child, &request) {
            let thread = self.threads.get(child).map(|thread| thread.id.as_str());
            fields.insert("session_thread_id".to_owned(), Value::from(thread));
        }
        let shown = self.take_in(clock, &kind, fields, queued, child);
        recorded.push(shown.clone());
        if let Some(IncomingEvent { kind, fields, .. }) = system_message {
            recorded.push(self.take_in(clock, &kind, fields, queued, child));
        }
        match request {
            Request::Message if queued => {}
            Request::Message => self.start_message_turn(clock, &shown),
            Request::DefineOutcome if free => {
                self.start_outcome(clock);
            }
            Request::DefineOutcome | Request::SystemMessage => self.updated_at = clock.stamp(),
            Request::Interrupt(thread) => self.interrupt(clock, thread.as_deref()),
            Request::Answer(answer) => match child {
                Some(index) => self.answer_call_in(clock, index, &answer),
                None => self.answer_call(clock, &answer),
            },
        }
    }

    /// The child thread that a request is for; none if it is for the primary one.
    fn child_concerned(&self, request: &Request) -> Option<usize> {
        match request {
            Request::Interrupt(thread) => self.child(thread.as_deref()?),
            Request::Answer(answer) => self.child_waiting_for(&answer.call),
            Request::Message | Request::SystemMessage | Request::DefineOutcome => None,
        }
    }

    /// Adds an event to the history or the queue, and returns it. An event for a child thread is
    /// in the history of that thread too.
    fn take_in(
        &mut self,
        clock: &mut Clock,
        kind: &str,
        fields: Map<String, Value>,
        queued: bool,
        child: Option<usize>,
    ) -> Value {
        let at = (!queued).then(|| clock.stamp());
        let mut event = self.history.event(kind, at, Value::Object(fields));
        if let Some(child) = child {
            event.cross_posted = true;
            self.deliver_to_child(child, &event);
        }
        let shown = event.json.clone();
        if queued {
            self.history.queue.push_back(event);
        } else {
            self.history.append(event);
        }
        shown
    }
}
