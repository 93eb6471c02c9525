//! Faults by header, by control path and by options.

use std::time::{Duration, Instant};

use managed_sessions_mcp::sandbox::{Effect, Fault, Options, Quirk};
use serde_json::{Value, json};

use super::{HttpClient, exchange, fast_turns};

#[tokio::test]
async fn a_fault_header_affects_its_own_request() {
    let client = HttpClient::start(fast_turns()).await;
    let update = |fault: &str| {
        let request = client.request("POST", "/v1/sessions/sesn_01");
        let request = request.header("x-sandbox-fault", fault);
        request.body(r#"{"title":"t"}"#).send()
    };
    for (fault, status, header, value) in [
        ("429;retry-after=7", 429, "retry-after", "7"),
        ("500;should-retry=false", 500, "x-should-retry", "false"),
        ("529", 529, "content-type", "application/json"),
        ("html", 502, "content-type", "text/html"),
        ("html=200", 200, "content-type", "text/html"),
        ("redirect=https://x.example", 307, "location", "https://x.example"),
        ("nonsense", 400, "content-type", "application/json"),
    ] {
        let response = update(fault).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{fault}");
        assert_eq!(response.headers()[header], value, "{fault}");
    }
    let empty = update("empty=200").await.unwrap();
    assert!(empty.bytes().await.unwrap().is_empty());
    assert!(update("reset").await.unwrap_err().is_request());
    let title = &client.session("sesn_01").await["title"];
    assert_ne!(title, "t", "no request was carried out");
    let start = Instant::now();
    assert!(update("slow=60").await.unwrap().status().is_success());
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn some_faults_strike_after_the_request_is_carried_out() {
    let client = HttpClient::start(fast_turns()).await;
    for (fault, id) in [("reset-after", "sesn_01"), ("truncated", "sesn_02")] {
        let request = client.request("POST", &format!("/v1/sessions/{id}"));
        let request = request.header("x-sandbox-fault", fault);
        let failed = match request.body(r#"{"title":"changed"}"#).send().await {
            Err(_) => true,
            Ok(response) => response.bytes().await.is_err(),
        };
        assert!(failed, "{fault}");
        assert_eq!(client.session(id).await["title"], "changed", "{fault}");
    }
}

#[tokio::test]
async fn pending_faults_are_used_up_by_matching_requests() {
    let status = |status| Effect::Status { status, retry_after: None, should_retry: None };
    let faults =
        vec![Fault::new(status(503)).times(2).on("GET", "/sesn_01"), Fault::new(status(500))];
    let options = Options { faults, ..fast_turns() };
    let client = HttpClient::start(options).await;
    let mut seen = Vec::new();
    for id in ["sesn_01", "sesn_02", "sesn_01", "sesn_01", "sesn_02"] {
        seen.push(client.get(&format!("/v1/sessions/{id}")).await.0);
    }
    assert_eq!(seen, [503, 500, 503, 200, 200]);

    client.sandbox.fail(Fault::new(Effect::Reset));
    let effect = json!({"kind": "status", "status": 429, "retry_after": "3"});
    let body = json!({"faults": [{"effect": effect, "times": 2}]}).to_string();
    let add = |body| exchange(client.bare("POST", "/_sandbox/faults").body(body));
    let clear = |query| exchange(client.bare("DELETE", &format!("/_sandbox/faults{query}")));
    let (_, pending) = add(body).await;
    assert_eq!(pending["faults"].as_array().unwrap().len(), 2);
    let elsewhere = Fault::new(Effect::Reset).on("GET", "/sesn_03");
    client.sandbox.fail(elsewhere);
    assert_eq!(clear("?path=/sesn_03").await.1, pending);
    assert_eq!(clear("").await.1, json!({"faults": []}));
    client.ok("/v1/sessions/sesn_01").await;
    let invalid = r#"{"faults":[{"effect":1}]}"#.to_owned();
    assert_eq!(add(invalid).await.0, 400);
}

#[tokio::test]
async fn quirks_change_error_bodies() {
    let client = HttpClient::start(fast_turns()).await;
    let get = || client.request("GET", "/v1/sessions/x").send();
    let message = "There is no session \"x\".";
    let (json, string) = ("application/json", Some(json!({"error": message})));
    for (quirk, content_type, body) in [
        ("string_errors", json, string),
        ("detail_errors", json, Some(json!({"detail": message}))),
        ("html_errors", "text/html", None),
        ("empty_errors", "text/plain", None),
    ] {
        let quirks = json!({"quirks": [quirk]});
        let request = client.bare("POST", "/_sandbox/quirks");
        let (_, set) = exchange(request.body(quirks.to_string())).await;
        assert_eq!(set, quirks);
        let response = get().await.unwrap();
        assert_eq!(response.status().as_u16(), 404, "{quirk}");
        assert_eq!(response.headers()["content-type"], content_type, "{quirk}");
        let text = response.text().await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).ok(), body, "{quirk}");
    }
    let quirks = [Quirk::NoRequestIds, Quirk::NeedsContentLength];
    client.sandbox.set_quirks(quirks);
    let response = get().await.unwrap();
    assert!(!response.headers().contains_key("request-id"));
    assert!(!response.text().await.unwrap().contains("request_id"));
    let archive = || client.request("POST", "/v1/sessions/sesn_01/archive");
    assert_eq!(exchange(archive()).await.0, 411);
    let with_length = archive().header("content-length", "0");
    assert_eq!(exchange(with_length).await.0, 200);
}
