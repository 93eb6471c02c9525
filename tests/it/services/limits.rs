//! Rate limits: tried like the official SDKs, never an empty success, and at once where waiting
//! does not help.

use std::{
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use super::{LIST, answering, ok, one, warnings};
use crate::{
    reading::sessions,
    support::{Api, Host, error},
};

fn limited(retry_after: Option<&str>) -> ResponseTemplate {
    let response = ResponseTemplate::new(429)
        .set_body_json(error("rate_limit_error", "This request would exceed your rate limit."));
    match retry_after {
        Some(wait) => response.insert_header("retry-after", wait),
        None => response,
    }
}

/// A page of a service with 250 sessions.
fn page(request: &Request) -> ResponseTemplate {
    let number = |wanted: &str| {
        let mut pairs = request.url.query_pairs();
        let (_, value) = pairs.find(|(name, _)| name == wanted)?;
        Some(value.parse::<usize>().expect("a number"))
    };
    let data = sessions(250);
    let start = number("page").unwrap_or(0);
    let end = data.len().min(start + number("limit").unwrap_or(20));
    let next = (end < data.len()).then(|| end.to_string());
    ok(&json!({"data": data[start..end], "next_page": next}))
}

/// A service that is limited while the switch is on.
async fn switched(limit: ResponseTemplate) -> (Api, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(false));
    let on = Arc::clone(&switch);
    let api = answering(move |request: &Request| {
        if on.load(Ordering::SeqCst) {
            return limit.clone();
        }
        match request.url.path() {
            LIST => page(request),
            path if path.ends_with("/events") => ok(&json!({"data": []})),
            path if path.ends_with("/archive") => {
                let id = path.split('/').nth(3);
                ok(&one(json!({"id": id, "archived_at": "2026-11-20T00:00:00Z"})))
            }
            path => ok(&one(json!({"id": path.rsplit('/').next()}))),
        }
    })
    .await;
    (api, switch)
}

async fn parts(host: &Host, tool: &str, arguments: Value) -> Value {
    let result = host.call_raw(tool, arguments).await;
    let meta = result.meta.expect("a failure has parts");
    meta.0["managed-sessions-mcp/error"].clone()
}

#[tokio::test]
async fn a_limit_that_does_not_say_how_long_is_tried_three_times_and_is_a_failure() {
    let ids: Vec<String> = (0..20).map(|n| format!("sesn_{n}")).collect();
    for (tool, arguments) in [
        ("list_sessions", json!({})),
        ("list_sessions", json!({"title_contains": "x"})),
        ("summarize_sessions", json!({})),
        ("triage_sessions", json!({})),
        ("plan_changes", json!({"action": "archive", "statuses": ["idle"]})),
        ("plan_changes", json!({"action": "archive", "session_ids": ["sesn_1", "sesn_2"]})),
        ("plan_changes", json!({"action": "archive", "session_ids": ids})),
        ("get_session", json!({"session_id": "sesn_1"})),
        ("list_session_events", json!({"session_id": "sesn_1"})),
    ] {
        for hint in [None, Some("0")] {
            let api = answering(move |_| limited(hint)).await;
            let failure = api.host().await.failure(tool, arguments.clone()).await;
            assert!(failure.starts_with("rate_limited: "), "{tool}: {failure}");
            assert_eq!(api.asked().await.len(), 3, "{tool} {arguments}");
        }
    }
}

#[tokio::test]
async fn a_limit_in_the_middle_leaves_what_was_read_and_says_so() {
    let api = answering(|request: &Request| {
        let is_first = !request.url.query().unwrap_or_default().contains("page=");
        if is_first { page(request) } else { limited(None) }
    })
    .await;
    let host = api.host().await;
    let list = json!({"title_contains": "refund", "limit": 100});
    let list = host.answer("list_sessions", list).await;
    assert_eq!((&list["scanned"], &list["complete"]), (&json!(100), &json!(false)));
    assert_eq!(list["sessions"].as_array().map(Vec::len), Some(20));
    assert!(list["next_page"].is_string(), "{list}");
    assert!(warnings(&list).contains("rate limit"), "{list}");
    assert_eq!(api.asked().await.len(), 4);
    for (tool, arguments) in [
        ("summarize_sessions", json!({})),
        ("plan_changes", json!({"action": "archive", "statuses": ["idle"]})),
    ] {
        let answer = host.answer(tool, arguments).await;
        assert_eq!(answer["complete"], false, "{answer}");
        assert!(warnings(&answer).contains("rate limit"), "{answer}");
    }
}

