//! Tool calls of child threads. Those that wait for a client are shown in the session's history.

use serde_json::{Value, json};

use crate::sandbox::{
    clock::Clock,
    session::{
        Session, TurnAction,
        calls::{Call, Permission},
        command::Judgement,
        pending::{Answer, Awaited, PendingCall},
        thread::Stamp,
    },
};

impl Session {
    /// Lets a child thread call tools, all at once; true if it waits for answers.
    pub(super) fn call_tools_in(
        &mut self,
        index: usize,
        names: &[String],
        judgement: Judgement,
        stamp: Stamp<'_>,
    ) -> bool {
        let mut calls = Vec::with_capacity(names.len());
        for name in names {
            let Some(call) = self.call_in(index, name, &json!({}), judgement) else {
                let text = format!("There is no enabled tool named {name:?} here.");
                self.say_in(index, &text, stamp);
                return false;
            };
            calls.push(call);
        }
        let mut results = Vec::new();
        for call in calls {
            let (tool, denied) = (call.tool, call.permission == Permission::Deny);
            let waits = call.awaits.is_some();
            let event_id = self.make_call_in(index, call, stamp);
            if denied {
                let text = "The call was judged to be of high risk and was not executed.";
                results.push(tool.result_event(&event_id, text, true));
            } else if !waits {
                results.push(tool.result_event(&event_id, "ok", false));
            }
        }
        self.end_request_in(index, false, stamp);
        for (kind, result) in results {
            self.record_in(index, kind, stamp(), result);
        }
        if self.threads.get(index).is_some_and(|thread| thread.pending_calls.is_empty()) {
            self.think_in(index, stamp);
            return false;
        }
        self.wait_in(index, stamp);
        true
    }

    /// The call of a tool as the agent of a child thread may make it.
    pub(in crate::sandbox) fn call_in(
        &self,
        index: usize,
        name: &str,
        input: &Value,
        judgement: Judgement,
    ) -> Option<Call> {
        self.call_of(self.threads.get(index)?.tools(), name, input, judgement)
    }

    /// Records a call, and returns the id of its event.
    pub(in crate::sandbox) fn make_call_in(
        &mut self,
        index: usize,
        call: Call,
        stamp: Stamp<'_>,
    ) -> String {
        let Call { tool, awaits, fields, .. } = call;
        let event_id = self.record_in(index, tool.call_event(), stamp(), fields);
        if let Some(awaits) = awaits {
            self.cross_post_newest(index);
            let event_id = event_id.clone();
            if let Some(thread) = self.threads.get_mut(index) {
                thread.pending_calls.push(PendingCall { event_id, tool, awaits });
            }
        }
        event_id
    }

    /// Applies the answer to a pending call of a child thread; the last one resumes the thread.
    pub(in crate::sandbox::session) fn answer_call_in(
        &mut self,
        clock: &mut Clock,
        index: usize,
        answer: &Answer,
    ) {
        let Some(thread) = self.threads.get_mut(index) else {
            return;
        };
        let mut pending = thread.pending_calls.iter();
        let Some(position) = pending.position(|pending| answer.fits(pending)) else {
            return;
        };
        let call = thread.pending_calls.remove(position);
        let mut awaited = None;
        let mut result = None;
        if call.awaits == Awaited::Confirmation {
            let denied = answer.deny_message.as_deref();
            if denied.is_none() && self.is_executed_by_client(&call) {
                awaited = Some(PendingCall { awaits: Awaited::ToolResult, ..call });
            } else {
                let text = denied.unwrap_or("ok");
                result = Some(call.tool.result_event(&call.event_id, text, denied.is_some()));
            }
        }
        let Some(thread) = self.threads.get_mut(index) else {
            return;
        };
        thread.results.extend(result);
        if let Some(call) = awaited {
            thread.pending_calls.insert(position, call);
        }
        let waits = !thread.pending_calls.is_empty();
        if waits {
            self.wait_in(index, &mut || clock.stamp());
        } else {
            self.keep_running(clock);
            self.run_thread(index, &mut || clock.stamp());
            self.schedule_in(clock, index, TurnAction::GoOn);
        }
    }
}
