//! The words for what an operator's safeguards stop: audit log, exports and confirmations.

use std::{fmt::Display, path::Path};

use serde_json::json;

use super::{
    approval,
    explanation::{Words, words},
    names,
    vocabulary::Vocabulary,
};
use crate::{
    app::{approval::subject::Subject, op::Op},
    domain::text,
    model::{SessionHead, SessionId},
};

/// Not named by its tool: a model would look for it.
pub(crate) fn disabled(name: &str, what: Op) -> Words {
    let doing = match what {
        Op::DeleteSession => "deletes",
        Op::ArchiveSession => "archives",
        Op::InterruptSession => "interrupts",
        _ => "that",
    };
    words(
        format!(
            "{name} was not carried out: the operator of this server disabled {doing} \
             (--disable-tools)"
        ),
        "ask the operator of this server, or do without",
    )
}

pub(crate) fn plan_not_found(id: &str, vocabulary: &dyn Vocabulary) -> Words {
    words(
        format!(
            "there is no plan {}; a plan is kept for 30 minutes, and not longer than this server \
             runs",
            text::quoted(id)
        ),
        vocabulary.step(
            Op::PlanChanges,
            &[],
            " to make a new one; what is already done is not planned again",
        ),
    )
}

pub(crate) fn audit_failed(name: &str, path: &Path, cause: &dyn Display) -> Words {
    words(
        format!(
            "{name} was not carried out and nothing was sent, because the audit log {} cannot be \
             written: {}",
            names::path(path),
            text::one_line(&cause.to_string()),
        ),
        "the operator makes the file of --audit-log writable; then make the same call again",
    )
}

pub(crate) fn confirmation_invalid(name: &str, subject: &Subject, expired: bool) -> Words {
    let why = if expired {
        "is older than five minutes"
    } else {
        "was not given for this, or what it was given for has changed since"
    };
    words(
        format!("{} was not carried out: the confirmation {why}", approval::named(subject)),
        format!("call {name} without confirmation_token and have its answer confirmed anew"),
    )
}

pub(crate) fn confirmation_declined(name: &str, subject: &Subject) -> Words {
    words(
        format!(
            "{} was not carried out: the person who was asked did not confirm it",
            approval::named(subject)
        ),
        format!("do not call {name} for this again unless that person asks for it"),
    )
}

pub(crate) fn export_unavailable(vocabulary: &dyn Vocabulary) -> Words {
    let restart = "the operator starts this server with --export-dir DIR";
    words(
        "this server has no folder to export to, so nothing was exported",
        match vocabulary.name(Op::ListSessionEvents) {
            Some(list) => format!("{restart}; {list} reads the events without exporting them"),
            None => restart.to_owned(),
        },
    )
}

pub(crate) fn export_failed(id: &SessionId, dir: &Path, cause: &dyn Display) -> Words {
    words(
        format!(
            "session {id} could not be exported to {}: {}; the copy is not complete, and nothing was \
             deleted",
            names::path(dir),
            text::one_line(&cause.to_string()),
        ),
        "if another process exports it, make the same call again once it is done; else the operator \
         makes that folder exist and writable, with room on its disk and nothing but files under \
         the names of exports",
    )
}

/// Something else kept the copy from being made.
pub(crate) fn not_exported(id: &SessionId, cause: Words) -> Words {
    words(
        format!("session {id} was not deleted, since it could not be exported: {}", cause.message),
        cause.next,
    )
}

/// The time was up before the history was read to its end.
pub(crate) fn export_unfinished(name: &str, id: &SessionId, events: u64) -> Words {
    let (progress, then) = match events {
        0 => (format!("before any event of session {id} was exported,"), ""),
        _ => (
            format!("after {events} events of session {id} were exported; they are kept,"),
            ": it resumes where this one stopped",
        ),
    };
    words(
        format!("the time of this call was up {progress} and nothing was deleted"),
        format!("make the same call of {name} again{then}"),
    )
}

/// The cursor of the history does not move.
pub(crate) fn incomplete_history(id: &SessionId) -> Words {
    words(
        format!(
            "the service says that session {id} has more events or threads (has_more) and gives \
             no next_page to read on with, so that its history cannot be read to the end"
        ),
        "report it to the operator of the service",
    )
}

pub(crate) fn endless_history(id: &SessionId) -> Words {
    words(
        format!(
            "the service answered a page of the events of session {id} whose next page is that \
             page again, so its history was not exported"
        ),
        "try again later; if it persists, pass this on to the operator of the service",
    )
}

/// It changed each time it had been exported.
pub(crate) fn export_outdated(session: &SessionHead, vocabulary: &dyn Vocabulary) -> Words {
    words(
        format!(
            "session {} changed again each time it had been exported, so that there is no complete \
             copy of it, and nothing was deleted",
            names::session(session)
        ),
        vocabulary.step_or(
            Op::WaitForSession,
            &[("session_id", json!(session.id))],
            ", then make the same call again",
            "make the same call again once it is at rest",
        ),
    )
}
