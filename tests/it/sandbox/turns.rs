//! Turns: messages, interrupts, pending calls, streams and the lag of the status.

use std::time::Duration;

use futures_util::StreamExt as _;
use managed_sessions_mcp::sandbox::{Options, Quirk};
use serde_json::{Value, json};

use super::{
    HttpClient, confirm, custom_result, endless_turns, fast_turns, interrupt, message, texts,
};

const TURN: [&str; 10] = [
    "user.message",
    "session.status_running",
    "session.thread_status_running",
    "span.model_request_start",
    "agent.thinking",
    "agent.message",
    "span.model_request_end",
    "session.thread_status_idle",
    "session.usage",
    "session.status_idle",
];

#[tokio::test]
async fn a_message_starts_a_turn_that_records_events_in_order() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.create(json!({})).await;
    let before = client.session(&id).await;
    let (status, sent) = client.send(&id, message("Go.")).await;
    assert_eq!((status, texts(&sent, "type")), (200, vec!["user.message".to_owned()]));
    let after = client.wait_for_status(&id, "idle").await;
    let events = client.ok(&format!("/v1/sessions/{id}/events")).await;
    assert_eq!(texts(&events, "type"), TURN);
    let times = texts(&events, "processed_at");
    assert!(times.is_sorted_by(|earlier, later| earlier < later), "{times:?}");
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
    let cost = json!({"amount": "4", "currency": "USD"});
    assert_eq!(after["usage"]["list_cost"], cost);
    let output = |session: &Value| session["usage"]["output_tokens"].as_u64();
    assert!(output(&after) > output(&before));
}

#[tokio::test]
async fn messages_to_a_busy_session_are_queued() {
    let client =
        HttpClient::start(Options { turn: Duration::from_millis(150), ..fast_turns() }).await;
    let first = json!({"initial_events": [message("First")]});
    let id = client.create(first).await;
    let (_, sent) = client.send(&id, message("Second")).await;
    assert_eq!(sent["data"][0]["processed_at"], Value::Null);
    assert_eq!(client.event_types(&id).await.last().unwrap(), "user.message");
    client.wait_for_status(&id, "idle").await;
    let types = client.event_types(&id).await;
    let count = |kind| types.iter().filter(|known| *known == kind).count();
    assert_eq!(count("agent.message"), 2);
    assert_eq!(count("session.status_idle"), 1);
}

#[tokio::test]
async fn an_interrupt_stops_running_and_rescheduling_sessions_immediately() {
    let client = HttpClient::start(endless_turns()).await;
    for id in ["sesn_04", "sesn_05", "sesn_06"] {
        let before = client.session(id).await;
        let (status, sent) = client.send(id, interrupt()).await;
        assert_eq!((status, &sent["data"][0]["type"]), (200, &json!("user.interrupt")));
        let after = client.session(id).await;
        assert_eq!(after["status"], "idle", "{id}");
        assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
        assert_eq!(client.last_event(id).await["type"], "session.status_idle");
    }
    let before = client.session("sesn_01").await["updated_at"].clone();
    client.send("sesn_01", interrupt()).await;
    let after = client.session("sesn_01").await["updated_at"].clone();
    assert_eq!(after, before, "an idle session is not changed");
    client.sandbox.set_quirks([Quirk::InterruptAccepted]);
    let response = client.send("sesn_12", interrupt()).await;
    assert_eq!(response, (202, Value::Null));
}

#[tokio::test]
async fn the_status_lags_behind_the_events() {
    let client =
        HttpClient::start(Options { status_lag: Duration::from_millis(250), ..endless_turns() })
            .await;
    let path = "/v1/sessions/sesn_05";
    client.send("sesn_05", interrupt()).await;
    assert_eq!(client.last_event("sesn_05").await["type"], "session.status_idle");
    assert_eq!(client.ok(path).await["status"], "running");
    assert_eq!(client.delete(path).await.0, 409);
    client.wait_for_status("sesn_05", "idle").await;
    assert_eq!(client.delete(path).await.0, 200);
}

