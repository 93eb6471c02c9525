//! The operator's settings of the MCP adapter.

use std::collections::BTreeSet;

/// Which tools are offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The groups whose tools are offered.
    pub tool_groups: BTreeSet<ToolGroup>,
    /// Whether tools that write are left out.
    pub read_only: bool,
}

/// A group of tools that is switched on or off as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToolGroup {
    /// Read and change single sessions.
    Sessions,
    /// The events of a session: history, waiting, diagnosis, export.
    Events,
    /// Many sessions at once: who waits, summaries and plans.
    Fleet,
    /// Agents at work: starting sessions, messages, answers to what sessions wait for.
    Work,
}

impl ToolGroup {
    /// All groups, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Sessions, Self::Events, Self::Fleet, Self::Work];

    /// The group's name in `--toolsets`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Events => "events",
            Self::Fleet => "fleet",
            Self::Work => "work",
        }
    }
}
