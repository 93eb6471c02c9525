//! Failures as values: what went wrong, and what was done before it did. `explain` words them.

mod api_code;
mod causes;
mod classes;

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;

pub(crate) use self::causes::{About, Blame, Mismatch, NotWaiting, StartInDoubt, UnfitAnswer};
use crate::{
    api::{Absence, ApiError},
    app::{
        approval::subject::{PendingQuestion, Subject},
        cursor::InvalidCursor,
        op::Op,
    },
    domain::{
        agents::{CannotStart, KnownAgent, UnknownAgent},
        details,
        guard::{Operation, Refusal},
        new_session,
        toolset::Problem,
        waiting::WaitingCall,
    },
    model::{Session, SessionHead, SessionId},
};

#[derive(Debug, Clone)]
pub(crate) struct Error {
    kind: Box<ErrorKind>,
    effects: Effects,
}

/// What had happened, or may have, before the operation failed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effects {
    /// The session's turn was stopped for this operation.
    pub turn_stopped: bool,
    /// A write was sent whose end is not known.
    pub in_doubt: Option<InDoubt>,
    /// A write was sent, and the operation ended before its answer came.
    pub write_abandoned: bool,
    /// The creation of a session was sent, and its end is not known.
    pub start_in_doubt: Option<Box<StartInDoubt>>,
    /// This process deleted the session that is missing.
    pub deleted_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct InDoubt {
    pub session: SessionId,
    pub operation: Operation,
}

