//! What the operator chose, as far as operations depend on it.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use crate::api;

/// What the operator chose for the operations.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the API is reached.
    pub api: api::Settings,
    /// The whole of one call, retries and waiting included.
    pub timeout: Duration,
    /// Only sessions of these agents; empty means of any.
    pub allowed_agents: Vec<String>,
    /// Status names that are as safe as idle.
    pub idle_statuses: Vec<String>,
    /// What a delete needs first.
    pub confirm_deletes: ConfirmDeletes,
    /// Where exports go, absolute; without it there are none.
    pub export_dir: Option<PathBuf>,
    /// Where every call of a writing operation leaves a line, absolute.
    pub audit_log: Option<PathBuf>,
    /// How many requests a minute bulk work may send.
    pub max_rpm: NonZeroU32,
    /// Pauses between requests; not a setting of the operator, but of tests.
    pub pauses: Pauses,
}

/// What a delete needs before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfirmDeletes {
    /// Nothing: hosts already ask before a destructive tool.
    #[default]
    Off,
    /// A token from an earlier answer.
    Token,
    /// A person's yes, or the token where the host cannot ask.
    Elicit,
}

impl ConfirmDeletes {
    /// Every way, by its name in `--confirm-deletes`.
    pub const ALL: [(&'static str, Self); 3] = [
        ("off", Self::Off),
        ("token", Self::Token),
        ("elicit", Self::Elicit),
    ];

    /// As `--confirm-deletes` spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Token => "token",
            Self::Elicit => "elicit",
        }
    }
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
