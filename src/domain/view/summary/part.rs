//! What a summary shows besides the totals.

/// Longest metadata key, in characters; the API's own limit is shorter.
const KEY_CHARACTERS: usize = 256;
const BY_METADATA: &str = "by_metadata:";

/// A part of a summary besides the totals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Sums by status.
    ByStatus,
    /// Sums by agent.
    ByAgent,
    /// Sums by day of creation (UTC).
    ByDay,
    /// Sums by the value of this metadata key.
    ByMetadata(String),
    /// The sessions that cost most.
    MostExpensive,
    /// The sessions that were updated longest ago.
    LongestUnchanged,
}

impl Part {
    /// The valid names, `KEY` standing for any metadata key.
    pub const NAMES: [&'static str; 6] = [
        "by_status",
        "by_agent",
        "by_day",
        "by_metadata:KEY",
        "most_expensive",
        "longest_unchanged",
    ];

    /// What is shown unless the caller says otherwise.
    pub const DEFAULT: [Self; 3] = [Self::ByStatus, Self::ByAgent, Self::MostExpensive];

    /// The part of this name.
    pub fn named(name: &str) -> Option<Self> {
        if let Some(key) = name.strip_prefix(BY_METADATA) {
            let is_key = !key.is_empty() && key.chars().count() <= KEY_CHARACTERS;
            return is_key.then(|| Self::ByMetadata(key.to_owned()));
        }
        Some(match name {
            "by_status" => Self::ByStatus,
            "by_agent" => Self::ByAgent,
            "by_day" => Self::ByDay,
            "most_expensive" => Self::MostExpensive,
            "longest_unchanged" => Self::LongestUnchanged,
            _ => return None,
        })
    }

    /// The part's own name.
    pub fn name(&self) -> String {
        match self {
            Self::ByStatus => "by_status".to_owned(),
            Self::ByAgent => "by_agent".to_owned(),
            Self::ByDay => "by_day".to_owned(),
            Self::ByMetadata(key) => format!("{BY_METADATA}{key}"),
            Self::MostExpensive => "most_expensive".to_owned(),
            Self::LongestUnchanged => "longest_unchanged".to_owned(),
        }
    }
}
