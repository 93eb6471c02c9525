//! Sessions with child threads and workflow runs, as `diagnose_session`, `wait_for_session` and
//! `interrupt_session` see them.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use crate::support::{Api, all_pages, error, ids, session, with_fields};

const EVENTS: &str = "/v1/sessions/sesn_1/events";
const THREADS: &str = "/v1/sessions/sesn_1/threads";

fn minutes_ago(minutes: u64) -> String {
    let at = Timestamp::now() - Duration::from_secs(minutes * 60);
    at.to_string()
}

fn event(id: &str, kind: &str, minutes: u64, fields: Value) -> Value {
    let event = json!({"id": id, "type": kind, "processed_at": minutes_ago(minutes)});
    with_fields(event, fields)
}

/// A session that changed so many minutes ago, with these events, newest first, and threads.
async fn api(status: &str, minutes: u64, events: Value, threads: Value) -> Api {
    let updated = json!({"updated_at": minutes_ago(minutes)});
    let api = Api::with_session(with_fields(session("sesn_1", status), updated)).await;
    let events: Vec<Value> = events.as_array().expect("events").clone();
    // The types and the limit of a request are honoured, as the API does.
    let answer = move |request: &Request| {
        let pairs: Vec<_> = request.url.query_pairs().collect();
        let types: Vec<_> = pairs.iter().filter(|(name, _)| name == "types[]").collect();
        let limit = pairs.iter().find(|(name, _)| name == "limit");
        let limit = limit.map_or(1_000, |(_, limit)| limit.parse().expect("a number"));
        let mut page = events.clone();
        page.retain(|event| {
            types.is_empty() || types.iter().any(|(_, kind)| event["type"] == **kind)
        });
        page.truncate(limit);
        ResponseTemplate::new(200).set_body_json(json!({"data": page, "next_page": null}))
    };
    Mock::given(matchers::path(EVENTS)).respond_with(answer).mount(&api.0).await;
    api.answers("GET", THREADS, 200, json!({"data": threads})).await;
    api
}

async fn replace_session(api: &Api, session: Value) {
    let answer = ResponseTemplate::new(200).set_body_json(session);
    let mock = Mock::given(matchers::path("/v1/sessions/sesn_1")).respond_with(answer);
    mock.with_priority(1).mount(&api.0).await;
}

async fn diagnosis(api: &Api) -> Value {
    let host = api.host().await;
    host.answer("diagnose_session", json!({"session_id": "sesn_1"})).await
}

fn thread(id: &str, status: &str, minutes: u64) -> Value {
    json!({"id": id, "type": "session_thread", "parent_thread_id": "sthr_1", "status": status,
        "agent": {"name": "Reviewer"}, "updated_at": minutes_ago(minutes)})
}

fn call(minutes: u64, fields: Value) -> Value {
    let call = json!({"name": "bash", "input": {"command": "kubectl get pods"}});
    event("evt_8", "agent.tool_use", minutes, with_fields(call, fields))
}

#[tokio::test]
async fn a_call_that_a_thread_wants_confirmed_is_found_behind_what_the_coordinator_does() {
    let asks = |minutes| {
        call(minutes, json!({"evaluated_permission": "ask", "session_thread_id": "sthr_2"}))
    };
    let pause = |minutes| {
        let reason = json!({"type": "requires_action", "event_ids": ["evt_8"]});
        event(
            "evt_9",
            "session.thread_status_idle",
            minutes,
            json!({"session_thread_id": "sthr_2", "agent_name": "Reviewer", "stop_reason": reason}),
        )
    };
    let work: Vec<Value> = (0..150)
        .map(|n| event(&format!("evt_{}", 1_000 - n), "agent.message", n / 2, json!({})))
        .collect();
    let message = || event("evt_20", "agent.message", 0, json!({}));
    let created = event("evt_1", "session.thread_created", 200, json!({}));
    let behind: Vec<Value> = work.into_iter().chain([pause(119), asks(120), created]).collect();
    for events in [json!([message(), asks(1)]), json!([message(), asks(120)]), json!(behind)] {
        let api = api("running", 0, events.clone(), json!([])).await;
        let multi =
            json!({"agent": {"id": "agent_1", "multiagent": {"type": "multiagent_20260401"}}});
        replace_session(&api, with_fields(session("sesn_1", "running"), multi)).await;
        let found = diagnosis(&api).await;
        assert_eq!(found["verdict"], "waiting_for_confirmation", "{found}");
        let waiting = &found["evidence"]["waiting"][0];
        assert_eq!(waiting["input"]["command"], "kubectl get pods");
        assert_eq!(waiting["session_thread_id"], "sthr_2");
        assert!(found["next"].as_str().expect("a step").contains("evt_8"), "{found}");
    }
}

