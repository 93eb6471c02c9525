//! What `get_session` says beyond the record: why a session stopped, what it waits for, its
//! threads and workflow runs.

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};

use crate::support::{Api, Host, error, sandbox, session, with_fields};

const EVENTS: &str = "/v1/sessions/sesn_1/events";

async fn get(host: &Host, id: &str) -> Value {
    host.answer("get_session", json!({"session_id": id})).await
}

#[tokio::test]
async fn a_record_says_what_its_session_waits_for_in_few_requests() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    for (id, requests, threads) in
        [("sesn_01", 2, false), ("sesn_02", 2, false), ("sesn_05", 2, false), ("sesn_17", 3, true)]
    {
        sandbox.forget_requests();
        let record = get(&host, id).await;
        assert_eq!(sandbox.requests().len(), requests, "{id}");
        assert_eq!(record["threads"].is_array(), threads, "{record}");
        let is_idle = record["status"] == "idle";
        assert_eq!(record["stop_reason"].is_object(), is_idle, "{record}");
        assert_eq!(record.get("warnings"), None);
    }
    let waits = get(&host, "sesn_02").await;
    let diagnosis = host.answer("diagnose_session", json!({"session_id": "sesn_02"})).await;
    let call = &waits["waiting"][0];
    assert_eq!(call["event_id"], diagnosis["evidence"]["waiting"][0]["id"]);
    assert_eq!(call["tool"], "bash");
    assert_eq!(call["answer"], "decision");
    assert!(call["input"].as_str().is_some_and(|text| !text.starts_with('{')), "{call}");
    assert_eq!(waits["operations"]["interrupt"], "allowed");
    let interrupt = json!({"session_id": "sesn_02", "dry_run": true});
    assert_eq!(host.outcome("interrupt_session", interrupt).await, "would_interrupt");
    let done = get(&host, "sesn_01").await;
    assert_eq!(done["stop_reason"]["type"], "end_turn");
    assert_eq!(
        (done.get("waiting"), &done["operations"]["interrupt"]),
        (None, &json!("nothing_to_do"))
    );
    // A thread waits, and the session runs or has ended its turn.
    let multi = get(&host, "sesn_17").await;
    assert_eq!(multi["waiting"][0]["answer"], "decision", "{multi}");
    let thread = &multi["threads"][0];
    assert!(thread["id"].is_string() && thread["agent"].is_string(), "{multi}");
    assert_eq!(get(&host, "sesn_18").await["workflow_runs"][0]["status"], "idle");
    let archived = get(&host, "sesn_08").await;
    assert_eq!((archived.get("waiting"), archived.get("warnings")), (None, None));
}

#[tokio::test]
async fn what_could_not_be_looked_up_is_said_and_not_guessed() {
    let multiagent = json!({"agent": {"id": "agent_1", "multiagent": {"type": "coordinator"}}});
    for (status, warns) in [(500, true), (403, true), (404, false), (501, false), (400, false)] {
        let record = with_fields(session("sesn_1", "idle"), multiagent.clone());
        let api = Api::with_session(record).await;
        let body = || error("api_error", "no");
        api.answers("GET", EVENTS, status, body()).await;
        api.answers("GET", "/v1/sessions/sesn_1/threads", status, body()).await;
        let host = api.host().await;
        for detail in ["concise", "full"] {
            let arguments = json!({"session_id": "sesn_1", "detail": detail});
            let record = host.answer("get_session", arguments).await;
            let warnings = record.get("warnings").map(Value::to_string).unwrap_or_default();
            assert_eq!(warnings.contains("events could not be read"), warns, "{status} {record}");
            let interrupt = record["operations"].get("interrupt");
            assert_eq!(interrupt.is_none(), warns, "{status} {record}");
            assert_eq!(record["operations"]["archive"], "allowed");
        }
    }
    // A service that knows neither threads nor workflow runs.
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let rejected = error("invalid_request_error", "unknown type");
    api.answers_once("GET", EVENTS, 400, rejected).await;
    let reason = json!({"type": "requires_action", "event_ids": ["evt_1"]});
    let events = json!([
        {"id": "evt_2", "type": "session.status_idle", "stop_reason": reason},
        {"id": "evt_1", "type": "agent.custom_tool_use", "name": "lookup", "input": {"id": 7}},
    ]);
    api.answers("GET", EVENTS, 200, json!({"data": events})).await;
    let record = get(&api.host().await, "sesn_1").await;
    let waiting = json!({
        "event_id": "evt_1", "tool": "lookup", "input": "{\"id\":7}", "answer": "result",
    });
    assert_eq!(record["waiting"], json!([waiting]));
    assert_eq!(record["stop_reason"], reason);
}

