//! How compatible services differ from the API: one switch for each difference seen.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One way in which a compatible service differs. The JSON names are in `snake_case`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Quirk {
    /// Archiving a running session answers 200, and the session keeps running.
    ArchivesBusy,
    /// Deleting a running session answers 200, but the session still exists and keeps running.
    DeletesBusy,
    /// Updating a session that is not idle answers 200, but `agent` is ignored.
    IgnoresAgentWhileBusy,
    /// Every update answers 200 and changes nothing.
    IgnoresUpdates,
    /// State conflicts are 400 `invalid_request_error`.
    #[serde(rename = "conflicts_as_400")]
    ConflictsAs400,
    /// State conflicts are 409 `invalid_request_error`, as in older versions of the API.
    OldConflicts,
    /// Archiving an archived session answers 200 and updates `archived_at`.
    RearchiveMoves,
    /// Archiving an archived session is a state conflict.
    RearchiveConflicts,
    /// Archiving and deleting a session with an open workflow run end the run.
    EndsRuns,
    /// Archiving leaves the status `idle`.
    IdleAfterArchive,
    /// `title: null` changes nothing.
    NullTitleIgnored,
    /// `title: null` is a 500.
    NullTitleFails,
    /// A message to a session that waits for answers to tool calls is queued, not rejected.
    QueuesWhileWaiting,
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
    /// There are no request ids in headers and error bodies.
    NoRequestIds,
    /// Sessions have no `budget`.
    NoBudget,
    /// `usage` and `stats` are `{}`.
    EmptyUsage,
    /// `updated_at` is null.
    NullUpdatedAt,
    /// `agent.model` is a bare string.
    BareModel,
    /// Sessions have no `agent.mcp_servers`.
    NoMcpServers,
    /// Metadata values that look like numbers are numbers.
    LooseMetadata,
    /// Listed events have no `id`.
    EventsWithoutIds,
    /// `statuses[]` is ignored.
    IgnoresStatuses,
    /// `created_at[…]` is ignored.
    IgnoresCreatedAt,
    /// `order` is ignored: sessions come newest first, events oldest first.
    IgnoresOrder,
    /// A `limit` out of range is clamped instead of rejected.
    ClampsLimit,
    /// A POST without `content-length` is a 411.
    NeedsContentLength,
}

/// The quirks that are switched on.
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

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Changes a session's JSON into what the compatible service would send.
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
            let model = agent.get("model").and_then(|model| model.get("id"));
            if let (true, Some(model)) = (self.has(Quirk::BareModel), model.cloned()) {
                agent.insert("model".to_owned(), model);
            }
        }
        if self.has(Quirk::LooseMetadata) {
            let metadata = session.get_mut("metadata").and_then(Value::as_object_mut);
            for value in metadata.into_iter().flat_map(|metadata| metadata.values_mut()) {
                if let Some(number) = value.as_str().and_then(|text| text.parse::<u64>().ok()) {
                    *value = json!(number);
                }
            }
        }
    }
}
