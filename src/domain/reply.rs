//! What an agent said.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::{events, text},
    model::Event,
};

/// The event in which an agent speaks.
pub(crate) const MESSAGE: &str = "agent.message";
/// Longest reply shown, in characters.
const SHOWN_CHARACTERS: usize = 4_000;

/// A message of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reply {
    /// Its newest message, cut at 4,000 characters.
    pub reply: String,
    /// How many characters of it were cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_cut: Option<usize>,
}

impl Reply {
    /// What this `agent.message` says.
    pub(crate) fn of(message: &Event) -> Self {
        let shown = events::shown(message, SHOWN_CHARACTERS);
        let reply = match shown.get("text") {
            Some(Value::String(said)) => said.clone(),
            Some(other) => text::json(other),
            None => String::new(),
        };
        let cut = shown.get("cut").and_then(Value::as_u64);
        Self { reply, reply_cut: cut.and_then(|cut| usize::try_from(cut).ok()) }
    }
}
