//! Budgets: what they allow, and how a session stops at one and goes on.

use std::time::Duration;

use managed_sessions_mcp::sandbox::Options;
use serde_json::{Value, json};

use super::{HttpClient, confirm, endless_turns, fast_turns, interrupt, limit, message, outcome};

#[tokio::test]
async fn budgets_follow_the_rules_of_the_api() {
    let client = HttpClient::start(fast_turns()).await;
    let budget = |amount: Value| {
        let mut limit = limit("1");
        limit["max_list_cost"]["amount"] = amount;
        json!({"budget": limit})
    };
    let removed = json!({"budget": null});
    let cases = [
        ("sesn_01", budget(json!("900")), 400, "budget_create_only"),
        ("sesn_01", removed.clone(), 200, ""),
        ("sesn_13", budget(json!("2503")), 400, "budget_not_raised"),
        ("sesn_11", budget(json!("421")), 400, "budget_not_raised"),
        ("sesn_11", budget(json!("422")), 200, ""),
        ("sesn_11", budget(json!("0422")), 400, ""),
        ("sesn_11", budget(json!("4.22")), 400, ""),
        ("sesn_11", budget(json!(500)), 400, ""),
        ("sesn_11", removed.clone(), 200, ""),
        ("sesn_11", budget(json!("9000")), 400, "budget_create_only"),
        ("sesn_07", removed, 409, ""),
    ];
    for (id, change, expected, code) in cases {
        let path = format!("/v1/sessions/{id}");
        let (status, body) = client.post(&path, &change).await;
        assert_eq!(status, expected, "{id} {change}: {body}");
        let details = body.pointer("/error/details/error_code");
        let given = details.and_then(Value::as_str).unwrap_or_default();
        assert_eq!(given, code, "{change}");
    }
    let last = client.newest("sesn_11", "session.updated").await;
    assert_eq!(last.get("budget"), Some(&Value::Null), "the removal is in the history");
}

#[tokio::test]
async fn at_the_limit_only_answers_and_interrupts_are_taken() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.after_turn(json!({"budget": limit("1200")}), "/spend 12.00 USD").await;
    let before = client.session(&id).await;
    assert_eq!(before["usage"]["list_cost"]["amount"], "1204");
    for id in [id.as_str(), "sesn_13"] {
        for event in [message("More."), outcome("More.")] {
            let (status, body) = client.send(id, event).await;
            assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")));
        }
        let stop = client.last_event(id).await;
        assert_eq!(stop["stop_reason"], json!({"type": "budget_reached"}));
        assert_eq!(client.send(id, interrupt()).await.0, 200);
        assert_eq!(client.last_event(id).await["type"], "user.interrupt", "and ignored");
        assert_eq!(client.session(id).await["status"], "idle");
    }
    assert_eq!(client.session(&id).await["updated_at"], before["updated_at"]);
    // The answer to a call is taken, but the work goes on only with more money.
    let fields = json!({"agent": "agent_01", "budget": limit("4")});
    let waiting = client.after_turn(fields, "/use bash").await;
    let call = client.waiting_for(&waiting).await.remove(0);
    assert_eq!(client.send(&waiting, message("More.")).await.0, 400);
    assert_eq!(client.send(&waiting, confirm(&call, "allow")).await.0, 200);
    let types = client.event_types(&waiting).await;
    assert!(types.contains(&"agent.tool_result".to_owned()));
    let stop = client.last_event(&waiting).await;
    assert_eq!(stop["stop_reason"]["type"], "budget_reached");
}

#[tokio::test]
async fn more_budget_resumes_the_work_by_itself() {
    let client = HttpClient::start(fast_turns()).await;
    for (id, change) in [
        ("sesn_13".to_owned(), limit("2504")),
        (client.after_turn(json!({"budget": limit("4")}), "/use read").await, Value::Null),
    ] {
        let path = format!("/v1/sessions/{id}");
        let (status, session) = client.post(&path, &json!({"budget": change})).await;
        assert_eq!((status, &session["status"]), (200, &json!("running")), "{id}");
        client.settled(&id).await;
        let stop = client.last_event(&id).await["stop_reason"]["type"].clone();
        // The going on costs four cents, too much for the first one.
        assert_eq!(stop, if change.is_null() { "end_turn" } else { "budget_reached" });
    }
    // A change of a budget that is not reached starts nothing.
    let change = json!({"budget": limit("422")});
    let (_, session) = client.post("/v1/sessions/sesn_11", &change).await;
    assert_eq!(session["status"], "idle");
}

#[tokio::test]
async fn what_was_queued_goes_on_after_the_budget() {
    let turn = Duration::from_millis(100);
    let client = HttpClient::start(Options { turn, ..fast_turns() }).await;
    let events = [message("First"), message("Second")];
    let id = client.create(json!({"budget": limit("4"), "initial_events": events})).await;
    client.settled(&id).await;
    assert_eq!(client.last_event(&id).await["processed_at"], Value::Null, "still queued");
    client.post(&format!("/v1/sessions/{id}"), &json!({"budget": limit("90")})).await;
    client.settled(&id).await;
    let stop = client.last_event(&id).await;
    assert_eq!(stop["stop_reason"]["type"], "end_turn");
    let replies = client.ok(&format!("/v1/sessions/{id}/events?types[]=agent.message")).await;
    assert_eq!(replies["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn running_time_and_searches_cost_money() {
    let client = HttpClient::start(endless_turns()).await;
    let cents = |session: &Value| -> u64 {
        session["usage"]["list_cost"]["amount"].as_str().unwrap().parse().unwrap()
    };
    let before = client.session("sesn_04").await;
    client.send("sesn_04", interrupt()).await;
    let after = client.session("sesn_04").await;
    let hours = after["usage"]["active_seconds"].as_f64().unwrap() / 3600.0;
    let spent = u32::try_from(cents(&after) - cents(&before)).unwrap();
    assert!((f64::from(spent) - hours * 8.0).abs() <= 2.0, "{spent} cents for {hours} hours");

    let client = HttpClient::start(fast_turns()).await;
    let id = client.after_turn(json!({"agent": "agent_03"}), "/use web_search,read").await;
    let session = client.session(&id).await;
    assert_eq!(session["usage"]["server_tool_use"]["web_search_requests"], 1);
    assert_eq!(cents(&session), 4 + 1 + 4);
}
