//! `summarize_sessions`: exact sums, small answers.

use managed_sessions_mcp::sandbox::Options;
use serde_json::{Value, json};

use super::{allowing, ignoring_filters, sessions};
use crate::support::{Host, sandbox, sandbox_with, with_fields};

const MOST_BYTES: usize = 12_000;

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
    assert!(size < MOST_BYTES, "{size}");
    assert_eq!(answer["scanned"], 1_024);
    assert_eq!(answer["complete"], true);
    assert_eq!(answer["totals"]["sessions"], 1_024);
    let by_status = answer["by_status"].as_object().expect("an object");
    let counts = by_status.values().map(|each| each["sessions"].as_u64());
    assert_eq!(counts.map(Option::unwrap_or_default).sum::<u64>(), 1_024);
    for (list, least) in [("dearest", 5), ("by_day", 10)] {
        let length = answer[list].as_array().expect("a list").len();
        assert!(length >= least, "{list}: {answer}");
    }
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

#[tokio::test]
async fn a_summary_is_small_however_long_the_names_are() {
    let data = sessions(90).into_iter().enumerate().map(|(n, session)| {
        let long = "\u{202e}".repeat(500);
        let id = format!("agent_{n}_{}", "x".repeat(200));
        let agent = json!({"id": id, "name": long, "version": 1});
        let fields = json!({"title": long, "agent": agent, "status": format!("{n}{long}")});
        with_fields(session, fields)
    });
    let api = ignoring_filters("/v1/sessions", data.collect()).await;
    let answer = summary(&api.host().await, json!({})).await;
    let size = answer.to_string().len();
    assert!(size < MOST_BYTES, "{size}");
    assert_eq!(answer["totals"]["sessions"], 90);
}
