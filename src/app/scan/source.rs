//! A list that can be scanned.

use std::fmt;

use jiff::Timestamp;

use crate::{
    api::{ApiError, Client},
    app::{error::About, scan::gap::Gap},
    model::{Order, Page},
};

/// A paged list of the API.
pub(crate) trait Source: Send + Sync {
    type Item: fmt::Debug + Send + Sync;

    fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> impl Future<Output = Result<Page<Self::Item>, ApiError>> + Send;

    /// Whether the entry passes the filters, the API's included: some services ignore them.
    fn matches(&self, item: &Self::Item) -> bool;

    /// Whether only a missing or unreadable time keeps the entry from matching.
    fn is_undecided(&self, _: &Self::Item) -> bool {
        false
    }

    /// Whether the service failed on filters that then had to be left out of the requests.
    fn leaves_out_filters(&self) -> bool {
        false
    }

    /// Why nothing was found, if that is known.
    fn why_empty(&self) -> Option<Gap> {
        None
    }

    /// What tells the entry from all others; `None` if it has nothing.
    fn identity(&self, item: &Self::Item) -> Option<String> {
        self.sort_key(item).id
    }

    /// Whether the entry counts towards the limit and the number of entries scanned.
    fn counts(&self, _: &Self::Item) -> bool {
        true
    }

    /// What a failed request is about.
    fn about(&self) -> About;

    fn sort_key(&self, item: &Self::Item) -> SortKey;

    fn order(&self) -> Order;
}

/// Where an entry stands in its list, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SortKey {
    pub(crate) id: Option<String>,
    /// The time by which the list is sorted.
    pub(crate) at: Option<Timestamp>,
}
