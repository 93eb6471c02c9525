//! Which of many sessions need somebody, for what, and since when.

use jiff::Timestamp;

use crate::domain::{
    diagnosis::{Facts, Verdict},
    events, text,
    waiting::WaitingCall,
};

/// Longest call shown, in characters.
const SHOWN_CHARACTERS: usize = 160;

/// What a session that does not go on by itself needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attention {
    /// The call, or the workflow run, that waits.
    pub waiting_for: Option<String>,
    /// The event of that call.
    pub event_id: Option<String>,
    /// Since when it has been so.
    pub since: Option<Timestamp>,
}

/// What the session needs; `None` if it needs nobody.
pub fn attention(facts: &Facts<'_>, verdict: Verdict) -> Option<Attention> {
    let newest = |kind| facts.newest(kind).and_then(events::at);
    let only_since = |since| Some(Attention { since, ..Attention::default() });
    let mut attention = match verdict {
        Verdict::WaitingForConfirmation | Verdict::WaitingForToolResult => waiting_call(facts),
        Verdict::WorkflowPaused => facts.open_runs().into_iter().next().map(|run| Attention {
            waiting_for: Some(run.name.unwrap_or(run.workflow_run_id)),
            event_id: None,
            since: run.since,
        }),
        Verdict::Stranded
        | Verdict::BudgetReached
        | Verdict::RetriesExhausted
        | Verdict::Refused => only_since(facts.pause().and_then(events::at)),
        Verdict::StuckRunning => only_since(facts.last_activity()),
        Verdict::ReschedulingLong => only_since(facts.rescheduled_at()),
        Verdict::TerminatedError => {
            let ended = newest("session.status_terminated");
            only_since(ended.or_else(|| newest("session.error")))
        }
        Verdict::Working
        | Verdict::ToolRunning
        | Verdict::WorkflowRunning
        | Verdict::Finished
        | Verdict::WaitingForMessage
        | Verdict::Terminated
        | Verdict::Archived
        | Verdict::Unknown => return None,
    }
    .unwrap_or_default();
    attention.since = attention.since.or_else(|| facts.updated_at());
    Some(attention)
}

/// The call to answer first.
fn waiting_call(facts: &Facts<'_>) -> Option<Attention> {
    let (first, _) = facts.first_call()?;
    let calls = facts.waiting_calls();
    let call = calls.iter().find(|call| call.id == first)?;
    let label = WaitingCall::of(call).filter(|_| call.event.is_some()).map(|call| call.label());
    let since = call.event.or_else(|| facts.pause()).and_then(events::at);
    Some(Attention {
        waiting_for: label.map(|label| within(&label)),
        event_id: Some(call.id.to_owned()),
        since,
    })
}

fn within(label: &str) -> String {
    match text::cut(label, SHOWN_CHARACTERS) {
        (all, 0) => all.to_owned(),
        _ => format!("{}…", text::cut(label, SHOWN_CHARACTERS - 1).0),
    }
}
