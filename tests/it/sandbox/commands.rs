//! Messages that begin with a command, and the events that they produce.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{HttpClient, confirm, custom_result, fast_turns, interrupt, message, outcome, texts};

#[tokio::test]
async fn commands_end_a_turn_in_every_way() {
    let client = HttpClient::start(fast_turns()).await;
    let refusal = |category: Value| {
        json!({
            "type": "refusal", "category": category,
            "explanation": "The model declined to answer this request.",
        })
    };
    let cases = [
        ("Hello", "idle", "end_turn", Value::Null, ""),
        ("/spend 3.50", "idle", "end_turn", Value::Null, ""),
        ("/spend much", "idle", "end_turn", Value::Null, ""),
        ("/spend 18446744073709551615", "idle", "end_turn", Value::Null, ""),
        ("/use ,", "idle", "end_turn", Value::Null, ""),
        ("/compact", "idle", "end_turn", Value::Null, ""),
        ("/reschedule", "idle", "end_turn", Value::Null, "retrying"),
        ("/error billing_error", "idle", "end_turn", Value::Null, "exhausted"),
        ("/error nonsense", "idle", "end_turn", Value::Null, ""),
        ("/exhaust", "idle", "retries_exhausted", Value::Null, "exhausted"),
        ("/refuse", "idle", "refusal", refusal(Value::Null), ""),
        ("/refuse cyber", "idle", "refusal", refusal(json!("cyber")), ""),
        ("/fail", "terminated", "", Value::Null, "terminal"),
    ];
    for (text, status, reason, details, retry_status) in cases {
        let id = client.after_turn(json!({}), text).await;
        assert_eq!(client.session(&id).await["status"], status, "{text}");
        let last = client.last_event(&id).await;
        assert_eq!(last["type"], format!("session.status_{status}"), "{text}");
        if status == "idle" {
            assert_eq!(last["stop_reason"], json!({"type": reason}), "{text}");
            assert_eq!(last["stop_details"], details, "{text}");
        } else {
            assert_eq!(client.send(&id, message("Hello?")).await.0, 409);
        }
        let error = client.newest(&id, "session.error").await;
        let given = error.pointer("/error/retry_status/type").and_then(Value::as_str);
        assert_eq!(given.unwrap_or_default(), retry_status, "{text}");
    }
}

#[tokio::test]
async fn statuses_are_recorded_for_the_primary_thread_too() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.after_turn(json!({}), "/reschedule").await;
    client.send(&id, message("/fail")).await;
    client.settled(&id).await;
    let page = client.ok(&format!("/v1/sessions/{id}/events")).await;
    let thread = client.ok(&format!("/v1/sessions/{id}/threads")).await["data"][0]["id"].clone();
    let events = page["data"].as_array().unwrap().iter();
    let of_thread = events
        .filter(|event| event["type"].as_str().unwrap().starts_with("session.thread_status_"));
    let of_thread: Vec<_> = of_thread.collect();
    for event in &of_thread {
        assert_eq!(event["session_thread_id"], thread);
        assert_eq!(event["agent_name"], "Support triage");
    }
    let types = texts(&page, "type").into_iter().filter(|kind| kind.contains("status_"));
    let running = ["session.status_running", "session.thread_status_running"];
    let expected = [
        &running[..],
        &["session.thread_status_rescheduled", "session.status_rescheduled"],
        &running,
        &["session.thread_status_idle", "session.status_idle"],
        &running,
        &["session.thread_status_terminated", "session.status_terminated"],
    ];
    assert_eq!(types.collect::<Vec<_>>(), expected.concat());
    let idle = of_thread.iter().find(|event| event["type"] == "session.thread_status_idle");
    assert_eq!(idle.unwrap()["stop_reason"]["type"], "end_turn");
    assert_eq!(idle.unwrap()["stop_details"], Value::Null);
}

#[tokio::test]
async fn usage_precedes_every_idle() {
    let client = HttpClient::start(fast_turns()).await;
    let path = "/v1/sessions?include_archived=true&limit=100";
    let seeded = texts(&client.ok(path).await, "id");
    let live = client.after_turn(json!({"agent": "agent_01"}), "/use bash,read").await;
    client.send(&live, interrupt()).await;
    for id in seeded.iter().chain([&live]) {
        let events = client.ok(&format!("/v1/sessions/{id}/events")).await;
        let events = events["data"].as_array().unwrap();
        for pair in events.windows(2).filter(|pair| pair[1]["type"] == "session.status_idle") {
            assert_eq!(pair[0]["type"], "session.usage", "{id}");
            assert!(pair[0]["usage"]["list_cost"]["amount"].is_string());
            assert!(pair[0].get("budget").is_some() && pair[1].get("stop_details").is_some());
        }
    }
    let usage = client.newest("sesn_01", "session.usage").await["usage"].clone();
    assert_eq!(usage, client.session("sesn_01").await["usage"]);
}

