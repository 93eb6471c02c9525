//! Answers and failures as tool results.

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde_json::{Value, json};

use crate::{
    domain::text,
    explain::explanation::{Explanation, whole_seconds},
};

/// Where programs find a failure's parts in a tool result.
pub(crate) const META_KEY: &str = "managed-sessions-mcp/error";

/// The same JSON as structure and as text: some hosts show the model only one of them.
pub(crate) fn success(mut answer: Value) -> CallToolResult {
    text::make_visible(&mut answer);
    CallToolResult::structured(answer)
}

/// One text block, and beside it the parts for programs.
pub(crate) fn failure(explanation: &Explanation) -> CallToolResult {
    let mut parts = json!({
        "code": explanation.code,
        "message": explanation.message,
        "next": explanation.next,
        "status": explanation.status,
        "http_status": explanation.http_status,
        "request_id": explanation.request_id,
        "retry_after_seconds": explanation.retry_after.map(whole_seconds),
    });
    if let Value::Object(parts) = &mut parts {
        parts.retain(|_, value| !value.is_null());
    }
    text::make_visible(&mut parts);
    let mut meta = MetaObject::default();
    meta.0.insert(META_KEY.to_owned(), parts);
    let mut result =
        CallToolResult::error(vec![ContentBlock::text(text::visible(&explanation.line()))]);
    result.meta = Some(meta);
    result
}
