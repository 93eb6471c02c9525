//! What a session does with its time: turns that begin, end, wait for somebody, or are cut off.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    clock::Clock,
    session::{Answer, Session, Status, Waiting},
    toolset,
};

/// Asks the driver to end a turn after a while.
#[derive(Debug)]
pub(super) struct Timer {
    pub(super) session: String,
    pub(super) turn: u64,
    pub(super) after: Duration,
}

/// How fast time runs, and who wakes the sessions up.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) clock: Clock,
    pub(super) turn: Duration,
    pub(super) status_lag: Duration,
    pub(super) timers: UnboundedSender<Timer>,
}

/// What the turn under way will come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Plan {
    /// The agent answers with a text.
    #[default]
    Reply,
    /// The agent calls the tool of this name.
    Call(String),
}

impl Plan {
    /// A message that begins with `/use NAME` makes the agent call that tool.
    pub(super) fn for_message(message: &Value) -> Self {
        let text = message
            .pointer("/content/0/text")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut words = text.split_whitespace();
        match (words.next(), words.next()) {
            (Some("/use"), Some(tool)) => Self::Call(tool.to_owned()),
            _ => Self::Reply,
        }
    }
}

/// A tool call as it will be recorded.
struct Call {
    kind: &'static str,
    fields: Value,
    answer: Answer,
    /// `allow` or `ask`.
    permission: &'static str,
}

impl Session {
    /// Begins a turn: the record says running at once, the timer ends it.
    pub(super) fn begin(&mut self, pace: &mut Pace, plan: Plan, results: Vec<(&str, Value)>) {
        let now = pace.clock.stamp();
        self.turn += 1;
        self.plan = plan;
        self.live = Status::Running;
        self.stored = Status::Running;
        self.catches_up = None;
        self.running_since.get_or_insert(now);
        self.updated_at = now;
        self.record("session.status_running", now, json!({}));
        for (kind, fields) in results {
            self.record(kind, pace.clock.stamp(), fields);
        }
        self.open_request(pace);
        self.record("agent.thinking", pace.clock.stamp(), json!({}));
        let timer = Timer {
            session: self.id.clone(),
            turn: self.turn,
            after: pace.turn,
        };
        // The driver is gone only when the sandbox is.
        let _ = pace.timers.send(timer);
    }

    fn open_request(&mut self, pace: &mut Pace) {
        let at = pace.clock.stamp();
        self.open_request = Some(self.record("span.model_request_start", at, json!({})));
    }

    /// Ends the model request under way, and counts what it used.
    fn close_request(&mut self, pace: &mut Pace, cut_off: bool) {
        let Some(start) = self.open_request.take() else {
            return;
        };
        let (input, output, cache_read) = if cut_off {
            (380, 40, 0)
        } else {
            (1_240, 310, 8_600)
        };
        self.usage.input += input;
        self.usage.output += output;
        self.usage.cache_read += cache_read;
        self.usage.cents += if cut_off { 1 } else { 4 };
        let fields = json!({
            "model_request_start_id": start,
            "is_error": cut_off,
            "model_usage": {
                "input_tokens": input,
                "output_tokens": output,
                "cache_read_input_tokens": cache_read,
                "cache_creation_input_tokens": 0,
                "speed": "standard",
            },
        });
        self.record("span.model_request_end", pace.clock.stamp(), fields);
    }

    /// Ends the turn that `turn` was the timer of, unless something else ended it before.
    pub(super) fn finish(&mut self, pace: &mut Pace, turn: u64) {
        if self.turn != turn || self.live != Status::Running {
            return;
        }
        if let Plan::Call(tool) = std::mem::take(&mut self.plan) {
            match self.call(&tool) {
                Some(call) => {
                    if self.carry_out(pace, call) {
                        return;
                    }
                }
                None => self.say(
                    pace,
                    &format!("There is no enabled tool named {tool:?} here."),
                ),
            }
        } else {
            self.say(pace, "Done. I looked into it and wrote down what I found.");
        }
        for outcome in &mut self.outcomes {
            if let Some(outcome) = outcome.as_object_mut().filter(|o| is_pending(o)) {
                outcome.insert("result".to_owned(), json!("satisfied"));
                outcome.insert("completed_at".to_owned(), json!(pace.clock.stamp()));
            }
        }
        if self
            .budget_cents
            .is_some_and(|budget| self.usage.cents >= budget)
        {
            self.rest(pace, &json!({"type": "budget_reached"}));
        } else if let Some(message) = self.queue.pop_front() {
            let plan = Plan::for_message(&message.json);
            self.process(message, pace.clock.stamp());
            self.begin(pace, plan, Vec::new());
        } else {
            self.rest(pace, &json!({"type": "end_turn"}));
        }
    }

    fn say(&mut self, pace: &mut Pace, text: &str) {
        let content = json!({"content": [{"type": "text", "text": text}]});
        self.record("agent.message", pace.clock.stamp(), content);
        self.close_request(pace, false);
    }

    /// Records a call; true if the session now waits for somebody's answer to it.
    fn carry_out(&mut self, pace: &mut Pace, call: Call) -> bool {
        let id = self.record(call.kind, pace.clock.stamp(), call.fields);
        self.close_request(pace, false);
        if call.permission == "ask" {
            self.waiting.push(Waiting {
                event_id: id,
                answer: call.answer,
            });
            self.wait(pace);
            return true;
        }
        let (kind, result) = call.answer.result(&id, None);
        self.record(kind, pace.clock.stamp(), result);
        self.open_request(pace);
        self.say(pace, "The tool has answered; that was all I needed.");
        false
    }

