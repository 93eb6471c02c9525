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
    pub(crate) fn is_busy(self) -> bool {
        matches!(self, Self::Running | Self::Rescheduling)
    }

    /// The code of the failure it becomes.
    pub(crate) fn code(self) -> Code {
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
    pub(crate) fn as_str(self) -> &'static str {
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
    pub(crate) fn is_busy(self) -> bool {
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
    #[must_use]
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
    #[must_use]
    pub fn judge(&self, operation: Operation, session: &SessionHead) -> Ruling {
        judge(operation, self.activity(session), session.is_archived())
    }
}

/// The guard. Refusing while rescheduling is stricter than the API: such a session runs again by
/// itself.
#[expect(clippy::match_same_arms, reason = "each arm is a rule of its own")]
#[must_use]
pub fn judge(operation: Operation, activity: Activity, archived: bool) -> Ruling {
    use Activity::{Idle, Rescheduling, Running, Terminated, Unknown};
    use Operation as Op;
    use Ruling::{Go, NothingToDo, Refuse};

    match (operation, archived, activity) {
        (Op::Archive, true, _) => NothingToDo,
        // Some services leave an archived session running, or delete one that runs.
        (Op::Delete, true, Idle | Terminated | Unknown) => Go,
        (Op::UpdateTools | Op::Interrupt | Op::UpdateDetails | Op::UpdateBudget, true, _) => {
            Refuse(Refusal::Archived)
        }

        (Op::UpdateTools | Op::Archive | Op::Delete, _, Running) => Refuse(Refusal::Running),
        (Op::UpdateTools | Op::Archive | Op::Delete, _, Rescheduling) => {
            Refuse(Refusal::Rescheduling)
        }
        (Op::UpdateTools | Op::Archive | Op::Delete, false, Unknown) => {
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

#[cfg(test)]
mod tests {
    use crate::{
        domain::guard::{Activity, Operation as Op, Refusal, Ruling, Statuses, judge},
        model::SessionHead,
    };

    /// Operation, whether the session is archived; idle, running, rescheduling, terminated, unknown.
    const MATRIX: &str = "
UpdateTools false: allowed session_running session_rescheduling session_terminated status_unrecognized
UpdateTools true: session_archived session_archived session_archived session_archived session_archived
Archive false: allowed session_running session_rescheduling allowed status_unrecognized
Archive true: nothing_to_do nothing_to_do nothing_to_do nothing_to_do nothing_to_do
Delete false: allowed session_running session_rescheduling allowed status_unrecognized
Delete true: allowed session_running session_rescheduling allowed allowed
Interrupt false: nothing_to_do allowed allowed session_terminated allowed
Interrupt true: session_archived session_archived session_archived session_archived session_archived
UpdateDetails false: allowed allowed allowed allowed allowed
UpdateDetails true: session_archived session_archived session_archived session_archived session_archived
UpdateBudget false: allowed allowed allowed session_terminated allowed
UpdateBudget true: session_archived session_archived session_archived session_archived session_archived";

    #[test]
    fn the_guard_follows_its_matrix() {
        use Activity::{Idle, Rescheduling, Running, Terminated, Unknown};
        let row = |(operation, archived)| {
            let row = [Idle, Running, Rescheduling, Terminated, Unknown]
                .map(|activity| judge(operation, activity, archived).as_str());
            format!("\n{operation:?} {archived}: {}", row.join(" "))
        };
        let writes = [Op::UpdateTools, Op::Archive, Op::Delete, Op::Interrupt];
        let updates = [Op::UpdateDetails, Op::UpdateBudget];
        let operations = writes.into_iter().chain(updates);
        let rows = operations.flat_map(|operation| [(operation, false), (operation, true)]);
        assert_eq!(rows.map(row).collect::<String>(), MATRIX);
    }

    proptest::proptest! {
        #[test]
        fn nothing_harmful_is_allowed_on_a_busy_session(
            status in "running|rescheduling",
            archived: bool,
            idle_like in proptest::collection::vec("running|rescheduling|paused|[a-z]{0,8}", 0..4),
        ) {
            let session = SessionHead {
                status,
                archived_at: archived.then(|| "2026-01-01T00:00:00Z".to_owned().into()),
                ..SessionHead::default()
            };
            let statuses = Statuses::new(idle_like);
            for operation in [Op::UpdateTools, Op::Archive, Op::Delete] {
                proptest::prop_assert_ne!(statuses.judge(operation, &session), Ruling::Go);
            }
        }
    }

    #[test]
    fn only_declared_statuses_are_as_safe_as_idle() {
        let paused = SessionHead {
            status: "paused".into(),
            ..SessionHead::default()
        };
        let judge = |statuses: &Statuses| statuses.judge(Op::Delete, &paused);
        let refused = Ruling::Refuse(Refusal::StatusUnrecognized);
        assert_eq!(judge(&Statuses::default()), refused);
        assert_eq!(judge(&Statuses::new(vec!["paused".into()])), Ruling::Go);
    }
}
