//! The only prose: failures, questions and progress in words, for the adapter that shows them.
//!
//! Every failure is a code, one sentence with one cause, and one next step. Next steps name
//! operations through `Vocabulary`, so that no reader is sent to one that is not offered.

pub(crate) mod agents;
pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod approval;
pub(crate) mod details;
pub(crate) mod diagnosis;
pub(crate) mod explanation;
pub(crate) mod gaps;
pub(crate) mod guard;
pub(crate) mod lost;
pub(crate) mod names;
pub(crate) mod progress;
pub(crate) mod safeguards;
pub(crate) mod start;
pub mod toolset;
pub(crate) mod transcript;
pub(crate) mod triage;
pub(crate) mod unknown;
pub(crate) mod values;
pub(crate) mod vocabulary;
pub(crate) mod waiting;

use std::time::Duration;

use serde_json::json;

use self::{
    explanation::{Explanation, Words, whole_seconds, words},
    names::read_before,
    vocabulary::{DISABLED, Vocabulary},
};
use crate::{
    app::{
        cursor::InvalidCursor,
        error::{About, Error, ErrorKind, InDoubt},
        op::Op,
    },
    domain::{guard::Operation, text, view::row},
    model::SessionId,
};

/// Words a failure of `op` for the reader whose names for operations are `vocabulary`.
pub(crate) fn explain(error: &Error, op: Op, vocabulary: &dyn Vocabulary) -> Explanation {
    let deleted = error.effects().deleted_at.zip(error.missing_session());
    let Words { message, next } = match deleted {
        Some((at, id)) => lost::deleted(id, at, vocabulary),
        None => words_for(error, op, vocabulary),
    };
    let mut explanation = Explanation {
        status: error.session().and_then(row::status),
        http_status: error.http_status(),
        request_id: error.request_id().map(str::to_owned),
        retry_after: error.retry_after(),
        in_doubt: error.is_in_doubt(),
        ..Explanation::new(error.code(), message, next)
    };
    let effects = error.effects();
    if let Some(doubt) = &effects.in_doubt {
        // The others say what kept a further attempt from being made.
        let is_of_the_attempt =
            matches!(error.kind(), ErrorKind::Api { .. } | ErrorKind::Unsupported(_));
        explanation.message.push_str(if is_of_the_attempt {
            "; it may have been carried out"
        } else {
            "; an attempt before that may have been carried out"
        });
        explanation.next = look_first(doubt, error.retry_after(), vocabulary);
    }
    if let Some(doubt) = &effects.start_in_doubt {
        explanation.message.push_str(&start::doubt(doubt));
        explanation.next = start::look_first(doubt, vocabulary);
    }
    // A timeout after an interrupt mentions the interrupt itself.
    let mentions_it = matches!(error.kind(), ErrorKind::BusyTimeout { .. });
    if effects.turn_stopped && !mentions_it {
        explanation.message.push_str("; its turn was stopped before that");
    }
    explanation
}

/// The next step after a write that may have been carried out.
fn look_first(
    doubt: &InDoubt,
    retry_after: Option<Duration>,
    vocabulary: &dyn Vocabulary,
) -> String {
    let id = ("session_id", json!(doubt.session.as_str()));
    let done = guard::participle(doubt.operation);
    let read = match doubt.operation {
        Operation::SendMessage | Operation::QueueMessage => {
            let messages = ("types", json!(["user.message"]));
            vocabulary.invoke(Op::ListSessionEvents, &[id.clone(), messages])
        }
        Operation::Answer => vocabulary.invoke(Op::DiagnoseSession, std::slice::from_ref(&id)),
        _ => None,
    };
    let id = std::slice::from_ref(&id);
    let read = read
        .or_else(|| vocabulary.invoke(Op::GetSession, id))
        .or_else(|| vocabulary.invoke(Op::DiagnoseSession, id));
    let wait = retry_after.map(|wait| format!(" in {} s", whole_seconds(wait)));
    let wait = wait.unwrap_or_default();
    read.map_or_else(
        || DISABLED.to_owned(),
        |call| format!("{call} to see it as it is, then try again{wait} if it was not {done}"),
    )
}