#[tokio::test]
async fn after_a_long_limit_bulk_work_says_at_once_how_long_and_single_calls_go_on() {
    let (api, limit) = switched(limited(Some("3600"))).await;
    let host = api.host().await;
    limit.store(true, Ordering::SeqCst);
    let refused = parts(&host, "summarize_sessions", json!({})).await;
    assert_eq!(refused["code"], "rate_limited");
    assert_eq!(refused["retry_after_seconds"], 3600, "{refused}");
    assert_eq!(api.asked().await.len(), 1, "nobody waits for an hour");
    limit.store(false, Ordering::SeqCst);

    let begun = Instant::now();
    let list = json!({"title_contains": "refund", "limit": 100});
    let list = host.answer("list_sessions", list).await;
    assert_eq!(list["scanned"], 100, "{list}");
    assert_eq!(list["complete"], false, "{list}");
    assert!(list["next_page"].is_string());
    let said = warnings(&list);
    assert!(said.contains("go on with next_page in") && said.contains(" s"), "{said}");
    let plain = host.answer("list_sessions", json!({"limit": 5})).await;
    assert_eq!(plain["sessions"].as_array().map(Vec::len), Some(5));
    host.answer("get_session", json!({"session_id": "sesn_001"})).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_short_limit_while_bulk_work_rests_says_how_long_it_rests() {
    let first = AtomicBool::new(true);
    let api = answering(move |_: &Request| {
        let is_first = first.swap(false, Ordering::SeqCst);
        limited(is_first.then_some("3600"))
    })
    .await;
    let host = api.host().await;
    host.failure("summarize_sessions", json!({})).await;
    let refused = parts(&host, "list_sessions", json!({"title_contains": "x"})).await;
    assert_eq!(refused["code"], "rate_limited");
    let wait = refused["retry_after_seconds"].as_u64().expect("a time");
    assert!((50..=60).contains(&wait), "{refused}");
}

#[tokio::test]
async fn applying_stops_after_three_rounds_and_says_how_long_to_wait() {
    let arguments = json!({"action": "archive", "statuses": ["idle"], "max_sessions": 60});
    for (hint, wait) in [(None, 60), (Some("3600"), 3600)] {
        let (api, limit) = switched(limited(hint)).await;
        let host = api.host().await;
        let plan = host.answer("plan_changes", arguments.clone()).await;
        limit.store(true, Ordering::SeqCst);
        let (before, begun) = (api.asked().await.len(), Instant::now());
        let apply = json!({"plan_id": plan["plan_id"]});
        let stopped = host.answer("apply_changes", apply.clone()).await;
        assert_eq!(stopped["stopped_by"], "rate_limited", "{stopped}");
        assert_eq!(stopped["wait_seconds"], wait, "{stopped}");
        assert_eq!(stopped["remaining"], plan["matched"], "{stopped}");
        let asked = api.asked().await.len() - before;
        assert!(asked <= 4 * 8, "{asked}");
        assert!(begun.elapsed() < Duration::from_secs(5));
        if hint.is_some() {
            let again = host.answer("apply_changes", apply).await;
            assert_eq!(again["stopped_by"], "rate_limited");
            let wait = again["wait_seconds"].as_u64().expect("a time");
            assert!((40..=60).contains(&wait), "{again}");
        }
    }
}

#[tokio::test]
async fn a_spending_limit_is_not_tried_again() {
    for code in
        ["contract_spend_limit_reached", "enforced_spend_limit_reached", "ramp_limit_exceeded"]
    {
        let mut body = error("rate_limit_error", "Limit.");
        body["error"]["details"] = json!({"error_code": code});
        let limit = ResponseTemplate::new(429).set_body_json(body);
        let (api, on) = switched(limit).await;
        let host = api.host().await;
        let plan = json!({"action": "archive", "statuses": ["idle"]});
        let plan = host.answer("plan_changes", plan).await;
        on.store(true, Ordering::SeqCst);
        for (tool, arguments, most) in [
            ("get_session", json!({"session_id": "sesn_1"}), 1),
            ("list_sessions", json!({}), 1),
            ("summarize_sessions", json!({}), 1),
            ("apply_changes", json!({"plan_id": plan["plan_id"]}), 8),
        ] {
            let before = api.asked().await.len();
            let failure = host.failure(tool, arguments).await;
            assert!(failure.starts_with("rate_limited: a spending limit"), "{tool}: {failure}");
            assert!(failure.contains("do not try again before"), "{failure}");
            let asked = api.asked().await.len() - before;
            assert!(asked <= most, "{tool}: {asked}");
        }
    }
}
