//! What failures are about.

use crate::{
    domain::{answer::NotWaitingReason, toolset::Difference, waiting::WaitingCall},
    model::{ObjectId, SessionHead, SessionId},
};

/// Why there is no call to answer.
#[derive(Debug, Clone)]
pub(crate) struct NotWaiting {
    pub session: SessionHead,
    /// The call that was to be answered, if one was named.
    pub event_id: Option<String>,
    pub reason: NotWaitingReason,
    /// What is waited for.
    pub calls: Vec<WaitingCall>,
}

/// How an answer does not fit what waits.
#[derive(Debug, Clone)]
pub(crate) struct UnfitAnswer {
    pub session: SessionHead,
    /// The call that waits; none where several do, and none is named.
    pub call: Option<WaitingCall>,
    /// What is waited for.
    pub calls: Vec<WaitingCall>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    Session(SessionId),
    Events(SessionId),
    Threads(SessionId),
    /// One thread of the session.
    Thread(SessionId, ObjectId),
    /// The files that it produced.
    Files(SessionId),
    File(String),
    SessionList,
    AgentList,
    Agent(String),
    EnvironmentList,
    Environment(String),
    /// The creation of a session of this agent.
    NewSession(String),
    /// Whether the credential is accepted.
    Credential,
}

/// How a session differs from what a write asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mismatch {
    NotArchived,
    /// The history of events does not show what was sent.
    NotInHistory,
    StillThere,
    Fields(Vec<String>),
    Toolset(Vec<Difference>),
}

/// The creation of a session whose answer was lost.
#[derive(Debug, Clone)]
pub(crate) struct StartInDoubt {
    pub agent: String,
    /// The agent's sessions that were created since, the newest first, if they can be listed.
    pub created: Option<Vec<SessionHead>>,
}

/// Whom a failure concerns, for work on many sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// This session: go on with the next one.
    Session,
    /// The service or the way to it: wait and try again.
    Service,
    /// This program's set-up: every further request would fail as well.
    Setup,
}
