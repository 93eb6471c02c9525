//! How much of a filter the requests of a list carry.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::api::ApiError;

/// Which filters the requests of a list carry. All are applied here anyway, and some services fail
/// on filters instead of ignoring them: `created_at[…]` first of all.
#[derive(Debug, Default)]
pub(crate) struct Carried(AtomicU8);

impl Carried {
    pub(crate) const ALL: u8 = 0;
    pub(crate) const NO_TIMES: u8 = 1;
    pub(crate) const NONE: u8 = 2;

    pub(crate) fn level(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether to ask again with fewer filters after this error. `are_ours` is whether the caller
    /// did not name the other filters, so that no correction of the call would help.
    pub(crate) fn reduce(
        &self,
        error: &ApiError,
        has_times: bool,
        has_others: bool,
        are_ours: bool,
    ) -> bool {
        let status = error.http_status().unwrap_or_default();
        let failed = matches!(status, 500 | 502);
        let rejected = matches!(status, 400 | 422);
        let next = match self.level() {
            Self::ALL if has_times && (failed || rejected) => Self::NO_TIMES,
            Self::ALL | Self::NO_TIMES if has_others && are_ours && (failed || rejected) => {
                Self::NONE
            }
            // What the API rejects about other filters is for the caller to correct.
            Self::ALL if has_others && failed => Self::NONE,
            _ => return false,
        };
        self.0.store(next, Ordering::Relaxed);
        true
    }

    /// Keeps the filters as they are carried if the request without them fails as well: they were
    /// not to blame.
    pub(crate) fn restore(&self, level: u8) {
        self.0.store(level, Ordering::Relaxed);
    }
}
