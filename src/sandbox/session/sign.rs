//! When a session that runs without an end shows signs of life.

use std::time::Duration;

use crate::sandbox::clock::Timestamp;

#[derive(Debug)]
pub(super) struct Heartbeat {
    pub(super) every: Duration,
    pub(super) last: Timestamp,
    /// The turn that it belongs to.
    pub(super) turn: u64,
}
