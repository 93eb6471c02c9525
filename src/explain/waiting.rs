//! The words for a session that waits for somebody.

use serde_json::json;

use super::{
    explanation::{Words, words},
    guard::participle,
    names,
    vocabulary::Vocabulary,
};
use crate::{
    app::{op::Op, waiting::Found},
    domain::{guard::Operation, text, waiting::WaitingCall},
    model::SessionHead,
};

/// How many calls are named.
const NAMED: usize = 3;

/// What a person would want to know of a session that was, or would be, archived or deleted.
pub(crate) fn warnings(found: &Found) -> Vec<String> {
    match found {
        Found::Calls(calls) if calls.is_empty() => Vec::new(),
        Found::Calls(calls) => {
            vec![format!(
                "it waits for an answer, which cannot be given afterwards: {}",
                list(calls)
            )]
        }
        Found::Unknown(code) => {
            vec![format!("whether it waits for an answer could not be looked up ({code})")]
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
    words(
        format!(
            "session {} waits for an answer, so it was not {}: {}",
            names::session(session),
            participle(operation),
            list(calls),
        ),
        vocabulary.step_or(
            Op::DiagnoseSession,
            &[("session_id", json!(session.id))],
            &format!(" to see how to answer, then {name} again"),
            &format!("answer it, then call {name} again"),
        ),
    )
}

fn list(calls: &[WaitingCall]) -> String {
    let named = calls.iter().take(NAMED).map(|call| text::quoted_whole(&call.label()));
    let list = named.collect::<Vec<_>>().join(", ");
    match calls.len().saturating_sub(NAMED) {
        0 => list,
        more => format!("{list} and {more} more"),
    }
}
