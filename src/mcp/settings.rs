//! What the operator chose, as far as MCP is concerned.

use std::collections::BTreeSet;

/// Which tools are offered.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Groups of tools.
    pub tool_groups: BTreeSet<ToolGroup>,
    /// Only tools that change nothing.
    pub read_only: bool,
}

/// A group of tools that can be switched on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToolGroup {
    /// One session: find, read, change, stop, archive, delete.
    Sessions,
    /// What happened in a session, and what it waits for.
    Events,
    /// Many sessions at once: sums and clean-up.
    Fleet,
}

impl ToolGroup {
    /// Every group, by its name in `--toolsets`.
    pub const ALL: [(&'static str, Self); 3] = [
        ("sessions", Self::Sessions),
        ("events", Self::Events),
        ("fleet", Self::Fleet),
    ];
}
