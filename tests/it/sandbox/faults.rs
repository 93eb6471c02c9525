//! Faults on request: by header, by control path, by options.

use std::time::{Duration, Instant};

use managed_sessions_mcp::sandbox::{Effect, Fault, Options, Quirk};
use serde_json::{Value, json};

use super::{Wire, brisk, read};

#[tokio::test]
async fn a_header_spoils_its_own_answer() {
    let wire = Wire::start(brisk()).await;
    let spoiled = |fault: &str| {
        let request = wire
            .request("POST", "/v1/sessions/sesn_01")
            .body(r#"{"title":"t"}"#);
        request.header("x-sandbox-fault", fault).send()
    };
    for (fault, status, header, value) in [
        ("429;retry-after=7", 429, "retry-after", "7"),
        ("500;should-retry=false", 500, "x-should-retry", "false"),
        ("529", 529, "content-type", "application/json"),
        ("html", 502, "content-type", "text/html"),
        ("html=200", 200, "content-type", "text/html"),
        (
            "redirect=https://elsewhere.example",
            307,
            "location",
            "https://elsewhere.example",
        ),
        ("nonsense", 400, "content-type", "application/json"),
    ] {
        let response = spoiled(fault).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{fault}");
        assert_eq!(response.headers()[header], value, "{fault}");
    }
    assert!(
        spoiled("empty=200")
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap()
            .is_empty()
    );
    assert!(spoiled("reset").await.unwrap_err().is_request());
    assert_ne!(
        wire.ok("/v1/sessions/sesn_01").await["title"],
        "t",
        "none of these acted"
    );
    let start = Instant::now();
    assert_eq!(spoiled("slow=60").await.unwrap().status().as_u16(), 200);
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn some_faults_come_after_acting() {
    let wire = Wire::start(brisk()).await;
    for (fault, id) in [("reset-after", "sesn_01"), ("truncated", "sesn_02")] {
        let request = wire.request("POST", &format!("/v1/sessions/{id}"));
        let request = request
            .body(r#"{"title":"acted"}"#)
            .header("x-sandbox-fault", fault);
        let failed = match request.send().await {
            Err(_) => true,
            Ok(response) => response.bytes().await.is_err(),
        };
        assert!(failed, "{fault}");
        assert_eq!(
            wire.ok(&format!("/v1/sessions/{id}")).await["title"],
            "acted",
            "{fault}"
        );
    }
}

#[tokio::test]
async fn pending_faults_are_used_up_by_what_they_match() {
    let status = |status| Effect::Status {
        status,
        retry_after: None,
        should_retry: None,
    };
    let faults = vec![
        Fault::new(status(503)).times(2).on("GET", "/sesn_01"),
        Fault::new(status(500)),
    ];
    let wire = Wire::start(Options { faults, ..brisk() }).await;
    let mut seen = Vec::new();
    for id in ["sesn_01", "sesn_02", "sesn_01", "sesn_01", "sesn_02"] {
        seen.push(wire.get(&format!("/v1/sessions/{id}")).await.0.as_u16());
    }
    assert_eq!(seen, [503, 500, 503, 200, 200]);
    wire.sandbox.fail(Fault::new(Effect::Reset));
    let body = json!({"faults": [{"effect": {"kind": "status", "status": 429, "retry_after": "3"}, "times": 2}]});
    let (_, pending) = read(wire.bare("POST", "/_sandbox/faults").body(body.to_string())).await;
    assert_eq!(pending["faults"].as_array().unwrap().len(), 2);
    let elsewhere = Fault::new(Effect::Reset).on("GET", "/sesn_03");
    wire.sandbox.fail(elsewhere);
    let (_, others) = read(wire.bare("DELETE", "/_sandbox/faults?path=/sesn_03")).await;
    assert_eq!(others, pending);
    let (_, none) = read(wire.bare("DELETE", "/_sandbox/faults")).await;
    assert_eq!(none, json!({"faults": []}));
    wire.ok("/v1/sessions/sesn_01").await;
    let (refused, _) = read(
        wire.bare("POST", "/_sandbox/faults")
            .body(r#"{"faults":[{"effect":1}]}"#),
    )
    .await;
    assert_eq!(refused.as_u16(), 400);
}

#[tokio::test]
async fn errors_can_be_worded_as_elsewhere() {
    let wire = Wire::start(brisk()).await;
    for (quirk, content_type, body) in [
        (
            "string_errors",
            "application/json",
            Some(json!({"error": "There is no session \"x\"."})),
        ),
        (
            "detail_errors",
            "application/json",
            Some(json!({"detail": "There is no session \"x\"."})),
        ),
        ("html_errors", "text/html", None),
        ("empty_errors", "text/plain", None),
    ] {
        let control = wire
            .bare("POST", "/_sandbox/quirks")
            .body(json!({"quirks": [quirk]}).to_string());
        assert_eq!(read(control).await.1, json!({"quirks": [quirk]}));
        let response = wire.request("GET", "/v1/sessions/x").send().await.unwrap();
        assert_eq!(response.status().as_u16(), 404, "{quirk}");
        assert_eq!(response.headers()["content-type"], content_type, "{quirk}");
        let text = response.text().await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).ok(), body, "{quirk}");
    }
    wire.sandbox
        .set_quirks([Quirk::NoRequestIds, Quirk::NeedsContentLength]);
    let response = wire.request("GET", "/v1/sessions/x").send().await.unwrap();
    assert!(!response.headers().contains_key("request-id"));
    assert!(!response.text().await.unwrap().contains("request_id"));
    let lengthless = wire.request("POST", "/v1/sessions/sesn_01/archive");
    assert_eq!(read(lengthless).await.0.as_u16(), 411);
    let measured = wire
        .request("POST", "/v1/sessions/sesn_01/archive")
        .header("content-length", "0");
    assert_eq!(read(measured).await.0.as_u16(), 200);
}
