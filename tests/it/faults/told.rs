//! What a tool call told, and whether it has the one form every result has. The soak in
//! `examples` reads results with the same eyes.

use rmcp::{ServiceError, model::CallToolResult};
use serde_json::Value;

/// Where programs find a failure's parts.
const META: &str = "managed-sessions-mcp/error";

/// Answers that say that it is done.
pub(crate) const DONE: [&str; 7] = [
    "archived",
    "already_archived",
    "deleted",
    "updated",
    "unchanged",
    "interrupted",
    "nothing_to_do",
];
/// Codes of failures that leave open whether the service acted.
pub(crate) const IN_DOUBT: [&str; 6] = [
    "api_error",
    "api_unreachable",
    "bad_response",
    "overloaded",
    "rate_limited",
    "timed_out",
];

/// Words by which a failure says that nothing was done.
const DENIALS: [&str; 6] = [
    "nothing was",
    "sent nothing",
    "was not",
    "were not",
    "not changed",
    "no change",
];

/// What a call came to.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    Answer(Value),
    Failure { code: String, message: String },
}

impl Told {
    /// The answer's outcome, or the failure's code.
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Answer(answer) => answer
                .get("outcome")
                .and_then(Value::as_str)
                .unwrap_or("an answer"),
            Self::Failure { code, .. } => code,
        }
    }

    /// Whether it says that nothing was done.
    pub(crate) fn denies(&self) -> bool {
        match self {
            Self::Answer(_) => {
                let word = self.word();
                word.starts_with("would_") || word == "confirmation_required"
            }
            Self::Failure { code, message } => {
                !IN_DOUBT.contains(&code.as_str())
                    || DENIALS.iter().any(|denial| message.contains(denial))
            }
        }
    }

    /// Whether it is a failure without a hint that it may be done all the same.
    pub(crate) fn is_silent(&self) -> bool {
        match self {
            Self::Answer(_) => false,
            Self::Failure { message, .. } => !message.contains("is not known"),
        }
    }
}

/// Takes a result apart; says in what it is not as every result has to be.
pub(crate) fn told(result: Result<CallToolResult, ServiceError>) -> Result<Told, String> {
    let result = result.map_err(|error| format!("a JSON-RPC error: {error}"))?;
    let [block] = result.content.as_slice() else {
        return Err(format!("not one block: {result:?}"));
    };
    let text = &block.as_text().ok_or("not a text")?.text;
    if result.is_error != Some(true) {
        let structure = result.structured_content.ok_or("no structure")?;
        let same: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        return if same == structure {
            Ok(Told::Answer(structure))
        } else {
            Err(format!("text and structure differ: {text} / {structure}"))
        };
    }
    if let Some(structure) = result.structured_content {
        return Err(format!("a failure with a structure: {structure}"));
    }
    let parts = result.meta.as_ref().and_then(|meta| meta.0.get(META));
    let part = |name: &str| {
        let value = parts.and_then(|parts| parts.get(name)?.as_str());
        value.ok_or_else(|| format!("a failure without {name}: {text}"))
    };
    let (code, message, next) = (part("code")?, part("message")?, part("next")?);
    let request = part("request_id").map(|id| format!(" (request_id {id})"));
    let line = format!(
        "{code}: {message}. Next: {next}.{}",
        request.unwrap_or_default()
    );
    if *text != line || message.is_empty() || next.is_empty() {
        return Err(format!("not one line of code, cause and next step: {text}"));
    }
    if code == "internal" {
        return Err(text.clone());
    }
    Ok(Told::Failure {
        code: code.to_owned(),
        message: message.to_owned(),
    })
}
