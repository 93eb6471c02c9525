//! The sandbox as an HTTP client sees it.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions shared by tests fail as tests do"
)]

mod admission;
mod answers;
mod budgets;
mod changes;
mod commands;
mod faults;
mod files;
mod lists;
mod outcomes;
mod requests;
mod seed;
mod setup;
mod threads;
mod turns;
mod workflows;

use std::time::Duration;

use managed_sessions_mcp::sandbox::{Options, Sandbox};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::http;

/// A sandbox and an HTTP client for it.
struct HttpClient {
    sandbox: Sandbox,
    http: reqwest::Client,
}

/// Turns end almost immediately, and statuses do not lag.
fn fast_turns() -> Options {
    Options { turn: Duration::from_millis(20), status_lag: Duration::ZERO, ..Options::default() }
}

/// Turns end only by an interrupt.
fn endless_turns() -> Options {
    Options { turn: Duration::from_secs(3600), ..fast_turns() }
}

impl HttpClient {
    async fn start(options: Options) -> Self {
        let listen = "127.0.0.1:0".parse().unwrap();
        let sandbox = Sandbox::start(listen, options).await.unwrap();
        let http = http();
        Self { sandbox, http }
    }

    /// A request without any of the headers that the API demands.
    fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{path}", self.sandbox.base_url());
        self.http.request(method, url)
    }

    /// A request with all headers that the API demands.
    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path)
            .bearer_auth(self.sandbox.api_key())
            .header("anthropic-version", "2026-10-21")
            .header("anthropic-beta", "managed-agents-2026-04-01")
            .header("content-type", "application/json")
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        exchange(self.request("GET", path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        exchange(self.request("POST", path).body(body.to_string())).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        exchange(self.request("DELETE", path)).await
    }

    /// The body of a GET that must succeed.
    async fn ok(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn session(&self, id: &str) -> Value {
        self.ok(&format!("/v1/sessions/{id}")).await
    }

    async fn create(&self, fields: Value) -> String {
        let mut body = json!({"agent": "agent_02", "environment_id": "env_01"});
        let fields = fields.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(fields);
        let (status, session) = self.post("/v1/sessions", &body).await;
        assert_eq!(status, 200, "{session}");
        session["id"].as_str().unwrap().to_owned()
    }

    async fn send(&self, id: &str, event: Value) -> (u16, Value) {
        let path = format!("/v1/sessions/{id}/events");
        self.post(&path, &json!({"events": [event]})).await
    }

    /// Sends events in one request.
    async fn send_all(&self, id: &str, events: &[Value]) -> (u16, Value) {
        let path = format!("/v1/sessions/{id}/events");
        self.post(&path, &json!({"events": events})).await
    }

    /// A session that has been through one turn with this message, and is idle or terminated.
    async fn after_turn(&self, fields: Value, text: &str) -> String {
        let id = self.create(fields).await;
        let (status, body) = self.send(&id, message(text)).await;
        assert_eq!(status, 200, "{body}");
        self.settled(&id).await;
        id
    }

    /// The session once it is neither running nor rescheduled.
    async fn settled(&self, id: &str) -> Value {
        for _ in 0..400 {
            let session = self.session(id).await;
            if session["status"] == "idle" || session["status"] == "terminated" {
                return session;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{id} is still busy");
    }

    /// The newest event of this type.
    async fn newest(&self, id: &str, kind: &str) -> Value {
        let path = format!("/v1/sessions/{id}/events?types[]={kind}&order=desc&limit=1");
        self.ok(&path).await["data"][0].clone()
    }

    /// The ids of the calls that the session waits for.
    async fn waiting_for(&self, id: &str) -> Vec<String> {
        let stop = self.newest(id, "session.status_idle").await["stop_reason"].clone();
        let ids = stop["event_ids"].as_array().into_iter().flatten();
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    async fn event_types(&self, id: &str) -> Vec<String> {
        let page = self.ok(&format!("/v1/sessions/{id}/events")).await;
        texts(&page, "type")
    }

    async fn last_event(&self, id: &str) -> Value {
        let path = format!("/v1/sessions/{id}/events?order=desc&limit=1");
        self.ok(&path).await["data"][0].clone()
    }

    /// The session once it has this status.
    async fn wait_for_status(&self, id: &str, status: &str) -> Value {
        for _ in 0..200 {
            let session = self.session(id).await;
            if session["status"] == status {
                return session;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{id} never became {status}");
    }
}

/// Status and body; null for a body that is not JSON.
async fn exchange(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn message(text: &str) -> Value {
    json!({"type": "user.message", "content": [{"type": "text", "text": text}]})
}

fn interrupt() -> Value {
    json!({"type": "user.interrupt"})
}

fn confirm(call: &str, result: &str) -> Value {
    json!({"type": "user.tool_confirmation", "tool_use_id": call, "result": result})
}

fn custom_result(call: &str) -> Value {
    let content = json!([{"type": "text", "text": "found"}]);
    json!({"type": "user.custom_tool_result", "custom_tool_use_id": call, "content": content})
}

fn outcome(description: &str) -> Value {
    let rubric = json!({"type": "text", "content": "It is complete."});
    json!({"type": "user.define_outcome", "description": description, "rubric": rubric})
}

fn limit(cents: &str) -> Value {
    json!({"type": "limit", "max_list_cost": {"amount": cents, "currency": "USD"}})
}

fn ids(page: &Value) -> Vec<String> {
    texts(page, "id")
}

/// This field of all items of a list.
fn texts(page: &Value, field: &str) -> Vec<String> {
    let items = page["data"].as_array().unwrap().iter();
    let texts = items.map(|item| item[field].as_str().unwrap().to_owned());
    texts.collect()
}
