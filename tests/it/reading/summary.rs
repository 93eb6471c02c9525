//! `summarize_sessions`: exact sums, small answers.

use managed_sessions_mcp::{cli::Flags, sandbox::Options};
use serde_json::{Value, json};

use super::{ignoring_filters, sandbox, sessions};
use crate::support::{Host, with};

#[tokio::test]
async fn a_fleet_is_summed_up_in_one_small_answer() {
    let sandbox = sandbox(Options {
        bulk_sessions: 1_000,
        ..Options::default()
    })
    .await;
    let host = Host::on(&sandbox.base_url()).await;
    let answer = host.call("summarize_sessions", json!({})).await.answer();
    let size = answer.to_string().len();
    println!("summary of 1,014 sessions: {size} bytes");
    assert!(size < 12_000, "{size}");
    assert_eq!(
        (&answer["scanned"], &answer["complete"]),
        (&json!(1_014), &json!(true))
    );
    assert_eq!(answer["totals"]["sessions"], 1_014);
    let by_status = answer["by_status"].as_object().expect("an object");
    let sum: u64 = by_status
        .values()
        .map(|each| each["sessions"].as_u64().expect("a number"))
        .sum();
    assert_eq!(sum, 1_014);
    assert!(
        answer["dearest"].as_array().expect("rows").len() >= 5,
        "{answer}"
    );
    assert!(
        answer["by_day"].as_array().expect("days").len() >= 10,
        "{answer}"
    );
    let open = host
        .call("summarize_sessions", json!({"include_archived": false}))
        .await
        .answer();
    assert!(open["totals"]["sessions"].as_u64() < answer["totals"]["sessions"].as_u64());
}

#[tokio::test]
async fn filters_and_the_agents_allowed_hold_for_sums() {
    let data = sessions(90);
    let api = ignoring_filters("/v1/sessions", data).await;
    let flags = Flags {
        allow_agent: vec!["agent_1".into()],
        ..Flags::default()
    };
    let host = Host::with(flags, &api.0.uri()).await;
    let answer = host
        .call("summarize_sessions", json!({"title_contains": "refund"}))
        .await
        .answer();
    assert_eq!(answer["totals"]["sessions"], 9);
    assert_eq!(answer["totals"]["list_cost"], json!({"USD": "111.06"}));
    assert_eq!(answer["by_agent"][0]["id"], "agent_1");
    assert_eq!(answer["scanned"], 45, "others are not even counted");
    let part = host
        .call("summarize_sessions", json!({"max_scan": 30}))
        .await
        .answer();
    assert_eq!(
        (&part["scanned"], &part["complete"]),
        (&json!(30), &json!(false))
    );
}

#[tokio::test]
async fn a_summary_is_small_whatever_the_sessions_are_called() {
    let data = sessions(90).into_iter().enumerate().map(|(n, each)| {
        let long = "\u{202e}".repeat(500);
        let agent =
            json!({"id": format!("agent_{n}_{}", "x".repeat(200)), "name": long, "version": 1});
        with(
            each,
            json!({"title": long, "agent": agent, "status": format!("{n}{long}")}),
        )
    });
    let api = ignoring_filters("/v1/sessions", data.collect::<Vec<Value>>()).await;
    let host = Host::on(&api.0.uri()).await;
    let answer = host.call("summarize_sessions", json!({})).await.answer();
    assert!(
        answer.to_string().len() < 12_000,
        "{}",
        answer.to_string().len()
    );
    assert_eq!(answer["totals"]["sessions"], 90);
}
