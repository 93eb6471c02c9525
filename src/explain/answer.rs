//! The words for answers and messages that a session does not take.

use serde_json::json;

use super::{
    diagnosis,
    explanation::{Words, words},
    names,
    vocabulary::Vocabulary,
    waiting::calls_by_id,
};
use crate::{
    app::{
        error::{Error, NotWaiting, UnfitAnswer},
        op::Op,
    },
    domain::{answer::NotWaitingReason, diagnosis::AnswerKind, text, view::row::shown_amount},
    model::SessionHead,
};

pub(crate) fn not_waiting(failed: &NotWaiting, vocabulary: &dyn Vocabulary) -> Words {
    let named = names::session(&failed.session);
    let why = match (&failed.event_id, failed.reason) {
        (None, _) => format!("session {named} waits for no answer"),
        (Some(id), NotWaitingReason::Unknown) => format!(
            "session {named} does not wait for {}: its newest events have no such tool call",
            text::word(id)
        ),
        (Some(id), NotWaitingReason::Answered) => {
            format!("{} of session {named} has been answered already", text::word(id))
        }
        (Some(id), NotWaitingReason::Denied) => format!(
            "{} of session {named} was denied by its permission policy, which no answer overrides",
            text::word(id)
        ),
        (Some(id), NotWaitingReason::Allowed) => {
            format!("{} of session {named} waits for nobody: its tool is allowed", text::word(id))
        }
        (Some(id), NotWaitingReason::Closed) => format!(
            "{} of session {named} cannot be answered any more: its turn or its thread has ended",
            text::word(id)
        ),
    };
    let diagnose = || {
        vocabulary.step_or(
            Op::DiagnoseSession,
            &[("session_id", json!(failed.session.id))],
            " to see what it does now",
            "look at the session again",
        )
    };
    match failed.calls.as_slice() {
        [] if failed.event_id.is_none() => words(format!("{why}, so nothing was sent"), diagnose()),
        [] => words(format!("{why}, and nothing else waits"), diagnose()),
        calls => words(
            format!("{why}; it waits for {}", calls_by_id(calls)),
            "answer one of these, by its event_id",
        ),
    }
}

pub(crate) fn unfit(op: Op, failed: &UnfitAnswer, vocabulary: &dyn Vocabulary) -> Words {
    let (name, named) = (vocabulary.called(op), names::session(&failed.session));
    let Some(call) = &failed.call else {
        return words(
            format!(
                "{name} was not carried out: event_id is missing, and session {named} waits for \
                 several: {}",
                calls_by_id(&failed.calls)
            ),
            format!("call {name} again with the event_id of one of them"),
        );
    };
    let wanted = match call.answer {
        AnswerKind::Confirmation => "a decision, not a result",
        AnswerKind::CustomToolResult | AnswerKind::ToolResult => "a result, not a decision",
    };
    words(
        format!(
            "{name} was not carried out: {} of session {named} waits for {wanted}: {}",
            text::word(&call.event_id),
            text::quoted_whole(&call.label()),
        ),
        diagnosis::answer(&failed.session.id, None, call.answer, &call.event_id, vocabulary),
    )
}

/// A message that was waited for.
pub(crate) const NOT_TAKEN_UP: &str = "the message has not been taken up yet";

/// A message was sent, and waiting for what comes of it failed.
pub(crate) fn not_waited(error: &Error) -> String {
    format!("it was sent; waiting for the reply failed ({})", error.code())
}

/// A message to a session that its budget stopped.
pub(crate) fn budget_reached(op: Op, session: &SessionHead, vocabulary: &dyn Vocabulary) -> Words {
    let name = vocabulary.called(op);
    let cost = session.usage.list_cost.as_ref().and_then(shown_amount);
    let stopped = format!(
        "session {} was stopped by its budget and takes no message until that is raised",
        names::session(session)
    );
    let Some(cost) = cost.as_deref() else {
        let lift = diagnosis::without_price(&session.id, vocabulary);
        return words(stopped, format!("if a person wants it to cost more, {lift}"));
    };
    words(
        stopped,
        vocabulary.step_or(
            Op::UpdateSession,
            &[("session_id", json!(session.id))],
            &format!(
                " and a budget above {cost}, if a person wants it to cost more; then {name} again"
            ),
            &format!("ask whether it may cost more; its budget must be raised above {cost}"),
        ),
    )
}