#[tokio::test]
async fn a_quiet_session_is_not_stuck_while_a_thread_a_call_or_a_run_is_at_work() {
    let quiet = || event("evt_1", "agent.message", 120, json!({}));
    let run = |kind: &str| {
        let fields = json!({"workflow_run_id": "wrun_1", "name": "Audit"});
        event(&format!("evt_{kind}"), &format!("workflow_run.{kind}"), 40, fields)
    };
    let running = json!([quiet(), run("status_running"), run("created")]);
    let mut threads: Vec<Value> =
        (2..14).map(|n| thread(&format!("sthr_{n}"), "terminated", 1)).collect();
    threads.push(thread("sthr_20", "running", 0));
    for (events, threads, verdict) in [
        (json!([quiet()]), json!([thread("sthr_2", "running", 0)]), "working"),
        (json!([quiet()]), json!(threads), "working"),
        (json!([quiet()]), json!([thread("sthr_2", "running", 120)]), "stuck_running"),
        (json!([call(20, json!({}))]), json!([]), "tool_running"),
        (running, json!([]), "workflow_running"),
    ] {
        let api = api("running", 120, events, threads).await;
        let found = diagnosis(&api).await;
        assert_eq!(found["verdict"], verdict, "{found}");
        match verdict {
            "tool_running" => {
                let shown = &found["evidence"]["running_calls"][0]["input"]["command"];
                assert_eq!(shown, "kubectl get pods");
            }
            "workflow_running" => {
                let runs = &found["evidence"]["workflow_runs"];
                assert_eq!(runs[0]["workflow_run_id"], "wrun_1", "{found}");
            }
            _ => assert!(!found["evidence"].to_string().contains("terminated"), "{found}"),
        }
    }
}

#[tokio::test]
async fn a_thread_at_work_is_found_in_its_own_history() {
    let quiet = event("evt_1", "agent.message", 120, json!({}));
    let threads = json!([thread("sthr_2", "running", 120)]);
    let api = api("running", 120, json!([quiet]), threads).await;
    let own = json!({"data": [call(30, json!({}))], "next_page": null});
    api.answers("GET", &format!("{THREADS}/sthr_2/events"), 200, own).await;
    let found = diagnosis(&api).await;
    assert_eq!(found["verdict"], "tool_running", "{found}");
    assert_eq!(found["evidence"]["running_calls"][0]["session_thread_id"], "sthr_2");
}

#[tokio::test]
async fn an_idle_session_with_an_open_run_is_not_done() {
    let run = |kind: &str, minutes| {
        let fields = json!({"workflow_run_id": "wrun_1", "name": "Audit"});
        event(&format!("evt_{kind}"), &format!("workflow_run.{kind}"), minutes, fields)
    };
    let idle =
        event("evt_9", "session.status_idle", 1, json!({"stop_reason": {"type": "end_turn"}}));
    let events = json!([idle, run("status_idle", 2), run("created", 3)]);
    let api = api("idle", 1, events, json!([])).await;
    let found = diagnosis(&api).await;
    assert_eq!(found["verdict"], "workflow_paused", "{found}");
    let run = json!({"workflow_run_id": "wrun_1", "name": "Audit", "status": "idle"});
    assert_eq!(found["evidence"]["workflow_runs"][0]["workflow_run_id"], "wrun_1");
    assert!(!found["next"].as_str().expect("a step").contains("archive"), "{found}");
    let host = api.host().await;
    let waited = host.answer("wait_for_session", json!({"session_id": "sesn_1"})).await;
    assert_eq!(waited["busy"], false);
    assert_eq!(waited["workflow_runs"], json!([run]));
}

#[tokio::test]
async fn what_ended_a_turn_well_or_badly_is_in_the_evidence() {
    let idle =
        || event("evt_9", "session.status_idle", 1, json!({"stop_reason": {"type": "end_turn"}}));
    let error = json!({"type": "mcp_authentication_failed_error", "mcp_server_name": "linear",
        "message": "401", "retry_status": {"type": "exhausted"}});
    let failed = event("evt_5", "session.error", 2, json!({"error": error}));
    let api_of = api("idle", 1, json!([idle(), failed]), json!([])).await;
    let found = diagnosis(&api_of).await;
    assert_eq!(found["verdict"], "finished", "{found}");
    let shown = &found["evidence"]["errors"][0]["error"];
    assert_eq!(shown["type"], "mcp_authentication_failed_error", "{found}");
    assert_eq!(shown["mcp_server_name"], "linear", "{found}");
    let ended = api("terminated", 1, json!([]), json!([])).await;
    assert_eq!(diagnosis(&ended).await["verdict"], "terminated");
}

