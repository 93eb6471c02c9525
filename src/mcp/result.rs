//! Answers and failures as tool results.

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::{Value, json};

use crate::{
    domain::{text, view},
    explain::explanation::{Explanation, whole_seconds},
};

/// Where programs find a failure's parts in a tool result.
pub(crate) const META_KEY: &str = "managed-sessions-mcp/error";

/// The largest answer, in bytes of its JSON.
const MAX_BYTES: usize = 39_000;
/// The longest part of a failure, in characters.
const PART_CHARACTERS: usize = 9_000;

/// Cuts an answer that is too large in spite of what its tool did about that, and says so in it.
pub(crate) fn bound(answer: &mut Value) {
    if view::bound::length(answer) <= MAX_BYTES {
        return;
    }
    let Value::Object(fields) = answer else {
        return;
    };
    // What the next call has to bring is of no use when it is cut.
    let given = ["next_page", "plan_id", "confirmation_token"];
    let given: Vec<_> = given.iter().filter_map(|name| fields.remove_entry(*name)).collect();
    let cut = view::bound::bound(answer, MAX_BYTES - given_bytes(&given));
    if let Value::Object(fields) = answer {
        fields.extend(given);
        fields.insert("cut".to_owned(), cut.into());
    }
}

fn given_bytes(given: &[(String, Value)]) -> usize {
    given.iter().map(|(_, value)| view::bound::length(value) + 32).sum::<usize>().min(MAX_BYTES / 2)
}

/// The same JSON as structure and as text: some hosts show the model only one of them.
pub(crate) fn success(mut answer: Value) -> CallToolResult {
    text::make_visible(&mut answer);
    CallToolResult::structured(answer)
}

/// One text block, and beside it the parts for programs.
pub(crate) fn failure(explanation: &Explanation) -> CallToolResult {
    let short = |text: &str| text::one_line(&text::shortened(text, PART_CHARACTERS));
    let explanation = &Explanation {
        message: short(&explanation.message),
        next: short(&explanation.next),
        ..explanation.clone()
    };
    let mut parts = json!({
        "code": explanation.code,
        "message": explanation.message,
        "next": explanation.next,
        "status": explanation.status,
        "http_status": explanation.http_status,
        "request_id": explanation.request_id,
        "retry_after_seconds": explanation.retry_after.map(whole_seconds),
        "in_doubt": explanation.in_doubt.then_some(true),
    });
    if let Value::Object(parts) = &mut parts {
        parts.retain(|_, value| !value.is_null());
    }
    text::make_visible(&mut parts);
    let mut meta = MetaObject::default();
    meta.0.insert(META_KEY.to_owned(), parts);
    let mut result = CallToolResult::error(vec![ContentBlock::text(explanation.line())]);
    result.meta = Some(meta);
    result
}
