//! Real time: turns, interrupts, waiting calls, streams, and records that lag.

use std::time::Duration;

use futures_util::StreamExt as _;
use managed_sessions_mcp::sandbox::{Options, Quirk};
use serde_json::{Value, json};

use super::{Wire, brisk, endless, interrupt, message};

const TURN: [&str; 8] = [
    "user.message",
    "session.status_running",
    "span.model_request_start",
    "agent.thinking",
    "agent.message",
    "span.model_request_end",
    "session.usage",
    "session.status_idle",
];

#[tokio::test]
async fn a_message_runs_to_its_end_in_order() {
    let wire = Wire::start(brisk()).await;
    let id = wire.create(json!({})).await;
    let before = wire.ok(&format!("/v1/sessions/{id}")).await;
    let (status, sent) = wire.send(&id, message("Go.")).await;
    assert_eq!(status.as_u16(), 200);
    assert_eq!(sent["data"][0]["type"], "user.message");
    let after = wire.until(&id, "idle").await;
    assert_eq!(wire.kinds(&id).await, TURN);
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
    assert_eq!(
        after["usage"]["list_cost"],
        json!({"amount": "4", "currency": "USD"})
    );
    assert!(after["usage"]["output_tokens"].as_u64() > before["usage"]["output_tokens"].as_u64());
    let events = wire.ok(&format!("/v1/sessions/{id}/events")).await;
    let times: Vec<_> = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["processed_at"].as_str())
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

#[tokio::test]
async fn messages_to_a_busy_session_wait_for_their_turn() {
    let wire = Wire::start(Options {
        turn: Duration::from_millis(150),
        ..brisk()
    })
    .await;
    let id = wire
        .create(json!({"initial_events": [message("First")]}))
        .await;
    let (_, sent) = wire.send(&id, message("Second")).await;
    assert_eq!(sent["data"][0]["processed_at"], Value::Null);
    assert_eq!(wire.kinds(&id).await.last().unwrap(), "user.message");
    wire.until(&id, "idle").await;
    let kinds = wire.kinds(&id).await;
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "agent.message").count(),
        2
    );
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| *kind == "session.status_idle")
            .count(),
        1
    );
}

#[tokio::test]
async fn an_interrupt_ends_running_and_rescheduling_sessions_at_once() {
    let wire = Wire::start(endless()).await;
    for id in ["sesn_04", "sesn_05", "sesn_06"] {
        let before = wire.ok(&format!("/v1/sessions/{id}")).await;
        let (status, sent) = wire.send(id, interrupt()).await;
        assert_eq!(
            (status.as_u16(), &sent["data"][0]["type"]),
            (200, &json!("user.interrupt"))
        );
        let after = wire.ok(&format!("/v1/sessions/{id}")).await;
        assert_eq!(after["status"], "idle", "{id}");
        assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
        assert_eq!(wire.kinds(id).await.last().unwrap(), "session.status_idle");
    }
    let before = wire.ok("/v1/sessions/sesn_01").await["updated_at"].clone();
    wire.send("sesn_01", interrupt()).await;
    assert_eq!(
        wire.ok("/v1/sessions/sesn_01").await["updated_at"],
        before,
        "nothing to stop"
    );
    wire.sandbox.set_quirks([Quirk::InterruptAccepted]);
    let answer = wire.send("sesn_12", interrupt()).await;
    assert_eq!((answer.0.as_u16(), answer.1), (202, Value::Null));
}

#[tokio::test]
async fn the_record_lags_behind_the_event() {
    let lag = Duration::from_millis(250);
    let wire = Wire::start(Options {
        status_lag: lag,
        ..endless()
    })
    .await;
    wire.send("sesn_05", interrupt()).await;
    assert_eq!(
        wire.kinds("sesn_05").await.last().unwrap(),
        "session.status_idle"
    );
    assert_eq!(wire.ok("/v1/sessions/sesn_05").await["status"], "running");
    assert_eq!(wire.delete("/v1/sessions/sesn_05").await.0.as_u16(), 409);
    wire.until("sesn_05", "idle").await;
    assert_eq!(wire.delete("/v1/sessions/sesn_05").await.0.as_u16(), 200);
}

