//! The only place where failures are worded for the model: a code, one cause, one next step.

pub mod api;
pub mod cautious;
pub mod details;
pub mod diagnosis;
pub mod guard;
pub mod toolset;
pub mod values;
pub mod vocabulary;

use std::time::Duration;

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::{Value, json};

use crate::{
    api::ApiError,
    app::cursor::BadCursor,
    domain::{
        step::{LeftOut, Step},
        text,
    },
    model::{SessionHead, SessionId},
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
    next: Step,
    /// The session's status when it was read.
    status: Option<String>,
    http_status: Option<u16>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
}

impl Failure {
    fn new(code: &'static str, message: impl Into<String>, next: impl Into<Step>) -> Self {
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
        self.parts.status = crate::domain::view::row::status(session);
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

    /// A tool that does not exist, or that the operator left out, with those that are offered,
    /// closest first.
    pub(crate) fn unknown_tool(name: &str, left_out: &LeftOut, tools: &[String]) -> Self {
        let name_quoted = text::quoted(name);
        let message = if left_out.contains(name) {
            format!(
                "the tool {name_quoted} is left out by the operator's configuration of this \
                 server (--read-only, --toolsets)"
            )
        } else {
            format!("there is no tool {name_quoted}")
        };
        let next = format!("call one of {}", tools.join(", "));
        Self::new("invalid_arguments", message, next)
    }

    /// A call without a tool's name, or with arguments that are no object.
    pub(crate) fn malformed_call(name: Option<&str>) -> Self {
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
            Step::from(
                "call list_sessions to see the sessions it may look after; the operator sets \
                 --allow-agent",
            )
            .or("name a session of another agent; the operator sets --allow-agent"),
        )
    }

    /// The whole call took too long.
    pub(crate) fn call_timed_out(tool: &str) -> Self {
        Self::new(
            "timed_out",
            format!("{tool} did not end in time; whether it changed anything is not known"),
            api::read_before("repeating a change"),
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
            api::read_before("trying again, and report this with the server's log"),
        )
    }

    /// The caller took the call back.
    pub(crate) fn cancelled(tool: &str) -> Self {
        Self::new(
            "cancelled",
            format!("{tool} was cancelled by the caller; what was already sent stands"),
            api::read_before("making the call again"),
        )
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
        let next = format!(
            "call get_session with {{\"session_id\":{}}} to see it as it is, then try again if it \
             was not {operation}",
            json!(id.as_str())
        );
        self.parts.next = next.into();
        self
    }

    /// The same failure of a call that had stopped the session's turn before.
    pub(crate) fn after_an_interrupt(mut self) -> Self {
        // This one tells of it by itself.
        if self.code != "busy_timeout" {
            self.parts
                .message
                .push_str("; its turn was stopped before that");
        }
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

    /// The failure as MCP knows it: one text block, its parts beside it for programs. The next
    /// step is one that can be taken without the tools left out.
    pub(crate) fn into_result(self, left_out: &LeftOut) -> CallToolResult {
        let Parts {
            message,
            next,
            status,
            http_status,
            request_id,
            retry_after,
        } = *self.parts;
        let next = next.on(left_out);
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

/// Rounded up: who comes back a moment too early has waited for nothing.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
