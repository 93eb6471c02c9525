//! Where a scan can be resumed.

use serde::{Deserialize, Serialize};

/// After `consumed` entries of the page of this cursor. The last of them is named, so that entries
/// added or removed in between neither repeat nor hide others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) page: Option<String>,
    #[serde(rename = "s")]
    pub(super) page_size: u32,
    #[serde(rename = "n", default)]
    pub(super) consumed: usize,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) last_at: Option<String>,
}

impl Position {
    /// In a list that this program keeps, after so many entries.
    pub(crate) fn after(consumed: usize) -> Self {
        Self { consumed, ..Self::default() }
    }

    /// How many entries of the page come before.
    pub(crate) fn consumed(&self) -> usize {
        self.consumed
    }
}
