//! What a tool call replied, in the one form that every result must have. `examples/soak` reads
//! results with this file too.

use std::fmt;

use rmcp::{ServiceError, model::CallToolResult};
use serde_json::Value;

/// How a failure says that a write may have been carried out although it failed.
pub(crate) const DOUBT: &str = "may have been carried out";

/// Outcomes of a write that took effect, now or before.
pub(crate) const DONE: [&str; 7] = [
    "archived",
    "already_archived",
    "deleted",
    "updated",
    "unchanged",
    "interrupted",
    "nothing_to_do",
];
/// Codes of failures after which the service may have acted.
pub(crate) const IN_DOUBT: [&str; 6] =
    ["api_error", "api_unreachable", "bad_response", "overloaded", "rate_limited", "timed_out"];

/// How a failure with one of those codes says that nothing was done all the same.
const DENIALS: [&str; 6] =
    ["nothing was", "sent nothing", "was not", "were not", "not changed", "no change"];

/// Where a failure carries its parts for programs.
const META: &str = "managed-sessions-mcp/error";

#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// `structuredContent`.
    Answer(Value),
    /// The text, and the parts under [`META`].
    Failure(String, Value),
}

impl Reply {
    /// Reads a result; the error is what is wrong with its form.
    pub(crate) fn read(result: Result<CallToolResult, ServiceError>) -> Result<Self, String> {
        let result = result.map_err(|error| format!("a JSON-RPC error: {error}"))?;
        let [block] = result.content.as_slice() else {
            return Err(format!("not one block: {result:?}"));
        };
        let text = &block.as_text().ok_or("not a text")?.text;
        if result.is_error != Some(true) {
            let structure = result.structured_content.ok_or("no structure")?;
            let parsed: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            return if parsed == structure {
                Ok(Self::Answer(structure))
            } else {
                Err(format!("text and structure differ: {text} / {structure}"))
            };
        }
        // Clients validate a structure against the schema of answers.
        if let Some(structure) = result.structured_content {
            return Err(format!("a failure with a structure: {structure}"));
        }
        let parts = result.meta.and_then(|meta| meta.0.get(META).cloned());
        let parts = parts.ok_or_else(|| format!("a failure without parts: {text}"))?;
        if *text == line(&parts) {
            Ok(Self::Failure(text.clone(), parts))
        } else {
            Err(format!("the text is not {:?}: {text}", line(&parts)))
        }
    }

    /// The answer's outcome, "an answer" where it has none, or the failure's code.
    pub(crate) fn outcome(&self) -> &str {
        match self {
            Self::Answer(answer) => answer["outcome"].as_str().unwrap_or("an answer"),
            Self::Failure(_, parts) => part(parts, "code"),
        }
    }

    /// Whether it says that nothing was done.
    pub(crate) fn denies(&self) -> bool {
        let outcome = self.outcome();
        match self {
            Self::Answer(_) => outcome.starts_with("would_") || outcome == "confirmation_required",
            Self::Failure(_, parts) => {
                let denial = |denial: &&str| part(parts, "message").contains(denial);
                !IN_DOUBT.contains(&outcome) || DENIALS.iter().any(denial)
            }
        }
    }

    /// Whether it is a failure that does not say that the write may have been carried out.
    pub(crate) fn is_without_doubt(&self) -> bool {
        match self {
            Self::Answer(_) => false,
            Self::Failure(_, parts) => !part(parts, "message").contains(DOUBT),
        }
    }
}

/// The text that a failure with these parts must have: code, cause and next step in one line.
fn line(parts: &Value) -> String {
    let [code, message, next] = ["code", "message", "next"].map(|name| part(parts, name));
    let request = match part(parts, "request_id") {
        "" => String::new(),
        id => format!(" (request_id {id})"),
    };
    format!("{code}: {message}. Next: {next}.{request}")
}

fn part<'a>(parts: &'a Value, name: &str) -> &'a str {
    parts[name].as_str().unwrap_or_default()
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer) => write!(f, "{answer}"),
            Self::Failure(text, _) => f.write_str(text),
        }
    }
}