#[derive(Debug, Clone)]
pub(crate) enum ErrorKind {
    Api {
        subject: About,
        error: ApiError,
    },
    /// The service has no such operation.
    Unsupported(ApiError),
    Refused {
        session: Box<SessionHead>,
        operation: Operation,
        refusal: Refusal,
    },
    SessionChanged {
        session: Box<SessionHead>,
        expected: String,
    },
    BusyTimeout {
        session: Box<SessionHead>,
        operation: Operation,
        waited: Duration,
        interrupted: bool,
    },
    /// The service accepted the write and did not do it.
    NotApplied {
        session: Box<SessionHead>,
        operation: Operation,
        mismatch: Mismatch,
        request_id: Option<String>,
    },
    /// The service kept refusing a write that the session's state allows.
    Conflict {
        session: Box<SessionHead>,
        operation: Operation,
        error: ApiError,
    },
    /// The service refuses the write until the session's workflow runs have ended.
    WorkflowRunOpen {
        session: Box<SessionHead>,
        operation: Operation,
        error: ApiError,
    },
    /// The session waits for somebody.
    Waiting {
        session: Box<SessionHead>,
        operation: Operation,
        calls: Vec<WaitingCall>,
    },
    /// Nothing, or nothing of that id, waits for an answer.
    NotWaiting(Box<NotWaiting>),
    /// The answer does not fit the call that waits.
    UnfitAnswer(Box<UnfitAnswer>),
    /// It stops until its budget is raised or removed.
    BudgetReached(Box<SessionHead>),
    InvalidToolset {
        session: Box<SessionHead>,
        problems: Vec<Problem>,
    },
    BudgetRefused {
        session: Box<SessionHead>,
        refusal: details::BudgetRefusal,
    },
    /// Worded by the adapter that read them.
    InvalidArguments(Vec<String>),
    InvalidDetails(Vec<details::Mistake>),
    InvalidStart(Vec<new_session::Mistake>),
    /// A new session cannot have the agent or the environment that was given.
    CannotStart(Box<CannotStart>),
    /// Of the session to be started.
    InvalidStartTools(Vec<Problem>),
    /// The service created another session than the one asked for.
    StartedDifferently {
        session: Box<SessionHead>,
        differences: new_session::Differences,
        request_id: Option<String>,
    },
    /// Part of what is asked for is what this operation does, which the operator disabled.
    Disabled(Op),
    InvalidCursor(InvalidCursor),
    /// The service refuses what is given as an agent, and no agent has it as its id or name.
    UnknownAgent(Box<UnknownAgent>),
    /// Nothing can be newer than an event that is not there.
    UnknownEvent {
        session: SessionId,
        event: String,
        /// How many events were looked at, the newest first.
        scanned: usize,
    },
    /// Several agents have this name.
    AmbiguousAgent {
        name: String,
        agents: Vec<KnownAgent>,
    },
    /// Worded by `config`.
    InvalidConfiguration(String),
    AgentNotAllowed(SessionId),
    CallTimedOut,
    /// Another call was writing the session all the time.
    LockTimedOut(SessionId),
    Internal,
    Cancelled,
    PlanNotFound(String),
    /// What this plan does cannot be taken back.
    NothingToUndo(String),
    AuditFailed {
        path: PathBuf,
        cause: Arc<io::Error>,
    },
    ConfirmationInvalid {
        subject: Box<Subject>,
        expired: bool,
    },
    ConfirmationDeclined(Box<Subject>),
    /// The adapter has to ask a person, and make the call again with the reply.
    InputRequired(Box<PendingQuestion>),
    ExportUnavailable,
    ExportFailed {
        session: SessionId,
        dir: PathBuf,
        cause: Arc<io::Error>,
    },
    /// The time was up before the history was read to its end; the next call resumes.
    ExportUnfinished {
        session: SessionId,
        /// Events exported so far; 0 if nothing was kept.
        events: u64,
    },
    /// The copy that a delete needs could not be made.
    NotExported {
        session: SessionId,
        cause: Box<Error>,
    },
    /// The session changed each time it had been exported.
    ExportOutdated(Box<SessionHead>),
    /// The cursor of the event history does not move.
    EndlessHistory(SessionId),
    /// The service says that there is more and gives no cursor to it.
    IncompleteHistory(SessionId),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self { kind: Box::new(kind), effects: Effects::default() }
    }

    pub(crate) fn api(subject: About, error: ApiError) -> Self {
        let is_list = matches!(
            subject,
            About::SessionList | About::AgentList | About::EnvironmentList | About::Credential
        );
        match error.absence() {
            Some(Absence::Operation) => Self::new(ErrorKind::Unsupported(error)),
            // The list is always there where the operation is.
            Some(_) if is_list => Self::new(ErrorKind::Unsupported(error)),
            _ => Self::new(ErrorKind::Api { subject, error }),
        }
    }

    pub(crate) fn in_doubt(mut self, session: &SessionId, operation: Operation) -> Self {
        self.effects.in_doubt = Some(InDoubt { session: session.clone(), operation });
        self
    }

    pub(crate) fn start_in_doubt(mut self, doubt: StartInDoubt) -> Self {
        self.effects.start_in_doubt = Some(Box::new(doubt));
        self
    }

    pub(crate) fn after_abandoned_write(mut self) -> Self {
        self.effects.write_abandoned = true;
        self
    }

    pub(crate) fn after_deletion(mut self, at: Timestamp) -> Self {
        self.effects.deleted_at = Some(at);
        self
    }

    pub(crate) fn after_interrupt(mut self) -> Self {
        self.effects.turn_stopped = true;
        self
    }

    /// Whether a write was sent whose end is not known.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.effects.in_doubt.is_some()
            || self.effects.start_in_doubt.is_some()
            || self.effects.write_abandoned
    }

    pub(crate) fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The API's error, of a failed request that is nothing more than that.
    pub(crate) fn into_api(self) -> Result<(About, ApiError), Self> {
        match *self.kind {
            ErrorKind::Api { subject, error } => Ok((subject, error)),
            kind => Err(Self { kind: Box::new(kind), effects: self.effects }),
        }
    }

    pub(crate) fn effects(&self) -> &Effects {
        &self.effects
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.as_api().and_then(ApiError::retry_after)
    }

    pub(crate) fn http_status(&self) -> Option<u16> {
        self.as_api().and_then(ApiError::http_status)
    }

    /// Whether the same request may succeed later with nothing changed.
    pub(crate) fn is_transient(&self) -> bool {
        self.as_api().is_some_and(ApiError::is_transient)
    }

    /// Whether it says that what was read before is gone.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.http_status(), Some(404 | 410))
    }

    /// Whether a service that lacks this operation would have answered so.
    pub(crate) fn is_unknown_route(&self) -> bool {
        matches!(self.http_status(), Some(404 | 405 | 501))
    }

    /// Whether the session itself is not there, or not there any more.
    pub(crate) fn is_session_not_found(&self) -> bool {
        matches!(&*self.kind, ErrorKind::Api { subject: About::Session(_), error } if error.is_not_found())
    }

    /// The session that it says is missing, or something of it.
    pub(crate) fn missing_session(&self) -> Option<&SessionId> {
        let ErrorKind::Api { subject, error } = &*self.kind else {
            return None;
        };
        match subject {
            About::Session(id)
            | About::Events(id)
            | About::Threads(id)
            | About::Thread(id, _)
            | About::Files(id) => error.is_not_found().then_some(id),
            About::File(_)
            | About::SessionList
            | About::AgentList
            | About::Agent(_)
            | About::EnvironmentList
            | About::Environment(_)
            | About::NewSession(_)
            | About::Credential => None,
        }
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        match &*self.kind {
            ErrorKind::NotApplied { request_id, .. }
            | ErrorKind::StartedDifferently { request_id, .. } => request_id.as_deref(),
            _ => self.as_api()?.request_id(),
        }
    }

    /// The session as it was read, where the failure is about its state.
    pub(crate) fn session(&self) -> Option<&SessionHead> {
        match &*self.kind {
            ErrorKind::Refused { session, .. }
            | ErrorKind::SessionChanged { session, .. }
            | ErrorKind::BusyTimeout { session, .. }
            | ErrorKind::NotApplied { session, .. }
            | ErrorKind::StartedDifferently { session, .. }
            | ErrorKind::Conflict { session, .. }
            | ErrorKind::WorkflowRunOpen { session, .. }
            | ErrorKind::Waiting { session, .. }
            | ErrorKind::InvalidToolset { session, .. }
            | ErrorKind::BudgetRefused { session, .. }
            | ErrorKind::BudgetReached(session)
            | ErrorKind::ExportOutdated(session) => Some(session),
            ErrorKind::NotWaiting(not_waiting) => Some(&not_waiting.session),
            ErrorKind::UnfitAnswer(unfit) => Some(&unfit.session),
            _ => None,
        }
    }

    /// The API's error, if one is the cause.
    pub(crate) fn as_api(&self) -> Option<&ApiError> {
        match &*self.kind {
            ErrorKind::Api { error, .. }
            | ErrorKind::Unsupported(error)
            | ErrorKind::Conflict { error, .. }
            | ErrorKind::WorkflowRunOpen { error, .. } => Some(error),
            ErrorKind::NotExported { cause, .. } => cause.as_api(),
            _ => None,
        }
    }
}

/// The service accepted an event, and the history of its session does not show it.
pub(crate) fn not_in_history(
    session: &Session,
    operation: Operation,
    request_id: Option<String>,
) -> Error {
    let session = Box::new(session.head.clone());
    let mismatch = Mismatch::NotInHistory;
    ErrorKind::NotApplied { session, operation, mismatch, request_id }.into()
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            ErrorKind::Api { error, .. } | ErrorKind::Unsupported(error) => {
                write!(f, "{}: {error}", self.code())
            }
            _ => self.code().fmt(f),
        }
    }
}

impl std::error::Error for Error {}
