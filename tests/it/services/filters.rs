//! Services that fail on filters instead of ignoring them.

use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use super::{EVENTS, LIST, answering, event, ok, warnings};
use crate::{
    reading::sessions,
    support::{Api, error, ids},
};

/// Fails with this status on every request whose query names one of these parameters.
async fn failing_on(status: u16, names: &'static [&'static str]) -> Api {
    answering(move |request: &Request| {
        let pairs: Vec<(String, String)> = request.url.query_pairs().into_owned().collect();
        let number = |wanted: &str| {
            let (_, value) = pairs.iter().find(|(name, _)| name == wanted)?;
            Some(value.parse::<usize>().expect("a number"))
        };
        if pairs.iter().any(|(name, _)| names.iter().any(|each| name.starts_with(each))) {
            let error = error("api_error", "Internal server error.");
            return ResponseTemplate::new(status).set_body_json(error);
        }
        let data: Vec<Value> = match request.url.path() {
            LIST => sessions(90),
            EVENTS => (0..50)
                .map(|n| {
                    let at = format!("2026-03-01T00:00:{n:02}Z");
                    let kind = if n == 7 { "session.error" } else { "agent.message" };
                    event(&format!("evt_{n:02}"), json!({"processed_at": at, "type": kind}))
                })
                .collect(),
            _ => return ResponseTemplate::new(404),
        };
        let start = number("page").unwrap_or(0);
        let end = data.len().min(start + number("limit").unwrap_or(20));
        let next = (end < data.len()).then(|| end.to_string());
        ok(&json!({"data": data[start..end], "next_page": next}))
    })
    .await
}

#[tokio::test]
async fn what_a_service_fails_on_is_asked_again_without_and_filtered_here() {
    let after = json!({"created_after": "2026-03-01T00:59:55Z", "limit": 100});
    let some = ["sesn_000", "sesn_001", "sesn_002", "sesn_003", "sesn_004"];
    let second = json!({"session_id": "sesn_1", "after": "2026-03-01T00:00:48Z"});
    for (status, names, tool, arguments, expected) in [
        (500, &["created_at"][..], "list_sessions", after.clone(), &some[..]),
        (400, &["created_at"], "list_sessions", after.clone(), &some),
        (422, &["created_at"], "list_sessions", after, &some),
        (
            500,
            &["statuses"],
            "list_sessions",
            json!({"statuses": ["running"], "limit": 2}),
            &["sesn_001", "sesn_004"],
        ),
        (500, &["created_at"], "list_session_events", second.clone(), &["evt_48", "evt_49"]),
        (400, &["created_at"], "list_session_events", second, &["evt_48", "evt_49"]),
        (
            500,
            &["types"],
            "list_session_events",
            json!({"session_id": "sesn_1", "types": ["session.error"]}),
            &["evt_07"],
        ),
    ] {
        let api = failing_on(status, names).await;
        let answer = api.host().await.answer(tool, arguments.clone()).await;
        let rows = answer.get("sessions").or(answer.get("events")).expect("rows");
        assert_eq!(ids(rows), expected, "{status} {arguments}");
        assert_eq!(warnings(&answer), "", "all was looked at: {answer}");
    }
}

#[tokio::test]
async fn a_filter_that_has_to_be_applied_here_is_named_where_it_costs_completeness() {
    let api = failing_on(500, &["created_at"]).await;
    let few = json!({"created_before": "2020-01-01", "max_scan": 30});
    let answer = api.host().await.answer("list_sessions", few).await;
    assert_eq!((&answer["scanned"], &answer["complete"]), (&json!(30), &json!(false)));
    assert!(warnings(&answer).contains("fails on these filters"), "{answer}");
}

#[tokio::test]
async fn what_the_service_says_about_other_filters_or_of_itself_is_passed_on() {
    for (status, names, arguments, code, most) in [
        (400, "agent_id", json!({"agent_id": "agent_1"}), "rejected", 4),
        (500, "limit", json!({"created_after": "7d"}), "api_error", 6),
        (503, "created_at", json!({"created_after": "7d"}), "overloaded", 3),
    ] {
        let names: &'static [&'static str] = vec![names].leak();
        let api = failing_on(status, names).await;
        assert_eq!(api.host().await.outcome("list_sessions", arguments).await, code);
        let asked = api.asked().await.len();
        assert!(asked <= most, "{status}: {asked}");
    }
}
