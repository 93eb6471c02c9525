//! The only place where failures are worded for the model: a code, one cause, one next step.

mod api;
mod cautious;

use std::time::Duration;

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::{Value, json};

use crate::{
    api::{
        ApiError,
        types::{SessionHead, SessionId},
    },
    cursor::BadCursor,
    domain::{guard::Refusal, summary::refusal_code, text},
};

/// Where programs find a failure's parts in a tool result.
pub const META_KEY: &str = "managed-sessions-mcp/error";

/// A tool call that did not do what was asked, told so that the next call can be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What programs branch on.
    pub code: &'static str,
    parts: Box<Parts>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Parts {
    /// One sentence: the id, the title and the state, and the one cause. No full stop at the end.
    message: String,
    /// One step, as a call that would work where there is one. No full stop at the end.
    next: String,
    /// The session's status when it was read.
    status: Option<String>,
    http_status: Option<u16>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
}

impl Failure {
    fn new(code: &'static str, message: impl Into<String>, next: impl Into<String>) -> Self {
        let parts = Parts {
            message: message.into(),
            next: next.into(),
            ..Parts::default()
        };
        Self {
            code,
            parts: Box::new(parts),
        }
    }

    fn with_status(mut self, session: &SessionHead) -> Self {
        self.parts.status = Some(session.status.clone());
        self
    }

    fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.parts.request_id = request_id;
        self
    }

    /// Every mistake in a call's arguments.
    pub(crate) fn invalid_arguments(tool: &str, mistakes: &[String]) -> Self {
        Self::new(
            "invalid_arguments",
            format!("{tool} was not carried out: {}", mistakes.join("; ")),
            format!("call {tool} again with the arguments corrected"),
        )
    }

    /// A tool that does not exist, with those that do, closest first.
    pub(crate) fn unknown_tool(name: &str, tools: &[String]) -> Self {
        Self::new(
            "invalid_arguments",
            format!("there is no tool {}", text::quoted(name)),
            format!("call one of {}", tools.join(", ")),
        )
    }

    /// A call without a tool's name, or with arguments that are no object.
    pub(crate) fn malformed_call(params: Option<&Value>) -> Self {
        let name = params
            .and_then(|params| params.get("name"))
            .and_then(Value::as_str);
        let (message, next) = match name {
            Some(name) => (
                format!(
                    "the call of {} was not carried out: its arguments must be a JSON object",
                    text::quoted(name)
                ),
                "call it again with an object, such as {\"session_id\":\"…\"}",
            ),
            None => (
                "a call must name its tool: \"name\" must be a string".to_owned(),
                "call a tool of tools/list by its name",
            ),
        };
        Self::new("invalid_arguments", message, next)
    }

    /// A bad value in the server's environment.
    pub(crate) fn invalid_configuration(problem: &str) -> Self {
        Self::new(
            "invalid_configuration",
            problem,
            "correct that setting in the MCP host's configuration of this server and restart it",
        )
    }

    /// The session belongs to an agent that the operator does not allow.
    pub(crate) fn agent_not_allowed(id: &SessionId) -> Self {
        Self::new(
            "agent_not_allowed",
            format!("session {id} belongs to an agent this server is not allowed to look after"),
            "call list_sessions to see the sessions it may look after; the operator sets \
             --allow-agent",
        )
    }

    /// The whole call took too long.
    pub(crate) fn call_timed_out(tool: &str) -> Self {
        Self::new(
            "timed_out",
            format!("{tool} did not end in time; whether it changed anything is not known"),
            "read the session with get_session before repeating a change",
        )
    }

    /// Another call of this server was writing the session all the time.
    pub(crate) fn turn_timed_out(tool: &str, id: &SessionId) -> Self {
        Self::new(
            "timed_out",
            format!(
                "another call of this server was still busy with session {id}, so {tool} sent \
                 nothing"
            ),
            format!("call {tool} again"),
        )
    }

    /// Something this server did not foresee.
    pub(crate) fn internal(tool: &str) -> Self {
        Self::new(
            "internal",
            format!("{tool} failed inside this server; whether it changed anything is not known"),
            "read the session with get_session before trying again, and report this with the \
             server's log",
        )
    }

    /// The caller took the call back.
    pub(crate) fn cancelled(tool: &str) -> Self {
        Self::new(
            "cancelled",
            format!("{tool} was cancelled by the caller; what was already sent stands"),
            "call get_session to see the session as it is now",
        )
    }

    /// The guard said no.
    pub(crate) fn refused(
        tool: &str,
        operation: &str,
        session: &SessionHead,
        why: Refusal,
    ) -> Self {
        let who = named(session);
        let id = json!(session.id);
        let status = text::quoted(&session.status);
        let (message, next) = match why {
            Refusal::Running => (
                format!("session {who} is running, so it cannot be {operation} now"),
                busy_next(tool, &id),
            ),
            Refusal::Rescheduling => (
                format!(
                    "session {who} is rescheduling: it will run again by itself, so it cannot be \
                     {operation} now"
                ),
                busy_next(tool, &id),
            ),
            Refusal::Terminated => (
                format!("session {who} is terminated, so it cannot be {operation} any more"),
                format!(
                    "start a new session if there is more to do, or call archive_session with {{\"session_id\":{id}}}"
                ),
            ),
            Refusal::Archived => (
                format!("session {who} is archived, so it cannot be {operation} any more"),
                format!(
                    "call get_session with {{\"session_id\":{id}}} to read it; archiving cannot be undone"
                ),
            ),
            Refusal::StatusUnrecognized => (
                format!(
                    "session {who} has the status {status}, which this server does not know, so \
                     it may be busy and cannot be {operation}"
                ),
                format!(
                    "if {status} is as safe as idle, the operator can start this server with \
                     --idle-status {}",
                    session.status.escape_default()
                ),
            ),
        };
        Self::new(refusal_code(why), message, next).with_status(session)
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
                "session {} was updated at {}, not at {} as expected, so nothing was sent",
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
        let next = if interrupted {
            format!("call wait_for_session with {{\"session_id\":{id}}}, then {tool} again")
        } else {
            format!(
                "call {tool} with {{\"session_id\":{id},\"if_busy\":\"interrupt\"}} to stop the \
                 turn, or again later"
            )
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
        tool: &str,
        session: &SessionHead,
        differences: &[String],
        request_id: Option<String>,
    ) -> Self {
        Self::new(
            "not_applied",
            format!(
                "the service accepted {tool} for session {} but did not apply it: {}",
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
                "the API refuses that session {} is {operation}, although it is {}: {}",
                named(session),
                text::visible(&session.status),
                text::quoted(said),
            ),
            "try again in some seconds; if it stays so, pass the API's message on",
        )
        .with_status(session)
        .with_api(error)
    }

    /// A cursor that cannot be continued.
    pub(crate) fn bad_cursor(tool: &str, bad: BadCursor) -> Self {
        let mistake = match bad {
            BadCursor::Foreign => "page is not a next_page of this server",
            BadCursor::OtherQuestion => {
                "page is the next_page of other arguments; give it with those it came from"
            }
        };
        Self::new(
            "invalid_arguments",
            format!("{tool} was not carried out: {mistake}"),
            format!("call {tool} without page to start anew"),
        )
    }

    /// What the API, or the way to it, answered. `what` names the thing that was asked about.
    pub(crate) fn api(what: &str, error: &ApiError) -> Self {
        let (code, message, next) = api::words(what, error);
        Self::new(code, message, next).with_api(error)
    }

    /// The same failure of a write that may have been carried out.
    pub(crate) fn with_doubt(mut self, id: &SessionId, operation: &str) -> Self {
        let doubt = format!("; whether session {id} was {operation} is not known");
        self.parts.message.push_str(&doubt);
        self.parts.next = format!(
            "call get_session with {{\"session_id\":{}}} to see it as it is, then try again if it \
             was not {operation}",
            json!(id.as_str())
        );
        self
    }

    fn with_api(mut self, error: &ApiError) -> Self {
        self.parts.http_status = error.http_status();
        self.parts.request_id = error.request_id().map(str::to_owned);
        self.parts.retry_after = error.retry_after();
        self
    }

    /// How long the service asks to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.parts.retry_after
    }

    /// The one sentence, without code and next step.
    pub(crate) fn into_message(self) -> String {
        self.parts.message
    }

    /// The id of the API's request that failed.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.parts.request_id.as_deref()
    }

    /// The failure as MCP knows it: one text block, its parts beside it for programs.
    pub(crate) fn into_result(self) -> CallToolResult {
        let Parts {
            message,
            next,
            status,
            http_status,
            request_id,
            retry_after,
        } = *self.parts;
        let request = request_id.as_ref().map(|id| format!(" (request_id {id})"));
        let request = request.unwrap_or_default();
        let line = format!("{}: {message}. Next: {next}.{request}", self.code);
        let mut parts = json!({
            "code": self.code,
            "message": message,
            "next": next,
            "status": status,
            "http_status": http_status,
            "request_id": request_id,
            "retry_after_seconds": retry_after.map(whole_seconds),
        });
        if let Value::Object(parts) = &mut parts {
            parts.retain(|_, value| !value.is_null());
        }
        text::make_visible(&mut parts);
        let mut meta = MetaObject::default();
        meta.0.insert(META_KEY.to_owned(), parts);
        let mut result = CallToolResult::error(vec![ContentBlock::text(text::visible(&line))]);
        result.meta = Some(meta);
        result
    }
}

/// `sesn_1 ("Fix the login")`, or the id alone.
fn named(session: &SessionHead) -> String {
    let id = text::visible(&session.id);
    match session.title.as_deref() {
        Some(title) if !title.is_empty() => format!("{id} ({})", text::quoted(title)),
        _ => id.into_owned(),
    }
}

fn busy_next(tool: &str, id: &Value) -> String {
    if tool == "update_session_tools" {
        // Its other arguments are too long to be said again.
        return format!(
            "call {tool} again with \"if_busy\":\"wait\" added to act once its turn has ended, or \
             \"if_busy\":\"interrupt\" to stop it first"
        );
    }
    format!(
        "call {tool} with {{\"session_id\":{id},\"if_busy\":\"wait\"}} to act once its turn has \
         ended, or with \"if_busy\":\"interrupt\" to stop it first"
    )
}

/// Rounded up: who comes back a moment too early has waited for nothing.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
