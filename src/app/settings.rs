//! The operator's settings of the operations.

use std::{collections::BTreeSet, num::NonZeroU32, path::PathBuf, time::Duration};

use super::op::Op;
use crate::{api, domain::guard::KNOWN_STATUSES};

/// Settings of the operations.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the API is reached.
    pub api: api::Settings,
    /// Timeout of a whole call, retries and waits included.
    pub timeout: Duration,
    /// Only sessions of these agents are visible; empty means all agents.
    pub allowed_agents: Vec<String>,
    /// Additional statuses that are as safe as idle; see [`may_count_as_idle`].
    pub idle_statuses: Vec<String>,
    /// What a delete needs first.
    pub confirm_deletes: Confirm,
    /// What an answer that allows a tool call needs first.
    pub confirm_approvals: Confirm,
    /// What nothing here does, whatever operation would do it.
    pub(crate) disabled: DisabledOperations,
    /// Folder for exports, absolute; without one, exports are unavailable.
    pub export_dir: Option<PathBuf>,
    /// File to which every call of a writing tool is logged, absolute.
    pub audit_log: Option<PathBuf>,
    /// Requests per minute of bulk work that change something.
    pub max_rpm: NonZeroU32,
    /// Requests per minute of bulk work that read.
    pub max_read_rpm: NonZeroU32,
    /// Pauses between requests; no setting of the operator, but of tests.
    pub pauses: Pauses,
}

/// The operations that the operator disabled.
pub(crate) type DisabledOperations = BTreeSet<Op>;

/// What a write that cannot be taken back needs before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confirm {
    /// Nothing: hosts already ask before a destructive tool.
    #[default]
    Off,
    /// A token from an earlier call.
    Token,
    /// A person's approval, or a token where the host cannot ask.
    Elicit,
}

impl Confirm {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Off, Self::Token, Self::Elicit];

    /// The mode's name in `--confirm-deletes` and `--confirm-approvals`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Token => "token",
            Self::Elicit => "elicit",
        }
    }
}

/// The operation of this name, as `--disable-tools` takes it.
pub(crate) fn operation_named(name: &str) -> Option<Op> {
    Op::ALL.into_iter().find(|op| op.name() == name)
}

/// The names that [`operation_named`] knows.
pub(crate) fn operation_names() -> Vec<&'static str> {
    Op::ALL.map(Op::name).into()
}

/// Whether a service's status may be declared to be as safe as idle: statuses with a known
/// meaning keep it.
pub fn may_count_as_idle(status: &str) -> bool {
    !KNOWN_STATUSES.contains(&status) && status != "archived"
}

/// Pauses between requests that look at, or repeat, something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pauses {
    /// Right after a turn ended the stored status can still say "running": a busy status is
    /// believed only after these pauses, each followed by another read.
    pub stale_status: Vec<Duration>,
    /// The API can refuse a write that the guard allowed: pauses between repetitions.
    pub conflict: Vec<Duration>,
    /// First and longest pause between two reads of a busy session.
    pub poll: (Duration, Duration),
    /// How long bulk work pauses after a 429 without `retry-after`, and after other transient
    /// failures.
    pub slow_down: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        let milliseconds = |each: &[u64]| each.iter().copied().map(Duration::from_millis).collect();
        Self {
            stale_status: milliseconds(&[150, 250]),
            conflict: milliseconds(&[100, 200, 400, 600, 700]),
            poll: (Duration::from_millis(250), Duration::from_secs(2)),
            slow_down: Duration::from_secs(1),
        }
    }
}
