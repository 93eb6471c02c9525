//! Whether an operation may run on a session now. [`judge`] is the whole rule; every write asks
//! it right before sending.

use crate::{domain::code::Code, model::SessionHead};

/// What is about to be done to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Replace `agent.tools` or `agent.mcp_servers`.
    UpdateTools,
    /// Archive: no new events from then on, and no way back.
    Archive,
    /// Delete the record, its events and its sandbox.
    Delete,
    /// Stop the current turn.
    Interrupt,
    /// Change the title or the metadata.
    UpdateDetails,
    /// Change or remove the budget.
    UpdateBudget,
    /// Send a message that begins a turn now.
    SendMessage,
    /// Send a message that is taken up when the turn under way allows it.
    QueueMessage,
    /// Answer a tool call that waits.
    Answer,
}

/// Why an operation may not run now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A turn is in progress.
    Running,
    /// A transient error is being retried: the session will run again by itself.
    Rescheduling,
    /// It has ended for good.
    Terminated,
    /// It is archived.
    Archived,
    /// The status is unknown, so the session may be busy.
    StatusUnrecognized,
}

impl Refusal {
    /// Whether waiting, or an interrupt, can lift this refusal.
    pub fn is_busy(self) -> bool {
        matches!(self, Self::Running | Self::Rescheduling)
    }

    /// The code of the failure it becomes.
    pub fn code(self) -> Code {
        match self {
            Self::Running => Code::SessionRunning,
            Self::Rescheduling => Code::SessionRescheduling,
            Self::Terminated => Code::SessionTerminated,
            Self::Archived => Code::SessionArchived,
            Self::StatusUnrecognized => Code::StatusUnrecognized,
        }
    }
}

/// What the guard decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Safe to send.
    Go,
    /// The session is already as the operation would leave it: send nothing.
    NothingToDo,
    /// Send nothing, for this one reason.
    Refuse(Refusal),
}

impl Ruling {
    /// `allowed`, `nothing_to_do`, or the code of the refusal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Go => "allowed",
            Self::NothingToDo => "nothing_to_do",
            Self::Refuse(refusal) => refusal.code().as_str(),
        }
    }
}

/// What a session is doing, as far as the guard is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Waiting for input.
    Idle,
    /// At work.
    Running,
    /// Waiting to retry by itself.
    Rescheduling,
    /// Ended.
    Terminated,
    /// A status that is neither the API's nor named by `--idle-status`.
    Unknown,
}

impl Activity {
    /// Running or rescheduling.
    pub fn is_busy(self) -> bool {
        matches!(self, Self::Running | Self::Rescheduling)
    }
}

/// The API's own status names, which `--idle-status` cannot redefine.
pub const KNOWN_STATUSES: [&str; 4] = ["idle", "running", "rescheduling", "terminated"];

/// How status names are read.
#[derive(Debug, Clone, Default)]
pub struct Statuses {
    idle_like: Vec<String>,
}

impl Statuses {
    /// `idle_like` are further names, of a compatible service, that are as safe as `idle`.
    pub fn new(idle_like: Vec<String>) -> Self {
        Self { idle_like }
    }

    /// What the session is doing.
    pub fn activity(&self, session: &SessionHead) -> Activity {
        match session.status.as_str() {
            "idle" => Activity::Idle,
            "running" => Activity::Running,
            "rescheduling" => Activity::Rescheduling,
            "terminated" => Activity::Terminated,
            other if self.idle_like.iter().any(|name| name == other) => Activity::Idle,
            _ => Activity::Unknown,
        }
    }

    /// [`judge`] for a session.
    pub fn judge(&self, operation: Operation, session: &SessionHead) -> Ruling {
        judge(operation, self.activity(session), session.is_archived())
    }
}

/// The guard. Refusing while rescheduling is stricter than the API: such a session runs again by
/// itself.
#[expect(clippy::match_same_arms, reason = "each arm is a rule of its own")]
pub fn judge(operation: Operation, activity: Activity, archived: bool) -> Ruling {
    use Activity::{Idle, Rescheduling, Running, Terminated, Unknown};
    use Operation::{self as Op, Answer, QueueMessage, SendMessage};
    use Ruling::{Go, NothingToDo, Refuse};

    match (operation, archived, activity) {
        (Op::Archive, true, _) => NothingToDo,
        // Some services leave an archived session running, or delete one that runs.
        (Op::Delete, true, Idle | Terminated) => Go,
        (Op::UpdateTools | Op::Interrupt | Op::UpdateDetails | Op::UpdateBudget, true, _) => {
            Refuse(Refusal::Archived)
        }
        (SendMessage | QueueMessage | Answer, true, _) => Refuse(Refusal::Archived),
        (SendMessage | QueueMessage | Answer, false, Terminated) => Refuse(Refusal::Terminated),
        (SendMessage, false, Running) => Refuse(Refusal::Running),
        (SendMessage, false, Rescheduling) => Refuse(Refusal::Rescheduling),
        (SendMessage, false, Unknown) => Refuse(Refusal::StatusUnrecognized),
        (SendMessage, false, Idle) => Go,
        (QueueMessage | Answer, false, Idle | Running | Rescheduling | Unknown) => Go,

        (Op::UpdateTools | Op::Archive | Op::Delete, _, Running) => Refuse(Refusal::Running),
        (Op::UpdateTools | Op::Archive | Op::Delete, _, Rescheduling) => {
            Refuse(Refusal::Rescheduling)
        }
        (Op::UpdateTools | Op::Archive, false, Unknown) | (Op::Delete, _, Unknown) => {
            Refuse(Refusal::StatusUnrecognized)
        }
        (Op::UpdateTools | Op::Interrupt | Op::UpdateBudget, false, Terminated) => {
            Refuse(Refusal::Terminated)
        }
        (Op::Interrupt, false, Idle) => NothingToDo,

        (Op::UpdateTools, false, Idle)
        | (Op::Archive | Op::Delete, false, Idle | Terminated)
        | (Op::Interrupt, false, Running | Rescheduling | Unknown)
        | (Op::UpdateDetails, false, _)
        | (Op::UpdateBudget, false, Idle | Running | Rescheduling | Unknown) => Go,
    }
}
