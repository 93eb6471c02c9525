//! What seeded sessions have been through, step by step.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    clock::Timestamp,
    session::{
        Session, Status, Usage,
        command::Judgement,
        pending::{Awaited, PendingCall},
        stop::Stop,
    },
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// A message of the user, which starts a turn.
    User(String),
    /// A message of the agent.
    Agent(String),
    /// A tool call.
    Tool(ToolUse),
    /// A file that the session produced.
    File {
        name: String,
        content: String,
    },
    /// The end of a turn, with a stop reason.
    Idle(IdleReason),
    /// A `session.error` event.
    Error(Value),
    Rescheduled,
    Terminated,
    Archived,
    /// The start of a child thread of the agent with this id.
    Thread {
        agent: String,
        task: String,
    },
    /// The start of a workflow run, with its description.
    Run(String),
    /// The next phase of the newest run.
    Phase,
    /// An interrupt, which pauses all runs.
    Interrupt,
    /// Tool calls in a row, one each `every` seconds.
    Tools {
        times: u64,
        every: u64,
        call: ToolUse,
    },
    /// What happens in the child thread with this number.
    InThread(usize, ThreadStep),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ThreadStep {
    /// A message of the thread's agent.
    Agent(String),
    /// A tool call; without a result the thread waits for an answer.
    Tool(ToolUse),
    /// The end of the turn, with a message to the coordinator.
    Report(String),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IdleReason {
    EndTurn,
    RequiresAction,
    RetriesExhausted,
    BudgetReached,
}

/// A tool call; without a result the session waits for an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolUse {
    name: String,
    mcp_server_name: Option<String>,
    pub(super) input: Value,
    pub(super) result: Option<String>,
}

impl ToolUse {
    /// `server.tool` for a tool of an MCP server.
    pub(super) fn full_name(&self) -> String {
        match &self.mcp_server_name {
            Some(server) => format!("{server}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Usage in proportion to its cost.
pub(super) fn usage(cents: u64) -> Usage {
    Usage {
        input: cents * 310,
        output: cents * 95,
        cache_read: cents * 2_150,
        cache_5m: cents * 120,
        cents,
        ..Usage::default()
    }
}

impl Session {
    /// Records a step that happened `seconds` after the session's creation.
    pub(super) fn play(&mut self, seconds: u64, step: Step) {
        let created_at = self.created_at;
        let after = |seconds| created_at.plus(Duration::from_secs(seconds));
        let at = after(seconds);
        match step {
            Step::User(text) => {
                self.record("user.message", at, text_content(&text));
                self.run(after(seconds + 1));
                self.start_request(after(seconds + 1));
            }
            Step::File { name, content } => self.produce(&name, content.into_bytes(), at),
            Step::Agent(text) => {
                if self.turn.model_request.is_none() {
                    self.start_request(at);
                }
                self.record("agent.message", at, text_content(&text));
                self.end_request(at);
                self.updated_at = at;
            }
            Step::Tool(tool) => self.play_tool(seconds, tool),
            Step::Idle(reason) => {
                let reason = match reason {
                    IdleReason::EndTurn => Stop::EndTurn,
                    IdleReason::RequiresAction => self.waiting(),
                    IdleReason::RetriesExhausted => Stop::RetriesExhausted,
                    IdleReason::BudgetReached => Stop::BudgetReached,
                };
                self.end(at, Status::Idle, Some(reason));
            }
            Step::Error(error) => {
                self.record("session.error", at, json!({"error": error}));
            }
            Step::Rescheduled => self.end(at, Status::Rescheduling, None),
            Step::Terminated => self.end(at, Status::Terminated, None),
            Step::Archived => {
                self.end(at, Status::Terminated, None);
                self.archived_at = Some(at);
            }
            Step::Thread { agent, task } => {
                let mut members = self.agent.members();
                let id = Some(&json!(agent));
                let member = members.find(|member| member.get("id") == id).cloned();
                drop(members);
                self.end_request(at);
                self.create_thread(member.unwrap_or_default(), None, &task, &mut || at);
                self.turn.await_reports();
            }
            Step::Run(text) => {
                self.create_run(&text, &mut || at);
            }
            Step::Phase => {
                self.enter_phase(0, &mut || at);
            }
            Step::Interrupt => {
                self.record("user.interrupt", at, json!({}));
                self.pause_run(0, &mut || at);
                self.end(at, Status::Idle, Some(Stop::EndTurn));
            }
            Step::Tools { times, every, call } => {
                for number in 0..times {
                    self.play_tool(seconds + number * every, call.clone());
                }
            }
            Step::InThread(number, step) => {
                self.play_in_thread(number.saturating_sub(1), seconds, step);
            }
        }
    }

    /// Plays a call as the policies of the session's agent decide about it.
    fn play_tool(&mut self, seconds: u64, used: ToolUse) {
        let created_at = self.created_at;
        let after = |seconds| created_at.plus(Duration::from_secs(seconds));
        let name = used.full_name();
        let Some(call) = self.call(&name, &used.input, Judgement::Safe) else {
            return;
        };
        let tool = call.tool;
        let event_id = self.record(tool.call_event(), after(seconds), call.fields);
        self.end_request(after(seconds));
        if let Some(awaits) = call.awaits {
            let event_id = event_id.clone();
            self.turn.pending_calls.push(PendingCall { event_id, tool, awaits });
        }
        let Some(text) = used.result else {
            return;
        };
        let (mut at, waits) = (after(seconds + 2), call.awaits.is_some());
        if waits {
            let stop = self.waiting();
            self.end(after(seconds + 1), Status::Idle, Some(stop));
            self.turn.pending_calls.clear();
            at = after(seconds + 45);
        }
        if call.awaits == Some(Awaited::Confirmation) {
            let fields = json!({"tool_use_id": event_id, "result": "allow"});
            self.record("user.tool_confirmation", at, fields);
        }
        if waits {
            self.run(at);
        }
        let (kind, fields) = tool.result_event(&event_id, &text, false);
        self.record(kind, at, fields);
        self.start_request(at);
    }

    fn waiting(&self) -> Stop {
        let calls = self.turn.pending_calls.iter();
        Stop::RequiresAction(calls.map(|call| call.event_id.clone()).collect())
    }

    /// Starts or resumes a turn.
    fn run(&mut self, at: Timestamp) {
        self.record_status(Status::Running, None, || at);
        self.turn.running_since = Some(at);
        self.turn.stop = None;
        self.set_status(Status::Running);
        self.updated_at = at;
    }

    fn start_request(&mut self, at: Timestamp) {
        self.turn.model_request = Some(self.record("span.model_request_start", at, json!({})));
    }

    /// Ends the model request, if there is one.
    fn end_request(&mut self, at: Timestamp) {
        let Some(start) = self.turn.model_request.take() else {
            return;
        };
        let fields = json!({
            "model_request_start_id": start,
            "is_error": false,
            "model_usage": {
                "input_tokens": 2_400,
                "output_tokens": 600,
                "cache_read_input_tokens": 18_000,
                "cache_creation_input_tokens": 1_200,
            },
        });
        self.record("span.model_request_end", at, fields);
    }

    /// Ends the turn with a status, and records the events of it.
    fn end(&mut self, at: Timestamp, status: Status, stop: Option<Stop>) {
        self.stop_running(at);
        self.record_status(status, stop.as_ref(), || at);
        if status != Status::Rescheduling {
            self.turn.model_request = None;
        }
        self.turn.stop = stop;
        self.set_status(status);
        self.updated_at = at;
    }
}

fn text_content(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}
