//! May this operation run on this session now? The whole rule is [`judge`]; everything that
//! writes asks it right before it sends.

use crate::model::SessionHead;

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
    /// A turn is under way.
    Running,
    /// A transient error is being retried: it will run again by itself.
    Rescheduling,
    /// It has ended for good.
    Terminated,
    /// It is archived.
    Archived,
    /// The status is one this program does not know, so it may be busy.
    StatusUnrecognized,
}

impl Refusal {
    /// Whether waiting, or an interrupt, can lift this refusal.
    #[must_use]
    pub fn is_busy(self) -> bool {
        matches!(self, Self::Running | Self::Rescheduling)
    }
}

pub use Verdict as Decision;
impl Refusal {
    pub fn code(self) -> crate::domain::code::Code {
        use crate::domain::code::Code;
        match self {
            Self::Running => Code::SessionRunning,
            Self::Rescheduling => Code::SessionRescheduling,
            Self::Terminated => Code::SessionTerminated,
            Self::Archived => Code::SessionArchived,
            Self::StatusUnrecognized => Code::StatusUnrecognized,
        }
    }
}
/// What [`judge`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Safe to send.
    Go,
    /// The session is already as the operation would leave it: send nothing.
    NothingToDo,
    /// Send nothing, for this one reason.
    Refuse(Refusal),
}

/// What a session is doing, as far as guards care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waiting for input.
    Idle,
    /// At work.
    Running,
    /// Waiting for a retry of its own.
    Rescheduling,
    /// Ended.
    Terminated,
    /// A status that is neither the API's nor named by `--idle-status`.
    Unknown,
}

impl State {
    /// Running or rescheduling.
    #[must_use]
    pub fn is_busy(self) -> bool {
        matches!(self, Self::Running | Self::Rescheduling)
    }
}

/// The API's own names of statuses, which cannot be declared to mean anything else.
pub const KNOWN_STATUSES: [&str; 4] = ["idle", "running", "rescheduling", "terminated"];

/// How statuses are read: the API's own names, and those an operator declared as safe as idle.
#[derive(Debug, Clone, Default)]
pub struct Statuses {
    idle_like: Vec<String>,
}

impl Statuses {
    /// `idle_like` are further names (of a compatible service) that are as safe as `idle`.
    #[must_use]
    pub fn new(idle_like: Vec<String>) -> Self {
        Self { idle_like }
    }

    /// What the session is doing. The API's own names cannot be declared to mean anything else.
    #[must_use]
    pub fn state(&self, session: &SessionHead) -> State {
        match session.status.as_str() {
            "idle" => State::Idle,
            "running" => State::Running,
            "rescheduling" => State::Rescheduling,
            "terminated" => State::Terminated,
            other if self.idle_like.iter().any(|name| name == other) => State::Idle,
            _ => State::Unknown,
        }
    }

    /// Asks [`judge`] about a session.
    #[must_use]
    pub fn judge(&self, operation: Operation, session: &SessionHead) -> Verdict {
        judge(operation, self.state(session), session.is_archived())
    }
}

