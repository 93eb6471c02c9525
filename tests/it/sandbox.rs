//! The sandbox as an HTTP client sees it.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions shared by tests fail as tests do"
)]

mod changes;
mod faults;
mod lists;
mod requests;
mod turns;

use std::time::Duration;

use managed_sessions_mcp::sandbox::{Options, Sandbox};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::http;

/// A sandbox and a plain HTTP client for it.
pub(crate) struct Wire {
    pub(crate) sandbox: Sandbox,
    http: reqwest::Client,
}

/// Turns that end at once, and records that do not lag: nothing to sleep for.
fn brisk() -> Options {
    Options {
        turn: Duration::from_millis(20),
        status_lag: Duration::ZERO,
        ..Options::default()
    }
}

/// Turns that end only when something ends them.
fn endless() -> Options {
    Options {
        turn: Duration::from_secs(3600),
        ..brisk()
    }
}

impl Wire {
    pub(crate) async fn start(options: Options) -> Self {
        let listen = "127.0.0.1:0".parse().unwrap();
        let sandbox = Sandbox::start(listen, options).await.unwrap();
        Self {
            sandbox,
            http: http(),
        }
    }

    /// A request without any header of the API.
    fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.sandbox.base_url());
        self.http
            .request(Method::from_bytes(method.as_bytes()).unwrap(), url)
    }

    /// A request as a well-behaved client sends it.
    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path)
            .header(
                "authorization",
                format!("Bearer {}", self.sandbox.api_key()),
            )
            .header("anthropic-version", "2026-10-21")
            .header("anthropic-beta", "managed-agents-2026-04-01")
            .header("content-type", "application/json")
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.request("GET", path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        read(self.request("POST", path).body(body.to_string())).await
    }

    async fn delete(&self, path: &str) -> (StatusCode, Value) {
        read(self.request("DELETE", path)).await
    }

    /// What must succeed.
    async fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn create(&self, more: Value) -> String {
        let mut body = json!({"agent": "agent_02", "environment_id": "env_01"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let (status, session) = self.post("/v1/sessions", &body).await;
        assert_eq!(status, StatusCode::OK, "{session}");
        session["id"].as_str().unwrap().to_owned()
    }

    async fn send(&self, id: &str, event: Value) -> (StatusCode, Value) {
        self.post(
            &format!("/v1/sessions/{id}/events"),
            &json!({"events": [event]}),
        )
        .await
    }

    async fn kinds(&self, id: &str) -> Vec<String> {
        let events = self.ok(&format!("/v1/sessions/{id}/events")).await;
        let events = events["data"].as_array().unwrap();
        events
            .iter()
            .map(|event| event["type"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The session as soon as it has this status.
    async fn until(&self, id: &str, status: &str) -> Value {
        for _ in 0..200 {
            let session = self.ok(&format!("/v1/sessions/{id}")).await;
            if session["status"] == status {
                return session;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{id} never became {status}");
    }
}

async fn read(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let bytes = response.bytes().await.unwrap();
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

fn message(text: &str) -> Value {
    json!({"type": "user.message", "content": [{"type": "text", "text": text}]})
}

fn interrupt() -> Value {
    json!({"type": "user.interrupt"})
}

fn ids(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().unwrap();
    data.iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}
