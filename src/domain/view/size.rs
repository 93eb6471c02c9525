//! How large an answer may get: hosts cut long results, and a model pays for every byte.

use serde::Serialize;

use crate::domain::text;

/// What the rows or events of an answer may take together. The rest of 40,000 characters is for
/// the fields around them.
pub(crate) const LIST_BYTES: usize = 36_000;

/// The bytes of a value as it is answered: compact JSON with invisible characters escaped.
pub(crate) fn size(value: &impl Serialize) -> usize {
    serde_json::to_value(value).map_or(0, |mut value| {
        text::make_visible(&mut value);
        value.to_string().len()
    })
}

/// The bytes left in an answer.
pub(crate) struct SizeBudget(usize);

impl SizeBudget {
    pub(crate) fn of(bytes: usize) -> Self {
        Self(bytes)
    }

    /// Takes the value's bytes, if there are enough left.
    pub(crate) fn take(&mut self, value: &impl Serialize) -> bool {
        let left = self.0.checked_sub(size(value) + 1);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}
