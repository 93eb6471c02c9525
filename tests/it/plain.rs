//! The sandbox's API without the server under test in between.

use managed_sessions_mcp::sandbox::Sandbox;
use serde_json::Value;

use crate::support::{http, sandbox};

/// A sandbox and a plain HTTP client for it.
pub(crate) struct Plain {
    pub(crate) sandbox: Sandbox,
    http: reqwest::Client,
}

impl Plain {
    pub(crate) async fn new() -> Self {
        Self { sandbox: sandbox().await, http: http() }
    }

    /// The answer to a GET, or to a POST of a body, which must succeed.
    pub(crate) async fn ask(&self, path: &str, body: Option<&Value>) -> Value {
        let url = format!("{}/v1/{path}", self.sandbox.base_url());
        let request = match body {
            None => self.http.get(url),
            Some(body) => self.http.post(url).body(body.to_string()),
        };
        let request = request
            .bearer_auth(self.sandbox.api_key())
            .header("anthropic-version", "2023-06-01")
            .header("anthropic-beta", "managed-agents-2026-04-01")
            .header("content-type", "application/json");
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("a text");
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }
}