#[tokio::test]
async fn waiting_calls_are_answered_once_and_by_their_kind() {
    let wire = Wire::start(brisk()).await;
    let waiting = |id: &'static str| {
        let wire = &wire;
        async move {
            let last = wire
                .ok(&format!("/v1/sessions/{id}/events?order=desc&limit=1"))
                .await;
            last["data"][0]["stop_reason"]["event_ids"][0].clone()
        }
    };
    let (call, custom) = (waiting("sesn_02").await, waiting("sesn_03").await);
    let confirm = |call: &Value, result: &str| json!({"type": "user.tool_confirmation", "tool_use_id": call, "result": result});
    let result =
        |call: &Value| json!({"type": "user.custom_tool_result", "custom_tool_use_id": call});
    for (id, event) in [
        ("sesn_02", result(&call)),
        ("sesn_02", confirm(&custom, "allow")),
        ("sesn_02", confirm(&call, "perhaps")),
        ("sesn_03", confirm(&custom, "allow")),
    ] {
        assert_eq!(
            wire.send(id, event.clone()).await.0.as_u16(),
            400,
            "{id} {event}"
        );
    }
    // A message does not answer the call; it waits behind it.
    wire.send("sesn_02", message("Well?")).await;
    assert_eq!(wire.ok("/v1/sessions/sesn_02").await["status"], "idle");
    assert_eq!(
        wire.send("sesn_02", confirm(&call, "allow"))
            .await
            .0
            .as_u16(),
        200
    );
    assert_eq!(wire.send("sesn_03", result(&custom)).await.0.as_u16(), 200);
    for id in ["sesn_02", "sesn_03"] {
        wire.until(id, "idle").await;
    }
    let path = "/v1/sessions/sesn_02/events?types[]=agent.tool_result";
    let results = wire.ok(path).await;
    assert_eq!(
        (
            &results["data"][0]["tool_use_id"],
            &results["data"][0]["is_error"]
        ),
        (&call, &json!(false))
    );
    assert_eq!(
        wire.send("sesn_02", confirm(&call, "allow"))
            .await
            .0
            .as_u16(),
        400,
        "once only"
    );
}

#[tokio::test]
async fn a_message_can_make_the_agent_use_a_tool() {
    let wire = Wire::start(brisk()).await;
    let cases = [
        (
            "agent_02",
            "/use lookup_order",
            "agent.custom_tool_use",
            true,
        ),
        (
            "agent_02",
            "/use linear.create_issue",
            "agent.mcp_tool_use",
            true,
        ),
        (
            "agent_02",
            "/use linear.list_issues",
            "agent.mcp_tool_use",
            false,
        ),
        ("agent_01", "/use bash", "agent.tool_use", true),
        ("agent_02", "/use bash", "agent.tool_use", false),
        (
            "agent_02",
            "/use linear.delete_issue",
            "agent.message",
            false,
        ),
        ("agent_02", "/use nothing", "agent.message", false),
    ];
    for (agent, text, kind, waits) in cases {
        let id = wire
            .create(json!({"agent": agent, "initial_events": [message(text)]}))
            .await;
        wire.until(&id, "idle").await;
        assert!(wire.kinds(&id).await.iter().any(|k| k == kind), "{text}");
        let last = wire
            .ok(&format!("/v1/sessions/{id}/events?order=desc&limit=1"))
            .await;
        let reason = if waits { "requires_action" } else { "end_turn" };
        assert_eq!(last["data"][0]["stop_reason"]["type"], reason, "{text}");
    }
}

#[tokio::test]
async fn the_stream_tells_what_happens_from_now_on() {
    let wire = Wire::start(brisk()).await;
    let id = wire.create(json!({})).await;
    let path = format!("/v1/sessions/{id}/events/stream");
    let response = wire.request("GET", &path).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    wire.send(&id, message("Go.")).await;
    wire.until(&id, "idle").await;
    wire.delete(&format!("/v1/sessions/{id}")).await;
    let mut chunks = response.bytes_stream();
    let mut text = String::new();
    while let Some(chunk) = chunks.next().await {
        text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
    }
    let names: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(names[..8], TURN);
    assert_eq!(names[8..], ["session.deleted"]);
}

#[tokio::test]
async fn an_interrupt_can_mean_one_thread_only() {
    let wire = Wire::start(endless()).await;
    let stop = |thread: &str| json!({"type": "user.interrupt", "session_thread_id": thread});
    assert_eq!(wire.send("sesn_12", stop("sthr_x")).await.0.as_u16(), 400);
    wire.send("sesn_12", stop("sthr_12_01")).await;
    let threads = wire.ok("/v1/sessions/sesn_12/threads").await;
    let states: Vec<_> = threads["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["status"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["running", "idle", "idle"]);
    wire.send("sesn_12", stop("sthr_12")).await;
    assert_eq!(wire.ok("/v1/sessions/sesn_12").await["status"], "idle");
}
