//! Workflow runs: background work that keeps a session running. A paused one keeps nothing
//! running, but is open until it ends.

use serde_json::{Value, json};

use super::{
    Session, Status,
    run::{RunStatus, WorkflowRun},
    thread::Stamp,
};
use crate::sandbox::{
    agent::multiagent,
    clock::{Clock, Due},
    rejection::{Rejection, Result},
};

/// The most open runs of a session.
const MAX_OPEN_RUNS: usize = 10;

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Completed,
    Stopped,
    Failed,
}

impl Session {
    pub(super) fn has_running_run(&self) -> bool {
        self.runs.iter().any(|run| run.status == RunStatus::Running)
    }

    pub(in crate::sandbox) fn has_open_run(&self) -> bool {
        self.runs.iter().any(|run| run.status != RunStatus::Ended)
    }

    /// Checks that no run is open, which forbids some requests.
    pub(in crate::sandbox) fn check_no_open_run(&self) -> Result<()> {
        if !self.has_open_run() {
            return Ok(());
        }
        let message = "The session has an open workflow run. Ask its agent to stop the run, or \
                       wait until it ends.";
        Err(Rejection::invalid(message).with_code("workflow_run_open"))
    }

    /// Starts a run with a timer, if the agent may.
    pub(super) fn start_workflow(&mut self, clock: &mut Clock, text: &str) {
        if !multiagent::has_workflows(self.agent.multiagent.as_ref()) {
            return self.reply(clock, "I cannot start workflow runs.");
        }
        let open = self.runs.iter().filter(|run| run.status != RunStatus::Ended).count();
        if open >= MAX_OPEN_RUNS {
            let message = "The session has reached its limit of open workflow runs.";
            let error = json!({"type": "max_workflow_runs_error", "message": message});
            let fields = json!({"workflow_run_id": null, "error": error});
            self.record("workflow_run.error", clock.stamp(), fields);
            return self.reply(clock, "The run could not be created.");
        }
        let index = self.create_run(text, &mut || clock.stamp());
        self.schedule_run(clock, index);
        self.reply(clock, "I started a workflow run for this.");
    }

    /// Creates a running run, and returns its place.
    pub(in crate::sandbox) fn create_run(&mut self, text: &str, stamp: Stamp<'_>) -> usize {
        let index = self.runs.len();
        let id = format!("wrun_{}_{:02}", self.history.id_suffix, index + 1);
        let plan = ["Gather", "Work through", "Check"];
        let phases: Vec<_> =
            (1..=plan.len()).map(|number| format!("{id}_phase_{number}")).collect();
        let shown = phases
            .iter()
            .zip(plan)
            .map(|(id, name)| json!({"id": id, "name": name, "description": null}));
        let name: String = text.chars().take(60).collect();
        let created = json!({
            "workflow_run_id": id,
            "name": name,
            "description": text,
            "phases": shown.collect::<Vec<_>>(),
        });
        self.record("workflow_run.created", stamp(), created);
        self.record("workflow_run.status_running", stamp(), json!({"workflow_run_id": id}));
        let agent = self.agent.as_inline_agent("workflow worker");
        let thread = self.create_thread(agent, Some(&id), text, stamp);
        self.runs.push(WorkflowRun {
            id,
            status: RunStatus::Running,
            phases,
            entered: 0,
            phase_started: None,
            step: 0,
            thread,
            fails: text.trim_start().starts_with("/fail"),
        });
        self.enter_phase(index, stamp);
        index
    }

    /// Ends the current phase and enters the next one; false after the last one.
    pub(in crate::sandbox) fn enter_phase(&mut self, index: usize, stamp: Stamp<'_>) -> bool {
        self.leave_phase(index, stamp);
        let Some(run) = self.runs.get_mut(index) else {
            return false;
        };
        let Some(phase) = run.phases.get(run.entered).cloned() else {
            return false;
        };
        run.entered += 1;
        let fields = json!({"workflow_run_id": run.id, "workflow_run_phase_id": phase});
        let started = self.record("workflow_run.phase_started", stamp(), fields);
        if let Some(run) = self.runs.get_mut(index) {
            run.phase_started = Some(started);
        }
        true
    }

    fn leave_phase(&mut self, index: usize, stamp: Stamp<'_>) {
        let Some(run) = self.runs.get_mut(index) else {
            return;
        };
        let phase = run.entered.checked_sub(1).and_then(|entered| run.phases.get(entered));
        let (Some(phase), Some(started)) = (phase, run.phase_started.take()) else {
            return;
        };
        let fields = json!({
            "workflow_run_id": run.id,
            "workflow_run_phase_id": phase,
            "phase_started_id": started,
        });
        self.record("workflow_run.phase_ended", stamp(), fields);
    }

