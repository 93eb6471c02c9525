//! Outcomes: work that a grader scores against a rubric, at most one at a time.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Session, TurnAction};
use crate::sandbox::{
    clock::{Clock, Timestamp},
    fields::Fields,
    rejection::Result,
};

/// The `max_iterations` of an outcome that names none.
const DEFAULT_ITERATIONS: u64 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Evaluation {
    /// Another turn is under way.
    Pending,
    /// The agent works on it.
    Running,
    /// The grader scores it.
    Evaluating,
    Satisfied,
    MaxIterationsReached,
    Failed,
    Interrupted,
}

/// An outcome as `outcome_evaluations` shows it.
#[derive(Debug, Serialize)]
pub(in crate::sandbox) struct Outcome {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "outcome_id")]
    id: String,
    description: String,
    result: Evaluation,
    /// Evaluations before the current one.
    iteration: u64,
    explanation: Option<String>,
    completed_at: Option<Timestamp>,
    #[serde(skip)]
    max_iterations: u64,
    /// How often the grader will demand a revision; none if the rubric does not apply.
    #[serde(skip)]
    revisions: Option<u64>,
    /// The `span.outcome_evaluation_start` event without an end.
    #[serde(skip)]
    evaluation: Option<String>,
}

/// The number of revisions that a description asks for: `/revise N` for N, `/inapplicable` for
/// a rubric that does not apply.
fn revisions(description: &str) -> Option<u64> {
    let mut words = description.split_whitespace();
    match (words.next(), words.next()) {
        (Some("/inapplicable"), _) => None,
        (Some("/revise"), Some(count)) => Some(count.parse().unwrap_or_default()),
        _ => Some(0),
    }
}

/// Checks a `user.define_outcome` event.
pub(super) fn check(event: &Fields<'_>) -> Result<()> {
    event.allow("type description rubric max_iterations")?;
    event.required_text("description")?;
    if event.integer("max_iterations")?.is_some_and(|count| !(1..=20).contains(&count)) {
        return Err(event.error("max_iterations", "must be between 1 and 20"));
    }
    let rubric = Fields::new(event.required("rubric")?, event.at("rubric"))?;
    match rubric.kind()? {
        "text" => {
            rubric.allow("type content")?;
            if rubric.required_text("content")?.chars().count() > 262_144 {
                return Err(rubric.error("content", "at most 262,144 characters"));
            }
        }
        "file" => {
            rubric.allow("type file_id")?;
            rubric.required_text("file_id")?;
        }
        _ => return Err(rubric.error("type", "must be text or file")),
    }
    Ok(())
}

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
        let text = fields.get("description").and_then(Value::as_str).unwrap_or_default();
        let description = text.to_owned();
        let iterations = fields.get("max_iterations").and_then(Value::as_u64);
        let max_iterations = iterations.unwrap_or(DEFAULT_ITERATIONS);
        fields.insert("max_iterations".to_owned(), json!(max_iterations));
        fields.insert("outcome_id".to_owned(), json!(id));
        self.outcome_evaluations.push(Outcome {
            kind: "outcome_evaluation",
            id,
            result: Evaluation::Pending,
            iteration: 0,
            explanation: None,
            completed_at: None,
            max_iterations,
            revisions: revisions(&description),
            evaluation: None,
            description,
        });
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

impl Outcome {
    /// The fields that all events of an evaluation have.
    fn span(&self) -> Value {
        json!({"outcome_id": self.id, "iteration": self.iteration})
    }
}
