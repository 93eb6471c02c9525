//! Workflow runs: background work that keeps a session running, or waits while it is idle.

use super::Session;
use crate::sandbox::clock::Clock;

impl Session {
    pub(super) fn has_running_run(&self) -> bool {
        false
    }

    pub(super) fn advance_run(&mut self, _: &mut Clock, _: usize, _: u64) {}
}
