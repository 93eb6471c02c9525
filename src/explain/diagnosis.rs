//! The next step of a diagnosis, as a call that works, or as an event to send where this program
//! offers no operation for it.

use serde_json::{Value, json};

use crate::{
    app::op::Op,
    domain::diagnosis::{Advice, AnswerKind, ErrorSource, NextStep},
    explain::vocabulary::Vocabulary,
};

/// For readers who are offered none of the operations that would help.
const NOT_OFFERED: &str = "ask the operator of this server: what would help needs a tool that is \
                           disabled by its configuration";

/// One step, without a full stop at the end.
pub(crate) fn next_step(step: &NextStep, vocabulary: &dyn Vocabulary) -> String {
    step_with(step, vocabulary).unwrap_or_else(|| NOT_OFFERED.to_owned())
}

fn step_with(step: &NextStep, vocabulary: &dyn Vocabulary) -> Option<String> {
    let id = ("session_id", json!(step.session_id));
    let call = |op| vocabulary.invoke(op, std::slice::from_ref(&id));
    Some(match &step.advice {
        Advice::Wait => call(Op::WaitForSession)?,
        Advice::WaitOrInterrupt => {
            format!(
                "{}; or, {}",
                call(Op::WaitForSession)?,
                interrupt(step, vocabulary, "its turn")?
            )
        }
        Advice::Answer(kind, event_id) => {
            let console = step.console_url.as_deref();
            answer(&step.session_id, console, *kind, event_id, vocabulary)
        }
        Advice::ContinueOrArchive => {
            let message = message_of(step, vocabulary, "to go on");
            match call(Op::ArchiveSession) {
                Some(archive) => {
                    format!("{message}; if a person says that nothing is left to do, {archive}")
                }
                None => message,
            }
        }
        Advice::RaiseBudgetOrArchive(cost) => {
            let Some(cost) = cost.as_deref() else {
                let lift = without_price(&step.session_id, vocabulary);
                return Some(format!("ask whether it may cost more; if so, {lift}"));
            };
            let ask = "ask whether it may cost more; if so,";
            match (call(Op::UpdateSession), call(Op::ArchiveSession)) {
                (Some(update), Some(archive)) => {
                    format!(
                        "{ask} {update} and a budget above {cost}; if a person wants it archived \
                         instead, {archive}"
                    )
                }
                _ => format!("{ask} its budget must be raised above {cost}"),
            }
        }
        Advice::RetryAfterError(source) => {
            let first = match source {
                ErrorSource::McpServer => "check that MCP server or its credential",
                ErrorSource::Billing => "check the organization's billing",
                ErrorSource::Repository => "check the access to the repository",
                ErrorSource::Other => "wait a few minutes",
            };
            format!("{first}; then {}", message_of(step, vocabulary, "to try again"))
        }
        Advice::Rephrase => format!(
            "read what led to it: {}; then {}",
            call(Op::ListSessionEvents)?,
            message_of(step, vocabulary, "to go on in another way")
        ),
        Advice::ContinueOrEndRuns => {
            let go_on = message_of(step, vocabulary, "that asks its agent to go on with its runs");
            format!("{go_on}, or to stop them if they are not needed any more")
        }
        Advice::Free => format!(
            "it cannot be answered: {}",
            interrupt(step, vocabulary, "its waiting, which closes the pending calls")?
        ),
        Advice::BudgetLifted => {
            let wait = call(Op::WaitForSession)?;
            let remove = "the model may have no list price, and only removing the budget helps";
            format!(
                "its budget allows more now, and work resumes by itself: {wait}; if it stays idle, \
                 {remove}"
            )
        }
        Advice::Interrupt => interrupt(step, vocabulary, "its turn")?,
        Advice::Replace => {
            let archive = call(Op::ArchiveSession)
                .map(|archive| format!("; if a person wants this one archived, {archive}"));
            let start = "start a new session for what is left to do".to_owned();
            start + &archive.unwrap_or_default()
        }
        Advice::ReadHistory => format!(
            "nothing can be sent to it any more; {} to read its history",
            call(Op::ListSessionEvents)?
        ),
        Advice::Inspect => {
            let full = [id.clone(), ("detail", json!("full"))];
            match vocabulary.invoke(Op::GetSession, &full) {
                Some(get) => get,
                None => call(Op::ListSessionEvents)? + " to see what it does",
            }
        }
    })
}

/// Stopping is a person's decision: it is offered, never urged.
/// How work goes on whose cost is not known, so that no budget is known to be above it.
pub(crate) fn without_price(session_id: &str, vocabulary: &dyn Vocabulary) -> String {
    let arguments = [("session_id", json!(session_id)), ("clear", json!(["budget"]))];
    vocabulary.invoke(Op::UpdateSession, &arguments).map_or_else(
        || "its budget must be removed".to_owned(),
        |update| format!("{update}: its cost is not known, so no amount is sure to be enough"),
    )
}

fn interrupt(step: &NextStep, vocabulary: &dyn Vocabulary, what: &str) -> Option<String> {
    let args = [("session_id", json!(step.session_id)), ("wait_seconds", json!(20))];
    let interrupt = vocabulary.invoke(Op::InterruptSession, &args).unwrap_or_else(|| {
        let event = json!({"type": "user.interrupt"});
        send(&step.session_id, step.console_url.as_deref(), &event, "alone")
    });
    let diagnose = vocabulary.invoke(Op::DiagnoseSession, &[])?;
    Some(format!("if a person wants to stop {what}, {interrupt}, then {diagnose} again"))
}

