//! The one step that helps.

use serde_json::Value;

use crate::domain::{
    diagnosis::{calls::AnswerKind, evidence::errors, facts::Facts, verdict::Verdict},
    events,
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
    /// Wait; or, if this has gone on for too long, stop its turn.
    WaitOrInterrupt,
    /// Answer the waiting call, whose event has this id.
    Answer(AnswerKind, String),
    /// Send a message, or archive it if the work is done.
    ContinueOrArchive,
    /// Send a message so that its workflow runs go on, or end.
    ContinueOrEndRuns,
    /// Close what it waits for by an interrupt, since there is nothing to answer.
    Free,
    /// Wait, since work resumes by itself; if it does not, only removing the budget helps.
    BudgetLifted,
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
            console_url: console_url(facts, verdict),
            advice: match verdict {
                Verdict::Working if facts.stop_reason() == Some("budget_reached") => {
                    Advice::BudgetLifted
                }
                Verdict::Working | Verdict::WorkflowRunning => Advice::Wait,
                Verdict::ToolRunning => {
                    let calls = facts.running_calls();
                    let mut began = calls.iter().map(|(call, _)| events::at(call));
                    let is_long = began.any(|began| facts.is_long_ago(began));
                    if is_long { Advice::WaitOrInterrupt } else { Advice::Wait }
                }
                Verdict::WaitingForConfirmation | Verdict::WaitingForToolResult => {
                    let call = facts.first_call();
                    call.map_or(Advice::Inspect, |(id, kind)| Advice::Answer(kind, id.to_owned()))
                }
                Verdict::Finished => match error_source(facts, verdict) {
                    // The turn ended without what it needed.
                    source @ (ErrorSource::McpServer | ErrorSource::Repository) => {
                        Advice::RetryAfterError(source)
                    }
                    _ => Advice::ContinueOrArchive,
                },
                Verdict::WaitingForMessage => Advice::ContinueOrArchive,
                Verdict::WorkflowPaused => Advice::ContinueOrEndRuns,
                Verdict::Stranded => Advice::Free,
                Verdict::BudgetReached if facts.is_budget_lifted() => Advice::BudgetLifted,
                Verdict::BudgetReached => {
                    let cost = head.usage.list_cost.as_ref();
                    Advice::RaiseBudgetOrArchive(cost.and_then(shown_amount))
                }
                Verdict::RetriesExhausted => Advice::RetryAfterError(error_source(facts, verdict)),
                Verdict::Refused => Advice::Rephrase,
                Verdict::StuckRunning | Verdict::ReschedulingLong => Advice::Interrupt,
                Verdict::TerminatedError | Verdict::Terminated => Advice::Replace,
                Verdict::Archived => Advice::ReadHistory,
                Verdict::Unknown => Advice::Inspect,
            },
        }
    }
}

/// The session's page in the console, at the call to answer if it waits for one.
fn console_url(facts: &Facts<'_>, verdict: Verdict) -> Option<String> {
    let page = facts.console_url?;
    let waits = matches!(verdict, Verdict::WaitingForConfirmation | Verdict::WaitingForToolResult);
    let is_plain = |id: &&str| id.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let call = facts.first_call().map(|(id, _)| id).filter(|id| waits && is_plain(id));
    Some(call.map_or_else(|| page.to_owned(), |id| format!("{page}?event={id}")))
}

fn error_source(facts: &Facts<'_>, verdict: Verdict) -> ErrorSource {
    let newest = errors(facts, verdict).into_iter().next();
    let error = newest.and_then(|event| event.get("error")?.get("type"));
    match error.and_then(Value::as_str).unwrap_or_default() {
        kind if kind.starts_with("mcp_") => ErrorSource::McpServer,
        kind if kind.starts_with("billing") => ErrorSource::Billing,
        kind if kind.starts_with("repository") => ErrorSource::Repository,
        _ => ErrorSource::Other,
    }
}