/// The guard: one row an operation, one column a state.
///
/// Refusing while rescheduling is stricter than the API: such a session runs again by itself.
#[expect(clippy::match_same_arms, reason = "an arm is a rule of its own")]
#[must_use]
pub fn judge(operation: Operation, state: State, archived: bool) -> Verdict {
    use Operation as Op;
    use State as S;
    use Verdict::{Go, NothingToDo, Refuse};

    match (operation, archived, state) {
        (Op::Archive, true, _) => NothingToDo,
        // Services exist that leave an archived session running, or delete one that runs.
        (Op::Delete, true, S::Idle | S::Terminated | S::Unknown) => Go,
        (Op::UpdateTools | Op::Interrupt | Op::UpdateDetails | Op::UpdateBudget, true, _) => {
            Refuse(Refusal::Archived)
        }

        (Op::UpdateTools | Op::Archive | Op::Delete, _, S::Running) => Refuse(Refusal::Running),
        (Op::UpdateTools | Op::Archive | Op::Delete, _, S::Rescheduling) => {
            Refuse(Refusal::Rescheduling)
        }
        (Op::UpdateTools | Op::Archive | Op::Delete, false, S::Unknown) => {
            Refuse(Refusal::StatusUnrecognized)
        }
        (Op::UpdateTools | Op::Interrupt | Op::UpdateBudget, false, S::Terminated) => {
            Refuse(Refusal::Terminated)
        }
        (Op::Interrupt, false, S::Idle) => NothingToDo,

        (Op::UpdateTools, false, S::Idle)
        | (Op::Archive | Op::Delete, false, S::Idle | S::Terminated)
        | (Op::Interrupt, false, S::Running | S::Rescheduling | S::Unknown)
        | (Op::UpdateDetails, false, _)
        | (Op::UpdateBudget, false, S::Idle | S::Running | S::Rescheduling | S::Unknown) => Go,
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        domain::guard::{Operation as Op, Refusal, State, Statuses, Verdict, judge},
        model::SessionHead,
    };

    const STATES: [State; 5] = [
        State::Idle,
        State::Running,
        State::Rescheduling,
        State::Terminated,
        State::Unknown,
    ];

    fn word(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Go => "go",
            Verdict::NothingToDo => "nothing",
            Verdict::Refuse(Refusal::Running) => "running",
            Verdict::Refuse(Refusal::Rescheduling) => "rescheduling",
            Verdict::Refuse(Refusal::Terminated) => "terminated",
            Verdict::Refuse(Refusal::Archived) => "archived",
            Verdict::Refuse(Refusal::StatusUnrecognized) => "unrecognized",
        }
    }

    #[test]
    fn the_matrix_is_the_design() {
        let check = |operation, archived, expected: &str| {
            let row = STATES.map(|state| word(judge(operation, state, archived)));
            assert_eq!(
                row.join(" "),
                expected,
                "{operation:?}, archived: {archived}"
            );
        };
        // Columns: idle, running, rescheduling, terminated, unknown status.
        check(
            Op::UpdateTools,
            false,
            "go running rescheduling terminated unrecognized",
        );
        check(
            Op::Archive,
            false,
            "go running rescheduling go unrecognized",
        );
        check(Op::Delete, false, "go running rescheduling go unrecognized");
        check(Op::Interrupt, false, "nothing go go terminated go");
        check(Op::UpdateDetails, false, "go go go go go");
        check(Op::UpdateBudget, false, "go go go terminated go");

        check(
            Op::UpdateTools,
            true,
            "archived archived archived archived archived",
        );
        check(Op::Archive, true, "nothing nothing nothing nothing nothing");
        check(Op::Delete, true, "go running rescheduling go go");
        check(
            Op::Interrupt,
            true,
            "archived archived archived archived archived",
        );
        check(
            Op::UpdateDetails,
            true,
            "archived archived archived archived archived",
        );
        check(
            Op::UpdateBudget,
            true,
            "archived archived archived archived archived",
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_harmful_passes_on_a_busy_session(
            status in "running|rescheduling",
            archived: bool,
            declared in proptest::collection::vec("running|rescheduling|paused|[a-z]{0,8}", 0..4),
        ) {
            let session = SessionHead {
                status,
                archived_at: archived.then(|| "2026-01-01T00:00:00Z".to_owned().into()),
                ..SessionHead::default()
            };
            let statuses = Statuses::new(declared);
            for operation in [Op::UpdateTools, Op::Archive, Op::Delete] {
                proptest::prop_assert_ne!(statuses.judge(operation, &session), Verdict::Go);
            }
        }
    }

    #[test]
    fn a_declared_status_is_as_safe_as_idle_and_an_undeclared_one_is_not() {
        let paused = SessionHead {
            status: "paused".into(),
            ..SessionHead::default()
        };
        let judge = |statuses: &Statuses| statuses.judge(Op::Delete, &paused);
        assert_eq!(
            judge(&Statuses::default()),
            Verdict::Refuse(Refusal::StatusUnrecognized)
        );
        assert_eq!(judge(&Statuses::new(vec!["paused".into()])), Verdict::Go);
    }
}