fn message_of(step: &NextStep, vocabulary: &dyn Vocabulary, why: &str) -> String {
    message_to(&step.session_id, step.console_url.as_deref(), vocabulary, why)
}

/// How to send a message; `why` continues the sentence.
pub(crate) fn message_to(
    session_id: &str,
    console_url: Option<&str>,
    vocabulary: &dyn Vocabulary,
    why: &str,
) -> String {
    if let Some(call) = vocabulary.invoke(Op::SendMessage, &[("session_id", json!(session_id))]) {
        return format!("{call} and a text {why}");
    }
    let message = json!({"type": "user.message", "content": [{"type": "text", "text": "…"}]});
    send(session_id, console_url, &message, why)
}

/// How to answer a call that waits.
pub(crate) fn answer(
    session_id: &str,
    console_url: Option<&str>,
    kind: AnswerKind,
    event_id: &str,
    vocabulary: &dyn Vocabulary,
) -> String {
    let args = [("session_id", json!(session_id)), ("event_id", json!(event_id))];
    if let Some(call) = vocabulary.invoke(Op::AnswerSession, &args) {
        // No decision that could be copied: it is a person's.
        return match kind {
            AnswerKind::Confirmation => format!(
                "ask a person, then {call} and their decision, \"allow\" or \"deny\" (with a \
                 reason)"
            ),
            AnswerKind::CustomToolResult => {
                format!("{call} and the result, from the program that provides this tool")
            }
            AnswerKind::ToolResult => {
                format!("{call} and the result, from the program that carries out its tools")
            }
        };
    }
    let content = json!([{"type": "text", "text": "…"}]);
    let (event, why) = match kind {
        AnswerKind::Confirmation => (
            json!({"type": "user.tool_confirmation", "tool_use_id": event_id, "result": "allow"}),
            "once a person has decided (\"deny\" takes a deny_message)",
        ),
        AnswerKind::CustomToolResult => (
            json!({"type": "user.custom_tool_result", "custom_tool_use_id": event_id, "content": content}),
            "from the program that provides this tool",
        ),
        AnswerKind::ToolResult => (
            json!({"type": "user.tool_result", "tool_use_id": event_id, "content": content}),
            "from the program that carries out its tools",
        ),
    };
    send(session_id, console_url, &event, why)
}

/// How to send an event where this program is not asked to; `why` continues the sentence.
fn send(session_id: &str, console_url: Option<&str>, event: &Value, why: &str) -> String {
    let place = console_url.map(|url| format!("on the console page {url} or "));
    let place = place.unwrap_or_default();
    format!(
        "{place}by POST /v1/sessions/{session_id}/events (SDK: beta.sessions.events.send), send \
         {event} {why}"
    )
}

#[cfg(test)]
mod tests {
    use crate::{
        app::op::Op,
        domain::diagnosis::{Advice, AnswerKind, ErrorSource, NextStep},
        explain::{diagnosis::next_step, vocabulary::Vocabulary},
    };

    /// Offers all operations but these.
    struct Without(&'static [Op]);

    impl Vocabulary for Without {
        fn name(&self, op: Op) -> Option<&str> {
            (!self.0.contains(&op)).then(|| op.name())
        }
    }

    /// The session's id must not be taken for an operation.
    fn step(advice: Advice) -> NextStep {
        NextStep { session_id: "archive_session".to_owned(), console_url: None, advice }
    }

    fn steps(without: &'static [Op]) -> String {
        let advice = [
            Advice::Wait,
            Advice::WaitOrInterrupt,
            Advice::ContinueOrArchive,
            Advice::ContinueOrEndRuns,
            Advice::Free,
            Advice::BudgetLifted,
            Advice::RaiseBudgetOrArchive(Some("5.00 USD".to_owned())),
            Advice::Rephrase,
            Advice::Interrupt,
            Advice::Replace,
            Advice::ReadHistory,
            Advice::Inspect,
        ];
        let steps = advice.map(|advice| next_step(&step(advice), &Without(without)));
        steps.join("\n")
    }

    #[test]
    fn a_step_names_only_operations_that_are_offered() {
        const SOME: &[Op] = &[Op::ArchiveSession, Op::InterruptSession, Op::GetSession];
        let (all, some, none) = (steps(&[]), steps(SOME), steps(&Op::ALL));
        insta::assert_snapshot!(format!(
            "all offered:\n{all}\n\nwithout {SOME:?}:\n{some}\n\nnone offered:\n{none}"
        ));
    }

    #[test]
    fn what_helps_depends_on_the_error_and_on_the_waiting_call() {
        use AnswerKind::{Confirmation, CustomToolResult, ToolResult};
        use ErrorSource::{Billing, McpServer, Other, Repository};
        let retries = [McpServer, Billing, Repository, Other].map(Advice::RetryAfterError);
        let answers = [Confirmation, CustomToolResult, ToolResult]
            .map(|kind| Advice::Answer(kind, "evt_1".to_owned()));
        let steps = retries.into_iter().chain(answers).map(|advice| NextStep {
            console_url: Some("https://platform.claude.com/x".to_owned()),
            ..step(advice)
        });
        let steps: Vec<_> = steps.map(|step| next_step(&step, &Without(&[]))).collect();
        insta::assert_snapshot!(steps.join("\n"));
    }
}
