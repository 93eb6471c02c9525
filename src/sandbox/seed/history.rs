//! The words in which a seeded session's past is told: asked, said, called, rested, …

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::super::{
    agent::Agent,
    clock::Instant,
    session::{Answer, Session, Status, Usage, Waiting},
};

/// A session created `age` seconds before `now`, with its title.
pub(in super::super) fn sketch(
    id: &str,
    title: &str,
    agent: &Arc<Agent>,
    now: Instant,
    age: u64,
) -> Session {
    let created = now.minus(Duration::from_secs(age));
    let mut session = Session::new(format!("sesn_{id}"), Arc::clone(agent), "env_01", created);
    session.title = Some(title.to_owned());
    session
}

impl Session {
    /// Seconds after creation, as an instant.
    pub(super) fn after(&self, seconds: u64) -> Instant {
        self.created_at.plus(Duration::from_secs(seconds))
    }

    /// Records a question `at` seconds after creation, and the beginning of the turn on it.
    pub(in super::super) fn asked(&mut self, at: u64, question: &str) {
        let content = json!({"content": [{"type": "text", "text": question}]});
        self.record("user.message", self.after(at), content);
        self.record("session.status_running", self.after(at + 1), json!({}));
        let start = self.record("span.model_request_start", self.after(at + 1), json!({}));
        self.open_request = Some(start);
        self.live = Status::Running;
        self.stored = Status::Running;
        self.running_since = Some(self.after(at + 1));
        self.updated_at = self.after(at + 1);
    }

    /// Records what the agent says `at` seconds after creation.
    pub(super) fn said(&mut self, at: u64, text: &str) {
        let content = json!({"content": [{"type": "text", "text": text}]});
        self.record("agent.message", self.after(at), content);
        let start = self.open_request.take();
        let usage = json!({
            "input_tokens": 2_400, "output_tokens": 600,
            "cache_read_input_tokens": 18_000, "cache_creation_input_tokens": 1_200,
        });
        let fields =
            json!({"model_request_start_id": start, "is_error": false, "model_usage": usage});
        self.record("span.model_request_end", self.after(at), fields);
        self.updated_at = self.after(at);
    }

    /// Records a tool call, and its result if there is one.
    pub(super) fn called(
        &mut self,
        at: u64,
        kind: &str,
        mut call: Value,
        result: Option<&str>,
    ) -> String {
        if let (false, Some(call)) = (kind.contains("custom"), call.as_object_mut()) {
            let ask = result.is_none();
            let permission = if ask { "ask" } else { "allow" };
            let policy = if ask { "always_ask" } else { "always_allow" };
            call.insert("evaluated_permission".to_owned(), json!(permission));
            call.insert("evaluation".to_owned(), json!({"type": policy}));
        }
        let id = self.record(kind, self.after(at), call);
        if let Some(text) = result {
            let answer = match kind {
                "agent.mcp_tool_use" => Answer::McpConfirmation,
                _ => Answer::Confirmation,
            };
            let (kind, mut fields) = answer.result(&id, None);
            if let Some(fields) = fields.as_object_mut() {
                fields.insert(
                    "content".to_owned(),
                    json!([{"type": "text", "text": text}]),
                );
            }
            self.record(kind, self.after(at + 2), fields);
        }
        id
    }

    /// Ends the turn `at` seconds after creation.
    pub(in super::super) fn rested(&mut self, at: u64, stop_reason: &Value) {
        let end = self.after(at);
        self.record(
            "session.status_idle",
            end,
            json!({"stop_reason": stop_reason}),
        );
        self.usage.active_seconds = self.active_seconds(end);
        self.running_since = None;
        self.open_request = None;
        self.live = Status::Idle;
        self.stored = Status::Idle;
        self.updated_at = end;
    }

    /// Ends the turn waiting for an answer to the call of this id.
    pub(super) fn waits(&mut self, at: u64, event_id: String, answer: Answer) {
        self.rested(
            at,
            &json!({"type": "requires_action", "event_ids": [event_id]}),
        );
        self.waiting.push(Waiting { event_id, answer });
    }

    /// Terminates the session `at` seconds after creation.
    pub(in super::super) fn terminated(&mut self, at: u64) {
        let end = self.after(at);
        self.record("session.status_terminated", end, json!({}));
        self.usage.active_seconds = self.active_seconds(end);
        self.running_since = None;
        self.open_request = None;
        self.live = Status::Terminated;
        self.stored = Status::Terminated;
        self.updated_at = end;
    }

    /// Archives the session `at` seconds after creation.
    pub(in super::super) fn put_away(&mut self, at: u64) {
        self.terminated(at);
        self.archived_at = Some(self.updated_at);
    }

    /// Sets what the session has used, in proportion to its cost.
    pub(in super::super) fn spent(&mut self, cents: u64) {
        self.usage = Usage {
            input: cents * 310,
            output: cents * 95,
            cache_read: cents * 2_150,
            cache_5m: cents * 120,
            cents,
            web_searches: 0,
            active_seconds: self.usage.active_seconds,
        };
    }
}
