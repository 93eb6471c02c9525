//! How services differ from the API: in what they list, lack, limit, and in how much they send.

mod absent;
mod filters;
mod limits;
mod lists;
mod sizes;

use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use crate::support::{Api, session, with_fields};

const LIST: &str = "/v1/sessions";
const SESSION: &str = "/v1/sessions/sesn_1";
const EVENTS: &str = "/v1/sessions/sesn_1/events";

/// An API that answers every request by this rule.
async fn answering(answer: impl Fn(&Request) -> ResponseTemplate + Send + Sync + 'static) -> Api {
    let api = Api::new().await;
    Mock::given(matchers::any()).respond_with(answer).mount(&api.0).await;
    api
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// The warnings of an answer, in one text.
fn warnings(answer: &Value) -> String {
    let warnings = answer["warnings"].as_array().cloned().unwrap_or_default();
    warnings.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// One idle session `sesn_1` with other fields.
fn one(fields: Value) -> Value {
    with_fields(session("sesn_1", "idle"), fields)
}

fn event(id: &str, fields: Value) -> Value {
    let event = json!({
        "id": id, "type": "agent.message", "processed_at": "2026-03-01T00:00:00Z",
        "content": [{"type": "text", "text": "Done."}],
    });
    with_fields(event, fields)
}
