//! Work on outcomes and its evaluation.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Session, TurnAction,
    outcome::{Evaluation, Outcome},
};
use crate::sandbox::clock::Clock;

impl Session {
    /// The outcome without a final result, if there is one.
    fn open_outcome(&mut self) -> Option<&mut Outcome> {
        self.outcome_evaluations.last_mut().filter(|outcome| outcome.completed_at.is_none())
    }

    pub(super) fn has_open_outcome(&self) -> bool {
        self.outcome_evaluations.last().is_some_and(|outcome| outcome.completed_at.is_none())
    }

    /// Adds the outcome that a checked event defines, and completes the event's fields.
    pub(super) fn define_outcome(&mut self, fields: &mut Map<String, Value>) {
        let number = self.outcome_evaluations.len() + 1;
        let id = format!("outc_{}_{number:02}", self.history.id_suffix);
        self.outcome_evaluations.push(Outcome::define(id, fields));
    }

    /// Starts a turn for a pending outcome; false if none is pending.
    pub(super) fn start_outcome(&mut self, clock: &mut Clock) -> bool {
        match self.open_outcome() {
            Some(outcome) if outcome.result == Evaluation::Pending => {
                outcome.result = Evaluation::Running;
                self.start_turn(clock, TurnAction::Reply);
                true
            }
            _ => false,
        }
    }

    /// Has the work on the outcome scored; false if nothing has been worked on.
    pub(super) fn start_evaluation(&mut self, clock: &mut Clock) -> bool {
        let now = clock.stamp();
        let Some(outcome) = self.open_outcome() else {
            return false;
        };
        if outcome.result != Evaluation::Running {
            return false;
        }
        outcome.result = Evaluation::Evaluating;
        let fields = outcome.span();
        let start = self.record("span.outcome_evaluation_start", now, fields);
        if let Some(outcome) = self.open_outcome() {
            outcome.evaluation = Some(start);
        }
        self.updated_at = now;
        self.schedule(clock, TurnAction::Evaluate);
        true
    }

    /// The grader's verdict; true if the agent has to revise its work.
    pub(super) fn evaluate(&mut self, clock: &mut Clock) -> bool {
        let Some(outcome) = self.open_outcome() else {
            return false;
        };
        let fields = outcome.span();
        let evaluated = outcome.iteration + 1;
        let exhausted = evaluated >= outcome.max_iterations;
        let revisions = outcome.revisions;
        self.record("span.outcome_evaluation_ongoing", clock.stamp(), fields);
        match revisions {
            None => {
                let why = "The rubric does not apply to what was made.";
                self.close_outcome(clock, Evaluation::Failed, why);
            }
            Some(count) if evaluated > count => {
                self.close_outcome(clock, Evaluation::Satisfied, "All criteria are met.");
            }
            Some(_) if exhausted => {
                let why = "One criterion is still not met.";
                self.close_outcome(clock, Evaluation::MaxIterationsReached, why);
                self.start_model_request(clock);
                self.reply(clock, "This is as far as I got; one criterion is not met.");
            }
            Some(_) => {
                let why = "One criterion is not met yet.";
                self.end_evaluation(clock, "needs_revision", why);
                if let Some(outcome) = self.open_outcome() {
                    outcome.iteration = evaluated;
                    outcome.result = Evaluation::Running;
                    outcome.explanation = Some(why.to_owned());
                }
                return true;
            }
        }
        false
    }

    /// Gives the open outcome, if there is one, its final result.
    pub(super) fn close_outcome(&mut self, clock: &mut Clock, result: Evaluation, why: &str) {
        self.end_evaluation(clock, result, why);
        let now = clock.stamp();
        if let Some(outcome) = self.open_outcome() {
            outcome.result = result;
            outcome.explanation = Some(why.to_owned());
            outcome.completed_at = Some(now);
            self.updated_at = now;
        }
    }

    /// Ends the evaluation, if one is under way, and counts what it used.
    fn end_evaluation(&mut self, clock: &mut Clock, result: impl Serialize, why: &str) {
        let Some(outcome) = self.open_outcome() else {
            return;
        };
        let Some(start) = outcome.evaluation.take() else {
            return;
        };
        let mut fields = outcome.span();
        let usage = self.use_model(900, 120, 0, 2);
        let end = json!({
            "outcome_evaluation_start_id": start,
            "result": result,
            "explanation": why,
            "usage": usage,
        });
        if let (Some(fields), Value::Object(end)) = (fields.as_object_mut(), end) {
            fields.extend(end);
        }
        self.record("span.outcome_evaluation_end", clock.stamp(), fields);
    }
}
