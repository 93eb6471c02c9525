//! Events sent by clients: all are checked before the first one takes effect.

use serde_json::{Map, Value, json};

use super::{Session, Status, TurnAction};
use crate::sandbox::{
    clock::Clock,
    fields::Fields,
    rejection::{Rejection, Result},
    toolset::ToolKind,
};

/// What an event asks of the session.
#[derive(Debug)]
enum Request {
    Message,
    SystemMessage,
    /// Of the whole session, or of one thread.
    Interrupt(Option<String>),
    Answer(Answer),
    DefineOutcome,
}

/// The answer to a pending tool call.
#[derive(Debug)]
struct Answer {
    call: String,
    /// Whether it is the result of a custom tool.
    custom: bool,
    deny_message: Option<String>,
}

/// A valid event that has not taken effect yet.
#[derive(Debug)]
pub(in crate::sandbox) struct IncomingEvent {
    kind: String,
    request: Request,
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
    let too_many = |events: &Vec<Value>| events.len() > 50;
    if fields.array(key)?.is_some_and(too_many) {
        return Err(fields.error(key, "at most 50 events"));
    }
    let events = fields.objects(key)?;
    events.map(|event| read_event(&event?)).collect()
}

fn read_event(event: &Fields<'_>) -> Result<IncomingEvent> {
    let kind = event.kind()?;
    let request = match kind {
        "user.message" => {
            event.allow("type content")?;
            check_content(event, "text, image, document, redacted", true)?;
            Request::Message
        }
        "system.message" => {
            event.allow("type content")?;
            check_content(event, "text", true)?;
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
            Request::Answer(Answer { call, custom: false, deny_message })
        }
        "user.custom_tool_result" => {
            event.allow("type custom_tool_use_id content is_error")?;
            let call = event.required_text("custom_tool_use_id")?.to_owned();
            event.boolean("is_error")?;
            check_content(event, "text, image, document, search_result", false)?;
            Request::Answer(Answer { call, custom: true, deny_message: None })
        }
        "user.define_outcome" => {
            event.allow("type description rubric max_iterations")?;
            event.required_text("description")?;
            event.integer("max_iterations")?;
            event.required("rubric")?;
            Request::DefineOutcome
        }
        _ => return Err(event.error("type", format_args!("{kind:?} cannot be sent"))),
    };
    Ok(IncomingEvent { kind: kind.to_owned(), request, fields: event.map.clone() })
}

/// Checks an array of content blocks whose types are `kinds`, a list separated by commas.
fn check_content(event: &Fields<'_>, kinds: &str, required: bool) -> Result<()> {
    if required && event.array("content")?.is_none_or(Vec::is_empty) {
        return Err(event.error("content", "at least one block"));
    }
    for block in event.objects("content")? {
        let block = block?;
        let kind = block.kind()?;
        if !kinds.split(", ").any(|known| known == kind) {
            return Err(block.error("type", format_args!("must be one of {kinds}")));
        }
        if kind == "text" {
            block.required_text("text")?;
        }
    }
    Ok(())
}

impl Session {
    /// Accepts all of `events` or none, and returns them as recorded.
    pub(in crate::sandbox) fn receive(
        &mut self,
        clock: &mut Clock,
        events: Vec<IncomingEvent>,
    ) -> Result<Vec<Value>> {
        if self.archived_at.is_some() {
            let message = "The session is archived and takes no new events.";
            return Err(Rejection::conflict(message));
        }
        if self.turn.status == Status::Terminated {
            let message = "The session is terminated and takes no new events.";
            return Err(Rejection::conflict(message));
        }
        self.check_references(&events)?;
        let events = events.into_iter();
        Ok(events.map(|event| self.accept(clock, event)).collect())
    }

    /// Checks the ids of threads and calls; no call may be answered twice.
    fn check_references(&self, events: &[IncomingEvent]) -> Result<()> {
        let mut pending = self.turn.pending_calls.clone();
        for event in events {
            match &event.request {
                Request::Answer(Answer { call, custom, .. }) => {
                    let answered = pending.iter().position(|pending| {
                        pending.event_id == *call && (pending.tool == ToolKind::Custom) == *custom
                    });
                    let message = format!("The session is not waiting for an answer to {call:?}.");
                    let answered = answered.ok_or_else(|| Rejection::invalid(message))?;
                    pending.swap_remove(answered);
                }
                Request::Interrupt(Some(thread)) if !self.has_thread(thread) => {
                    let complaint = format!("there is no thread {thread:?}");
                    return Err(Rejection::field("session_thread_id", complaint));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn accept(&mut self, clock: &mut Clock, event: IncomingEvent) -> Value {
        let now = clock.stamp();
        let free = self.turn.status == Status::Idle && self.turn.pending_calls.is_empty();
        let mut fields = event.fields;
        if matches!(event.request, Request::Message) && !free {
            let queued = self.history.event(&event.kind, None, Value::Object(fields));
            let shown = queued.json.clone();
            self.history.queue.push_back(queued);
            return shown;
        }
        if matches!(event.request, Request::DefineOutcome) {
            let number = self.outcome_evaluations.len() + 1;
            let id = format!("outc_{}_{number:02}", self.history.id_suffix);
            self.outcome_evaluations.push(json!({
                "type": "outcome_evaluation",
                "outcome_id": id,
                "description": fields.get("description"),
                "result": "pending",
                "iteration": 1,
                "explanation": null,
                "completed_at": null,
            }));
            fields.insert("outcome_id".to_owned(), json!(id));
        }
        let fields = Value::Object(fields);
        let recorded = self.history.event(&event.kind, Some(now), fields);
        let shown = recorded.json.clone();
        self.history.append(recorded);
        match event.request {
            Request::Message => self.start_turn(clock, TurnAction::for_message(&shown)),
            Request::DefineOutcome if free => self.start_turn(clock, TurnAction::Reply),
            Request::DefineOutcome | Request::SystemMessage => self.updated_at = now,
            Request::Interrupt(thread) => self.interrupt(clock, thread.as_deref()),
            Request::Answer(answer) => self.answer_call(clock, &answer),
        }
        shown
    }

    /// Resolves a pending call; the last one to be resolved resumes the session.
    fn answer_call(&mut self, clock: &mut Clock, answer: &Answer) {
        let mut pending = self.turn.pending_calls.iter();
        let Some(index) = pending.position(|pending| pending.event_id == answer.call) else {
            return;
        };
        let tool = self.turn.pending_calls.remove(index).tool;
        if !answer.custom {
            // The agent records this result; that of a custom tool is the client's own event.
            let denied = answer.deny_message.as_deref();
            let text = denied.unwrap_or("ok");
            let result = tool.result_event(&answer.call, text, denied.is_some());
            self.turn.results.push(result);
        }
        if self.turn.pending_calls.is_empty() {
            self.start_turn(clock, TurnAction::Reply);
        } else {
            self.require_action(clock);
        }
    }
}
