//! `list_sessions`: filters, scans, cursors and sizes.

use managed_sessions_mcp::sandbox::{Options, Quirk};
use proptest::{prelude::Strategy as _, prop_assert_eq, sample::select, test_runner};
use serde_json::{Value, json};

use super::{allowing, ignoring_filters, session_ids, sessions};
use crate::support::{Api, Host, all_pages, error, ids, sandbox_with, session, with_fields};

const LIST: &str = "/v1/sessions";

async fn list(host: &Host, arguments: Value) -> Value {
    host.answer("list_sessions", arguments).await
}

async fn list_all(host: &Host, arguments: Value) -> Value {
    all_pages(host, "list_sessions", arguments, "sessions").await
}

#[tokio::test]
async fn one_call_finds_what_was_unchanged_for_a_week_among_a_thousand() {
    let sandbox = sandbox_with(Options { bulk_sessions: 1_000, ..Options::default() }).await;
    let host = Host::new(&sandbox.base_url()).await;
    let arguments = json!({"title_contains": "LISBON", "updated_before": "7d", "limit": 100});
    let answer = list(&host, arguments).await;
    let rows = answer["sessions"].as_array().expect("rows");
    assert!(rows.len() > 50, "{}", rows.len());
    for row in rows {
        let title = row["title"].as_str().expect("a title");
        assert!(title.contains("Lisbon"), "{title}");
    }
    let requests = sandbox.requests();
    assert!(requests.len() <= 11, "{}", requests.len());
    // A session created in the last week cannot have been unchanged for one.
    assert!(requests[0].path.contains("created_at%5Blt%5D"));
    assert_eq!(answer["complete"], true, "{}", answer["scanned"]);
}

#[tokio::test]
async fn twenty_large_sessions_are_listed_in_eight_kilobytes() {
    let sandbox =
        sandbox_with(Options { seed: false, bulk_sessions: 20, ..Options::default() }).await;
    let host = Host::new(&sandbox.base_url()).await;
    let answer = list(&host, json!({"include_archived": true})).await;
    assert_eq!(answer["sessions"].as_array().map(Vec::len), Some(20));
    let size = answer.to_string().len();
    println!("20 sessions of 100 KB: {size} bytes");
    assert!(size <= 8_000, "{size}");
    let is_scan = answer.get("scanned").or(answer.get("complete"));
    assert_eq!(is_scan, None, "one page needs no scan");
}

#[tokio::test]
async fn filters_are_applied_although_the_service_ignores_them() {
    let api = ignoring_filters(LIST, sessions(90)).await;
    let host = api.host().await;
    let running = list(&host, json!({"statuses": ["running"], "limit": 10})).await;
    let count = running["sessions"].as_array().map(Vec::len);
    assert_eq!(count, Some(10), "it reads on");
    let none = list(&host, json!({"agent_id": "agent_none"})).await;
    assert_eq!(none["sessions"], json!([]));
    assert_eq!(none.get("next_page"), None, "empty means no match at all");
    let part = list(&host, json!({"agent_id": "agent_none", "max_scan": 30})).await;
    assert_eq!(part["scanned"], 30);
    assert_eq!(part["complete"], false);
    assert!(part["next_page"].is_string());
    let several = json!({
        "metadata": {"team": "web"}, "statuses": ["idle"], "min_list_cost": 12.34, "limit": 100,
    });
    let several = list(&host, several).await;
    assert_eq!(ids(&several["sessions"]), session_ids((0..90).step_by(12)));
}

/// With any page size and any filter, each match once and in order.
#[test]
fn pages_neither_skip_nor_repeat() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let api = runtime.block_on(ignoring_filters(LIST, sessions(70)));
    let host = runtime.block_on(api.host());
    let filters = select(vec![
        json!({}),
        json!({"title_contains": "refund"}),
        json!({"metadata": {"team": "web"}, "statuses": ["idle"]}),
        json!({"agent_id": "agent_1"}),
        json!({"updated_before": "2026-01-01"}),
        json!({"updated_after": "1 hour", "min_list_cost": "12.35"}),
    ]);
    let arguments = (filters, 1_u32..30, 1_u32..60).prop_map(|(filter, limit, max_scan)| {
        with_fields(filter, json!({"limit": limit, "max_scan": max_scan}))
    });
    let config = test_runner::Config { cases: 24, ..test_runner::Config::default() };
    let outcome = test_runner::TestRunner::new(config).run(&arguments, |arguments| {
        let paged = runtime.block_on(list_all(&host, arguments.clone()));
        let whole = with_fields(arguments, json!({"limit": 100, "max_scan": 10_000}));
        let whole = runtime.block_on(list(&host, whole));
        prop_assert_eq!(&paged, &whole["sessions"]);
        Ok(())
    });
    outcome.expect("the law holds");
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_query() {
    let api = ignoring_filters(LIST, sessions(60)).await;
    let host = api.host().await;
    let query = json!({"title_contains": "refund", "updated_before": "1h", "limit": 3});
    let cursor = list(&host, query.clone()).await["next_page"].clone();
    let cursor = cursor.as_str().expect("a cursor");
    let next = |more: Value, cursor: &str| {
        with_fields(with_fields(query.clone(), more), json!({"page": cursor}))
    };

    // Another process resumes it, with any limit.
    let other = api.host().await;
    let answer = list(&other, next(json!({"limit": 2}), cursor)).await;
    assert_eq!(ids(&answer["sessions"]), session_ids([15, 20]));

    let reversed: String = cursor.chars().rev().collect();
    let shortened: String = cursor.chars().skip(2).collect();
    for (more, cursor) in [
        (json!({"title_contains": "other"}), cursor),
        (json!({"updated_before": "2h"}), cursor),
        (json!({"order": "asc"}), cursor),
        (json!({}), &reversed),
        (json!({}), &shortened),
        (json!({}), "20"),
    ] {
        let failure = host.failure("list_sessions", next(more, cursor)).await;
        assert!(failure.starts_with("invalid_arguments: "), "{failure}");
        assert!(failure.contains("page"), "{failure}");
    }
    let other_service = ignoring_filters(LIST, sessions(60)).await;
    let host = other_service.host().await;
    let code = host.outcome("list_sessions", next(json!({}), cursor)).await;
    assert_eq!(code, "invalid_arguments", "a cursor of another service");
}

