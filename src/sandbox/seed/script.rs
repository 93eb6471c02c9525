//! What seeded sessions have been through, step by step.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::{
    clock::Timestamp,
    json::with_field,
    session::{PendingCall, Session, Status, Thread, Usage},
    toolset::{ToolKind, is_built_in},
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
    /// The end of a turn, with a stop reason.
    Idle(String),
    /// A `session.error` event.
    Error(Value),
    Rescheduled,
    Terminated,
    Archived,
    /// The start of a child thread.
    Thread {
        agent: String,
        status: Status,
    },
}

/// A tool call; without a result the session waits for an answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolUse {
    name: String,
    mcp_server_name: Option<String>,
    input: Value,
    result: Option<String>,
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
                let start = after(seconds + 1);
                self.record("session.status_running", start, json!({}));
                let request = "span.model_request_start";
                self.turn.model_request = Some(self.record(request, start, json!({})));
                self.turn.running_since = Some(start);
                self.set_status(Status::Running);
                self.updated_at = start;
            }
            Step::Agent(text) => {
                self.record("agent.message", at, text_content(&text));
                let fields = json!({
                    "model_request_start_id": self.turn.model_request.take(),
                    "is_error": false,
                    "model_usage": {
                        "input_tokens": 2_400,
                        "output_tokens": 600,
                        "cache_read_input_tokens": 18_000,
                        "cache_creation_input_tokens": 1_200,
                    },
                });
                self.record("span.model_request_end", at, fields);
                self.updated_at = at;
            }
            Step::Tool(tool) => self.play_tool(at, after(seconds + 2), tool),
            Step::Idle(reason) => {
                let calls = self.turn.pending_calls.iter();
                let ids: Vec<_> = calls.map(|call| json!(call.event_id)).collect();
                let ids = (reason == "requires_action").then(|| json!(ids));
                let reason = with_field(json!({"type": reason}), "event_ids", ids);
                self.end(at, Status::Idle, json!({"stop_reason": reason}));
            }
            Step::Error(error) => {
                self.record("session.error", at, json!({"error": error}));
            }
            Step::Rescheduled => self.end(at, Status::Rescheduling, json!({})),
            Step::Terminated => self.end(at, Status::Terminated, json!({})),
            Step::Archived => {
                self.end(at, Status::Terminated, json!({}));
                self.archived_at = Some(at);
            }
            Step::Thread { agent, status } => {
                let id = Some(&json!(agent));
                let multiagent = self.agent.multiagent.as_ref();
                let members = multiagent.and_then(|multiagent| multiagent.get("agents"));
                let mut members = members.and_then(Value::as_array).into_iter().flatten();
                let member = members.find(|member| member.get("id") == id);
                let agent = member.cloned().unwrap_or_default();
                let number = self.threads.len() + 1;
                let id = format!("sthr_{}_{number:02}", self.history.id_suffix);
                let fields = json!({"session_thread_id": id, "agent_name": agent.get("name")});
                self.record("session.thread_created", at, fields);
                self.threads.push(Thread {
                    id,
                    agent,
                    status,
                    created_at: at,
                    updated_at: after(seconds + 30 * 60),
                });
            }
        }
    }

    fn play_tool(&mut self, at: Timestamp, answered_at: Timestamp, used: ToolUse) {
        let tool = match used.mcp_server_name {
            Some(_) => ToolKind::Mcp,
            None if is_built_in(&used.name) => ToolKind::BuiltIn,
            None => ToolKind::Custom,
        };
        let server = used.mcp_server_name.map(|server| json!(server));
        let mut fields = with_field(json!({"name": used.name}), "mcp_server_name", server);
        fields = with_field(fields, "input", Some(used.input));
        if tool != ToolKind::Custom {
            let (permission, policy) = match used.result {
                Some(_) => ("allow", "always_allow"),
                None => ("ask", "always_ask"),
            };
            fields = with_field(fields, "evaluated_permission", Some(json!(permission)));
            fields = with_field(fields, "evaluation", Some(json!({"type": policy})));
        }
        let event_id = self.record(tool.call_event(), at, fields);
        if let Some(text) = used.result {
            let (kind, fields) = tool.result_event(&event_id, &text, false);
            self.record(kind, answered_at, fields);
        } else {
            self.turn.pending_calls.push(PendingCall { event_id, tool });
        }
    }

    /// Ends the turn with a status, and records the event of it.
    fn end(&mut self, at: Timestamp, status: Status, fields: Value) {
        let event = match status {
            Status::Idle => "session.status_idle",
            Status::Rescheduling => "session.status_rescheduled",
            Status::Running | Status::Terminated => "session.status_terminated",
        };
        self.record(event, at, fields);
        self.stop_running(at);
        if status != Status::Rescheduling {
            self.turn.model_request = None;
        }
        self.set_status(status);
        self.updated_at = at;
    }
}

fn text_content(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}