#[tokio::test]
async fn pending_calls_are_answered_once_and_by_the_right_kind_of_event() {
    let client = HttpClient::start(fast_turns()).await;
    let pending = async |id| client.waiting_for(id).await.remove(0);
    let (call, custom) = (pending("sesn_02").await, pending("sesn_03").await);
    for (id, event) in [
        ("sesn_02", custom_result(&call)),
        ("sesn_02", confirm(&custom, "allow")),
        ("sesn_02", confirm(&call, "perhaps")),
        ("sesn_03", confirm(&custom, "allow")),
    ] {
        let (status, body) = client.send(id, event).await;
        assert_eq!(status, 400, "{id}: {body}");
    }
    for (id, event) in [("sesn_02", confirm(&call, "allow")), ("sesn_03", custom_result(&custom))] {
        assert_eq!(client.send(id, event).await.0, 200);
        client.wait_for_status(id, "idle").await;
    }
    let path = "/v1/sessions/sesn_02/events?types[]=agent.tool_result";
    let recorded = client.ok(path).await["data"][0].clone();
    assert_eq!(recorded["tool_use_id"], call.as_str());
    assert_eq!(recorded["is_error"], false);
    let before = client.session("sesn_02").await["updated_at"].clone();
    let (status, _) = client.send("sesn_02", confirm(&call, "deny")).await;
    assert_eq!(status, 200, "a late confirmation is no error");
    let after = client.session("sesn_02").await;
    assert_eq!((&after["status"], &after["updated_at"]), (&json!("idle"), &before));
    let (status, _) = client.send("sesn_03", custom_result(&custom)).await;
    assert_eq!(status, 400, "a late result is");
}

#[tokio::test]
async fn a_use_message_makes_the_agent_call_that_tool() {
    let client = HttpClient::start(fast_turns()).await;
    let cases = [
        ("agent_02", "lookup_order", "agent.custom_tool_use", true),
        ("agent_02", "linear.create_issue", "agent.mcp_tool_use", true),
        ("agent_02", "linear.list_issues", "agent.mcp_tool_use", false),
        ("agent_01", "bash", "agent.tool_use", true),
        ("agent_02", "bash", "agent.tool_use", false),
        ("agent_02", "linear.delete_issue", "agent.message", false),
        ("agent_02", "nothing", "agent.message", false),
    ];
    for (agent, tool, expected, waits) in cases {
        let events = [message(&format!("/use {tool}"))];
        let fields = json!({"agent": agent, "initial_events": events});
        let id = client.create(fields).await;
        client.wait_for_status(&id, "idle").await;
        let types = client.event_types(&id).await;
        assert!(types.iter().any(|kind| kind == expected), "{tool}");
        let reason = if waits { "requires_action" } else { "end_turn" };
        let last = client.last_event(&id).await;
        assert_eq!(last["stop_reason"]["type"], reason, "{tool}");
    }
}

#[tokio::test]
async fn a_stream_sends_events_from_now_on() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.create(json!({})).await;
    let path = format!("/v1/sessions/{id}/events/stream");
    let response = client.request("GET", &path).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    client.send(&id, message("Go.")).await;
    client.wait_for_status(&id, "idle").await;
    client.delete(&format!("/v1/sessions/{id}")).await;
    let mut chunks = response.bytes_stream();
    let mut text = String::new();
    while let Some(chunk) = chunks.next().await {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    let names = text.lines().filter_map(|line| line.strip_prefix("event: "));
    let names: Vec<_> = names.collect();
    assert_eq!(names[..10], TURN);
    assert_eq!(names[10..], ["session.deleted"]);
}

#[tokio::test]
async fn an_interrupt_can_stop_a_single_thread() {
    let client = HttpClient::start(endless_turns()).await;
    let stop = |thread: &str| json!({"type": "user.interrupt", "session_thread_id": thread});
    assert_eq!(client.send("sesn_12", stop("sthr_x")).await.0, 400);
    client.send("sesn_12", stop("sthr_12_01")).await;
    let threads = client.ok("/v1/sessions/sesn_12/threads").await;
    assert_eq!(texts(&threads, "status"), ["running", "idle", "idle"]);
    client.send("sesn_12", stop("sthr_12")).await;
    assert_eq!(client.session("sesn_12").await["status"], "idle");
}
