//! The audit log: a JSON line for every call of a writing operation, whatever came of it, one
//! more before each write goes out, and for plans one for every session.
//!
//! A line names the call and its end, never content. Since a write is noted before it is sent, no
//! signal, crash or full disk leaves one without a line.

mod file;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use jiff::Timestamp;
use serde::Serialize;

use self::file::AuditFile;
use super::op::Op;
use crate::{domain::code::Code, model::SessionId};

#[derive(Debug, Clone)]
pub(crate) struct AuditLog(Arc<AuditFile>);

#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    tool: &'a str,
    #[serde(flatten)]
    target: &'a Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a str>,
    #[serde(flatten)]
    end: End,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    /// A write was sent whose end is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_doubt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
}

/// What a call is about, as the caller gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Target {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<String>,
}

impl Target {
    /// What of it can be written down: content that was given as an id is not.
    fn checked(self) -> Self {
        let id = |text: Option<String>| text.filter(|id| SessionId::parse(id).is_ok());
        Self { session_id: id(self.session_id), plan_id: id(self.plan_id) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// With an answer whose `outcome` this is.
    Outcome(String),
    Code(Code),
}

/// How a call, or the work on one session of a plan, has ended.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub end: End,
    pub request_id: Option<&'a str>,
    pub in_doubt: bool,
}

impl Ended<'static> {
    /// Without a write.
    pub(crate) fn of(end: End) -> Self {
        Self { end, request_id: None, in_doubt: false }
    }
}

/// A call of which lines are written.
#[derive(Debug, Clone)]
pub(crate) struct AuditedCall {
    log: AuditLog,
    op: Op,
    target: Target,
    /// The program that calls, and its version.
    client: Option<String>,
    started: Instant,
}

impl AuditLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(Arc::new(AuditFile::new(path)))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fails if the file cannot be opened or earlier lines still cannot be written: nothing may be
    /// done that could not be logged.
    pub(crate) fn ensure_writable(&self) -> io::Result<()> {
        self.0.flush()
    }

    pub(crate) fn call(&self, op: Op, target: Target, client: Option<String>) -> AuditedCall {
        let (target, started) = (target.checked(), Instant::now());
        AuditedCall { log: self.clone(), op, target, client, started }
    }
}

impl AuditedCall {
    pub(crate) fn path(&self) -> &Path {
        self.log.path()
    }

    /// The work on one session of the plan that this call applies.
    pub(crate) fn on_session(&self, id: &SessionId) -> Self {
        Self { started: Instant::now(), ..self.about(id) }
    }

    /// The same call, about the session that it created.
    pub(crate) fn about(&self, id: &SessionId) -> Self {
        let target = Target { session_id: Some(id.to_string()), ..self.target.clone() };
        Self { target, ..self.clone() }
    }

    /// Notes that a write is about to be sent; it must not be if that fails.
    pub(crate) fn begun(&self) -> io::Result<()> {
        let begun = Ended::of(End::Outcome("begun".to_owned()));
        match self.line(begun, None) {
            Some(line) => self.log.0.append_now(line),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Writes its last line, now or as soon as that is possible.
    pub(crate) fn ended(&self, ended: Ended<'_>) {
        let milliseconds = self.started.elapsed().as_millis();
        let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
        if let Some(line) = self.line(ended, Some(milliseconds)) {
            self.log.0.append(line);
        }
    }

    fn line(&self, ended: Ended<'_>, milliseconds: Option<u64>) -> Option<Vec<u8>> {
        let line = Line {
            time: format!("{:.3}", Timestamp::now()),
            tool: self.op.name(),
            target: &self.target,
            client: self.client.as_deref(),
            end: ended.end,
            request_id: ended.request_id,
            in_doubt: ended.in_doubt,
            milliseconds,
        };
        match serde_json::to_string(&line) {
            Ok(line) => Some((line + "\n").into_bytes()),
            Err(error) => {
                tracing::error!(%error, "an audit line could not be serialized");
                None
            }
        }
    }
}
