//! Events that clients send: read strictly, all checked before the first one acts.

use serde_json::{Map, Value, json};

use super::{
    body::Fields,
    refusal::{Outcome, Refusal},
    session::{Answer, Session, Status},
    turns::{Pace, Plan},
};

const MOST_EVENTS: usize = 50;

/// What a client asks of a session.
#[derive(Debug)]
enum Request {
    Message,
    Interrupt {
        thread: Option<String>,
    },
    Confirmation {
        call: String,
        denied: Option<String>,
    },
    CustomResult {
        call: String,
    },
    Outcome,
    System,
}

/// A checked event: what it asks for, and the fields that will be recorded.
#[derive(Debug)]
pub(super) struct Incoming {
    kind: &'static str,
    request: Request,
    fields: Map<String, Value>,
}

impl Incoming {
    /// Whether a session may be created with this event.
    pub(super) fn may_be_initial(&self) -> bool {
        matches!(self.request, Request::Message | Request::Outcome)
    }

    fn new(kind: &'static str, request: Request, value: &Value) -> Self {
        Self {
            kind,
            request,
            fields: value.as_object().cloned().unwrap_or_default(),
        }
    }
}

/// Reads the array of events at `path`.
pub(super) fn read(values: &[Value], path: &str) -> Outcome<Vec<Incoming>> {
    if values.len() > MOST_EVENTS {
        return Err(Refusal::invalid(format!(
            "{path}: at most {MOST_EVENTS} events"
        )));
    }
    let events = values.iter().enumerate();
    events
        .map(|(position, value)| read_one(value, format!("{path}.{position}")))
        .collect()
}

fn read_one(value: &Value, path: String) -> Outcome<Incoming> {
    let kind = Fields::open(value, path.as_str())?.kind()?;
    match kind {
        "user.message" => {
            let fields = Fields::of(value, path, &["type", "content"])?;
            content(&fields, &["text", "image", "document", "redacted"], true)?;
            Ok(Incoming::new("user.message", Request::Message, value))
        }
        "system.message" => {
            let fields = Fields::of(value, path, &["type", "content"])?;
            content(&fields, &["text"], true)?;
            Ok(Incoming::new("system.message", Request::System, value))
        }
        "user.interrupt" => {
            let fields = Fields::of(value, path, &["type", "session_thread_id"])?;
            let thread = fields.text("session_thread_id")?.map(str::to_owned);
            Ok(Incoming::new(
                "user.interrupt",
                Request::Interrupt { thread },
                value,
            ))
        }
        "user.tool_confirmation" => confirmation(value, path),
        "user.custom_tool_result" => {
            let known = ["type", "custom_tool_use_id", "content", "is_error"];
            let fields = Fields::of(value, path, &known)?;
            let call = fields.required_text("custom_tool_use_id")?.to_owned();
            fields.boolean("is_error")?;
            content(
                &fields,
                &["text", "image", "document", "search_result"],
                false,
            )?;
            Ok(Incoming::new(
                "user.custom_tool_result",
                Request::CustomResult { call },
                value,
            ))
        }
        "user.define_outcome" => {
            let known = ["type", "description", "rubric", "max_iterations"];
            let fields = Fields::of(value, path, &known)?;
            fields.required_text("description")?;
            fields.integer("max_iterations")?;
            if fields.value("rubric").is_none() {
                return Err(fields.wrong("rubric", "is required"));
            }
            Ok(Incoming::new(
                "user.define_outcome",
                Request::Outcome,
                value,
            ))
        }
        _ => Err(Refusal::invalid(format!(
            "{path}.type: {kind:?} cannot be sent"
        ))),
    }
}

fn confirmation(value: &Value, path: String) -> Outcome<Incoming> {
    let fields = Fields::of(
        value,
        path,
        &["type", "tool_use_id", "result", "deny_message"],
    )?;
    let call = fields.required_text("tool_use_id")?.to_owned();
    let reason = fields.text("deny_message")?;
    let denied = match fields.required_text("result")? {
        "allow" if reason.is_some() => {
            return Err(fields.wrong("deny_message", "only with the result \"deny\""));
        }
        "allow" => None,
        "deny" => Some(reason.unwrap_or("The user denied this call.").to_owned()),
        _ => return Err(fields.wrong("result", "must be allow or deny")),
    };
    Ok(Incoming::new(
        "user.tool_confirmation",
        Request::Confirmation { call, denied },
        value,
    ))
}

