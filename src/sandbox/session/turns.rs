//! How turns begin, call tools, wait for answers, end and are interrupted.

use serde_json::{Value, json};

use super::{PendingCall, Session, Status, TurnAction};
use crate::sandbox::{
    clock::Clock,
    file,
    json::with_field,
    toolset::{self, ToolKind},
};

impl TurnAction {
    /// A message that begins with `/use NAME` makes the agent call that tool, and one with
    /// `/write NAME TEXT` write that file.
    pub(super) fn for_message(message: &Value) -> Self {
        let text = message.pointer("/content/0/text").and_then(Value::as_str);
        if let Some((name, content)) = text.and_then(file::write_command) {
            return Self::WriteFile(name, content);
        }
        let mut words = text.unwrap_or_default().split_whitespace();
        match (words.next(), words.next()) {
            (Some("/use"), Some(tool)) => Self::CallTool(tool.to_owned()),
            _ => Self::Reply,
        }
    }
}

impl Session {
    /// Starts a turn; its timer ends it.
    pub(super) fn start_turn(&mut self, clock: &mut Clock, action: TurnAction) {
        let now = clock.stamp();
        self.turn.number += 1;
        self.turn.action = action;
        self.set_status(Status::Running);
        self.turn.running_since.get_or_insert(now);
        self.updated_at = now;
        self.record("session.status_running", now, json!({}));
        for (kind, fields) in std::mem::take(&mut self.turn.results) {
            self.record(kind, clock.stamp(), fields);
        }
        self.start_model_request(clock);
        self.record("agent.thinking", clock.stamp(), json!({}));
        clock.start_timer(&self.id, self.turn.number);
    }

    fn start_model_request(&mut self, clock: &mut Clock) {
        let kind = "span.model_request_start";
        self.turn.model_request = Some(self.record(kind, clock.stamp(), json!({})));
    }

    /// Ends the model request, if there is one, and counts what it used.
    fn end_model_request(&mut self, clock: &mut Clock, interrupted: bool) {
        let Some(start) = self.turn.model_request.take() else {
            return;
        };
        let (input, output, cache_read, cents) =
            if interrupted { (380, 40, 0, 1) } else { (1_240, 310, 8_600, 4) };
        self.usage.input += input;
        self.usage.output += output;
        self.usage.cache_read += cache_read;
        self.usage.cents += cents;
        let fields = json!({
            "model_request_start_id": start,
            "is_error": interrupted,
            "model_usage": {
                "input_tokens": input,
                "output_tokens": output,
                "cache_read_input_tokens": cache_read,
                "cache_creation_input_tokens": 0,
                "speed": "standard",
            },
        });
        self.record("span.model_request_end", clock.stamp(), fields);
    }

    /// Ends the turn with this number, unless it has ended already.
    pub(in crate::sandbox) fn end_turn(&mut self, clock: &mut Clock, number: u64) {
        if self.turn.number != number || self.turn.status != Status::Running {
            return;
        }
        match std::mem::take(&mut self.turn.action) {
            TurnAction::Reply => {
                self.reply(clock, "Done. I looked into it and wrote down what I found.");
            }
            TurnAction::WriteFile(name, content) => {
                self.produce(&name, content.into(), clock.stamp().plus(clock.file_lag));
                self.reply(clock, &format!("I wrote {name}."));
            }
            TurnAction::CallTool(name) => {
                if self.call_tool(clock, &name) {
                    return;
                }
            }
        }
        for outcome in &mut self.outcome_evaluations {
            if outcome.get("result") == Some(&json!("pending"))
                && let Some(outcome) = outcome.as_object_mut()
            {
                outcome.insert("result".to_owned(), json!("satisfied"));
                outcome.insert("completed_at".to_owned(), json!(clock.stamp()));
            }
        }
        let spent = |budget| self.usage.cents >= budget;
        if self.budget_cents.is_some_and(spent) {
            self.go_idle(clock, &json!({"type": "budget_reached"}));
        } else if !self.history.queue.is_empty()
            && let Some(message) = self.history.process_queued(clock.stamp())
        {
            self.start_turn(clock, TurnAction::for_message(&message));
        } else {
            self.go_idle(clock, &json!({"type": "end_turn"}));
        }
    }

    fn reply(&mut self, clock: &mut Clock, text: &str) {
        let content = json!({"content": [{"type": "text", "text": text}]});
        self.record("agent.message", clock.stamp(), content);
        self.end_model_request(clock, false);
    }

