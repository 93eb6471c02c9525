//! What an answer asks its caller to come back with.

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::approval::ApprovalToken;

/// Given with `confirmation_required`.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Confirmation {
    /// Given with confirmation_required: what the next call has to bring, once a person has agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_token: Option<String>,
    /// Until when the token is good, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl Confirmation {
    pub(crate) fn of(token: Option<ApprovalToken>) -> Self {
        let (confirmation_token, expires_at) =
            token.map(|given| (given.token, given.expires_at)).unzip();
        Self { confirmation_token, expires_at }
    }
}
