//! Agents and environments by id and name.

use crate::domain::code::Code;

/// An agent of the service, or an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAgent {
    /// Its id.
    pub id: String,
    /// Its name, empty if the service gives none.
    pub name: String,
}

/// That no agent, or no environment, has this id or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownAgent {
    /// What was given.
    pub wanted: String,
    /// Those that there are, those most like it first.
    pub known: Vec<KnownAgent>,
    /// How many more there are.
    pub more: usize,
    /// Whether all of them were looked at.
    pub complete: bool,
}

/// What a session is started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The agent that it runs.
    Agent,
    /// The environment that it runs in.
    Environment,
}

impl Part {
    /// Its name, in sentences and as an argument.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Environment => "environment",
        }
    }
}

/// Why no session can be started from what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CannotStart {
    /// Nothing has this id or name.
    Unknown(Part, UnknownAgent),
    /// Several have this name.
    Ambiguous(Part, String, Vec<KnownAgent>),
    /// It is archived.
    Archived(Part, KnownAgent),
    /// The operator does not allow this agent, as it was given.
    NotAllowed(String),
}

impl CannotStart {
    /// The code of the failure it becomes.
    pub fn code(&self) -> Code {
        match self {
            Self::NotAllowed(_) => Code::AgentNotAllowed,
            Self::Unknown(..) | Self::Ambiguous(..) | Self::Archived(..) => Code::InvalidArguments,
        }
    }
}