#[tokio::test]
async fn a_raised_budget_resumes_the_work_by_itself() {
    let stopped = || json!({"stop_reason": {"type": "budget_reached"}});
    let money = |amount: &str| json!({"amount": amount, "currency": "USD"});
    for (minutes, verdict) in [(0, "working"), (60, "budget_reached")] {
        let events = json!([event("evt_9", "session.status_idle", 90, stopped())]);
        let api = api("idle", minutes, events, json!([])).await;
        let raised = json!({
            "updated_at": minutes_ago(minutes),
            "budget": {"type": "limit", "max_list_cost": money("5100")},
            "usage": {"list_cost": money("5000")},
        });
        let raised = with_fields(session("sesn_1", "idle"), raised);
        replace_session(&api, raised).await;
        let found = diagnosis(&api).await;
        assert_eq!(found["verdict"], verdict, "{found}");
        let next = found["next"].as_str().expect("a step");
        assert!(next.contains("resumes by itself"), "{next}");
        assert!(next.contains("wait_for_session"), "{next}");
    }
}

#[tokio::test]
async fn an_idle_session_that_waits_is_interrupted_and_one_that_does_not_is_left_alone() {
    let pause = |reason: &str| {
        let reason = json!({"type": reason, "event_ids": ["evt_8"]});
        event("evt_9", "session.status_idle", 1, json!({"stop_reason": reason}))
    };
    for (reason, dry_run, outcome) in [
        ("requires_action", false, "interrupt_sent"),
        ("requires_action", true, "would_interrupt"),
        ("end_turn", false, "nothing_to_do"),
    ] {
        let api = api("idle", 1, json!([pause(reason)]), json!([])).await;
        let arguments = json!({"session_id": "sesn_1", "wait_seconds": 0, "dry_run": dry_run});
        let interrupted = api.host().await.outcome("interrupt_session", arguments).await;
        assert_eq!(interrupted, outcome, "{reason}");
        let sent = api.writes().await.len();
        assert_eq!(sent, usize::from(outcome == "interrupt_sent"), "{reason}");
    }
}

#[tokio::test]
async fn a_threads_own_history_is_listed_filtered_and_paged_in_both_orders() {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let own = format!("{THREADS}/sthr_2/events");
    let all: Vec<Value> = (0..6)
        .map(|n| {
            let kind = if n % 2 == 0 { "agent.message" } else { "agent.tool_use" };
            event(&format!("evt_{n}"), kind, 60 - n, json!({}))
        })
        .collect();
    // Oldest first, two a page, whatever is asked for.
    let pages = all.clone();
    let answer = move |request: &Request| {
        let pairs: Vec<_> = request.url.query_pairs().collect();
        assert!(pairs.iter().all(|(name, _)| name == "limit" || name == "page"), "{pairs:?}");
        let page = pairs.iter().find(|(name, _)| name == "page");
        let start: usize = page.map_or(0, |(_, page)| page.parse().expect("a number"));
        let next = (start + 2 < pages.len()).then(|| (start + 2).to_string());
        let data = &pages[start..(start + 2).min(pages.len())];
        ResponseTemplate::new(200).set_body_json(json!({"data": data, "next_page": next}))
    };
    Mock::given(matchers::path(own)).respond_with(answer).mount(&api.0).await;
    let host = api.host().await;
    for (more, expected) in [
        (json!({}), vec!["evt_5", "evt_4", "evt_3", "evt_2", "evt_1", "evt_0"]),
        (json!({"order": "asc"}), vec!["evt_0", "evt_1", "evt_2", "evt_3", "evt_4", "evt_5"]),
        (json!({"types": ["agent.message"]}), vec!["evt_4", "evt_2", "evt_0"]),
        (json!({"after": minutes_ago(57)}), vec!["evt_5", "evt_4"]),
    ] {
        let thread = json!({"session_id": "sesn_1", "session_thread_id": "sthr_2", "limit": 2});
        let arguments = with_fields(thread, more);
        let found = all_pages(&host, "list_session_events", arguments.clone(), "events").await;
        assert_eq!(ids(&found), expected, "{arguments}");
    }
}

#[tokio::test]
async fn an_unknown_thread_is_named_and_the_session_is_not_called_gone() {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let gone = error("not_found_error", "no such thread");
    api.answers("GET", &format!("{THREADS}/sthr_9/events"), 404, gone).await;
    let host = api.host().await;
    let arguments = json!({"session_id": "sesn_1", "session_thread_id": "sthr_9"});
    let failure = host.failure("list_session_events", arguments).await;
    assert!(failure.starts_with("not_found: session sesn_1 has no thread sthr_9"), "{failure}");
    assert!(failure.contains("session.thread_created"), "{failure}");
    for bad in ["..", "a b"] {
        let arguments = json!({"session_id": "sesn_1", "session_thread_id": bad});
        let code = host.outcome("list_session_events", arguments).await;
        assert_eq!(code, "invalid_arguments", "{bad:?}");
    }
}