    /// Calls a tool; true if the session now waits for an answer.
    fn call_tool(&mut self, clock: &mut Clock, name: &str) -> bool {
        let Some((tool, needs_answer, fields)) = self.tool_call(name) else {
            let text = format!("There is no enabled tool named {name:?} here.");
            self.reply(clock, &text);
            return false;
        };
        let event_id = self.record(tool.call_event(), clock.stamp(), fields);
        self.end_model_request(clock, false);
        if needs_answer {
            self.turn.pending_calls.push(PendingCall { event_id, tool });
            self.require_action(clock);
        } else {
            let (kind, result) = tool.result_event(&event_id, "ok", false);
            self.record(kind, clock.stamp(), result);
            self.start_model_request(clock);
            self.reply(clock, "The tool has answered; that was all I needed.");
        }
        needs_answer
    }

    /// What a call of a tool looks like, and whether somebody has to answer it. The name is that
    /// of a built-in tool (`bash`), of a tool of an MCP server (`server.tool`) or of a custom tool.
    fn tool_call(&self, name: &str) -> Option<(ToolKind, bool, Value)> {
        let find = |key: &str, value: &str| {
            let mut tools = self.agent.tools.iter();
            tools.find(|tool| tool.get(key).is_some_and(|known| known == value))
        };
        if find("name", name).is_some() {
            return Some((ToolKind::Custom, true, json!({"name": name, "input": {}})));
        }
        let (server, name) = match name.split_once('.') {
            Some((server, name)) => (Some(server), name),
            None if toolset::is_built_in(name) => (None, name),
            None => return None,
        };
        let (tool, toolset) = match server {
            Some(server) => (ToolKind::Mcp, find("mcp_server_name", server)?),
            None => (ToolKind::BuiltIn, find("type", toolset::BUILT_IN_TOOLSET)?),
        };
        let (enabled, policy) = toolset::policy_of(toolset, name);
        let asks = policy == "always_ask";
        let evaluation = match policy {
            "auto" => json!({"type": "auto", "evaluated_permission": {"type": "allow"}}),
            policy => json!({"type": policy}),
        };
        let fields = json!({
            "name": name,
            "input": {},
            "evaluated_permission": if asks { "ask" } else { "allow" },
            "evaluation": evaluation,
        });
        let server = server.map(|server| json!(server));
        let fields = with_field(fields, "mcp_server_name", server);
        enabled.then_some((tool, asks, fields))
    }

    /// Goes idle until the pending calls are answered.
    pub(super) fn require_action(&mut self, clock: &mut Clock) {
        let calls = self.turn.pending_calls.iter();
        let ids: Vec<&str> = calls.map(|call| call.event_id.as_str()).collect();
        let reason = json!({"type": "requires_action", "event_ids": ids});
        self.go_idle(clock, &reason);
    }

    /// Goes idle; the status in the record follows a moment later.
    fn go_idle(&mut self, clock: &mut Clock, stop_reason: &Value) {
        let now = clock.stamp();
        self.stop_running(now);
        let usage = self.usage.to_json(self.usage.active_seconds);
        let usage = json!({"usage": usage, "budget": self.budget()});
        self.record("session.usage", now, usage);
        let now = clock.stamp();
        let reason = json!({"stop_reason": stop_reason});
        self.record("session.status_idle", now, reason);
        self.updated_at = now;
        self.turn.status = Status::Idle;
        if clock.status_lag.is_zero() {
            self.status = Status::Idle;
        } else if self.status != Status::Idle {
            self.turn.status_lags_until = Some(now.plus(clock.status_lag));
        }
    }

    /// Interrupts the whole session, or only one of its child threads.
    pub(super) fn interrupt(&mut self, clock: &mut Clock, thread: Option<&str>) {
        let primary = self.primary_thread_id();
        let only = thread.filter(|id| *id != primary);
        for thread in &mut self.threads {
            if thread.status != Status::Running || only.is_some_and(|id| id != thread.id) {
                continue;
            }
            let now = clock.stamp();
            thread.status = Status::Idle;
            thread.updated_at = now;
            let fields = json!({
                "session_thread_id": thread.id,
                "agent_name": thread.agent.get("name"),
                "stop_reason": {"type": "end_turn"},
            });
            let kind = "session.thread_status_idle";
            self.history.record(kind, now, fields);
        }
        let busy = matches!(self.turn.status, Status::Running | Status::Rescheduling);
        if only.is_some() || (!busy && self.turn.pending_calls.is_empty()) {
            return;
        }
        self.end_model_request(clock, true);
        self.turn.pending_calls.clear();
        self.turn.results.clear();
        while !self.history.queue.is_empty() {
            self.history.process_queued(clock.stamp());
        }
        self.go_idle(clock, &json!({"type": "end_turn"}));
    }
}
