//! `summarize_sessions`: exact sums, small answers.

use managed_sessions_mcp::sandbox::Options;
use serde_json::{Value, json};

use super::{allowing, ignoring_filters, sessions};
use crate::support::{Host, NOWHERE, sandbox, sandbox_with, with_fields};

const MOST_BYTES: usize = 12_000;
/// Of an answer to a call that says nothing about what to show.
const DEFAULT_BYTES: usize = 3_000;

async fn summary(host: &Host, arguments: Value) -> Value {
    host.answer("summarize_sessions", arguments).await
}

#[tokio::test]
async fn a_thousand_sessions_are_summed_up_in_one_small_answer() {
    let sandbox = sandbox_with(Options { bulk_sessions: 1_000, ..Options::default() }).await;
    let host = Host::new(&sandbox.base_url()).await;
    let answer = summary(&host, json!({})).await;
    let size = answer.to_string().len();
    println!("summary of 1,024 sessions: {size} bytes");
    assert!(size < DEFAULT_BYTES, "{size}");
    assert_eq!(answer["scanned"], 1_024);
    assert_eq!(answer["complete"], true);
    assert_eq!(answer["totals"]["sessions"], 1_024);
    let by_status = answer["by_status"].as_array().expect("groups");
    let counts = by_status.iter().map(|each| each["sessions"].as_u64());
    assert_eq!(counts.map(Option::unwrap_or_default).sum::<u64>(), 1_024);
    let parts = json!(["by_day", "longest_unchanged", "most_expensive"]);
    let answer = summary(&host, json!({"show": parts, "top": 10})).await;
    for (list, least) in [("most_expensive", 5), ("by_day", 10), ("longest_unchanged", 10)] {
        let length = answer[list].as_array().expect("a list").len();
        assert!(length >= least, "{list}: {answer}");
    }
    assert_eq!(answer.get("by_status"), None, "only what was asked for");
}

#[tokio::test]
async fn archived_sessions_are_summed_up_unless_left_out() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let count = async |arguments: Value| {
        let answer = summary(&host, arguments).await;
        answer["totals"]["sessions"].as_u64().expect("a count")
    };
    let open = count(json!({"include_archived": false})).await;
    assert!(open < count(json!({})).await, "{open}");
}

#[tokio::test]
async fn filters_and_allowed_agents_apply_to_sums() {
    let api = ignoring_filters("/v1/sessions", sessions(90)).await;
    let host = api.host_with(allowing("agent_1")).await;
    let answer = summary(&host, json!({"title_contains": "refund"})).await;
    assert_eq!(answer["totals"]["sessions"], 9);
    assert_eq!(answer["totals"]["list_cost"], json!({"USD": "111.06"}));
    assert_eq!(answer["by_agent"][0]["id"], "agent_1");
    assert_eq!(answer["scanned"], 45, "others are not even counted");
    let part = summary(&host, json!({"max_scan": 30})).await;
    assert_eq!(part["scanned"], 30);
    assert_eq!(part["complete"], false);
}

/// 5,000 sessions of 300 agents, with 1,000 values of a metadata key and names that are long and
/// mean: wide, invisible, or in need of an escape.
fn many() -> Vec<Value> {
    let mut sessions = sessions(2_500);
    sessions.extend_from_within(..);
    let change = |(n, session): (usize, Value)| {
        let mean = ["\u{202e}", "\u{1f468}\u{200d}\u{1f469}", "\u{4e2d}", "\"\\"][n % 4];
        let agent = json!({"id": format!("agent_{}_{}", n % 300, "x".repeat(200)),
                           "name": mean.repeat(300), "version": 1});
        let fields = json!({
            "id": format!("sesn_{n}"), "agent": agent, "title": mean.repeat(200),
            "status": format!("{}{mean}", n % 12).repeat(20),
            "metadata": {"team": format!("{}{}", n % 1_000, mean.repeat(100))},
            "usage": {"input_tokens": 7, "active_seconds": 0.25,
                      "list_cost": {"amount": format!("{n}.5"), "currency": "USD"}},
        });
        with_fields(session, fields)
    };
    sessions.into_iter().enumerate().map(change).collect()
}

#[tokio::test]
async fn a_summary_is_small_and_exact_whatever_it_sums_up() {
    let api = ignoring_filters("/v1/sessions", many()).await;
    let host = api.host().await;
    let all = json!([
        "by_status",
        "by_agent",
        "by_day",
        "by_metadata:team",
        "by_metadata:none",
        "most_expensive",
        "longest_unchanged"
    ]);
    for (arguments, most) in [
        (json!({}), DEFAULT_BYTES),
        (json!({"show": []}), DEFAULT_BYTES),
        (json!({"show": ["by_agent"], "top": 1}), DEFAULT_BYTES),
        (json!({"show": "by_metadata:team", "top": 50}), MOST_BYTES),
        (json!({"show": all, "top": 50}), MOST_BYTES),
    ] {
        let answer = summary(&host, arguments.clone()).await;
        let size = answer.to_string().len();
        println!("{arguments}: {size} bytes");
        assert!(size < most, "{arguments}: {size}");
        assert_eq!((&answer["scanned"], &answer["complete"]), (&json!(5_000), &json!(true)));
        // 0.5 + 1.5 + ... + 4999.5 cents
        assert_eq!(answer["totals"]["list_cost"], json!({"USD": "125000.00"}));
        assert_eq!(answer["totals"]["active_seconds"], 1_250);
        let groups = ["by_status", "by_agent", "by_day"].map(|name| (name, &answer[name]));
        let team = ("by_metadata:team", &answer["by_metadata"]["team"]);
        for (name, groups) in groups.into_iter().chain([team]) {
            let Some(groups) = groups.as_array() else {
                continue;
            };
            let more = answer["more"].get(name).into_iter();
            let counts = groups.iter().chain(more).map(|each| each["sessions"].as_u64());
            assert_eq!(counts.flatten().sum::<u64>(), 5_000, "{name}: {answer}");
            assert!(!groups.is_empty(), "{name}");
        }
    }
    let rows = summary(&host, json!({"show": ["most_expensive"]})).await;
    assert_eq!(rows["most_expensive"][0]["id"], "sesn_4999");
    assert_eq!(rows["most_expensive"][0]["active_seconds"], 0);
}

#[tokio::test]
async fn what_a_summary_cannot_show_is_refused_with_what_it_can() {
    let host = Host::new(NOWHERE).await;
    for show in [json!(["by_colour"]), json!("by_metadata:"), json!(["by_status", "BY_AGENT"])] {
        let failure = host.failure("summarize_sessions", json!({"show": show})).await;
        assert!(failure.starts_with("invalid_arguments: "), "{failure}");
        assert!(failure.contains("by_status, by_agent, by_day, by_metadata:KEY, "), "{failure}");
    }
    for top in [0, 51] {
        let failure = host.failure("summarize_sessions", json!({"top": top})).await;
        assert!(failure.contains("from 1 to 50"), "{failure}");
    }
}
