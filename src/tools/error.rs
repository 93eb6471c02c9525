//! The only place where failures are worded for the model: a code, one cause, one next step.

use std::time::Duration;

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::{Value, json};

use crate::{
    api::{
        ApiError,
        types::{SessionHead, SessionId},
    },
    domain::{guard::Refusal, summary::refusal_code, text},
};

/// Where programs find a failure's parts in a tool result.
pub const META_KEY: &str = "managed-sessions-mcp/error";

/// A tool call that did not do what was asked, told so that the next call can be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What programs branch on.
    pub code: &'static str,
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
        Self {
            code,
            message: message.into(),
            next: next.into(),
            status: None,
            http_status: None,
            request_id: None,
            retry_after: None,
        }
    }

    fn with_status(mut self, session: &SessionHead) -> Self {
        self.status = Some(session.status.clone());
        self
    }

    fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.request_id = request_id;
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

    /// What the API, or the way to it, answered. `what` names the thing that was asked about.
    pub(crate) fn api(what: &str, error: &ApiError) -> Self {
        let (code, message, next) = api_words(what, error);
        Self::new(code, message, next).with_api(error)
    }

    fn with_api(mut self, error: &ApiError) -> Self {
        self.http_status = error.http_status();
        self.request_id = error.request_id().map(str::to_owned);
        self.retry_after = error.retry_after();
        self
    }

    /// The failure as MCP knows it: one text block, its parts beside it for programs.
    pub(crate) fn into_result(self) -> CallToolResult {
        let request = self
            .request_id
            .as_ref()
            .map(|id| format!(" (request_id {id})"))
            .unwrap_or_default();
        let line = format!(
            "{}: {}. Next: {}.{request}",
            self.code, self.message, self.next
        );
        let mut parts = json!({
            "code": self.code,
            "message": self.message,
            "next": self.next,
            "status": self.status,
            "http_status": self.http_status,
            "request_id": self.request_id,
            "retry_after_seconds": self.retry_after.map(|wait| wait.as_secs_f64().ceil() as u64),
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
    format!(
        "call {tool} with {{\"session_id\":{id},\"if_busy\":\"wait\"}} to act once its turn has \
         ended, or with \"if_busy\":\"interrupt\" to stop it first"
    )
}

/// Code, message and next step of what the API answered.
fn api_words(what: &str, error: &ApiError) -> (&'static str, String, String) {
    let said = |message: &str| match message {
        "" => String::new(),
        message => format!(": {}", text::visible(message)),
    };
    match error {
        ApiError::Refused {
            status,
            message,
            retry_after,
            ..
        } => {
            let said = said(message);
            match status {
                401 => (
                    "unauthorized",
                    format!("the API does not accept the credential{said}"),
                    "check the API key or log in again, then restart this server".to_owned(),
                ),
                402 | 403 => (
                    "forbidden",
                    format!("the credential may not do this with {what}{said}"),
                    "use a credential of the workspace that owns the session".to_owned(),
                ),
                404 => (
                    "not_found",
                    format!("{what} does not exist, or the credential cannot see it"),
                    "call list_sessions with {\"include_archived\":true} to find the id".to_owned(),
                ),
                409 => (
                    "conflict",
                    format!("the API refuses this for {what} in its present state{said}"),
                    "read it with get_session, then try again".to_owned(),
                ),
                408 | 504 => (
                    "timed_out",
                    format!("the API gave up on {what} (HTTP {status})"),
                    "try again".to_owned(),
                ),
                429 => (
                    "rate_limited",
                    format!("the API's rate limit is reached{said}"),
                    match retry_after {
                        Some(wait) => format!("try again in {} s", wait.as_secs_f64().ceil()),
                        None => "try again in a minute".to_owned(),
                    },
                ),
                503 | 529 => (
                    "overloaded",
                    format!("the API is overloaded (HTTP {status})"),
                    "try again in a minute".to_owned(),
                ),
                500.. => (
                    "api_error",
                    format!("the API failed on {what} (HTTP {status}){said}"),
                    "try again; if it stays so, pass the request id on to support".to_owned(),
                ),
                _ => (
                    "rejected",
                    format!("the API rejects this for {what} (HTTP {status}){said}"),
                    "change what the message names, then try again".to_owned(),
                ),
            }
        }
        ApiError::Redirected { status, host, .. } => (
            "bad_response",
            format!(
                "the service answered with a redirect (HTTP {status}) to {}, which is not followed",
                host.as_deref()
                    .map_or("another place".into(), text::visible),
            ),
            "set the base URL to the service's final address".to_owned(),
        ),
        ApiError::Unreachable { cause } => (
            "api_unreachable",
            format!("the API could not be reached{}", said(cause)),
            "check the network, the proxy and the base URL, then try again".to_owned(),
        ),
        ApiError::TimedOut => (
            "timed_out",
            format!("the API did not answer about {what} in time"),
            "read the session with get_session before repeating a change".to_owned(),
        ),
        ApiError::BadResponse { status, cause, .. } => (
            "bad_response",
            format!(
                "the answer about {what} (HTTP {status}) cannot be used{}",
                said(cause)
            ),
            "check that the base URL is a Sessions API".to_owned(),
        ),
        ApiError::CredentialsMissing { looked_for } => (
            "credentials_missing",
            format!(
                "no credential was found; looked for, in order: {}",
                looked_for.join(", ")
            ),
            "set ANTHROPIC_API_KEY in the MCP host's configuration of this server and restart it"
                .to_owned(),
        ),
        ApiError::Credentials { source, cause } => (
            "unauthorized",
            format!("the credential from {source} cannot be used: {cause}"),
            "correct it, or set ANTHROPIC_API_KEY, then restart this server".to_owned(),
        ),
        ApiError::InvalidConfiguration { variable, cause } => (
            "invalid_configuration",
            format!("{variable} {cause}"),
            "correct that setting in the MCP host's configuration of this server and restart it"
                .to_owned(),
        ),
    }
}
