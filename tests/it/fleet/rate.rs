//! Requests of a clean-up beyond those that a session needs count against the rate too.

use std::{
    collections::BTreeSet,
    sync::Mutex,
    time::{Duration, Instant},
};

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers};

use super::{apply_all, everything, plan};
use crate::support::{Host, error, session, with_fields};

const SESSIONS: u32 = 60;

/// A service that rejects the first archiving of each session and accepts the second.
async fn hesitant() -> MockServer {
    let rejected = Mutex::new(BTreeSet::new());
    let answer = move |request: &Request| {
        let path = request.url.path().trim_start_matches("/v1/sessions");
        let id = path.trim_matches('/').trim_end_matches("/archive");
        let ok = ResponseTemplate::new(200);
        if id.is_empty() {
            let rows = (0..SESSIONS).map(|number| session(&format!("sesn_{number}"), "idle"));
            return ok.set_body_json(json!({"data": rows.collect::<Vec<Value>>()}));
        }
        if path.ends_with("/events") {
            return ok.set_body_json(json!({"data": []}));
        }
        if !path.ends_with("/archive") {
            return ok.set_body_json(session(id, "idle"));
        }
        if rejected.lock().expect("no panic").insert(id.to_owned()) {
            return ResponseTemplate::new(409).set_body_json(error("conflict_error", "busy"));
        }
        let archived = json!({"archived_at": "2026-11-20T00:00:00Z"});
        ok.set_body_json(with_fields(session(id, "idle"), archived))
    };
    let server = MockServer::start().await;
    let mock = Mock::given(matchers::any()).respond_with(answer);
    mock.mount(&server).await;
    server
}

/// Only a lower bound: a busy machine may always be slower.
#[tokio::test]
async fn every_request_of_a_clean_up_counts_against_the_rate() {
    let server = hesitant().await;
    let rpm = Some("6000".to_owned());
    let flags = Flags { max_rpm: rpm.clone(), max_read_rpm: rpm, ..Flags::default() };
    let host = Host::with_flags(flags, &server.uri()).await;
    let plan = plan(&host, everything("archive")).await;
    assert_eq!(plan["matched"], SESSIONS);
    let started = Instant::now();
    let end = apply_all(&host, &plan).await;
    assert_eq!(end["done"], SESSIONS, "{end}");
    // Three reads each: a hundred at once, the rest at a hundred a second; what the last eight take
    // beyond their two is owed by whatever comes next.
    let least = Duration::from_millis(10) * (3 * SESSIONS - 100 - 8);
    let took = started.elapsed();
    assert!(took >= least, "{took:?}, at least {least:?}");
}