/// Checks an array of content blocks.
fn content(fields: &Fields<'_>, kinds: &[&str], required: bool) -> Outcome<()> {
    let blocks = fields.array("content")?.unwrap_or_default();
    if required && blocks.is_empty() {
        return Err(fields.wrong("content", "at least one block"));
    }
    for (position, block) in blocks.iter().enumerate() {
        let block = Fields::open(block, format!("{}.{position}", fields.at("content")))?;
        let kind = block.kind()?;
        if !kinds.contains(&kind) {
            return Err(block.wrong("type", &format!("must be one of {}", kinds.join(", "))));
        }
        if kind == "text" {
            block.required_text("text")?;
        }
    }
    Ok(())
}

impl Session {
    /// Takes all of `events`, or refuses all of them; answers them as recorded.
    pub(super) fn receive(
        &mut self,
        pace: &mut Pace,
        events: Vec<Incoming>,
    ) -> Outcome<Vec<Value>> {
        if self.archived_at.is_some() {
            return Err(Refusal::conflict(
                "The session is archived and takes no new events.",
            ));
        }
        if self.live == Status::Terminated {
            return Err(Refusal::conflict(
                "The session is terminated and takes no new events.",
            ));
        }
        self.check(&events)?;
        Ok(events
            .into_iter()
            .map(|event| self.take(pace, event))
            .collect())
    }

    /// Checks what refers to something of this session; a call cannot be answered twice.
    fn check(&self, events: &[Incoming]) -> Outcome<()> {
        let mut open: Vec<_> = self.waiting.iter().collect();
        for event in events {
            let (call, custom) = match &event.request {
                Request::Confirmation { call, .. } => (call, false),
                Request::CustomResult { call } => (call, true),
                Request::Interrupt {
                    thread: Some(thread),
                } => {
                    let known = self.primary_thread() == *thread
                        || self.threads.iter().any(|known| known.id == *thread);
                    if !known {
                        let message = format!("session_thread_id: there is no thread {thread:?}");
                        return Err(Refusal::invalid(message));
                    }
                    continue;
                }
                _ => continue,
            };
            let answers = |answer: Answer| (answer == Answer::CustomResult) == custom;
            let Some(at) = open
                .iter()
                .position(|w| w.event_id == *call && answers(w.answer))
            else {
                let message = format!("The session is not waiting for an answer to {call:?}.");
                return Err(Refusal::invalid(message));
            };
            open.remove(at);
        }
        Ok(())
    }

    fn take(&mut self, pace: &mut Pace, event: Incoming) -> Value {
        let now = pace.clock.stamp();
        let mut fields = Value::Object(event.fields);
        let free = self.live == Status::Idle && self.waiting.is_empty();
        if let (Request::Message, false) = (&event.request, free) {
            let queued = self.event(event.kind, None, fields);
            let shown = queued.json.clone();
            self.queue.push_back(queued);
            return shown;
        }
        if let (Request::Outcome, Some(fields)) = (&event.request, fields.as_object_mut()) {
            let id = format!("outc_{}_{:02}", self.suffix(), self.outcomes.len() + 1);
            self.outcomes.push(json!({
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
        let event_made = self.event(event.kind, Some(now), fields);
        let shown = event_made.json.clone();
        self.append(event_made);
        match event.request {
            Request::Message => self.begin(pace, Plan::for_message(&shown), Vec::new()),
            Request::Outcome if free => self.begin(pace, Plan::Reply, Vec::new()),
            Request::Interrupt { thread } => self.interrupt(pace, thread.as_deref()),
            Request::Confirmation { call, denied } => {
                let waiting = self.waiting.iter().find(|waiting| waiting.event_id == call);
                if let Some(answer) = waiting.map(|waiting| waiting.answer) {
                    // A custom tool's result comes from the client; this one the agent records.
                    self.results.push(answer.result(&call, denied.as_deref()));
                }
                self.answer(pace, &call);
            }
            Request::CustomResult { call } => self.answer(pace, &call),
            Request::Outcome | Request::System => self.updated_at = now,
        }
        shown
    }

    /// Crosses `call` off the waiting list, and goes on when it was the last.
    fn answer(&mut self, pace: &mut Pace, call: &str) {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.event_id != call);
        if self.waiting.len() == before {
            return;
        }
        if self.waiting.is_empty() {
            let results = std::mem::take(&mut self.results);
            self.begin(pace, Plan::Reply, results);
        } else {
            self.wait(pace);
        }
    }
}
