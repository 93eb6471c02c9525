//! What the operator chose, as far as operations depend on it.

use std::time::Duration;

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
