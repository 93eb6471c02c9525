//! `list_sessions`: filters, scans, cursors and sizes.

use managed_sessions_mcp::{
    cli::Flags,
    sandbox::{Options, Quirk},
};
use proptest::{prelude::Strategy as _, prop_assert_eq, test_runner::TestRunner};
use serde_json::{Value, json};

use super::{all, ids, ignoring_filters, sandbox, sessions};
use crate::support::{Api, Host, error, session, with};

#[tokio::test]
async fn one_call_finds_what_lay_unchanged_for_a_week_among_a_thousand() {
    let sandbox = sandbox(Options {
        bulk_sessions: 1_000,
        ..Options::default()
    })
    .await;
    let host = Host::on(&sandbox.base_url()).await;
    let arguments = json!({"title_contains": "LISBON", "updated_before": "7d", "limit": 100});
    let answer = host.call("list_sessions", arguments.clone()).await.answer();
    let rows = answer["sessions"].as_array().expect("rows");
    assert!(rows.len() > 50, "{}", rows.len());
    assert!(
        rows.iter()
            .all(|row| row["title"].as_str().expect("a title").contains("Lisbon"))
    );
    assert!(
        sandbox.requests().len() <= 11,
        "{}",
        sandbox.requests().len()
    );
    // What was created in the last week cannot have lain unchanged for one.
    assert!(sandbox.requests()[0].path.contains("created_at%5Blt%5D"));
    assert_eq!(answer["complete"], true, "{}", answer["scanned"]);
    let few = with(arguments, json!({"limit": 7, "max_scan": 40}));
    assert_eq!(
        Value::Array(all(&host, "list_sessions", few, "sessions").await),
        answer["sessions"]
    );
}

#[tokio::test]
async fn twenty_large_sessions_come_in_eight_kilobytes() {
    let sandbox = sandbox(Options {
        seed: false,
        bulk_sessions: 20,
        ..Options::default()
    })
    .await;
    let host = Host::on(&sandbox.base_url()).await;
    let answer = host
        .call("list_sessions", json!({"include_archived": true}))
        .await
        .answer();
    assert_eq!(answer["sessions"].as_array().map(Vec::len), Some(20));
    let size = answer.to_string().len();
    println!("20 sessions of 100 KB: {size} bytes");
    assert!(size <= 8_000, "{size}");
    assert!(
        answer.get("scanned").is_none() && answer.get("complete").is_none(),
        "no scan"
    );
}

#[tokio::test]
async fn filters_hold_although_the_service_ignores_them() {
    let all = sessions(90);
    let api = ignoring_filters("/v1/sessions", all.clone()).await;
    let host = Host::on(&api.0.uri()).await;
    let answer = host
        .call(
            "list_sessions",
            json!({"statuses": ["running"], "limit": 10}),
        )
        .await
        .answer();
    assert_eq!(
        answer["sessions"].as_array().map(Vec::len),
        Some(10),
        "it looks on"
    );
    let answer = host
        .call("list_sessions", json!({"agent_id": "agent_none"}))
        .await
        .answer();
    assert_eq!(answer["sessions"], json!([]));
    assert_eq!(
        answer.get("next_page"),
        None,
        "an empty answer means nothing matches"
    );
    let answer = host
        .call(
            "list_sessions",
            json!({"agent_id": "agent_none", "max_scan": 30}),
        )
        .await
        .answer();
    assert_eq!(
        (&answer["scanned"], &answer["complete"]),
        (&json!(30), &json!(false))
    );
    assert!(answer["next_page"].is_string());
    let answer = host.call("list_sessions", json!({"metadata": {"team": "web"}, "statuses": ["idle"], "min_list_cost": 12.34, "limit": 100})).await.answer();
    let expected: Vec<_> = (0..90)
        .filter(|n| n % 12 == 0)
        .map(|n| format!("sesn_{n:03}"))
        .collect();
    assert_eq!(ids(&answer["sessions"]), expected);
}

/// Any page size, any filter: each match exactly once, in order.
#[test]
fn pages_neither_skip_nor_repeat() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let data = sessions(70);
    let api = runtime.block_on(ignoring_filters("/v1/sessions", data.clone()));
    let flags = Flags {
        max_rpm: Some("60000".into()),
        ..Flags::default()
    };
    let host = runtime.block_on(Host::with(flags, &api.0.uri()));
    let filters = proptest::sample::select(vec![
        json!({}),
        json!({"title_contains": "refund"}),
        json!({"metadata": {"team": "web"}, "statuses": ["idle"]}),
        json!({"agent_id": "agent_1"}),
        json!({"updated_before": "2026-01-01"}),
        json!({"updated_after": "1 hour", "min_list_cost": "12.35"}),
    ]);
    let cases = (filters, 1_u32..30, 1_u32..60)
        .prop_map(|(filter, limit, most)| with(filter, json!({"limit": limit, "max_scan": most})));
    let mut runner = TestRunner::new(proptest::test_runner::Config {
        cases: 24,
        ..Default::default()
    });
    let outcome = runner.run(&cases, |arguments| {
        let found = runtime.block_on(all(&host, "list_sessions", arguments.clone(), "sessions"));
        let whole = with(arguments, json!({"limit": 100, "max_scan": 10_000}));
        let whole = runtime.block_on(host.call("list_sessions", whole)).answer();
        prop_assert_eq!(Value::Array(found), whole["sessions"].clone());
        Ok(())
    });
    outcome.expect("the law holds");
}

