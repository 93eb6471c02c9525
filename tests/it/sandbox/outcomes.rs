//! Outcomes: evaluated at the end of the work, one at a time.

use std::time::Duration;

use managed_sessions_mcp::sandbox::Options;
use serde_json::{Value, json};

use super::{HttpClient, confirm, endless_turns, fast_turns, interrupt, message, outcome, texts};

/// The evaluations of an outcome as (iteration, result).
async fn evaluations(client: &HttpClient, id: &str) -> Vec<(u64, String)> {
    let path = format!("/v1/sessions/{id}/events?types[]=span.outcome_evaluation_end");
    let page = client.ok(&path).await;
    let ends = page["data"].as_array().unwrap().iter();
    let ends = ends.map(|end| {
        (end["iteration"].as_u64().unwrap(), end["result"].as_str().unwrap().to_owned())
    });
    ends.collect()
}

#[tokio::test]
async fn the_grader_decides_after_each_iteration() {
    let client = HttpClient::start(fast_turns()).await;
    let cases: [(&str, u64, &[&str]); 5] = [
        ("Write a report.", 3, &["satisfied"]),
        ("/revise 2 Write a report.", 3, &["needs_revision", "needs_revision", "satisfied"]),
        ("/revise 2 Write a report.", 2, &["needs_revision", "max_iterations_reached"]),
        ("/revise 1 Write a report.", 1, &["max_iterations_reached"]),
        ("/inapplicable Write a report.", 3, &["failed"]),
    ];
    for (description, max_iterations, expected) in cases {
        let mut event = outcome(description);
        event["max_iterations"] = json!(max_iterations);
        let id = client.create(json!({})).await;
        let (status, sent) = client.send(&id, event).await;
        assert_eq!(status, 200, "{sent}");
        assert!(sent["data"][0]["processed_at"].is_string());
        let session = client.settled(&id).await;
        let expected: Vec<_> = (0..).zip(expected.iter().map(ToString::to_string)).collect();
        assert_eq!(evaluations(&client, &id).await, expected, "{description}");
        let (iteration, result) = expected.last().unwrap();
        let record = &session["outcome_evaluations"][0];
        assert_eq!(record["outcome_id"], sent["data"][0]["outcome_id"]);
        assert_eq!(record["result"], result.as_str());
        assert_eq!(record["iteration"], *iteration);
        assert!(record["completed_at"].is_string() && record["explanation"].is_string());
        let types = client.event_types(&id).await;
        let spans = types.iter().filter(|kind| kind.starts_with("span.outcome"));
        let spans: Vec<_> =
            spans.map(|kind| kind.trim_start_matches("span.outcome_evaluation_")).collect();
        assert_eq!(spans, ["start", "ongoing", "end"].repeat(expected.len()));
        assert_eq!(client.last_event(&id).await["stop_reason"]["type"], "end_turn");
        assert_eq!(client.send(&id, outcome("Another.")).await.0, 200, "the first is complete");
    }
}

#[tokio::test]
async fn the_record_follows_an_outcome_on_its_way() {
    let turn = Duration::from_millis(120);
    let client = HttpClient::start(Options { turn, ..fast_turns() }).await;
    let id = client.create(json!({"initial_events": [message("First this.")]})).await;
    client.send(&id, outcome("Then this.")).await;
    assert_eq!(client.send(&id, outcome("And this.")).await.0, 400, "one at a time");
    let mut seen: Vec<Value> = Vec::new();
    while seen.last() != Some(&json!("satisfied")) {
        let session = client.session(&id).await;
        let result = &session["outcome_evaluations"][0]["result"];
        if seen.last() != Some(result) {
            seen.push(result.clone());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(seen, ["pending", "running", "evaluating", "satisfied"]);
    client.settled(&id).await;
    let idles = client.ok(&format!("/v1/sessions/{id}/events?types[]=session.status_idle")).await;
    assert_eq!(idles["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_interrupt_closes_the_outcome() {
    let client = HttpClient::start(endless_turns()).await;
    let id = client.create(json!({"initial_events": [outcome("Write it.")]})).await;
    assert_eq!(client.session(&id).await["outcome_evaluations"][0]["result"], "running");
    let (status, _) = client.send_all(&id, &[interrupt(), outcome("Rather this.")]).await;
    assert_eq!(status, 200);
    let session = client.session(&id).await;
    let results = session["outcome_evaluations"].as_array().unwrap().iter();
    let results: Vec<_> = results.map(|outcome| outcome["result"].clone()).collect();
    assert_eq!(results, ["interrupted", "running"]);

    // While it is evaluated, the evaluation ends too.
    let turn = Duration::from_millis(150);
    let client = HttpClient::start(Options { turn, ..fast_turns() }).await;
    let id = client.create(json!({"initial_events": [outcome("Write it.")]})).await;
    while client.newest(&id, "span.outcome_evaluation_start").await.is_null() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    client.send(&id, interrupt()).await;
    assert_eq!(evaluations(&client, &id).await, [(0, "interrupted".to_owned())]);
    assert_eq!(client.session(&id).await["status"], "idle");
}

#[tokio::test]
async fn an_outcome_waits_together_with_its_session() {
    let client = HttpClient::start(fast_turns()).await;
    let fields = json!({"agent": "agent_01"});
    let id = client.after_turn(fields, "/use bash").await;
    assert_eq!(client.send(&id, outcome("Write it.")).await.0, 400, "it waits");
    let call = client.waiting_for(&id).await.remove(0);
    let (status, sent) =
        client.send_all(&id, &[confirm(&call, "allow"), outcome("Write it.")]).await;
    assert_eq!((status, texts(&sent, "type").len()), (200, 2));
    let session = client.settled(&id).await;
    assert_eq!(session["outcome_evaluations"][0]["result"], "satisfied");
}