#[expect(clippy::too_many_lines, reason = "a table: one arm a kind")]
fn words_for(error: &Error, op: Op, vocabulary: &dyn Vocabulary) -> Words {
    let name = vocabulary.called(op);
    match error.kind() {
        ErrorKind::Api { subject: About::Thread(id, thread), error } if error.is_not_found() => {
            words(
                format!("session {id} has no thread {thread}, or the credential cannot see it"),
                vocabulary.step_or(
                    Op::ListSessionEvents,
                    &[
                        ("session_id", json!(id.as_str())),
                        ("types", json!(["session.thread_created"])),
                    ],
                    " to see its threads",
                    "check the id of the thread",
                ),
            )
        }
        ErrorKind::Api { subject: About::NewSession(agent), error } if error.is_not_found() => {
            start::part_not_found(op, agent, error, vocabulary)
        }
        ErrorKind::Api { subject, error } => api::words(&names::about(subject), error, vocabulary),
        ErrorKind::Unsupported(error) => api::unsupported(error),
        ErrorKind::Refused { session, operation, refusal } => {
            guard::refused(op, *operation, session, *refusal, vocabulary)
        }
        ErrorKind::SessionChanged { session, expected } => {
            guard::session_changed(op, session, expected, vocabulary)
        }
        ErrorKind::BusyTimeout { session, operation, waited, interrupted } => {
            guard::busy_timeout(op, *operation, session, *waited, *interrupted, vocabulary)
        }
        ErrorKind::NotApplied { session, operation, mismatch, .. } => {
            guard::not_applied(*operation, session, mismatch, vocabulary)
        }
        ErrorKind::Conflict { session, operation, error } => {
            guard::conflict(*operation, session, error)
        }
        ErrorKind::WorkflowRunOpen { session, operation, error } => {
            guard::workflow_run_open(op, *operation, session, error, vocabulary)
        }
        ErrorKind::BudgetRefused { session, refusal } => {
            details::budget_refused(op, session, refusal, vocabulary)
        }
        ErrorKind::Waiting { session, operation, calls } => {
            waiting::refused(op, *operation, session, calls, vocabulary)
        }
        ErrorKind::NotWaiting(failed) => answer::not_waiting(failed, vocabulary),
        ErrorKind::UnfitAnswer(failed) => answer::unfit(op, failed, vocabulary),
        ErrorKind::BudgetReached(session) => answer::budget_reached(op, session, vocabulary),
        ErrorKind::InvalidToolset { session, problems } => {
            guard::invalid_toolset(op, session, problems, vocabulary)
        }
        ErrorKind::InvalidArguments(mistakes) => invalid_arguments(name, mistakes),
        ErrorKind::InvalidDetails(mistakes) => {
            let mistakes: Vec<String> = mistakes.iter().map(details::mistake).collect();
            invalid_arguments(name, &mistakes)
        }
        ErrorKind::InvalidStart(mistakes) => {
            let mistakes: Vec<String> = mistakes.iter().map(start::mistake).collect();
            invalid_arguments(name, &mistakes)
        }
        ErrorKind::CannotStart(why) => start::cannot(op, why, vocabulary),
        ErrorKind::InvalidStartTools(problems) => start::invalid_tools(op, problems, vocabulary),
        ErrorKind::StartedDifferently { session, differences, .. } => {
            start::started_differently(session, differences, vocabulary)
        }
        ErrorKind::Disabled(what) => safeguards::disabled(name, *what),
        ErrorKind::InvalidCursor(invalid) => {
            let mistake = match invalid {
                InvalidCursor::Unreadable => "page is not a next_page of this server",
                InvalidCursor::OtherRequest => {
                    "page is the next_page of other arguments; give it with those it came from"
                }
            };
            words(
                format!("{name} was not carried out: {mistake}"),
                format!("call {name} without page to start anew"),
            )
        }
        ErrorKind::UnknownAgent(agent) => agents::unknown_agent(op, agent, vocabulary),
        ErrorKind::UnknownEvent { session, event, scanned } => words(
            format!(
                "{name} was not carried out: since: session {session} has no event {} among its \
                 newest {scanned}",
                text::quoted(event)
            ),
            format!("call {name} without since; its answer names the newest event"),
        ),
        ErrorKind::AmbiguousAgent { name, agents } => {
            agents::ambiguous(op, name, agents, vocabulary)
        }
        ErrorKind::InvalidConfiguration(problem) => words(
            problem.clone(),
            "correct that setting in the MCP host's configuration of this server and restart it",
        ),
        ErrorKind::AgentNotAllowed(id) => agent_not_allowed(id, vocabulary),
        ErrorKind::CallTimedOut => words(
            format!("{name} did not end in time; a change may have been carried out"),
            read_before("repeating a change", vocabulary),
        ),
        ErrorKind::LockTimedOut(id) => words(
            format!(
                "another call of this server was still busy with session {id}, so {name} sent \
                 nothing"
            ),
            format!("call {name} again"),
        ),
        ErrorKind::Internal => words(
            format!("{name} failed inside this server; a change may have been carried out"),
            read_before("trying again, and report this with the server's log", vocabulary),
        ),
        ErrorKind::Cancelled => words(
            format!("{name} was cancelled by the caller; what was already sent stands"),
            read_before("making the call again", vocabulary),
        ),
        ErrorKind::NothingToUndo(id) => words(
            format!(
                "{name} was not carried out: undo: {} does not change tools, and nothing else can \
                 be taken back",
                text::quoted(id)
            ),
            format!("call {name} with the plan_id of a plan with the action update_tools"),
        ),
        ErrorKind::PlanNotFound(id) => safeguards::plan_not_found(id, vocabulary),
        ErrorKind::AuditFailed { path, cause } => safeguards::audit_failed(name, path, cause),
        ErrorKind::ConfirmationInvalid { subject, expired } => {
            safeguards::confirmation_invalid(name, subject, *expired)
        }
        ErrorKind::ConfirmationDeclined(subject) => {
            safeguards::confirmation_declined(name, subject)
        }
        ErrorKind::InputRequired(_) => words(
            format!("{name} needs the answer of a person first"),
            "ask and call it again with the answer",
        ),
        ErrorKind::ExportUnavailable => safeguards::export_unavailable(vocabulary),
        ErrorKind::ExportFailed { session, dir, cause } => {
            safeguards::export_failed(session, dir, cause)
        }
        ErrorKind::NotExported { session, cause } => {
            safeguards::not_exported(session, words_for(cause, op, vocabulary))
        }
        ErrorKind::ExportUnfinished { session, events } => {
            safeguards::export_unfinished(name, session, *events)
        }
        ErrorKind::ExportOutdated(session) => safeguards::export_outdated(session, vocabulary),
        ErrorKind::EndlessHistory(id) => safeguards::endless_history(id),
        ErrorKind::IncompleteHistory(id) => safeguards::incomplete_history(id),
    }
}

fn invalid_arguments(name: &str, mistakes: &[String]) -> Words {
    words(
        format!("{name} was not carried out: {}", mistakes.join("; ")),
        format!("call {name} again with the arguments corrected"),
    )
}

fn agent_not_allowed(id: &SessionId, vocabulary: &dyn Vocabulary) -> Words {
    let step = vocabulary.step_or(
        Op::ListSessions,
        &[],
        " to see the sessions it may manage",
        "name a session of another agent",
    );
    words(
        format!("session {id} belongs to an agent this server is not allowed to manage"),
        format!("{step}; the operator sets --allow-agent"),
    )
}