#[tokio::test]
async fn a_call_that_a_pause_names_is_found_behind_many_events() {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let reason = json!({"type": "requires_action", "event_ids": ["evt_1"]});
    let idle = json!({"id": "evt_900", "type": "session.status_idle", "stop_reason": reason});
    api.answers_once("GET", EVENTS, 200, json!({"data": [idle]})).await;
    let call = json!({"id": "evt_1", "type": "agent.custom_tool_use", "name": "lookup"});
    api.answers("GET", EVENTS, 200, json!({"data": [call]})).await;
    let record = get(&api.host().await, "sesn_1").await;
    assert_eq!(record["waiting"][0]["tool"], "lookup", "{record}");
}

#[tokio::test]
async fn a_running_session_does_not_wait_for_what_an_earlier_turn_waited_for() {
    let api = Api::with_session(session("sesn_1", "running")).await;
    let reason = json!({"type": "budget_reached"});
    let ask = json!({"evaluated_permission": "ask", "name": "bash", "input": {"command": "ls"}});
    let ask = |id: &str, thread: Value| {
        let event = json!({"id": id, "type": "agent.tool_use", "session_thread_id": thread});
        with_fields(event, ask.clone())
    };
    let events = json!([
        ask("evt_5", json!("sthr_2")),
        {"id": "evt_4", "type": "session.status_running"},
        {"id": "evt_3", "type": "session.status_idle", "stop_reason": reason},
        ask("evt_2", Value::Null),
    ]);
    api.answers("GET", EVENTS, 200, json!({"data": events})).await;
    let record = get(&api.host().await, "sesn_1").await;
    assert_eq!(record["waiting"].as_array().map(Vec::len), Some(1), "{record}");
    assert_eq!(record["waiting"][0]["event_id"], "evt_5");
    assert_eq!(record.get("stop_reason"), None);
}

#[tokio::test]
async fn records_stay_small_whatever_they_wait_for() {
    let resource = json!({"id": "r".repeat(300), "type": "file", "mount_path": "/".repeat(300)});
    let wide = json!({
        "vault_ids": (0..500).map(|n| format!("vlt_{n:0250}")).collect::<Vec<_>>(),
        "resources": vec![resource; 200],
    });
    let mut record = with_fields(session("sesn_1", "idle"), wide);
    record["agent"]["multiagent"] = json!({});
    record["metadata"] = json!({"k": "v".repeat(30_000)});
    let api = Api::with_session(record).await;
    let event_ids: Vec<String> = (0..90).map(|n| format!("evt_{n:0200}")).collect();
    let call = |id: &String| {
        let input = json!({"command": "x".repeat(500)});
        json!({"id": id, "type": "agent.tool_use", "evaluated_permission": "ask", "name": "bash", "input": input})
    };
    let mut events = vec![json!({"id": "evt_idle", "type": "session.status_idle",
        "stop_reason": {"type": "requires_action", "event_ids": event_ids}})];
    events.extend(event_ids.iter().map(call));
    api.answers("GET", EVENTS, 200, json!({"data": events})).await;
    let thread = |n: usize| {
        json!({"id": format!("sthr_{n:0200}"), "parent_thread_id": "sthr_0",
        "status": "idle", "agent": {"name": "n".repeat(290)}})
    };
    let threads: Vec<Value> = (1..100).map(thread).collect();
    api.answers("GET", "/v1/sessions/sesn_1/threads", 200, json!({"data": threads})).await;
    let host = api.host().await;
    for (detail, limit) in [("concise", 20_000), ("full", 40_000)] {
        let arguments = json!({"session_id": "sesn_1", "detail": detail});
        let record = host.answer("get_session", arguments).await;
        let size = record.to_string().len();
        assert!(size < limit, "{detail}: {size}");
        for part in ["waiting", "threads", "vault_ids", "resources"] {
            let shown = record[part].as_array().expect("some").len();
            assert!(shown > 0, "{part}");
            assert!(record["left_out"][part].as_u64() > Some(0), "{part}: {}", record["left_out"]);
        }
    }
}

#[tokio::test]
async fn operations_that_the_operator_disabled_are_left_out() {
    let sandbox = sandbox().await;
    let disabled = Some("delete_session,interrupt_session".to_owned());
    let flags = Flags { disable_tools: disabled, ..Flags::default() };
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    let record = get(&host, "sesn_02").await;
    assert_eq!(record["operations"], json!({"update_tools": "allowed", "archive": "allowed"}));
}
