//! Which operations are offered as tools: the vocabulary of every text that hosts get.

use std::collections::BTreeSet;

use super::tool::Text;
use crate::{app::op::Op, explain::vocabulary::Vocabulary};

/// The operations that are offered as tools, under their own names.
#[derive(Debug, Clone, Default)]
pub(crate) struct OfferedTools {
    ops: BTreeSet<Op>,
    /// What nothing does, whatever tool would.
    disabled: BTreeSet<Op>,
    /// What needs a confirmation.
    confirmed: BTreeSet<Op>,
}

impl OfferedTools {
    pub(crate) fn new(ops: impl IntoIterator<Item = Op>) -> Self {
        Self { ops: ops.into_iter().collect(), ..Self::default() }
    }

    /// The same with what the operator disabled, and what needs a confirmation.
    pub(crate) fn under(self, disabled: BTreeSet<Op>, confirmed: BTreeSet<Op>) -> Self {
        Self { disabled, confirmed, ..self }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.ops.iter().any(|op| op.name() == name)
    }

    /// The names of the tools, those most like `name` first.
    pub(crate) fn names_like(&self, name: &str) -> Vec<&'static str> {
        let mut names: Vec<_> = self.ops.iter().map(|op| op.name()).collect();
        names.sort_unstable();
        names.sort_by_cached_key(|each| std::cmp::Reverse(likeness(each, name)));
        names
    }

    /// The choices, each of an argument, that stand for what the operator disabled.
    pub(crate) fn disabled_choices(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let choices = [
            (Op::InterruptSession, "if_busy", "interrupt"),
            (Op::ArchiveSession, "action", "archive"),
            (Op::DeleteSession, "action", "delete"),
            (Op::InterruptSession, "action", "interrupt"),
            (Op::UpdateSessionTools, "action", "update_tools"),
        ];
        let disabled = choices.into_iter().filter(|(op, ..)| self.disabled.contains(op));
        disabled.map(|(_, argument, choice)| (argument, choice))
    }

    /// A description without the parts about tools that are not offered.
    pub(crate) fn describe(&self, parts: &[Text]) -> String {
        let shown = parts.iter().filter_map(|part| match part {
            Text::Always(text) => Some(*text),
            Text::Where(op, text) => self.ops.contains(op).then_some(*text),
            Text::WhereConfirmed(op, text) => self.confirmed.contains(op).then_some(*text),
        });
        shown.collect::<Vec<_>>().join(" ")
    }
}

impl Vocabulary for OfferedTools {
    fn name(&self, op: Op) -> Option<&str> {
        self.ops.contains(&op).then(|| op.name())
    }

    fn is_disabled(&self, op: Op) -> bool {
        self.disabled.contains(&op)
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