    fn schedule_run(&mut self, clock: &Clock, index: usize) {
        if let Some(run) = self.runs.get_mut(index) {
            run.step += 1;
            clock.start_timer(&self.id, Due::Run(index, run.step));
        }
    }

    /// Takes the next step of a run, unless it was paused or ended before.
    pub(super) fn advance_run(&mut self, clock: &mut Clock, index: usize, step: u64) {
        let Some(run) = self.runs.get(index) else {
            return;
        };
        if run.step != step || run.status != RunStatus::Running {
            return;
        }
        let (thread, fails) = (run.thread, run.fails);
        self.end_request_in(thread, false, &mut || clock.stamp());
        if self.out_of_budget() {
            self.pause_run(index, &mut || clock.stamp());
            self.settle(clock);
        } else if fails {
            self.end_run(index, Ending::Failed, &mut || clock.stamp());
            self.settle(clock);
        } else if self.enter_phase(index, &mut || clock.stamp()) {
            self.think_in(thread, &mut || clock.stamp());
            self.schedule_run(clock, index);
            self.updated_at = clock.stamp();
        } else {
            self.end_run(index, Ending::Completed, &mut || clock.stamp());
            self.settle(clock);
        }
    }

    /// Pauses a running run and its thread.
    pub(in crate::sandbox) fn pause_run(&mut self, index: usize, stamp: Stamp<'_>) -> bool {
        let running = |run: &&mut WorkflowRun| run.status == RunStatus::Running;
        let Some(run) = self.runs.get_mut(index).filter(running) else {
            return false;
        };
        run.status = RunStatus::Idle;
        run.step += 1;
        let (thread, fields) = (run.thread, json!({"workflow_run_id": run.id}));
        self.stop_thread(thread, stamp);
        self.record("workflow_run.status_idle", stamp(), fields);
        true
    }

    pub(super) fn pause_runs(&mut self, clock: &mut Clock) -> bool {
        let mut paused = false;
        for index in 0..self.runs.len() {
            paused |= self.pause_run(index, &mut || clock.stamp());
        }
        paused
    }

    /// Resumes all paused runs.
    pub(super) fn resume_runs(&mut self, clock: &mut Clock) {
        for index in 0..self.runs.len() {
            let Some(run) = self.runs.get_mut(index) else {
                continue;
            };
            if run.status != RunStatus::Idle {
                continue;
            }
            run.status = RunStatus::Running;
            let (thread, fields) = (run.thread, json!({"workflow_run_id": run.id}));
            self.record("workflow_run.status_running", clock.stamp(), fields);
            self.run_thread(thread, &mut || clock.stamp());
            self.schedule_run(clock, index);
        }
    }

    fn end_run(&mut self, index: usize, ending: Ending, stamp: Stamp<'_>) {
        let Some(run) = self.runs.get_mut(index) else {
            return;
        };
        if run.status == RunStatus::Ended {
            return;
        }
        run.status = RunStatus::Ended;
        run.step += 1;
        let (thread, id) = (run.thread, run.id.clone());
        if ending == Ending::Completed {
            self.report_from(thread, "All of it is done.", stamp);
        } else {
            self.stop_thread(thread, stamp);
        }
        self.leave_phase(index, stamp);
        let error =
            json!({"type": "program_error", "message": "The program of the plan has failed."});
        let result = match ending {
            Ending::Completed => json!({"type": "completed"}),
            Ending::Stopped => json!({"type": "stopped"}),
            Ending::Failed => {
                let fields = json!({"workflow_run_id": id, "error": error});
                self.record("workflow_run.error", stamp(), fields);
                json!({"type": "error", "error": error})
            }
        };
        let fields = json!({"workflow_run_id": id, "result": result});
        self.record("workflow_run.status_ended", stamp(), fields);
    }

    /// Ends all open runs as stopped.
    pub(in crate::sandbox) fn stop_runs(&mut self, clock: &mut Clock) {
        for index in 0..self.runs.len() {
            self.end_run(index, Ending::Stopped, &mut || clock.stamp());
        }
    }

    /// What a message does to open runs: one that asks the agent to stop ends them, any other one
    /// resumes those that are paused.
    pub(super) fn mind_runs(&mut self, clock: &mut Clock, message: &Value) {
        if !self.has_open_run() || self.turn.status != Status::Running {
            return;
        }
        let blocks = message.get("content").and_then(Value::as_array).into_iter().flatten();
        let mut texts = blocks.filter_map(|block| block.get("text")?.as_str());
        if texts.any(|text| text.to_lowercase().contains("stop")) {
            self.stop_runs(clock);
        } else {
            self.resume_runs(clock);
        }
    }
}