#[tokio::test]
async fn errors_have_the_fields_of_their_type() {
    let client = HttpClient::start(fast_turns()).await;
    let cases = [
        ("mcp_authentication_failed_error", "mcp_server_name", json!("linear")),
        ("mcp_connection_failed_error", "mcp_server_name", json!("linear")),
        ("credential_host_unreachable_error", "vault_id", json!("vlt_01")),
        ("repository_clone_error", "repository_url", Value::Null),
        ("model_overloaded_error", "message", json!("The model is overloaded.")),
    ];
    for (kind, field, expected) in cases {
        let id = client.after_turn(json!({}), &format!("/error {kind}")).await;
        let error = client.newest(&id, "session.error").await["error"].clone();
        assert_eq!(error["type"], kind);
        assert_eq!(error.get(field), Some(&expected), "{kind}");
    }
}

#[tokio::test]
async fn types_are_the_exact_names_and_all_of_one_agent_occur() {
    const OF_SEVERAL_AGENTS: [&str; 9] = [
        "agent.thread_message_received",
        "agent.thread_message_sent",
        "workflow_run.created",
        "workflow_run.status_running",
        "workflow_run.status_idle",
        "workflow_run.status_ended",
        "workflow_run.error",
        "workflow_run.phase_started",
        "workflow_run.phase_ended",
    ];
    const OF_ONE_AGENT: [&str; 32] = [
        "agent.custom_tool_use",
        "agent.mcp_tool_result",
        "agent.mcp_tool_use",
        "agent.message",
        "agent.thinking",
        "agent.thread_context_compacted",
        "agent.tool_result",
        "agent.tool_use",
        "session.error",
        "session.status_idle",
        "session.status_rescheduled",
        "session.status_running",
        "session.status_terminated",
        "session.thread_created",
        "session.thread_status_idle",
        "session.thread_status_rescheduled",
        "session.thread_status_running",
        "session.thread_status_terminated",
        "session.updated",
        "session.usage",
        "span.model_request_end",
        "span.model_request_start",
        "span.outcome_evaluation_end",
        "span.outcome_evaluation_ongoing",
        "span.outcome_evaluation_start",
        "system.message",
        "user.custom_tool_result",
        "user.define_outcome",
        "user.interrupt",
        "user.message",
        "user.tool_confirmation",
        "user.tool_result",
    ];
    let client = HttpClient::start(fast_turns()).await;
    for (kind, expected) in
        OF_SEVERAL_AGENTS.iter().chain(&OF_ONE_AGENT).map(|kind| (*kind, 200)).chain([
            ("session.deleted", 400),
            ("user.shout", 400),
            ("session.status", 400),
            ("Session.error", 400),
            ("", 400),
        ])
    {
        let path = format!("/v1/sessions/sesn_01/events?types[]={kind}");
        assert_eq!(client.get(&path).await.0, expected, "{kind}");
    }
    let place = json!({"name": "ours", "config": {"type": "self_hosted"}});
    let (_, place) = client.post("/v1/environments", &place).await;
    let fields = json!({"environment_id": place["id"]});
    let id = client.after_turn(fields, "/use bash,lookup_order,linear.create_issue").await;
    let calls = client.waiting_for(&id).await;
    let result = json!({"type": "user.tool_result", "tool_use_id": calls[0]});
    let system = json!({"type": "system.message", "content": [{"type": "text", "text": "s"}]});
    client.send_all(&id, &[result, custom_result(&calls[1]), confirm(&calls[2], "allow")]).await;
    client.settled(&id).await;
    client.post(&format!("/v1/sessions/{id}"), &json!({"title": "t"})).await;
    for events in [
        vec![message("/compact"), system],
        vec![outcome("x")],
        vec![interrupt()],
        vec![message("/reschedule")],
        vec![message("/fail")],
    ] {
        assert_eq!(client.send_all(&id, &events).await.0, 200);
        client.settled(&id).await;
    }
    let mut seen: BTreeSet<_> = client.event_types(&id).await.into_iter().collect();
    seen.extend(client.event_types("sesn_01").await);
    seen.extend(client.event_types("sesn_12").await);
    let missing: Vec<_> = OF_ONE_AGENT.iter().filter(|kind| !seen.contains(**kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
