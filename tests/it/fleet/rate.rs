//! What a clean-up takes from the rate allowed.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use managed_sessions_mcp::cli::Flags;
use serde_json::json;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers};

use super::apply_all;
use crate::support::{Host, error, session, with};

const SESSIONS: usize = 100;

/// A service that refuses each session's first archiving, and carries out the second.
async fn hesitant() -> MockServer {
    let refused = Mutex::new(BTreeSet::new());
    let server = MockServer::start().await;
    let answer = move |request: &Request| {
        let path = request.url.path().trim_start_matches("/v1/sessions");
        let id = path.trim_matches('/').trim_end_matches("/archive");
        let ok = ResponseTemplate::new(200);
        if id.is_empty() {
            let rows = (0..SESSIONS).map(|number| session(&format!("sesn_{number}"), "idle"));
            return ok.set_body_json(json!({"data": rows.collect::<Vec<_>>()}));
        }
        if !path.ends_with("/archive") {
            return ok.set_body_json(session(id, "idle"));
        }
        if refused.lock().expect("no panic").insert(id.to_owned()) {
            return ResponseTemplate::new(409).set_body_json(error("conflict_error", "busy"));
        }
        let archived = json!({"archived_at": "2026-11-20T00:00:00Z"});
        ok.set_body_json(with(session(id, "idle"), archived))
    };
    Mock::given(matchers::any())
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

/// Only a lower bound: a busy machine may always be slower.
#[tokio::test]
async fn requests_beyond_two_a_session_take_from_the_rate_too() {
    let server = hesitant().await;
    let flags = Flags {
        max_rpm: Some("6000".to_owned()),
        ..Flags::default()
    };
    let host = Host::with(flags, &server.uri()).await;
    let arguments = json!({"action": "archive"});
    let plan = host.call("plan_cleanup", arguments).await.answer();
    assert_eq!(plan["matched"], SESSIONS);
    let started = std::time::Instant::now();
    let end = apply_all(&host, &plan).await;
    assert_eq!(end["done"], SESSIONS, "{end}");
    // Four requests each: a hundred at once, the rest at a hundred a second; what the last eight
    // take beyond their two is owed by whatever comes next.
    let least = Duration::from_millis(10) * (4 * 100 - 100 - 8 * 2);
    let took = started.elapsed();
    assert!(took >= least, "{took:?}, at least {least:?}");
}
