//! The one step that helps.

use serde_json::Value;

use crate::domain::{
    diagnosis::{facts::Facts, verdict::Verdict, waiting::AnswerKind},
    view::row::shown_amount,
};

/// What would move a session on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStep {
    /// The session.
    pub session_id: String,
    /// Its page in the console, where a person can act.
    pub console_url: Option<String>,
    /// What to do.
    pub advice: Advice,
}

/// What to do about a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Wait until it is no longer busy.
    Wait,
    /// Answer the waiting call, whose event has this id.
    Answer(AnswerKind, String),
    /// Send a message, or archive it if the work is done.
    ContinueOrArchive,
    /// Raise the budget above the cost so far, if known, or archive it.
    RaiseBudgetOrArchive(Option<String>),
    /// Deal with the source of the error, then send a message.
    RetryAfterError(ErrorSource),
    /// Read why the model refused, then send another message.
    Rephrase,
    /// Stop its turn.
    Interrupt,
    /// Start a new session, and archive this one.
    Replace,
    /// Read its history: nothing else can be done.
    ReadHistory,
    /// Look at it in detail.
    Inspect,
}

/// Where an error came from, as far as that decides what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorSource {
    /// An MCP server or its credential.
    McpServer,
    /// The organization's billing.
    Billing,
    /// Access to a repository.
    Repository,
    /// Anything else, which may pass.
    Other,
}

impl NextStep {
    pub(crate) fn of(facts: &Facts<'_>, verdict: Verdict) -> Self {
        let head = &facts.session.head;
        Self {
            session_id: head.id.clone(),
            console_url: facts.console_url.map(str::to_owned),
            advice: match verdict {
                Verdict::Working => Advice::Wait,
                Verdict::WaitingForConfirmation | Verdict::WaitingForToolResult => {
                    let call = facts.first_call();
                    call.map_or(Advice::Inspect, |(id, kind)| Advice::Answer(kind, id.to_owned()))
                }
                Verdict::WaitingForMessage => Advice::ContinueOrArchive,
                Verdict::BudgetReached => {
                    let cost = head.usage.list_cost.as_ref();
                    Advice::RaiseBudgetOrArchive(cost.and_then(shown_amount))
                }
                Verdict::RetriesExhausted => Advice::RetryAfterError(error_source(facts)),
                Verdict::Refused => Advice::Rephrase,
                Verdict::StuckRunning | Verdict::ReschedulingLong => Advice::Interrupt,
                Verdict::TerminatedError => Advice::Replace,
                Verdict::Archived => Advice::ReadHistory,
                Verdict::Unknown => Advice::Inspect,
            },
        }
    }
}

fn error_source(facts: &Facts<'_>) -> ErrorSource {
    let error = facts.newest("session.error").and_then(|event| event.get("error")?.get("type"));
    match error.and_then(Value::as_str).unwrap_or_default() {
        kind if kind.starts_with("mcp_") => ErrorSource::McpServer,
        kind if kind.starts_with("billing") => ErrorSource::Billing,
        kind if kind.starts_with("repository") => ErrorSource::Repository,
        _ => ErrorSource::Other,
    }
}
