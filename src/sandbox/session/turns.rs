//! How turns begin, end and are interrupted.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Session, Status, TurnAction, outcome::Evaluation, stop::Stop};
use crate::sandbox::clock::{Clock, Due};

impl Session {
    /// Starts a turn; its timer ends it.
    pub(super) fn start_turn(&mut self, clock: &mut Clock, action: TurnAction) {
        self.enter(clock, Status::Running);
        self.record_results(clock);
        self.continue_turn(clock, action);
    }

    /// Asks the model for the next step of a running turn.
    pub(super) fn continue_turn(&mut self, clock: &mut Clock, action: TurnAction) {
        self.start_model_request(clock);
        self.record("agent.thinking", clock.stamp(), json!({}));
        self.schedule(clock, action);
    }

    /// Lets the action happen when the time of a turn is over.
    pub(super) fn schedule(&mut self, clock: &mut Clock, action: TurnAction) {
        self.turn.number += 1;
        self.turn.action = action;
        clock.start_timer(&self.id, Due::Turn(self.turn.number));
    }

    /// Lets the turn under way end by itself.
    pub(in crate::sandbox) fn end_turn_after(&mut self, clock: &Clock, after: Duration) {
        self.turn.number += 1;
        clock.start_timer_of(&self.id, Due::Turn(self.turn.number), after);
    }

    pub(super) fn start_model_request(&mut self, clock: &mut Clock) {
        let kind = "span.model_request_start";
        self.turn.model_request = Some(self.record(kind, clock.stamp(), json!({})));
    }

    /// Ends the model request, if there is one, and counts what it used.
    pub(super) fn end_model_request(&mut self, clock: &mut Clock, failed: bool) {
        let Some(start) = self.turn.model_request.take() else {
            return;
        };
        let usage = if failed {
            self.use_model(380, 40, 0, 1)
        } else {
            self.use_model(1_240, 310, 8_600, 4)
        };
        let fields = json!({
            "model_request_start_id": start,
            "is_error": failed,
            "model_usage": usage,
        });
        self.record("span.model_request_end", clock.stamp(), fields);
    }

    /// Counts what a model request used, and returns it as events show it.
    pub(super) fn use_model(
        &mut self,
        input: u64,
        output: u64,
        cache_read: u64,
        cents: u64,
    ) -> Value {
        self.usage.input += input;
        self.usage.output += output;
        self.usage.cache_read += cache_read;
        self.usage.cents += cents;
        json!({
            "input_tokens": input,
            "output_tokens": output,
            "cache_read_input_tokens": cache_read,
            "cache_creation_input_tokens": 0,
            "speed": "standard",
        })
    }

    /// Carries out the action of the turn with this number, unless the turn has ended already.
    pub(in crate::sandbox) fn end_turn(&mut self, clock: &mut Clock, number: u64) {
        let busy = matches!(self.turn.status, Status::Running | Status::Rescheduling)
            && self.turn.held.is_none();
        if self.turn.number != number || !busy {
            return;
        }
        match std::mem::take(&mut self.turn.action) {
            _ if self.turn.status == Status::Rescheduling => {
                return self.start_turn(clock, TurnAction::GoOn);
            }
            TurnAction::Reply => {
                self.reply(clock, "Done. I looked into it and wrote down what I found.");
            }
            TurnAction::WriteFile(name, content) => {
                self.produce(&name, content.into(), clock.stamp().plus(clock.file_lag));
                self.reply(clock, &format!("I wrote {name}."));
            }
            TurnAction::GoOn => {
                self.reply(clock, "I went on where I had stopped, and it is done now.");
            }
            TurnAction::CallTools(names, judgement) => {
                if self.call_tools(clock, &names, judgement) {
                    return;
                }
            }
            TurnAction::Delegate(text) => {
                if self.delegate(clock, &text) {
                    return;
                }
            }
            TurnAction::StartWorkflow(text) => self.start_workflow(clock, &text),
            TurnAction::AwaitReports => {
                self.turn.action = TurnAction::AwaitReports;
                return;
            }
            TurnAction::Spend(cents) => {
                self.usage.cents += cents;
                self.reply(clock, "That took a lot of tokens.");
            }
            TurnAction::Report(kind) => self.report(clock, &kind),
            TurnAction::Compact => {
                self.record("agent.thread_context_compacted", clock.stamp(), json!({}));
                self.reply(clock, "I summarized what came before.");
            }
            TurnAction::Reschedule => return self.reschedule(clock),
            TurnAction::Exhaust => return self.exhaust_retries(clock),
            TurnAction::Fail => return self.fail(clock),
            TurnAction::Refuse(category) => {
                self.end_model_request(clock, false);
                return self.stop(clock, Stop::Refusal(category));
            }
            TurnAction::Evaluate => {
                if self.evaluate(clock) {
                    return self.continue_turn(clock, TurnAction::Reply);
                }
            }
        }
        self.finish_turn(clock);
    }

