//! The words for what the guard, or the check of a write's answer, refuses.

use std::time::Duration;

use serde_json::json;

use super::{
    diagnosis::message_to,
    explanation::{Words, words},
    names, toolset,
    vocabulary::Vocabulary,
};
use crate::{
    api::{ApiError, ApiErrorKind},
    app::{error::Mismatch, op::Op},
    domain::{
        guard::{Operation, Refusal},
        text,
        toolset::Problem,
    },
    model::SessionHead,
};

/// The operation as a participle: "the session was …".
pub(crate) fn participle(operation: Operation) -> &'static str {
    match operation {
        Operation::Archive => "archived",
        Operation::Delete => "deleted",
        Operation::Interrupt => "interrupted",
        Operation::UpdateTools | Operation::UpdateDetails | Operation::UpdateBudget => "updated",
        Operation::SendMessage | Operation::QueueMessage => "sent a message",
        Operation::Answer => "answered",
    }
}

pub(crate) fn refused(
    op: Op,
    operation: Operation,
    session: &SessionHead,
    refusal: Refusal,
    vocabulary: &dyn Vocabulary,
) -> Words {
    let (named, done) = (names::session(session), participle(operation));
    match refusal {
        Refusal::Running => words(
            format!("session {named} is running, so it cannot be {done} now"),
            wait_or_interrupt(op, session, vocabulary),
        ),
        Refusal::Rescheduling => words(
            format!(
                "session {named} is rescheduling: it will run again by itself, so it cannot be \
                 {done} now"
            ),
            wait_or_interrupt(op, session, vocabulary),
        ),
        Refusal::Terminated => {
            let start = "start a new session if there is more to do";
            let archive = vocabulary.invoke(Op::ArchiveSession, &id_of(session));
            words(
                format!("session {named} is terminated, so it cannot be {done} any more"),
                archive.map_or_else(
                    || start.to_owned(),
                    |call| format!("{start}; if a person wants this one archived, {call}"),
                ),
            )
        }
        Refusal::Archived => words(
            format!("session {named} is archived, so it cannot be {done} any more"),
            vocabulary.step(
                Op::GetSession,
                &id_of(session),
                " to read it; archiving cannot be undone",
            ),
        ),
        Refusal::StatusUnrecognized if session.status.is_empty() => words(
            format!(
                "the service does not say what session {named} is doing, so it may be busy and \
                 cannot be {done}"
            ),
            "do it with the service's own tools, where they show what the session is doing",
        ),
        Refusal::StatusUnrecognized => {
            let status = text::quoted(&session.status);
            words(
                format!(
                    "session {named} has the status {status}, which this server does not know, so \
                     it may be busy and cannot be {done}"
                ),
                format!(
                    "if {status} is as safe as idle, the operator can start this server with \
                     --idle-status {}",
                    text::word(&session.status)
                ),
            )
        }
    }
}

pub(crate) fn session_changed(
    op: Op,
    session: &SessionHead,
    expected: &str,
    vocabulary: &dyn Vocabulary,
) -> Words {
    let updated_at = session.updated_at.as_ref();
    let now = updated_at.map_or("unknown", |at| at.text());
    let name = vocabulary.called(op);
    words(
        format!(
            "session {} was updated at {}, not at {} as expected, so {name} was not carried out",
            names::session(session),
            text::word(now),
            text::word(expected),
        ),
        vocabulary.step(
            Op::GetSession,
            &id_of(session),
            &format!(", then {name} with its updated_at"),
        ),
    )
}

pub(crate) fn busy_timeout(
    op: Op,
    operation: Operation,
    session: &SessionHead,
    waited: Duration,
    interrupted: bool,
    vocabulary: &dyn Vocabulary,
) -> Words {
    let name = vocabulary.called(op);
    let after = if interrupted { " after it was sent an interrupt" } else { "" };
    let may_interrupt = !session.is_archived() && !vocabulary.is_disabled(Op::InterruptSession);
    let next = if interrupted || !may_interrupt {
        vocabulary.step_or(
            Op::WaitForSession,
            &id_of(session),
            &format!(", then {name} again"),
            &format!("call {name} again later"),
        )
    } else {
        let id = json!(session.id);
        format!(
            "call {name} again later; if a person wants the turn stopped, with \
             {{\"session_id\":{id},\"if_busy\":\"interrupt\"}}"
        )
    };
    words(
        format!(
            "session {} was still {} after {} s{after}, so it was not {}",
            names::session(session),
            text::word(&session.status),
            waited.as_secs(),
            participle(operation),
        ),
        next,
    )
}