#[tokio::test]
async fn an_answer_is_limited_in_size_and_its_rows_are_whole() {
    let data = sessions(100).into_iter().enumerate();
    let data = data.map(|(number, session)| {
        with_fields(session, json!({"title": "\u{202e}".repeat(90 + number)}))
    });
    let api = ignoring_filters(LIST, data.collect()).await;
    let host = api.host().await;
    let first = list(&host, json!({"limit": 100})).await;
    let rows = first["sessions"].as_array().expect("rows").len();
    assert!((10..100).contains(&rows), "{rows}");
    let all = list_all(&host, json!({"limit": 100})).await;
    assert_eq!(ids(&all), session_ids(0..100));
}

#[tokio::test]
async fn only_sessions_of_allowed_agents_are_listed() {
    let api = ignoring_filters(LIST, sessions(40)).await;
    let host = api.host_with(allowing("agent_1")).await;
    let all = list_all(&host, json!({"limit": 7})).await;
    assert_eq!(ids(&all), session_ids((1..40).step_by(2)));
}

#[tokio::test]
async fn neither_small_pages_nor_quirks_of_services_change_what_is_found() {
    let sandbox = sandbox_with(Options { bulk_sessions: 60, ..Options::default() }).await;
    let host = Host::new(&sandbox.base_url()).await;
    let arguments =
        json!({"statuses": ["idle"], "created_before": "1 day", "title_contains": "the"});
    let expected = list_all(&host, arguments.clone()).await;
    assert!(ids(&expected).len() > 10);
    let small_pages = with_fields(arguments.clone(), json!({"limit": 7, "max_scan": 20}));
    assert_eq!(list_all(&host, small_pages).await, expected);
    sandbox.set_quirks([Quirk::IgnoresStatuses, Quirk::IgnoresCreatedAt, Quirk::ClampsLimit]);
    assert_eq!(list_all(&host, arguments).await, expected);
}

#[tokio::test]
async fn every_bad_filter_is_named_in_one_failure() {
    let api = Api::new().await;
    let arguments = json!({
        "updated_before": "yesterday", "min_list_cost": "a lot", "metadata": {"a": {"b": 1}},
        "max_scan": 10_001, "title_contains": ["x"], "limit": 0,
    });
    let host = api.host().await;
    let failure = host.failure("list_sessions", arguments.clone()).await;
    for name in arguments.as_object().expect("arguments").keys() {
        assert!(failure.contains(name), "{name}: {failure}");
    }
    assert_eq!(api.asked().await, [""; 0]);
}

#[tokio::test]
async fn a_rate_limit_during_a_scan_is_waited_for() {
    let api = Api::new().await;
    let page = |from: usize, next: Value| {
        let data = sessions(90)[from..from + 30].to_vec();
        json!({"data": data, "next_page": next})
    };
    let limit = error("rate_limit_error", "Slow down.");
    api.answers_once("GET", LIST, 200, page(0, json!("b"))).await;
    api.answers_times(2, ("GET", LIST), 429, limit).await;
    api.answers("GET", LIST, 200, page(30, Value::Null)).await;
    let answer = list(&api.host().await, json!({"title_contains": "refund"})).await;
    assert_eq!(answer["scanned"], 60);
    assert_eq!(answer["complete"], true);
}

#[tokio::test]
async fn a_scan_ends_where_the_service_repeats_its_cursor() {
    let api = Api::new().await;
    let page = json!({"data": [session("sesn_1", "idle")], "next_page": "again"});
    api.answers("GET", LIST, 200, page).await;
    let answer = list(&api.host().await, json!({"title_contains": "none"})).await;
    assert_eq!(answer["complete"], false);
    assert_eq!(api.asked().await.len(), 2);
}