    /// What follows when the agent has no more to do: an evaluation, the next turn, or nothing.
    fn finish_turn(&mut self, clock: &mut Clock) {
        if self.out_of_budget() {
            self.go_idle(clock, Stop::BudgetReached);
        } else if !self.start_evaluation(clock) && !self.start_next_turn(clock) {
            self.go_idle(clock, Stop::EndTurn);
        }
    }

    /// Starts a turn for what is queued; false if nothing is.
    fn start_next_turn(&mut self, clock: &mut Clock) -> bool {
        match self.history.process_queued(|| clock.stamp()) {
            Some(message) => {
                self.start_message_turn(clock, &message);
                true
            }
            None => self.start_outcome(clock),
        }
    }

    /// Starts the turn for a message.
    pub(super) fn start_message_turn(&mut self, clock: &mut Clock, message: &Value) {
        self.start_turn(clock, TurnAction::for_message(message));
        self.mind_runs(clock, message);
    }

    /// Goes on where the budget stopped the session.
    pub(super) fn resume_within_budget(&mut self, clock: &mut Clock) {
        let stop = self.turn.held.as_ref().or(self.turn.stop.as_ref());
        if stop == Some(&Stop::BudgetReached) && !self.out_of_budget() {
            self.start_turn(clock, TurnAction::GoOn);
            self.resume_runs(clock);
        }
    }

    pub(super) fn reply(&mut self, clock: &mut Clock, text: &str) {
        let content = json!({"content": [{"type": "text", "text": text}]});
        self.record("agent.message", clock.stamp(), content);
        self.end_model_request(clock, false);
    }

    /// Interrupts the whole session, or only one of its threads.
    pub(super) fn interrupt(&mut self, clock: &mut Clock, thread: Option<&str>) {
        let primary = self.primary_thread_id();
        let meant = |id: &str| thread.is_none_or(|thread| thread == id);
        let mut stopped = thread.is_none() && self.pause_runs(clock);
        for index in 0..self.threads.len() {
            if self.threads.get(index).is_some_and(|thread| meant(&thread.id)) {
                stopped |= self.interrupt_thread(clock, index);
            }
        }
        if meant(&primary) && self.can_be_interrupted() {
            self.end_model_request(clock, true);
            self.turn.number += 1;
            self.turn.pending_calls.clear();
            self.turn.results.clear();
            self.stop_work(clock, Evaluation::Interrupted, "The session was interrupted.");
            self.go_idle(clock, Stop::EndTurn);
        } else if stopped {
            self.settle(clock);
        }
    }

    /// Whether an interrupt has an effect on the primary thread. At the limit of its budget an
    /// idle session ignores it.
    pub(super) fn can_be_interrupted(&self) -> bool {
        match self.turn.status {
            Status::Terminated => false,
            _ if self.primary_is_busy() => true,
            _ => !self.turn.pending_calls.is_empty() && !self.out_of_budget(),
        }
    }

    /// Closes the outcome and empties the queue: queued messages get no turn of their own.
    pub(super) fn stop_work(&mut self, clock: &mut Clock, result: Evaluation, why: &str) {
        self.close_outcome(clock, result, why);
        while self.history.process_queued(|| clock.stamp()).is_some() {}
    }
}
