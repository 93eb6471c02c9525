//! Why a list was not read to its end, where the entries alone do not show it.

use std::time::Duration;

use crate::{api::ApiError, domain::toolset::Unused};

/// Something about a list that its reader has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The service says that there is more and gives no cursor to it.
    NoCursor,
    /// The service returned a cursor or a page that it had returned before.
    Repeats,
    /// A rate limit stopped the scan; how long it lasts, if that is known.
    RateLimited(Option<Duration>),
    /// Time conditions could not be decided for so many entries, whose times are missing or
    /// cannot be read.
    UnreadableTimes(usize),
    /// The service failed on these filters, so that they could only be applied here.
    FiltersUnsupported,
    /// Nothing was found, since no session has the tool or server that was asked for.
    Unused(Unused),
}

/// Repetitions after a 429 that does not say when to come back, like the official SDKs.
pub(crate) const MAX_REPETITIONS: u32 = 2;

/// The 429s that one request met.
#[derive(Debug, Default)]
pub(crate) struct LimitsMet {
    unhinted: u32,
}

impl LimitsMet {
    /// Whether another repetition makes sense.
    pub(crate) fn allow_repetition(&mut self, error: &ApiError) -> bool {
        let is_hinted = error.retry_after().is_some_and(|wait| !wait.is_zero());
        self.unhinted += u32::from(!is_hinted);
        !error.is_spending_limit() && self.unhinted <= MAX_REPETITIONS
    }
}
