//! The words for what an operator's caution stops: the audit log, exports and confirmations.

use std::{fmt::Display, path::Path};

use serde_json::json;

use crate::{
    domain::{step::Step, text},
    explain::{Failure, named},
    model::{SessionHead, SessionId},
};

impl Failure {
    /// A plan that was never made, or is over.
    pub(crate) fn plan_not_found(id: &str) -> Self {
        Self::new(
            "plan_not_found",
            format!(
                "there is no plan {}; a plan is kept for 30 minutes and not longer than this \
                 server runs",
                text::quoted(id)
            ),
            "call plan_cleanup to make a new one; what is already done is not planned again",
        )
    }

    /// The audit log cannot be written, so nothing was done.
    pub(crate) fn audit_failed(tool: &str, path: &Path, cause: &dyn Display) -> Self {
        Self::new(
            "audit_failed",
            format!(
                "{tool} was not carried out and nothing was sent, because the audit log {} cannot \
                 be written: {}",
                shown(path),
                text::visible(&cause.to_string()),
            ),
            "the operator makes the file of --audit-log writable; then make the same call again",
        )
    }

    /// A token, or an answer, that does not confirm this.
    pub(crate) fn confirmation_invalid(tool: &str, named: &str, expired: bool) -> Self {
        let why = if expired {
            "is older than five minutes"
        } else {
            "was not given for this, or what it was given for has changed since"
        };
        Self::new(
            "confirmation_invalid",
            format!("{named} was not carried out: the confirmation {why}"),
            format!("call {tool} without confirmation_token and have its answer confirmed anew"),
        )
    }

    /// The person said no.
    pub(crate) fn confirmation_declined(tool: &str, named: &str) -> Self {
        Self::new(
            "confirmation_declined",
            format!("{named} was not carried out: the person who was asked did not confirm it"),
            format!("do not call {tool} for this again unless that person asks for it"),
        )
    }

    /// Never shown: the call ends with a question to the host instead.
    pub(crate) fn input_required(tool: &str) -> Self {
        Self::new(
            "input_required",
            format!("{tool} needs the answer of a person first"),
            "ask and call it again with the answer",
        )
    }

    /// There is nowhere to export to.
    pub(crate) fn export_unavailable() -> Self {
        Self::new(
            "export_unavailable",
            "this server has no folder to export to, so nothing was exported",
            "the operator starts this server with --export-dir DIR; list_session_events reads \
             the events without exporting them",
        )
    }

    /// The export could not be written.
    pub(crate) fn export_failed(id: &SessionId, dir: &Path, cause: &dyn Display) -> Self {
        Self::new(
            "export_failed",
            format!(
                "session {id} could not be exported to {}: {}; no file was left there and \
                 nothing was deleted",
                shown(dir),
                text::visible(&cause.to_string()),
            ),
            "the operator makes that folder exist and writable, with room on its disk; then make \
             the same call again",
        )
    }

    /// The time was up before the history was read to its end.
    pub(crate) fn export_unfinished(tool: &str, id: &SessionId, events: u64) -> Self {
        let (message, then) = if events == 0 {
            let message = format!(
                "the time of this call was up before any event of session {id} was exported, and \
                 nothing was deleted"
            );
            (message, "")
        } else {
            let message = format!(
                "the time of this call was up after {events} events of session {id} were \
                 exported; they are kept, and nothing was deleted"
            );
            (message, ": it goes on where this one stopped")
        };
        let next = format!("make the same call of {tool} again{then}");
        Self::new("timed_out", message, next)
    }

    /// The history has no end: the service's cursor does not move.
    pub(crate) fn history_without_end(id: &SessionId) -> Self {
        Self::new(
            "bad_response",
            format!(
                "the service answered a page of the events of session {id} whose next page is \
                 that page again, so its history was not exported"
            ),
            "try again later; if it stays so, pass this on to the operator of the service",
        )
    }

    /// It changed each time it had been exported.
    pub(crate) fn export_outdated(session: &SessionHead) -> Self {
        Self::new(
            "export_failed",
            format!(
                "session {} changed again each time it had been exported, so it was not deleted",
                named(session)
            ),
            Step::from(format!(
                "call wait_for_session with {{\"session_id\":{}}}, then delete it again",
                json!(session.id)
            ))
            .or("delete it again once it is at rest"),
        )
        .with_status(session)
    }
}

fn shown(path: &Path) -> String {
    text::visible(&path.display().to_string()).into_owned()
}
