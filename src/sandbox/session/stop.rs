//! Reasons to be idle.

use serde_json::{Value, json};

use crate::sandbox::json::with_field;

/// Why a session or a thread is idle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sandbox) enum Stop {
    EndTurn,
    /// The ids of the calls that have to be answered.
    RequiresAction(Vec<String>),
    RetriesExhausted,
    BudgetReached,
    /// The category of the refusal, if it has one.
    Refusal(Option<String>),
}

impl Stop {
    /// `stop_reason` and `stop_details` of an idle event.
    pub(in crate::sandbox) fn to_json(&self) -> Value {
        let (kind, event_ids) = match self {
            Self::EndTurn => ("end_turn", None),
            Self::RequiresAction(ids) => ("requires_action", Some(json!(ids))),
            Self::RetriesExhausted => ("retries_exhausted", None),
            Self::BudgetReached => ("budget_reached", None),
            Self::Refusal(_) => ("refusal", None),
        };
        let details = match self {
            Self::Refusal(category) => json!({
                "type": "refusal",
                "category": category,
                "explanation": "The model declined to answer this request.",
            }),
            _ => Value::Null,
        };
        let reason = with_field(json!({"type": kind}), "event_ids", event_ids);
        json!({"stop_reason": reason, "stop_details": details})
    }
}