pub(crate) fn not_applied(
    operation: Operation,
    session: &SessionHead,
    mismatch: &Mismatch,
    vocabulary: &dyn Vocabulary,
) -> Words {
    let read = vocabulary.step(
        Op::GetSession,
        &id_of(session),
        " to see it as it is; this service may not support the operation",
    );
    let differences = match mismatch {
        Mismatch::NotInHistory => {
            let named = names::session(session);
            return words(
                format!(
                    "the service accepted what was sent to session {named}, but the history of its \
                     events does not show it"
                ),
                read,
            );
        }
        Mismatch::NotArchived => "it has no archived_at".to_owned(),
        Mismatch::StillThere => "it is still there".to_owned(),
        Mismatch::Fields(fields) => {
            joined(fields, |field| format!("{} is not as asked for", text::word(field)))
        }
        Mismatch::Toolset(differences) => joined(differences, toolset::difference),
    };
    words(
        format!(
            "the service answered that session {} was {}, but it was not: {differences}",
            names::session(session),
            participle(operation),
        ),
        read,
    )
}

pub(crate) fn invalid_toolset(
    op: Op,
    session: &SessionHead,
    problems: &[Problem],
    vocabulary: &dyn Vocabulary,
) -> Words {
    let name = vocabulary.called(op);
    let correct = format!("correct that and call {name} again");
    words(
        format!(
            "the tools of session {} were not changed: {}",
            names::session(session),
            joined(problems, toolset::problem),
        ),
        match vocabulary.name(Op::GetSession) {
            Some(get) => format!(
                "{correct}; {get} with {{\"session_id\":{}}} shows the tools as they are",
                json!(session.id)
            ),
            None => correct,
        },
    )
}

pub(crate) fn workflow_run_open(
    op: Op,
    operation: Operation,
    session: &SessionHead,
    error: &ApiError,
    vocabulary: &dyn Vocabulary,
) -> Words {
    let stop = message_to(&session.id, None, vocabulary, "that asks its agent to stop them");
    let name = vocabulary.called(op);
    // Waiting for a session that is idle returns at once: its runs are paused.
    let next = if session.status == "idle" {
        format!("its runs are paused: if they are not to go on, {stop}; then {name} again")
    } else {
        let wait = vocabulary.step_or(
            Op::WaitForSession,
            &id_of(session),
            " until its runs have ended",
            "wait until its runs have ended",
        );
        format!("{wait}; or, if its runs are not to go on, {stop}; then {name} again")
    };
    words(
        format!(
            "session {} has a workflow run that has not ended, so it cannot be {} now: the API \
             refuses it with {}",
            names::session(session),
            participle(operation),
            text::quoted(api_message(error)),
        ),
        next,
    )
}

fn api_message(error: &ApiError) -> &str {
    match error.kind() {
        ApiErrorKind::Http(refused) => refused.message.as_str(),
        _ => "",
    }
}

pub(crate) fn conflict(operation: Operation, session: &SessionHead, error: &ApiError) -> Words {
    words(
        format!(
            "session {} is {} and could still not be {}: the API keeps refusing it with {}",
            names::session(session),
            text::word(&session.status),
            participle(operation),
            text::quoted(api_message(error)),
        ),
        "try again in some seconds; if it persists, pass the API's message on",
    )
}

/// Calling the same operation again so that it waits for, or stops, the session's turn.
fn wait_or_interrupt(op: Op, session: &SessionHead, vocabulary: &dyn Vocabulary) -> String {
    let name = vocabulary.called(op);
    // The other arguments of these are too long to be repeated.
    let is_added = matches!(op, Op::UpdateSessionTools | Op::SendMessage);
    let call = if op == Op::SendMessage {
        format!("call {name} again with \"if_busy\":\"queue\"")
    } else if is_added {
        format!("call {name} again with \"if_busy\":\"wait\"")
    } else {
        let id = json!(session.id);
        format!("call {name} with {{\"session_id\":{id},\"if_busy\":\"wait\"}}")
    };
    // An archived session accepts no events any more, and an interrupt is one.
    if session.is_archived() || vocabulary.is_disabled(Op::InterruptSession) {
        return format!("{call} to act once its turn has ended");
    }
    let added = if is_added { " added" } else { "" };
    format!(
        "{call}{added} to act once its turn has ended; if a person wants it stopped first, with \
         \"if_busy\":\"interrupt\""
    )
}

fn id_of(session: &SessionHead) -> [(&'static str, serde_json::Value); 1] {
    [("session_id", json!(session.id))]
}

fn joined<T>(values: &[T], word: impl Fn(&T) -> String) -> String {
    values.iter().map(word).collect::<Vec<_>>().join("; ")
}
