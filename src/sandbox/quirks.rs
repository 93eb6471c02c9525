//! How compatible services differ from the API, one switch for each difference seen.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One way in which a compatible service differs. The JSON names are in `snake_case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Quirk {
    /// A running session is archived with 200, and goes on running.
    ArchivesBusy,
    /// Deleting a running session answers 200, and the session is still there, running.
    DeletesBusy,
    /// An update of a session that is not idle answers 200 with `agent` ignored.
    IgnoresAgentWhileBusy,
    /// Every update answers 200 and changes nothing.
    IgnoresUpdates,
    /// State conflicts are 400 `invalid_request_error`.
    #[serde(rename = "conflicts_as_400")]
    ConflictsAs400,
    /// State conflicts are 409 with `invalid_request_error`, as they were once.
    OldConflicts,
    /// Archiving again answers 200 and moves `archived_at`.
    RearchiveMoves,
    /// Archiving again is a state conflict.
    RearchiveConflicts,
    /// Archiving leaves the status `idle`.
    IdleAfterArchive,
    /// `title: null` changes nothing.
    NullTitleIgnored,
    /// `title: null` is a 500.
    NullTitleFails,
    /// `user.interrupt` is answered with 202 and an empty body.
    InterruptAccepted,
    /// Error bodies are `{"error": "text"}`.
    StringErrors,
    /// Error bodies are `{"detail": "text"}`.
    DetailErrors,
    /// Error bodies are HTML.
    HtmlErrors,
    /// Error bodies are empty.
    EmptyErrors,
    /// No request id, neither in the header nor in error bodies.
    NoRequestIds,
    /// Sessions come without `budget`.
    NoBudget,
    /// `usage` and `stats` are `{}`.
    EmptyUsage,
    /// `updated_at` is null.
    NullUpdatedAt,
    /// `agent.model` is a bare string.
    BareModel,
    /// Sessions come without `agent.mcp_servers`.
    NoMcpServers,
    /// Metadata values that look like numbers are numbers.
    LooseMetadata,
    /// Listed events come without `id`.
    EventsWithoutIds,
    /// `statuses[]` is ignored.
    IgnoresStatuses,
    /// `created_at[…]` is ignored.
    IgnoresCreatedAt,
    /// `order` is ignored: sessions come newest first, events oldest first.
    IgnoresOrder,
    /// A `limit` out of range is clamped, not refused.
    ClampsLimit,
    /// A POST without `content-length` is 411.
    NeedsContentLength,
}

/// The differences switched on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Quirks(BTreeSet<Quirk>);

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        Self(quirks.into_iter().collect())
    }
}

impl Quirks {
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.0.contains(&quirk)
    }

    /// Whether a session is shown otherwise than it is.
    pub(super) fn reshape_sessions(&self) -> bool {
        use Quirk::{BareModel, EmptyUsage, LooseMetadata, NoBudget, NoMcpServers, NullUpdatedAt};
        [
            NoBudget,
            EmptyUsage,
            NullUpdatedAt,
            BareModel,
            NoMcpServers,
            LooseMetadata,
        ]
        .into_iter()
        .any(|quirk| self.has(quirk))
    }

    /// Takes from a rendered session what this service would not have sent.
    pub(super) fn reshape(&self, session: &mut Value) {
        let Some(session) = session.as_object_mut() else {
            return;
        };
        if self.has(Quirk::NoBudget) {
            session.shift_remove("budget");
        }
        if self.has(Quirk::EmptyUsage) {
            session.insert("usage".to_owned(), json!({}));
            session.insert("stats".to_owned(), json!({}));
        }
        if self.has(Quirk::NullUpdatedAt) {
            session.insert("updated_at".to_owned(), Value::Null);
        }
        if let Some(agent) = session.get_mut("agent").and_then(Value::as_object_mut) {
            if self.has(Quirk::NoMcpServers) {
                agent.shift_remove("mcp_servers");
            }
            let model = agent
                .get("model")
                .and_then(|model| model.get("id"))
                .cloned();
            if let (true, Some(model)) = (self.has(Quirk::BareModel), model) {
                agent.insert("model".to_owned(), model);
            }
        }
        if let (true, Some(metadata)) = (
            self.has(Quirk::LooseMetadata),
            session.get_mut("metadata").and_then(Value::as_object_mut),
        ) {
            for (_, value) in metadata.iter_mut() {
                if let Some(number) = value.as_str().and_then(|text| text.parse::<u64>().ok()) {
                    *value = json!(number);
                }
            }
        }
    }
}