#[tokio::test]
async fn a_cursor_is_bound_to_its_question() {
    let api = ignoring_filters("/v1/sessions", sessions(60)).await;
    let host = Host::on(&api.0.uri()).await;
    let asked = json!({"title_contains": "refund", "updated_before": "1h", "limit": 3});
    let page = host.call("list_sessions", asked.clone()).await.answer()["next_page"].clone();
    let page = page.as_str().expect("a cursor").to_owned();
    let with_page =
        |more: Value, page: &str| with(with(asked.clone(), more), json!({"page": page}));

    // Another process of the same server goes on, with any limit.
    let again = Host::on(&api.0.uri()).await;
    let answer = again
        .call("list_sessions", with_page(json!({"limit": 2}), &page))
        .await
        .answer();
    assert_eq!(ids(&answer["sessions"]), ["sesn_015", "sesn_020"]);

    for (more, page) in [
        (json!({"title_contains": "other"}), page.clone()),
        (json!({"updated_before": "2h"}), page.clone()),
        (json!({"order": "asc"}), page.clone()),
        (json!({}), page.chars().rev().collect()),
        (json!({}), page.chars().skip(2).collect()),
        (json!({}), "20".to_owned()),
        (json!({}), String::new()),
    ] {
        let failure = host
            .call("list_sessions", with_page(more, &page))
            .await
            .failure();
        assert!(
            failure.starts_with("invalid_arguments: ") && failure.contains("page"),
            "{failure}"
        );
    }
    let elsewhere = ignoring_filters("/v1/sessions", sessions(60)).await;
    let elsewhere = Host::on(&elsewhere.0.uri()).await;
    let code = elsewhere
        .call("list_sessions", with_page(json!({}), &page))
        .await
        .code();
    assert_eq!(code, "invalid_arguments", "the cursor of another service");
}

#[tokio::test]
async fn an_answer_keeps_its_size_and_its_rows_whole() {
    let titles = |number: usize| json!({"title": "\u{202e}".repeat(90 + number)});
    let data: Vec<_> = sessions(100)
        .into_iter()
        .enumerate()
        .map(|(n, each)| with(each, titles(n)))
        .collect();
    let api = ignoring_filters("/v1/sessions", data).await;
    let host = Host::on(&api.0.uri()).await;
    let first = host
        .call("list_sessions", json!({"limit": 100}))
        .await
        .answer();
    let rows = first["sessions"].as_array().expect("rows").len();
    assert!((10..100).contains(&rows), "{rows}");
    let found = all(&host, "list_sessions", json!({"limit": 100}), "sessions").await;
    let expected: Vec<_> = (0..100).map(|n| format!("sesn_{n:03}")).collect();
    assert_eq!(ids(&Value::Array(found)), expected);
}

#[tokio::test]
async fn the_agents_allowed_hold_for_lists() {
    let api = ignoring_filters("/v1/sessions", sessions(40)).await;
    let flags = Flags {
        allow_agent: vec!["agent_1".into()],
        ..Flags::default()
    };
    let host = Host::with(flags, &api.0.uri()).await;
    let found = all(&host, "list_sessions", json!({"limit": 7}), "sessions").await;
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|row| row["agent"]["id"] == "agent_1"));
}

#[tokio::test]
async fn quirks_of_services_do_not_change_what_is_found() {
    let sandbox = sandbox(Options {
        bulk_sessions: 60,
        ..Options::default()
    })
    .await;
    let host = Host::on(&sandbox.base_url()).await;
    let arguments =
        json!({"statuses": ["idle"], "created_before": "1 day", "title_contains": "the"});
    let expected = all(&host, "list_sessions", arguments.clone(), "sessions").await;
    assert!(expected.len() > 10);
    sandbox.set_quirks([
        Quirk::IgnoresStatuses,
        Quirk::IgnoresCreatedAt,
        Quirk::ClampsLimit,
    ]);
    assert_eq!(
        all(&host, "list_sessions", arguments, "sessions").await,
        expected
    );
}

#[tokio::test]
async fn bad_filters_are_told_all_at_once() {
    let api = Api::new().await;
    let host = Host::on(&api.0.uri()).await;
    let arguments = json!({
        "updated_before": "yesterday", "min_list_cost": "a lot", "metadata": {"a": {"b": 1}},
        "max_scan": 10_001, "title_contains": "", "limit": 0,
    });
    let failure = host.call("list_sessions", arguments).await.failure();
    for name in [
        "updated_before",
        "min_list_cost",
        "metadata",
        "max_scan",
        "title_contains",
        "limit",
    ] {
        assert!(failure.contains(name), "{name}: {failure}");
    }
    assert_eq!(api.asked().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_rate_limit_in_the_middle_is_waited_for() {
    let api = Api::new().await;
    let page = |from: usize, next: Value| json!({"data": sessions(90)[from..from + 30], "next_page": next});
    api.answers_once("GET", "/v1/sessions", 200, page(0, json!("b")))
        .await;
    for _ in 0..3 {
        api.answers_once(
            "GET",
            "/v1/sessions",
            429,
            error("rate_limit_error", "Slow down."),
        )
        .await;
    }
    api.answers("GET", "/v1/sessions", 200, page(30, Value::Null))
        .await;
    let host = Host::on(&api.0.uri()).await;
    let answer = host
        .call("list_sessions", json!({"title_contains": "refund"}))
        .await
        .answer();
    assert_eq!(
        (&answer["scanned"], &answer["complete"]),
        (&json!(60), &json!(true))
    );
}

#[tokio::test]
async fn a_service_that_repeats_its_cursor_is_left() {
    let api = Api::new().await;
    let page = json!({"data": [session("sesn_1", "idle")], "next_page": "again"});
    api.answers("GET", "/v1/sessions", 200, page).await;
    let host = Host::on(&api.0.uri()).await;
    let answer = host
        .call("list_sessions", json!({"title_contains": "none"}))
        .await
        .answer();
    assert_eq!(answer["complete"], true);
    assert_eq!(api.asked().await.len(), 2);
}
