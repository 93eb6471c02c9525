//! Outcomes: work that a grader scores against a rubric, at most one at a time.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::sandbox::{clock::Timestamp, fields::Fields, rejection::Result};

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
pub(super) struct Outcome {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "outcome_id")]
    id: String,
    description: String,
    pub(super) result: Evaluation,
    /// Evaluations before the current one.
    pub(super) iteration: u64,
    pub(super) explanation: Option<String>,
    pub(super) completed_at: Option<Timestamp>,
    #[serde(skip)]
    pub(super) max_iterations: u64,
    /// How often the grader will demand a revision; none if the rubric does not apply.
    #[serde(skip)]
    pub(super) revisions: Option<u64>,
    /// The `span.outcome_evaluation_start` event without an end.
    #[serde(skip)]
    pub(super) evaluation: Option<String>,
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

impl Outcome {
    /// The outcome that a checked event defines; completes the event's fields.
    pub(super) fn define(id: String, fields: &mut Map<String, Value>) -> Self {
        let text = fields.get("description").and_then(Value::as_str).unwrap_or_default();
        let description = text.to_owned();
        let iterations = fields.get("max_iterations").and_then(Value::as_u64);
        let max_iterations = iterations.unwrap_or(DEFAULT_ITERATIONS);
        fields.insert("max_iterations".to_owned(), json!(max_iterations));
        fields.insert("outcome_id".to_owned(), json!(id));
        Self {
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
        }
    }

    /// The fields that all events of an evaluation have.
    pub(super) fn span(&self) -> Value {
        json!({"outcome_id": self.id, "iteration": self.iteration})
    }
}
