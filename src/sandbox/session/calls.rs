//! Tool calls: who decides on them, who executes them, and their answers.

use serde_json::{Value, json};

use super::{
    Session, TurnAction,
    command::Judgement,
    pending::{Answer, Awaited, PendingCall},
    stop::Stop,
};
use crate::sandbox::{
    clock::Clock,
    json::with_field,
    toolset::{self, ToolKind},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Permission {
    Allow,
    Ask,
    Deny,
}

/// A call that has not been made yet.
#[derive(Debug)]
pub(in crate::sandbox) struct Call {
    pub(in crate::sandbox) tool: ToolKind,
    pub(in crate::sandbox) permission: Permission,
    /// What it waits for; nothing if the service executes it by itself.
    pub(in crate::sandbox) awaits: Option<Awaited>,
    /// The fields of its event.
    pub(in crate::sandbox) fields: Value,
    web_search: bool,
}

impl Session {
    /// The call of a tool as the session's agent may make it; none if there is no such tool, or it
    /// is not enabled. The name is that of a built-in tool (`bash`), of a tool of an MCP server
    /// (`server.tool`) or of a custom tool.
    pub(in crate::sandbox) fn call(
        &self,
        name: &str,
        input: &Value,
        judgement: Judgement,
    ) -> Option<Call> {
        self.call_of(&self.agent.tools, name, input, judgement)
    }

    /// The same for an agent with these tools.
    pub(super) fn call_of(
        &self,
        tools: &[Value],
        name: &str,
        input: &Value,
        judgement: Judgement,
    ) -> Option<Call> {
        let find = |key: &str, value: &str| {
            let mut tools = tools.iter();
            tools.find(|tool| tool.get(key).is_some_and(|known| known == value))
        };
        if find("name", name).is_some() {
            return Some(Call {
                tool: ToolKind::Custom,
                permission: Permission::Allow,
                awaits: Some(Awaited::CustomResult),
                fields: json!({"name": name, "input": input}),
                web_search: false,
            });
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
        if !enabled {
            return None;
        }
        let (permission, evaluation) = evaluate(policy, judgement);
        let fields = json!({
            "name": name,
            "input": input,
            "evaluated_permission": match permission {
                Permission::Allow => "allow",
                Permission::Ask => "ask",
                Permission::Deny => "deny",
            },
            "evaluation": evaluation,
        });
        let by_client = self.self_hosted && server.is_none() && !toolset::is_web_tool(name);
        Some(Call {
            tool,
            permission,
            awaits: match permission {
                Permission::Ask => Some(Awaited::Confirmation),
                Permission::Allow if by_client => Some(Awaited::ToolResult),
                Permission::Allow | Permission::Deny => None,
            },
            fields: with_field(fields, "mcp_server_name", server.map(|server| json!(server))),
            web_search: name == "web_search" && server.is_none(),
        })
    }

    /// Calls tools, all at once; true if the session no longer runs, since it waits for answers or
    /// has reached its budget.
    pub(super) fn call_tools(
        &mut self,
        clock: &mut Clock,
        names: &[String],
        judgement: Judgement,
    ) -> bool {
        if names.is_empty() {
            self.reply(clock, "The command names no tool.");
            return false;
        }
        let mut calls = Vec::with_capacity(names.len());
        for name in names {
            let Some(call) = self.call(name, &json!({}), judgement) else {
                let text = format!("There is no enabled tool named {name:?} here.");
                self.reply(clock, &text);
                return false;
            };
            calls.push(call);
        }
        let mut results = Vec::new();
        for Call { tool, permission, awaits, fields, web_search } in calls {
            let event_id = self.record(tool.call_event(), clock.stamp(), fields);
            if web_search {
                self.usage.web_searches += 1;
                self.usage.cents += 1;
            }
            match awaits {
                Some(awaits) => {
                    self.turn.pending_calls.push(PendingCall { event_id, tool, awaits });
                }
                None if permission == Permission::Deny => {
                    let text = "The call was judged to be of high risk and was not executed.";
                    results.push(tool.result_event(&event_id, text, true));
                }
                None => results.push(tool.result_event(&event_id, "ok", false)),
            }
        }
        self.end_model_request(clock, false);
        for (kind, result) in results {
            self.record(kind, clock.stamp(), result);
        }
        if !self.turn.pending_calls.is_empty() {
            self.require_action(clock);
            return true;
        }
        if self.out_of_budget() {
            self.go_idle(clock, Stop::BudgetReached);
            return true;
        }
        self.start_model_request(clock);
        self.reply(clock, "The tool has answered; that was all I needed.");
        false
    }

    /// Applies the answer to a pending call; the last one resumes the session. A late confirmation
    /// has no effect.
    pub(super) fn answer_call(&mut self, clock: &mut Clock, answer: &Answer) {
        let mut pending = self.turn.pending_calls.iter();
        let Some(index) = pending.position(|pending| answer.fits(pending)) else {
            return;
        };
        let call = self.turn.pending_calls.remove(index);
        if call.awaits == Awaited::Confirmation {
            // The result of a custom tool, or of one that the client executed, is its own event.
            let denied = answer.deny_message.as_deref();
            if denied.is_none() && self.is_executed_by_client(&call) {
                let awaits = Awaited::ToolResult;
                self.turn.pending_calls.insert(index, PendingCall { awaits, ..call });
                return self.require_action(clock);
            }
            let text = denied.unwrap_or("ok");
            let result = call.tool.result_event(&call.event_id, text, denied.is_some());
            self.turn.results.push(result);
        }
        if !self.turn.pending_calls.is_empty() {
            self.require_action(clock);
        } else if self.out_of_budget() {
            self.record_results(clock);
            self.go_idle(clock, Stop::BudgetReached);
        } else {
            self.start_turn(clock, TurnAction::GoOn);
        }
    }

    pub(super) fn is_executed_by_client(&self, call: &PendingCall) -> bool {
        let event = self.history.find(&call.event_id);
        let name = event.and_then(|event| event.get("name")).and_then(Value::as_str);
        self.self_hosted
            && call.tool == ToolKind::BuiltIn
            && name.is_some_and(|name| !toolset::is_web_tool(name))
    }

    /// Records the results of answered calls.
    pub(super) fn record_results(&mut self, clock: &mut Clock) {
        for (kind, fields) in std::mem::take(&mut self.turn.results) {
            self.record(kind, clock.stamp(), fields);
        }
    }
}

/// The permission that a policy gives to a call, and the event's `evaluation`.
fn evaluate(policy: &str, judgement: Judgement) -> (Permission, Value) {
    let judged = |permission: Value| json!({"type": "auto", "evaluated_permission": permission});
    match (policy, judgement) {
        ("always_ask", _) => (Permission::Ask, json!({"type": policy})),
        ("auto", Judgement::Safe) => (Permission::Allow, judged(json!({"type": "allow"}))),
        ("auto", Judgement::Unclear) => {
            let ask = json!({"type": "ask", "reason_code": "indeterminate"});
            (Permission::Ask, judged(ask))
        }
        ("auto", Judgement::Risky) => {
            let deny = json!({"type": "deny", "reason_code": "high_risk"});
            (Permission::Deny, judged(deny))
        }
        _ => (Permission::Allow, json!({"type": policy})),
    }
}
