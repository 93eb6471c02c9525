//! What every request must contain, and the errors about it.

use std::time::Duration;

use managed_sessions_mcp::sandbox::Options;
use serde_json::{Value, json};

use super::{HttpClient, exchange, fast_turns};

type Headers = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn headers_are_checked_in_the_order_of_the_api() {
    const VERSION: (&str, &str) = ("anthropic-version", "2026-10-21");
    const BETA: (&str, &str) = ("anthropic-beta", "other-2026-01-01, managed-agents-2026-04-01");
    const KEY: (&str, &str) = ("x-api-key", "anything");
    const BEARER: (&str, &str) = ("authorization", "Bearer anything");
    const OLD_VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
    const UNKNOWN_VERSION: (&str, &str) = ("anthropic-version", "2020-01-01");
    const EMPTY_KEY: (&str, &str) = ("x-api-key", "");
    const INVALID_KEY: (&str, &str) = ("x-api-key", "sk-invalid-7");
    const BASIC: (&str, &str) = ("authorization", "Basic abc");
    let client = HttpClient::start(fast_turns()).await;
    let cases: [(Headers, u16); 12] = [
        (&[KEY, VERSION, BETA], 200),
        (&[BEARER, VERSION, BETA], 200),
        (&[BEARER, OLD_VERSION, BETA], 200),
        (&[], 401),
        (&[VERSION, BETA], 401),
        (&[EMPTY_KEY, VERSION, BETA], 401),
        (&[BASIC, VERSION, BETA], 401),
        (&[INVALID_KEY, VERSION, BETA], 401),
        (&[KEY, BEARER, VERSION, BETA], 400),
        (&[KEY, BETA], 400),
        (&[KEY, UNKNOWN_VERSION, BETA], 400),
        (&[KEY, VERSION], 400),
    ];
    for (headers, expected) in cases {
        let mut request = client.bare("GET", "/v1/sessions");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, body) = exchange(request).await;
        assert_eq!(status, expected, "{headers:?}: {body}");
        let kind = match status {
            400 => json!("invalid_request_error"),
            401 => json!("authentication_error"),
            _ => Value::Null,
        };
        assert_eq!(body["error"]["type"], kind, "{headers:?}");
    }
}

#[tokio::test]
async fn every_response_has_a_request_id_and_errors_repeat_it() {
    let client = HttpClient::start(fast_turns()).await;
    let get = |path| client.request("GET", path).send();
    let good = get("/v1/sessions/sesn_01").await.unwrap();
    assert!(good.headers().contains_key("request-id"));
    let bad = get("/v1/sessions/sesn_x").await.unwrap();
    let id = bad.headers()["request-id"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&bad.bytes().await.unwrap()).unwrap();
    assert_eq!(body["type"], "error");
    assert_eq!(body["request_id"], id.as_str());
    assert_eq!(body["error"]["type"], "not_found_error");
}

