//! Services that lack an operation, and other statuses that are no conflict and no limit.

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use super::{EVENTS, LIST, SESSION, answering, ok, one};
use crate::support::{Api, error};

/// The bodies of a 404: of the API itself, of a framework, of a router, of a gateway, of nobody.
fn absent(body: &str) -> ResponseTemplate {
    let response = ResponseTemplate::new(404);
    match body {
        "envelope" => response.set_body_json(error("not_found_error", "No such thing.")),
        "detail" => response.set_body_json(json!({"detail": "Not Found"})),
        "text" => response.set_body_string("404 page not found"),
        "html" => response.set_body_string("<html><h1>Not Found</h1></html>"),
        _ => response,
    }
}

/// A service that answers so to requests to this path, by this method, and has one session.
async fn lacking(method: &'static str, path: &'static str, response: ResponseTemplate) -> Api {
    answering(move |request: &Request| {
        if request.method.as_str() == method && request.url.path() == path {
            return response.clone();
        }
        match request.url.path() {
            SESSION => ok(&one(json!({}))),
            LIST | EVENTS => ok(&json!({"data": []})),
            _ => absent("envelope"),
        }
    })
    .await
}

#[tokio::test]
async fn an_operation_that_the_service_does_not_have_is_unsupported() {
    let update = json!({"session_id": "sesn_1", "title": "New"});
    let archive = json!({"session_id": "sesn_1"});
    let session = json!({"session_id": "sesn_1"});
    let archived = "/v1/sessions/sesn_1/archive";
    let status = ResponseTemplate::new;
    for (method, path, response, tool, arguments, code) in [
        ("POST", SESSION, status(405), "update_session", &update, "unsupported"),
        ("POST", SESSION, status(501), "update_session", &update, "unsupported"),
        ("POST", SESSION, absent("text"), "update_session", &update, "unsupported"),
        ("POST", SESSION, absent("html"), "update_session", &update, "unsupported"),
        ("POST", SESSION, absent("detail"), "update_session", &update, "unsupported"),
        ("POST", SESSION, absent("empty"), "update_session", &update, "unsupported"),
        ("POST", SESSION, absent("envelope"), "update_session", &update, "not_found"),
        ("POST", archived, absent("detail"), "archive_session", &archive, "unsupported"),
        ("DELETE", SESSION, status(405), "delete_session", &session, "unsupported"),
        ("GET", SESSION, absent("text"), "get_session", &session, "unsupported"),
        ("GET", SESSION, absent("detail"), "get_session", &session, "not_found"),
        ("GET", SESSION, absent("empty"), "get_session", &session, "not_found"),
        ("GET", SESSION, absent("envelope"), "get_session", &session, "not_found"),
        ("GET", EVENTS, absent("detail"), "list_session_events", &session, "unsupported"),
        ("GET", EVENTS, absent("envelope"), "list_session_events", &session, "not_found"),
        ("GET", LIST, absent("envelope"), "list_sessions", &json!({}), "unsupported"),
        ("GET", LIST, absent("detail"), "summarize_sessions", &json!({}), "unsupported"),
        ("GET", LIST, status(405), "list_sessions", &json!({}), "unsupported"),
    ] {
        let api = lacking(method, path, response).await;
        let failure = api.host().await.failure(tool, arguments.clone()).await;
        assert!(failure.starts_with(&format!("{code}: ")), "{method} {path}: {failure}");
        if code == "unsupported" {
            let address = api.url().replace("http://", "");
            assert!(failure.contains(&format!("{method} {address}{path}")), "{failure}");
            assert!(failure.contains("/v1"), "{failure}");
            assert!(!failure.contains("may have been carried out"), "{failure}");
        }
    }
}

#[tokio::test]
async fn a_service_that_is_no_sessions_api_is_named_by_every_tool() {
    for body in ["detail", "empty", "text"] {
        let api = answering(move |_| absent(body)).await;
        let host = api.host().await;
        let session = json!({"session_id": "sesn_1"});
        for (tool, arguments) in [
            ("get_session", session.clone()),
            ("diagnose_session", session.clone()),
            ("delete_session", session.clone()),
            ("list_session_events", session),
            ("list_sessions", json!({"title_contains": "x"})),
            ("plan_changes", json!({"action": "archive", "session_ids": ["sesn_1", "sesn_2"]})),
        ] {
            let failure = host.failure(tool, arguments).await;
            assert!(failure.starts_with("unsupported: "), "{body} {tool}: {failure}");
            assert!(failure.contains("check the base URL, which is set by"), "{failure}");
        }
        assert_eq!(api.writes().await, [""; 0]);
    }
}

#[tokio::test]
async fn every_status_has_a_code_and_a_next_step_of_its_own() {
    let update = json!({"session_id": "sesn_1", "title": "New"});
    for (status, code, words) in [
        (402, "forbidden", "billing"),
        (403, "forbidden", "workspace"),
        (407, "forbidden", "HTTPS_PROXY"),
        (410, "not_found", "does not exist"),
        (412, "conflict", "present state"),
        (413, "rejected", "give less at once"),
        (422, "rejected", "change what the message names"),
        (431, "rejected", "shorter filters"),
        (499, "timed_out", "gave up"),
    ] {
        let body = error("some_error", "Because.");
        let response = ResponseTemplate::new(status).set_body_json(body);
        let api = lacking("POST", SESSION, response).await;
        let failure = api.host().await.failure("update_session", update.clone()).await;
        assert!(failure.starts_with(&format!("{code}: ")), "{status}: {failure}");
        assert!(failure.contains(words), "{status}: {failure}");
        let in_doubt = failure.contains("may have been carried out");
        assert_eq!(in_doubt, status == 499, "{failure}");
    }
}

#[tokio::test]
async fn a_plan_does_not_go_on_where_the_operation_is_missing() {
    let sessions: Vec<Value> = (0..30).map(|n| one(json!({"id": format!("sesn_{n}")}))).collect();
    let api = answering(move |request: &Request| match request.url.path() {
        LIST => ok(&json!({"data": sessions})),
        path if path.ends_with("/events") => ok(&json!({"data": []})),
        path if path.ends_with("/archive") => ResponseTemplate::new(405),
        path => ok(&one(json!({"id": path.rsplit('/').next()}))),
    })
    .await;
    let host = api.host().await;
    let plan =
        host.answer("plan_changes", json!({"action": "archive", "statuses": ["idle"]})).await;
    assert_eq!(plan["matched"], 30, "{plan}");
    let failure = host.failure("apply_changes", json!({"plan_id": plan["plan_id"]})).await;
    assert!(failure.starts_with("unsupported: "), "{failure}");
    assert!(api.writes().await.len() <= 8);
}
