//! Child threads. Each has a history of its own, which holds everything that happens in it; the
//! session's history shows only its status, its messages and the calls that wait for clients.

mod calls;
mod view;

use serde_json::{Value, json};

use super::{
    Session, Status, TurnAction,
    pending::PendingCall,
    stop::Stop,
    thread::{Stamp, Thread},
};
use crate::sandbox::{
    clock::{Clock, Due, Timestamp},
    history::Event,
    json::with_field,
    rejection::{Rejection, Result},
};

/// The most child threads at a time; archived ones and those of workflow runs do not count.
pub(super) const MAX_CHILD_THREADS: usize = 25;

/// The text as the content of a message.
pub(super) fn text_content(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

impl Session {
    pub(super) fn child(&self, id: &str) -> Option<usize> {
        self.threads.iter().position(|thread| thread.id == id)
    }

    /// The child thread that waits for an answer to the call with this id.
    pub(super) fn child_waiting_for(&self, call: &str) -> Option<usize> {
        let waits = |pending: &PendingCall| pending.event_id == call;
        self.threads.iter().position(|thread| thread.pending_calls.iter().any(waits))
    }

    /// The number of child threads that count against the limit.
    pub(super) fn open_children(&self) -> usize {
        let counts =
            |thread: &&Thread| thread.archived_at.is_none() && thread.workflow_run_id.is_none();
        self.threads.iter().filter(counts).count()
    }

    /// Creates a thread that begins to work on a message, and returns its place.
    pub(in crate::sandbox) fn create_thread(
        &mut self,
        agent: Value,
        run: Option<&str>,
        task: &str,
        stamp: Stamp<'_>,
    ) -> usize {
        let index = self.threads.len();
        let suffix = format!("{}_{:02}", self.history.id_suffix, index + 1);
        let id = format!("sthr_{suffix}");
        let name = agent.get("name").cloned().unwrap_or_default();
        let created_at = stamp();
        let fields = json!({"session_thread_id": id, "agent_name": name, "workflow_run_id": run});
        self.record("session.thread_created", created_at, fields);
        self.threads.push(Thread::new(&suffix, agent, run, created_at));
        if run.is_none() {
            let sent = json!({
                "to_session_thread_id": id,
                "to_agent_name": name,
                "content": text_content(task),
            });
            self.record("agent.thread_message_sent", stamp(), sent);
        }
        let received = json!({
            "from_session_thread_id": self.primary_thread_id(),
            "content": text_content(task),
        });
        self.record_in(index, "agent.thread_message_received", stamp(), received);
        self.run_thread(index, stamp);
        index
    }

    /// Records an event of a child thread, and returns its id.
    pub(in crate::sandbox) fn record_in(
        &mut self,
        index: usize,
        kind: &str,
        at: Timestamp,
        fields: Value,
    ) -> String {
        let Some(thread) = self.threads.get_mut(index) else {
            return String::new();
        };
        thread.updated_at = at;
        thread.history.record(kind, at, fields)
    }

    /// Shows the newest event of a child thread in the session's history too.
    pub(in crate::sandbox) fn cross_post_newest(&mut self, index: usize) {
        let Some(thread) = self.threads.get(index) else {
            return;
        };
        if let Some(event) = thread.history.events.last() {
            self.history.cross_post(event, &thread.id);
        }
    }

    /// Adds an event that a client sent to the history of the child thread that it concerns.
    pub(super) fn deliver_to_child(&mut self, index: usize, event: &Event) {
        if let Some(thread) = self.threads.get_mut(index) {
            thread.history.receive(event);
        }
    }

    fn record_child_status(
        &mut self,
        index: usize,
        status: Status,
        stop: Option<&Stop>,
        at: Timestamp,
    ) {
        let Some(thread) = self.threads.get_mut(index) else {
            return;
        };
        if let Some(since) = thread.running_since.take() {
            thread.usage.active_seconds += at.seconds_since(since);
        }
        thread.status = status;
        thread.has_been_idle |= status == Status::Idle;
        thread.running_since = (status == Status::Running).then_some(at);
        let mut fields = json!({"session_thread_id": thread.id, "agent_name": thread.agent_name()});
        let stop = stop.map(Stop::to_json).unwrap_or_default();
        for (key, value) in stop.as_object().into_iter().flatten() {
            fields = with_field(fields, key, Some(value.clone()));
        }
        let kind = match status {
            Status::Running => "session.thread_status_running",
            Status::Idle => "session.thread_status_idle",
            Status::Rescheduling => "session.thread_status_rescheduled",
            Status::Terminated => "session.thread_status_terminated",
        };
        self.record_in(index, kind, at, fields);
        self.cross_post_newest(index);
    }

    /// Lets a child thread run, and asks its model for the next step.
    pub(in crate::sandbox) fn run_thread(&mut self, index: usize, stamp: Stamp<'_>) {
        self.record_child_status(index, Status::Running, None, stamp());
        let results = self.threads.get_mut(index).map(|thread| std::mem::take(&mut thread.results));
        for (kind, fields) in results.into_iter().flatten() {
            self.record_in(index, kind, stamp(), fields);
        }
        self.think_in(index, stamp);
    }

    pub(in crate::sandbox) fn think_in(&mut self, index: usize, stamp: Stamp<'_>) {
        let start = self.record_in(index, "span.model_request_start", stamp(), json!({}));
        if let Some(thread) = self.threads.get_mut(index) {
            thread.model_request = Some(start);
        }
        self.record_in(index, "agent.thinking", stamp(), json!({}));
    }

    /// Ends the model request of a child thread, if there is one, and counts what it used.
    pub(in crate::sandbox) fn end_request_in(
        &mut self,
        index: usize,
        failed: bool,
        stamp: Stamp<'_>,
    ) {
        let Some(thread) = self.threads.get_mut(index) else {
            return;
        };
        let Some(start) = thread.model_request.take() else {
            return;
        };
        let before = self.usage;
        let used =
            if failed { self.use_model(190, 20, 0, 1) } else { self.use_model(860, 240, 5_200, 3) };
        let grown = self.usage.since(before);
        if let Some(thread) = self.threads.get_mut(index) {
            thread.usage.add(grown);
        }
        let fields = json!({
            "model_request_start_id": start,
            "is_error": failed,
            "model_usage": used,
        });
        self.record_in(index, "span.model_request_end", stamp(), fields);
    }

    pub(in crate::sandbox) fn say_in(&mut self, index: usize, text: &str, stamp: Stamp<'_>) {
        let fields = json!({"content": text_content(text)});
        self.record_in(index, "agent.message", stamp(), fields);
    }

    /// Ends the turn of a child thread with a report to the coordinator.
    pub(in crate::sandbox) fn report_from(&mut self, index: usize, text: &str, stamp: Stamp<'_>) {
        let Some(thread) = self.threads.get(index) else {
            return;
        };
        let received = json!({
            "from_session_thread_id": thread.id,
            "from_agent_name": thread.agent_name(),
            "content": text_content(text),
        });
        let of_run = thread.workflow_run_id.is_some();
        let sent = json!({
            "to_session_thread_id": self.primary_thread_id(),
            "content": text_content(text),
        });
        self.record_in(index, "agent.thread_message_sent", stamp(), sent);
        self.end_request_in(index, false, stamp);
        if !of_run {
            self.record("agent.thread_message_received", stamp(), received);
        }
        self.record_child_status(index, Status::Idle, Some(&Stop::EndTurn), stamp());
    }

    /// Lets a child thread wait until its pending calls are answered.
    pub(in crate::sandbox) fn wait_in(&mut self, index: usize, stamp: Stamp<'_>) {
        let Some(thread) = self.threads.get(index) else {
            return;
        };
        let calls = thread.pending_calls.iter().map(|call| call.event_id.clone());
        let stop = Stop::RequiresAction(calls.collect());
        self.record_child_status(index, Status::Idle, Some(&stop), stamp());
    }

    /// Starts the timer that ends the turn of a child thread.
    pub(super) fn schedule_in(&mut self, clock: &Clock, index: usize, action: TurnAction) {
        if let Some(thread) = self.threads.get_mut(index) {
            thread.turn += 1;
            thread.action = action;
            clock.start_timer(&self.id, Due::Thread(index, thread.turn));
        }
    }

    /// Carries out what the turn of a child thread was to do, unless it has ended already.
    pub(super) fn end_thread_turn(&mut self, clock: &mut Clock, index: usize, turn: u64) {
        let Some(thread) = self.threads.get_mut(index) else {
            return;
        };
        if thread.turn != turn || thread.status != Status::Running {
            return;
        }
        let stamp: Stamp<'_> = &mut || clock.stamp();
        match std::mem::take(&mut thread.action) {
            TurnAction::CallTools(names, judgement)
                if self.call_tools_in(index, &names, judgement, stamp) =>
            {
                return self.settle(clock);
            }
            TurnAction::Spend(cents) => {
                self.usage.cents += cents;
                if let Some(thread) = self.threads.get_mut(index) {
                    thread.usage.cents += cents;
                }
            }
            _ => {}
        }
        let stamp: Stamp<'_> = &mut || clock.stamp();
        let text = "My part is done; what I found is in this message.";
        self.say_in(index, text, stamp);
        self.report_from(index, text, stamp);
        self.settle(clock);
    }

    /// Stops what a child thread does; false if there is nothing to stop.
    pub(super) fn interrupt_thread(&mut self, clock: &mut Clock, index: usize) -> bool {
        self.stop_thread(index, &mut || clock.stamp())
    }

    pub(super) fn stop_thread(&mut self, index: usize, stamp: Stamp<'_>) -> bool {
        let Some(thread) = self.threads.get_mut(index).filter(|thread| thread.is_at_work()) else {
            return false;
        };
        thread.pending_calls.clear();
        thread.results.clear();
        thread.turn += 1;
        self.end_request_in(index, true, stamp);
        self.record_child_status(index, Status::Idle, Some(&Stop::EndTurn), stamp());
        true
    }

    /// Ends all workflow runs and child threads of a session that is terminated.
    pub(super) fn terminate_children(&mut self, clock: &mut Clock) {
        self.stop_runs(clock);
        for index in 0..self.threads.len() {
            self.stop_thread(index, &mut || clock.stamp());
            if self.threads.get(index).is_some_and(|thread| thread.archived_at.is_none()) {
                self.record_child_status(index, Status::Terminated, None, clock.stamp());
            }
        }
    }

    /// Archives a child thread, which then takes no more work.
    ///
    /// # Errors
    /// If the thread is the primary one, does not exist or is not idle.
    pub(in crate::sandbox) fn archive_thread(&mut self, clock: &mut Clock, id: &str) -> Result<()> {
        if id == self.primary_thread_id() {
            return Err(Rejection::invalid(
                "The primary thread cannot be archived by itself. Archive the session instead.",
            ));
        }
        let Some(index) = self.child(id) else {
            return Err(self.no_such_thread(id));
        };
        let Some(thread) =
            self.threads.get_mut(index).filter(|thread| thread.archived_at.is_none())
        else {
            return Ok(());
        };
        if thread.status != Status::Idle {
            return Err(Rejection::conflict(
                "The thread is running and can be archived when it is idle. Send a \
                 user.interrupt event with its id first.",
            ));
        }
        self.close_thread(clock, index, Status::Terminated);
        self.settle(clock);
        Ok(())
    }

    /// Archives a child thread that is not archived already.
    pub(super) fn close_thread(&mut self, clock: &mut Clock, index: usize, status: Status) {
        let Some(thread) =
            self.threads.get_mut(index).filter(|thread| thread.archived_at.is_none())
        else {
            return;
        };
        let now = clock.stamp();
        thread.pending_calls.clear();
        thread.results.clear();
        thread.turn += 1;
        thread.archived_at = Some(now);
        self.record_child_status(index, Status::Terminated, None, now);
        if let Some(thread) = self.threads.get_mut(index) {
            thread.status = status;
        }
    }
}
