//! What every request must bring, and how it is answered when it does not.

use std::time::Duration;

use managed_sessions_mcp::sandbox::Options;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Wire, brisk, read};

type Headers = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn headers_are_checked_in_the_order_of_the_api() {
    const VERSION: (&str, &str) = ("anthropic-version", "2026-10-21");
    const BETA: (&str, &str) = (
        "anthropic-beta",
        "other-2026-01-01, managed-agents-2026-04-01",
    );
    const KEY: (&str, &str) = ("x-api-key", "anything");
    const BEARER: (&str, &str) = ("authorization", "Bearer anything");
    let wire = Wire::start(brisk()).await;
    let cases: [(Headers, u16, &str); 12] = [
        (&[KEY, VERSION, BETA], 200, ""),
        (&[BEARER, VERSION, BETA], 200, ""),
        (
            &[BEARER, ("anthropic-version", "2023-06-01"), BETA],
            200,
            "",
        ),
        (&[], 401, "authentication_error"),
        (&[VERSION, BETA], 401, "authentication_error"),
        (
            &[("x-api-key", ""), VERSION, BETA],
            401,
            "authentication_error",
        ),
        (
            &[("authorization", "Basic abc"), VERSION, BETA],
            401,
            "authentication_error",
        ),
        (
            &[("x-api-key", "sk-invalid-7"), VERSION, BETA],
            401,
            "authentication_error",
        ),
        (&[KEY, BEARER, VERSION, BETA], 400, "invalid_request_error"),
        (&[KEY, BETA], 400, "invalid_request_error"),
        (
            &[KEY, ("anthropic-version", "2020-01-01"), BETA],
            400,
            "invalid_request_error",
        ),
        (&[KEY, VERSION], 400, "invalid_request_error"),
    ];
    for (headers, status, kind) in cases {
        let mut request = wire.bare("GET", "/v1/sessions");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (answered, body) = read(request).await;
        assert_eq!(answered.as_u16(), status, "{headers:?}: {body}");
        assert_eq!(
            body["error"]["type"].as_str().unwrap_or_default(),
            kind,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_refusals_repeat_it() {
    let wire = Wire::start(brisk()).await;
    let good = wire
        .request("GET", "/v1/sessions/sesn_01")
        .send()
        .await
        .unwrap();
    assert!(good.headers().contains_key("request-id"));
    let bad = wire
        .request("GET", "/v1/sessions/sesn_x")
        .send()
        .await
        .unwrap();
    let id = bad.headers()["request-id"].to_str().unwrap().to_owned();
    let body: Value = serde_json::from_slice(&bad.bytes().await.unwrap()).unwrap();
    assert_eq!(body["type"], "error");
    assert_eq!(body["request_id"], id.as_str());
    assert_eq!(body["error"]["type"], "not_found_error");
}

#[tokio::test]
async fn wrong_paths_methods_and_bodies_are_refused_in_the_envelope() {
    let wire = Wire::start(brisk()).await;
    let cases = [
        ("GET", "/v1/nothing", "", 404),
        ("GET", "/", "", 404),
        ("GET", "/v1/sessions/", "", 404),
        ("PUT", "/v1/sessions/sesn_01", "", 405),
        ("GET", "/v1/sessions/sesn_01/archive", "", 405),
        ("GET", "/v1/sessions/%FF", "", 400),
        // Decoded once: a slash in an id is no path, a doubly encoded one stays encoded.
        ("GET", "/v1/sessions/sesn_01%2Farchive", "", 404),
        ("GET", "/v1/sessions/sesn_0%2531", "", 404),
        ("GET", "/v1/sessions/sesn_0%31", "", 200),
        ("POST", "/v1/sessions/sesn_01", "{", 400),
        ("POST", "/v1/sessions/sesn_01", "", 400),
        ("POST", "/v1/sessions/sesn_01", "[]", 400),
        ("POST", "/v1/sessions", "null", 400),
        ("POST", "/v1/sessions/sesn_01", r#"{"colour": "red"}"#, 400),
        (
            "POST",
            "/v1/sessions/sesn_01/events",
            r#"{"events": []}"#,
            400,
        ),
    ];
    for (method, path, body, status) in cases {
        let request = wire.request(method, path).body(body.to_owned());
        let (answered, answer) = read(request).await;
        assert_eq!(
            answered.as_u16(),
            status,
            "{method} {path} {body}: {answer}"
        );
        if status != 200 {
            assert_eq!(answer["type"], "error", "{method} {path}: {answer}");
        }
    }
}

#[tokio::test]
async fn the_log_tells_what_was_sent() {
    let wire = Wire::start(brisk()).await;
    wire.ok("/v1/sessions?limit=2").await;
    assert_eq!(wire.sandbox.writes(), 0);
    wire.post("/v1/sessions/sesn_01", &json!({"title": "x"}))
        .await;
    wire.bare("GET", "/_sandbox/faults").send().await.unwrap();
    let requests = wire.sandbox.requests();
    let lines: Vec<_> = requests
        .iter()
        .map(|r| format!("{} {}", r.method, r.path))
        .collect();
    assert_eq!(
        lines,
        ["GET /v1/sessions?limit=2", "POST /v1/sessions/sesn_01"]
    );
    assert_eq!(requests[0].headers["authorization"], "Bearer sk-sandbox");
    assert_eq!(wire.sandbox.writes(), 1);
    wire.sandbox.forget_requests();
    assert!(wire.sandbox.requests().is_empty());
}

#[tokio::test]
async fn a_dropped_sandbox_stops_answering_and_ends_its_streams() {
    let wire = Wire::start(brisk()).await;
    let request = wire.request("GET", "/v1/sessions");
    let stream = wire
        .request("GET", "/v1/sessions/sesn_01/events/stream")
        .send()
        .await
        .unwrap();
    let again = wire.request("GET", "/v1/sessions");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    drop(wire.sandbox);
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.bytes()).await;
    assert!(ended.is_ok(), "the stream goes on");
    assert!(again.send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn an_unseeded_sandbox_has_agents_but_no_sessions() {
    let wire = Wire::start(Options {
        seed: false,
        ..brisk()
    })
    .await;
    let all = wire.ok("/v1/sessions?include_archived=true").await;
    assert_eq!(
        all,
        json!({"data": [], "next_page": null, "prev_page": null})
    );
    assert!(wire.create(json!({})).await.starts_with("sesn_"));
}
