//! The words for a session that waits for somebody.

use serde_json::json;

use super::{
    diagnosis,
    explanation::{Words, words},
    guard::participle,
    names,
    vocabulary::Vocabulary,
};
use crate::{
    app::{op::Op, waiting::Found},
    domain::{diagnosis::OpenRun, guard::Operation, text, waiting::WaitingCall},
    model::SessionHead,
};

/// How many calls are named.
const NAMED: usize = 3;
/// How many are with their ids.
const NAMED_BY_ID: usize = 5;

/// What a person would want to know of a session that was archived or deleted (`done`), or would
/// be.
pub(crate) fn warnings(found: &Found, done: bool) -> Vec<String> {
    match found {
        Found::Seen { calls, runs } => {
            let waits = (!calls.is_empty()).then(|| {
                let calls = list(calls.iter().map(WaitingCall::label));
                format!("it waits for an answer, which cannot be given afterwards: {calls}")
            });
            let has_runs = (!runs.is_empty()).then(|| open_runs(runs, done));
            waits.into_iter().chain(has_runs).collect()
        }
        Found::Unknown(code) => {
            vec![format!(
                "whether it waits for an answer or has open workflow runs could not be looked up ({code})"
            )]
        }
        Found::NotLooked => Vec::new(),
    }
}

pub(crate) fn refused(
    op: Op,
    operation: Operation,
    session: &SessionHead,
    calls: &[WaitingCall],
    vocabulary: &dyn Vocabulary,
) -> Words {
    let name = vocabulary.called(op);
    let answer_session = vocabulary.name(Op::AnswerSession);
    let named = match (calls, answer_session) {
        ([_, _, ..], Some(_)) => calls_by_id(calls),
        _ => list(calls.iter().map(WaitingCall::label)),
    };
    words(
        format!(
            "session {} waits for an answer, so it was not {}: {named}",
            names::session(session),
            participle(operation),
        ),
        match (calls, answer_session) {
            ([call], Some(_)) => {
                let answer =
                    diagnosis::answer(&session.id, None, call.answer, &call.event_id, vocabulary);
                format!("{answer}; then {name} again")
            }
            ([_, _, ..], Some(answer)) => {
                format!("answer each with {answer}, by its event_id; then {name} again")
            }
            _ => vocabulary.step_or(
                Op::DiagnoseSession,
                &[("session_id", json!(session.id))],
                &format!(" to see how to answer, then {name} again"),
                &format!("answer it, then call {name} again"),
            ),
        },
    )
}

/// Each with its id, so that it can be answered.
pub(super) fn calls_by_id(calls: &[WaitingCall]) -> String {
    let more = calls.len().saturating_sub(NAMED_BY_ID);
    let named = calls.iter().take(NAMED_BY_ID).map(|call| {
        format!("{} ({})", text::word(&call.event_id), text::quoted_whole(&call.label()))
    });
    let list = named.collect::<Vec<_>>().join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

fn open_runs(runs: &[OpenRun], done: bool) -> String {
    let named = list(runs.iter().map(|run| match &run.name {
        Some(name) => format!("{} ({name})", run.workflow_run_id),
        None => run.workflow_run_id.clone(),
    }));
    let [they, have, end] = match runs {
        [_] => ["a workflow run", "has", "ends"],
        _ => ["workflow runs", "have", "end"],
    };
    if done {
        return format!("{they} of it had not ended and {end} with it: {named}");
    }
    format!(
        "{they} of it {have} not ended and {end} with it, unless the service refuses this with \
         workflow_run_open: {named}"
    )
}

fn list(labels: impl ExactSizeIterator<Item = String>) -> String {
    let more = labels.len().saturating_sub(NAMED);
    let named = labels.take(NAMED).map(|label| text::quoted_whole(&label));
    let list = named.collect::<Vec<_>>().join(", ");
    match more {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}