    /// The call of `tool`: a built-in name, `server.tool`, or the name of a custom tool.
    fn call(&self, tool: &str) -> Option<Call> {
        let is =
            |entry: &&Value, key: &str, value: &str| entry.get(key).is_some_and(|v| v == value);
        let entries = &self.agent.tools;
        let custom = entries
            .iter()
            .find(|e| is(e, "type", "custom") && is(e, "name", tool));
        if custom.is_some() {
            return Some(Call {
                kind: "agent.custom_tool_use",
                fields: json!({"name": tool, "input": {}}),
                answer: Answer::CustomResult,
                permission: "ask",
            });
        }
        let (kind, answer, toolset, name, server) = match tool.split_once('.') {
            Some((server, name)) => {
                let entry = entries.iter().find(|e| is(e, "mcp_server_name", server))?;
                (
                    "agent.mcp_tool_use",
                    Answer::McpConfirmation,
                    entry,
                    name,
                    Some(server),
                )
            }
            None if toolset::is_built_in(tool) => {
                let entry = entries
                    .iter()
                    .find(|e| is(e, "type", "agent_toolset_20260401"))?;
                ("agent.tool_use", Answer::Confirmation, entry, tool, None)
            }
            None => return None,
        };
        let (enabled, policy) = toolset::policy_of(toolset, name);
        let permission = if policy == "always_ask" {
            "ask"
        } else {
            "allow"
        };
        let evaluation = match policy {
            "auto" => json!({"type": "auto", "evaluated_permission": {"type": "allow"}}),
            policy => json!({"type": policy}),
        };
        let mut fields = json!({
            "name": name,
            "input": {},
            "evaluated_permission": permission,
            "evaluation": evaluation,
        });
        if let (Some(server), Some(fields)) = (server, fields.as_object_mut()) {
            fields.insert("mcp_server_name".to_owned(), json!(server));
        }
        enabled.then_some(Call {
            kind,
            fields,
            answer,
            permission,
        })
    }

    /// Goes idle until the waiting calls are answered.
    pub(super) fn wait(&mut self, pace: &mut Pace) {
        let ids: Vec<&str> = self
            .waiting
            .iter()
            .map(|call| call.event_id.as_str())
            .collect();
        let reason = json!({"type": "requires_action", "event_ids": ids});
        self.rest(pace, &reason);
    }

    /// Goes idle: the event at once, the record a moment later.
    fn rest(&mut self, pace: &mut Pace, stop_reason: &Value) {
        let now = pace.clock.stamp();
        self.usage.active_seconds = self.active_seconds(now);
        self.running_since = None;
        self.live = Status::Idle;
        let usage = self.usage.shown(self.usage.active_seconds);
        let usage = json!({"usage": usage, "budget": self.budget()});
        self.record("session.usage", now, usage);
        let now = pace.clock.stamp();
        self.record(
            "session.status_idle",
            now,
            json!({"stop_reason": stop_reason}),
        );
        self.updated_at = now;
        if pace.status_lag.is_zero() || self.stored == Status::Idle {
            self.stored = Status::Idle;
        } else {
            self.catches_up = Some(now.plus(pace.status_lag));
        }
    }

    /// Stops the session, or only one of its further threads.
    pub(super) fn interrupt(&mut self, pace: &mut Pace, thread: Option<&str>) {
        let only = thread.filter(|id| *id != self.primary_thread());
        for at in 0..self.threads.len() {
            let Some(thread) = self.threads.get_mut(at) else {
                continue;
            };
            if thread.status != Status::Running || only.is_some_and(|id| id != thread.id) {
                continue;
            }
            let now = pace.clock.stamp();
            thread.status = Status::Idle;
            thread.updated_at = now;
            let fields = json!({
                "session_thread_id": thread.id,
                "agent_name": thread.agent_name,
                "stop_reason": {"type": "end_turn"},
            });
            self.record("session.thread_status_idle", now, fields);
        }
        let busy = matches!(self.live, Status::Running | Status::Rescheduling);
        if only.is_some() || (!busy && self.waiting.is_empty()) {
            return;
        }
        self.close_request(pace, true);
        self.waiting.clear();
        self.results.clear();
        while let Some(message) = self.queue.pop_front() {
            self.process(message, pace.clock.stamp());
        }
        self.rest(pace, &json!({"type": "end_turn"}));
    }
}

/// Whether an outcome has not been judged yet.
fn is_pending(outcome: &serde_json::Map<String, Value>) -> bool {
    outcome
        .get("result")
        .is_some_and(|result| result == "pending")
}

impl Answer {
    /// The event that tells the agent what its call came to; `denied` carries the reason.
    pub(super) fn result(self, id: &str, denied: Option<&str>) -> (&'static str, Value) {
        let text = denied.unwrap_or("ok");
        let (kind, key) = match self {
            Self::McpConfirmation => ("agent.mcp_tool_result", "mcp_tool_use_id"),
            Self::Confirmation | Self::CustomResult => ("agent.tool_result", "tool_use_id"),
        };
        let mut fields = json!({
            "content": [{"type": "text", "text": text}],
            "is_error": denied.is_some(),
        });
        if let Some(fields) = fields.as_object_mut() {
            fields.insert(key.to_owned(), json!(id));
        }
        (kind, fields)
    }
}
