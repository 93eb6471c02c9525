//! How the session and its primary thread go together with what else keeps the session running:
//! child threads and workflow runs.

use serde_json::{Value, json};

use super::{Session, Status, TurnAction, stop::Stop, thread::Stamp, threads::MAX_CHILD_THREADS};
use crate::sandbox::{
    agent::multiagent,
    clock::{Clock, Due},
};

impl Session {
    /// The status of the primary thread in the record.
    pub(super) fn primary_status(&self) -> Status {
        if self.turn.held.is_some() { Status::Idle } else { self.status }
    }

    /// Whether the primary thread is at work, so that messages are queued.
    pub(super) fn primary_is_busy(&self) -> bool {
        self.turn.status != Status::Idle && self.turn.held.is_none()
    }

    /// Whether something other than the primary thread keeps the session running.
    pub(super) fn has_background_work(&self) -> bool {
        self.threads.iter().any(|thread| thread.status == Status::Running) || self.has_running_run()
    }

    /// Makes an idle session run again because of a child thread or a workflow run. Its primary
    /// thread stays idle.
    pub(super) fn keep_running(&mut self, clock: &mut Clock) {
        if self.turn.status != Status::Idle {
            return;
        }
        let own = match self.turn.stop.take() {
            Some(Stop::RequiresAction(_)) if self.turn.pending_calls.is_empty() => Stop::EndTurn,
            stop => stop.unwrap_or(Stop::EndTurn),
        };
        self.turn.held = Some(own);
        let now = clock.stamp();
        self.turn.running_since.get_or_insert(now);
        self.set_status(Status::Running);
        self.record("session.status_running", now, json!({}));
        self.updated_at = now;
    }

    /// What the session's own idle event says: calls of child threads are waited for too.
    pub(super) fn stop_with_children(&self, stop: Stop) -> Stop {
        let children = self.threads.iter().flat_map(|thread| &thread.pending_calls);
        let waiting: Vec<_> = children.map(|call| call.event_id.clone()).collect();
        match stop {
            stop if waiting.is_empty() => stop,
            Stop::RequiresAction(mut ids) => {
                ids.extend(waiting);
                Stop::RequiresAction(ids)
            }
            Stop::EndTurn => Stop::RequiresAction(waiting),
            stop => stop,
        }
    }

    /// What follows when a child thread or a workflow run has stopped: the coordinator goes on if
    /// it waited for that, and the session goes idle if nothing runs any more.
    pub(super) fn settle(&mut self, clock: &mut Clock) {
        self.updated_at = clock.stamp();
        let at_work = self
            .threads
            .iter()
            .any(|thread| thread.workflow_run_id.is_none() && thread.is_at_work());
        if self.turn.action == TurnAction::AwaitReports
            && self.turn.status == Status::Running
            && self.turn.held.is_none()
            && !at_work
        {
            self.continue_turn(clock, TurnAction::Reply);
        } else if let Some(stop) = self.turn.held.take() {
            if self.has_background_work() {
                self.turn.held = Some(stop);
            } else {
                self.end_session_turn(clock, stop);
            }
        }
    }

    pub(in crate::sandbox) fn on_timer(&mut self, clock: &mut Clock, due: Due) {
        match due {
            Due::Turn(number) => self.end_turn(clock, number),
            Due::Thread(index, turn) => self.end_thread_turn(clock, index, turn),
            Due::Run(index, step) => self.advance_run(clock, index, step),
        }
    }

    /// Hands a task to another agent in a thread of its own: `NAME TASK`, with the name or the id
    /// of one of the coordinator's agents. The coordinator waits for the report.
    pub(super) fn delegate(&mut self, clock: &mut Clock, text: &str) -> bool {
        let member = self.member_for(text).or_else(|| self.inline_agent_for(text));
        let Some((agent, task)) = member else {
            self.reply(clock, "There is no such agent to delegate to.");
            return false;
        };
        if self.open_children() >= MAX_CHILD_THREADS {
            let text = format!("There are {MAX_CHILD_THREADS} child threads already.");
            self.reply(clock, &text);
            return false;
        }
        self.end_model_request(clock, false);
        let stamp: Stamp<'_> = &mut || clock.stamp();
        let index = self.create_thread(agent, None, &task, stamp);
        let message = json!({"content": [{"type": "text", "text": task}]});
        self.schedule_in(clock, index, TurnAction::for_message(&message));
        self.turn.action = TurnAction::AwaitReports;
        true
    }

    /// An agent that the coordinator defines itself, named by the first word of a text.
    fn inline_agent_for(&self, text: &str) -> Option<(Value, String)> {
        if !multiagent::has_inline_agents(self.agent.multiagent.as_ref()) {
            return None;
        }
        let (name, task) = text.split_once(char::is_whitespace)?;
        Some((self.agent.as_inline_agent(name), task.trim().to_owned()))
    }

    /// The agent that a text begins with, and the rest of the text.
    fn member_for(&self, text: &str) -> Option<(Value, String)> {
        let mut found: Option<(&Value, &str)> = None;
        for member in self.agent.members() {
            for key in ["name", "id"] {
                let known = member.get(key).and_then(Value::as_str).unwrap_or_default();
                let rest = text.get(known.len()..).filter(|_| !known.is_empty());
                let begins =
                    text.get(..known.len()).is_some_and(|start| start.eq_ignore_ascii_case(known));
                let Some(rest) =
                    rest.filter(|rest| begins && !rest.starts_with(char::is_alphanumeric))
                else {
                    continue;
                };
                if found.is_none_or(|(_, longest)| rest.len() < longest.len()) {
                    found = Some((member, rest));
                }
            }
        }
        let (member, rest) = found?;
        let task = rest.trim_start_matches([':', ',']).trim();
        let task = if task.is_empty() { "Go ahead." } else { task };
        Some((member.clone(), task.to_owned()))
    }
}