#[tokio::test]
async fn wrong_paths_methods_and_bodies_are_errors_in_the_envelope() {
    let client = HttpClient::start(fast_turns()).await;
    let session = "/v1/sessions/sesn_01";
    let events = "/v1/sessions/sesn_01/events";
    let cases = [
        ("GET", "/v1/nothing", "", 404),
        ("GET", "/", "", 404),
        ("GET", "/v1/sessions/", "", 404),
        ("PUT", session, "", 405),
        ("GET", "/v1/sessions/sesn_01/archive", "", 405),
        ("GET", "/v1/sessions/%FF", "", 400),
        // Ids are decoded exactly once: an encoded slash does not reach another route.
        ("GET", "/v1/sessions/sesn_01%2Farchive", "", 404),
        ("GET", "/v1/sessions/sesn_0%2531", "", 404),
        ("GET", "/v1/sessions/sesn_0%31", "", 200),
        ("POST", session, "{", 400),
        ("POST", session, "", 400),
        ("POST", session, "[]", 400),
        ("POST", "/v1/sessions", "null", 400),
        ("POST", session, r#"{"colour": "red"}"#, 400),
        ("POST", events, r#"{"events": []}"#, 400),
    ];
    for (method, path, body, expected) in cases {
        let request = client.request(method, path).body(body.to_owned());
        let (status, answer) = exchange(request).await;
        assert_eq!(status, expected, "{method} {path} {body}: {answer}");
        if status != 200 {
            assert_eq!(answer["type"], "error", "{method} {path}: {answer}");
        }
    }
}

#[tokio::test]
async fn api_requests_are_logged() {
    let client = HttpClient::start(fast_turns()).await;
    client.ok("/v1/sessions?limit=2").await;
    assert_eq!(client.sandbox.writes(), 0);
    let change = json!({"title": "x"});
    client.post("/v1/sessions/sesn_01", &change).await;
    exchange(client.bare("GET", "/_sandbox/faults")).await;
    let requests = client.sandbox.requests();
    let lines = requests.iter().map(|r| format!("{} {}", r.method, r.path));
    let expected = ["GET /v1/sessions?limit=2", "POST /v1/sessions/sesn_01"];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    assert_eq!(requests[0].headers["authorization"], "Bearer sk-sandbox");
    assert_eq!(client.sandbox.writes(), 1);
    client.sandbox.forget_requests();
    assert!(client.sandbox.requests().is_empty());
}

#[tokio::test]
async fn dropping_the_sandbox_stops_it_and_ends_its_streams() {
    let client = HttpClient::start(fast_turns()).await;
    client.ok("/v1/sessions").await;
    let path = "/v1/sessions/sesn_01/events/stream";
    let stream = client.request("GET", path).send().await.unwrap();
    let later = client.request("GET", "/v1/sessions");
    drop(client.sandbox);
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.bytes()).await;
    assert!(ended.is_ok(), "the stream goes on");
    assert!(later.send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn an_unseeded_sandbox_has_agents_but_no_sessions() {
    let client = HttpClient::start(Options { seed: false, ..fast_turns() }).await;
    let all = client.ok("/v1/sessions?include_archived=true").await;
    let empty = json!({"data": [], "next_page": null, "prev_page": null});
    assert_eq!(all, empty);
    assert!(client.create(json!({})).await.starts_with("sesn_"));
}

#[tokio::test]
async fn pages_of_other_hosts_and_origins_are_refused() {
    let client = HttpClient::start(fast_turns()).await;
    let effect = json!({"kind": "status", "status": 500});
    let fault = json!({"method": "GET", "path": "/v1/sessions", "effect": effect});
    let (status, body) = client.post("/_sandbox/faults", &json!({"faults": [fault]})).await;
    assert_eq!(status, 200, "{body}");
    let before = client.sandbox.requests().len();
    for (header, value) in [
        ("host", "evil.example"),
        ("host", "x.localhost"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        for (method, path) in [
            ("GET", "/v1/sessions"),
            ("DELETE", "/v1/sessions/sesn_01"),
            ("POST", "/_sandbox/quirks"),
            ("GET", "/nowhere"),
        ] {
            let request = client.request(method, path).header(header, value).body("[]");
            let (status, body) = exchange(request).await;
            assert_eq!(status, 403, "{header}: {value}, {method} {path}: {body}");
            assert_eq!(body["type"], "error", "{body}");
            assert_eq!(body["error"]["type"], "permission_error", "{body}");
            assert!(body["request_id"].is_string(), "{body}");
        }
    }
    assert_eq!(client.sandbox.requests().len(), before, "no request of the API");
    // The fault is still there for those who may ask.
    assert_eq!(client.get("/v1/sessions").await.0, 500);
    let own =
        client.request("GET", "/v1/sessions/sesn_01").header("origin", "http://localhost:3000");
    assert_eq!(exchange(own).await.0, 200);
}
