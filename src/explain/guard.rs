//! The words for what the guard, and the look at a write's answer, refuse.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    api::ApiError,
    domain::{guard::Refusal, step::Step, text},
    explain::{Failure, named},
    model::SessionHead,
};

impl Failure {
    /// The guard said no.
    pub(crate) fn refused(
        tool: &str,
        operation: &str,
        session: &SessionHead,
        why: Refusal,
    ) -> Self {
        let who = named(session);
        let id = json!(session.id);
        let (message, next) = match why {
            Refusal::Running => (
                format!("session {who} is running, so it cannot be {operation} now"),
                busy_next(tool, session),
            ),
            Refusal::Rescheduling => (
                format!(
                    "session {who} is rescheduling: it will run again by itself, so it cannot be \
                     {operation} now"
                ),
                busy_next(tool, session),
            ),
            Refusal::Terminated => (
                format!("session {who} is terminated, so it cannot be {operation} any more"),
                Step::from(format!(
                    "start a new session if there is more to do, or call archive_session with \
                     {{\"session_id\":{id}}}"
                ))
                .or("start a new session if there is more to do"),
            ),
            Refusal::Archived => (
                format!("session {who} is archived, so it cannot be {operation} any more"),
                Step::from(format!(
                    "call get_session with {{\"session_id\":{id}}} to read it; archiving cannot be \
                     undone"
                )),
            ),
            Refusal::StatusUnrecognized if session.status.is_empty() => (
                format!(
                    "the service does not say what session {who} is doing, so it may be busy and \
                     cannot be {operation}"
                ),
                "do it with the service's own tools, where they show what the session is doing"
                    .into(),
            ),
            Refusal::StatusUnrecognized => {
                let status = text::quoted(&session.status);
                (
                    format!(
                        "session {who} has the status {status}, which this server does not know, \
                         so it may be busy and cannot be {operation}"
                    ),
                    Step::from(format!(
                        "if {status} is as safe as idle, the operator can start this server with \
                         --idle-status {}",
                        session.status.escape_default()
                    )),
                )
            }
        };
        Self::new(why.code().as_str(), message, next).with_status(session)
    }

    /// It changed since the caller saw it.
    pub(crate) fn session_changed(tool: &str, session: &SessionHead, expected: &str) -> Self {
        let now = session
            .updated_at
            .as_ref()
            .map_or("unknown", |at| at.text());
        Self::new(
            "session_changed",
            format!(
                "session {} was updated at {}, not at {} as expected, so {tool} was not carried out",
                named(session),
                text::visible(now),
                text::visible(expected),
            ),
            format!(
                "call get_session with {{\"session_id\":{}}}, then {tool} with its updated_at",
                json!(session.id)
            ),
        )
        .with_status(session)
    }

    /// It was still busy when the time was up.
    pub(crate) fn busy_timeout(
        tool: &str,
        operation: &str,
        session: &SessionHead,
        waited: Duration,
        interrupted: bool,
    ) -> Self {
        let id = json!(session.id);
        let after = if interrupted {
            " after it was sent an interrupt"
        } else {
            ""
        };
        let next = if interrupted || session.is_archived() {
            let wait = "call wait_for_session with";
            Step::from(format!("{wait} {{\"session_id\":{id}}}, then {tool} again"))
                .or(format!("call {tool} again later"))
        } else {
            Step::from(format!(
                "call {tool} with {{\"session_id\":{id},\"if_busy\":\"interrupt\"}} to stop the \
                 turn, or again later"
            ))
        };
        Self::new(
            "busy_timeout",
            format!(
                "session {} was still {} after {} s{after}, so it was not {operation}",
                named(session),
                text::visible(&session.status),
                waited.as_secs(),
            ),
            next,
        )
        .with_status(session)
    }

    /// The service said yes and did not do it.
    pub(crate) fn not_applied(
        operation: &str,
        session: &SessionHead,
        differences: &[String],
        request_id: Option<String>,
    ) -> Self {
        Self::new(
            "not_applied",
            format!(
                "the service answered that session {} was {operation}, but it was not: {}",
                named(session),
                differences.join("; "),
            ),
            format!(
                "call get_session with {{\"session_id\":{}}} to see it as it is; this service may \
                 not support the operation",
                json!(session.id)
            ),
        )
        .with_status(session)
        .with_request_id(request_id)
    }

    /// Impossible tools or servers.
    pub(crate) fn invalid_toolset(session: &SessionHead, problems: &[String]) -> Self {
        Self::new(
            "invalid_toolset",
            format!(
                "the tools of session {} were not changed: {}",
                named(session),
                problems.join("; "),
            ),
            format!(
                "correct that and call update_session_tools again; get_session with \
                 {{\"session_id\":{}}} shows the tools as they are",
                json!(session.id)
            ),
        )
        .with_status(session)
    }

    /// The service kept refusing a write although the session is in a state that allows it.
    pub(crate) fn conflict(operation: &str, session: &SessionHead, error: &ApiError) -> Self {
        let said = match error {
            ApiError::Refused { message, .. } => message.as_str(),
            _ => "",
        };
        Self::new(
            "conflict",
            format!(
                "session {} is {} and could still not be {operation}: the API keeps refusing it \
                 with {}",
                named(session),
                text::visible(&session.status),
                text::quoted(said),
            ),
            "try again in some seconds; if it stays so, pass the API's message on",
        )
        .with_status(session)
        .with_api(error)
    }
}

fn busy_next(tool: &str, session: &SessionHead) -> Step {
    // The other arguments of this one are too long to be said again.
    let (again, added) = if tool == "update_session_tools" {
        (
            format!("call {tool} again with \"if_busy\":\"wait\""),
            " added",
        )
    } else {
        let id: Value = json!(session.id);
        (
            format!("call {tool} with {{\"session_id\":{id},\"if_busy\":\"wait\"}}"),
            "",
        )
    };
    if session.is_archived() {
        // It takes no events any more, and an interrupt is one.
        return Step::from(format!("{again} to act once its turn has ended"));
    }
    Step::from(format!(
        "{again}{added} to act once its turn has ended, or with \"if_busy\":\"interrupt\" to stop \
         it first"
    ))
}
