//! One session in a list.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{money::Money, text, time::to_the_second},
    model::{Amount, SessionHead, Usage},
};

/// Longest title or agent name shown, in characters.
pub(crate) const NAME_CHARACTERS: usize = 300;

/// Longest id or status shown, in characters.
const ID_CHARACTERS: usize = 256;

/// One session in a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Row {
    /// The session's id.
    pub id: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// idle, running, rescheduling, terminated, or a newer name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whether it is archived.
    pub archived: bool,
    /// The agent it runs: id, name, version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentRef>,
    /// RFC 3339, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// RFC 3339, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<String>,
    /// Tokens of all kinds so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Cost so far at list price, such as "12.34 USD"; absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_cost: Option<String>,
}

/// Which agent a session runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgentRef {
    /// The agent's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The agent's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The agent's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl Row {
    /// The row of a session.
    pub fn of(session: &SessionHead) -> Self {
        let agent = &session.agent;
        let known = agent.id.is_some() || agent.name.is_some() || agent.version.is_some();
        Self {
            id: short(&session.id),
            title: session.title().map(name),
            status: status(session),
            archived: session.is_archived(),
            agent: known.then(|| AgentRef {
                id: agent.id.as_deref().map(short),
                name: agent.name.as_deref().map(name),
                version: agent.version,
            }),
            created_at: session.created_at.as_ref().map(to_the_second),
            updated_at: session.updated_at.as_ref().map(to_the_second),
            tokens: tokens(&session.usage),
            list_cost: session.usage.list_cost.as_ref().and_then(shown_amount),
        }
    }
}

/// The status, if the service sends one.
pub(crate) fn status(session: &SessionHead) -> Option<String> {
    (!session.status.is_empty()).then(|| short(&session.status))
}

/// An id or a status; longer ones come from broken services only.
pub(crate) fn short(text: &str) -> String {
    text::shortened(text, ID_CHARACTERS)
}

/// A title or a name; some services do not limit their length.
pub(crate) fn name(text: &str) -> String {
    text::shortened(text, NAME_CHARACTERS)
}

/// Tokens of all kinds; `None` if the service reports none.
pub(crate) fn tokens(usage: &Usage) -> Option<u64> {
    let kinds = [
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens,
        usage.cache_creation.ephemeral_5m_input_tokens,
        usage.cache_creation.ephemeral_1h_input_tokens,
    ];
    kinds.into_iter().flatten().reduce(u64::saturating_add)
}

/// `12.34 USD`, if the amount can be read.
pub(crate) fn shown_amount(amount: &Amount) -> Option<String> {
    Money::from_amount(amount).map(|money| money.to_string())
}
