//! Which operations are offered as tools: the vocabulary of every text that hosts get.

use std::collections::BTreeSet;

use super::tool::Text;
use crate::{app::op::Op, explain::vocabulary::Vocabulary};

/// The operations that are offered as tools, under their own names.
#[derive(Debug, Clone, Default)]
pub(crate) struct OfferedTools(BTreeSet<Op>);

impl OfferedTools {
    pub(crate) fn new(ops: impl IntoIterator<Item = Op>) -> Self {
        Self(ops.into_iter().collect())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|op| op.name() == name)
    }

    /// The names of the tools, those most like `name` first.
    pub(crate) fn names_like(&self, name: &str) -> Vec<&'static str> {
        let mut names: Vec<_> = self.0.iter().map(|op| op.name()).collect();
        names.sort_unstable();
        names.sort_by_cached_key(|each| std::cmp::Reverse(likeness(each, name)));
        names
    }

    /// A description without the parts about tools that are not offered.
    pub(crate) fn describe(&self, parts: &[Text]) -> String {
        let shown = parts.iter().filter_map(|part| match part {
            Text::Always(text) => Some(*text),
            Text::Where(op, text) => self.0.contains(op).then_some(*text),
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

impl Vocabulary for OfferedTools {
    fn name(&self, op: Op) -> Option<&str> {
        self.0.contains(&op).then(|| op.name())
    }
}

/// How many neighbouring pairs of characters two names share.
fn likeness(one: &str, other: &str) -> usize {
    let pairs = |text: &str| -> std::collections::HashSet<(char, char)> {
        let text = text.to_lowercase();
        text.chars().zip(text.chars().skip(1)).collect()
    };
    pairs(one).intersection(&pairs(other)).count()
}
