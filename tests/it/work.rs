//! The tools with which agents are put to work: messages, and answers to what sessions wait for.

mod answers;
mod messages;
mod services;

use std::time::Duration;

use managed_sessions_mcp::sandbox::{Options, Sandbox};
use serde_json::Value;

use crate::support::{http, sandbox_with};

/// The sandbox with turns that end at once.
async fn quick_sandbox() -> Sandbox {
    sandbox_with(Options { turn: Duration::from_millis(30), ..Options::default() }).await
}

/// Something of the sandbox, as the API has it.
async fn stored(sandbox: &Sandbox, path: &str) -> Value {
    let url = format!("{}{path}", sandbox.base_url());
    let request = http().get(url).header("x-api-key", sandbox.api_key());
    let request = request.header("anthropic-version", "2026-10-21");
    let request = request.header("anthropic-beta", "managed-agents-2026-04-01");
    let text = request.send().await.expect("an answer").text().await.expect("a body");
    serde_json::from_str(&text).expect("JSON")
}

/// The newest event of this type.
async fn newest(sandbox: &Sandbox, id: &str, kind: &str) -> Value {
    let path = format!("/v1/sessions/{id}/events?types[]={kind}&order=desc&limit=1");
    stored(sandbox, &path).await["data"][0].clone()
}

/// How many requests the sandbox received to send events to a session.
fn sends(sandbox: &Sandbox) -> usize {
    let requests = sandbox.requests();
    let is_send = |path: &str| path.ends_with("/events");
    requests.iter().filter(|each| each.method == "POST" && is_send(&each.path)).count()
}
