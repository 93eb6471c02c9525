//! `wait_for_session` and `diagnose_session`.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use managed_sessions_mcp::{cli::Flags, sandbox::Quirk};
use rmcp::{
    ClientHandler, RoleClient, ServiceExt as _, model::ProgressNotificationParam,
    service::NotificationContext,
};
use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use super::allowing;
use crate::{
    reply::Reply,
    support::{Api, Host, config, error, in_time, request, sandbox, serve, session, with_fields},
};

const SESSION: &str = "/v1/sessions/sesn_1";
const EVENTS: &str = "/v1/sessions/sesn_1/events";

async fn diagnose(host: &Host, id: &str) -> Value {
    let arguments = json!({"session_id": id});
    host.answer("diagnose_session", arguments).await
}

/// A host that keeps the progress notifications.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<ProgressNotificationParam>>>);

impl Listener {
    fn received(&self) -> Vec<ProgressNotificationParam> {
        self.0.lock().expect("no panic").clone()
    }
}

impl ClientHandler for Listener {
    async fn on_progress(
        &self,
        progress: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.0.lock().expect("no panic").push(progress);
    }
}

#[tokio::test]
async fn a_wait_ends_with_the_turn_and_reports_why_it_stopped() {
    let api = Api::new().await;
    let running = session("sesn_1", "running");
    api.answers_times(3, ("GET", SESSION), 200, running).await;
    api.answers("GET", SESSION, 200, session("sesn_1", "idle")).await;
    let reason = json!({"type": "requires_action", "event_ids": ["evt_7"]});
    let idle = json!({"id": "evt_8", "type": "session.status_idle", "stop_reason": reason});
    api.answers("GET", EVENTS, 200, json!({"data": [idle]})).await;
    let listener = Listener::default();
    let pipe = serve(config(Flags::default(), &api.url()));
    let client = listener.clone().serve(pipe).await;
    let client = client.expect("the handshake succeeds");
    let arguments = json!({"session_id": "sesn_1", "wait_seconds": "10"});
    let result = client.call_tool(request("wait_for_session", arguments)).await;
    let answer = Reply::of(result.expect("a result")).answer();
    assert_eq!(answer["status"], "idle");
    assert_eq!(answer["busy"], false);
    assert_eq!(answer["stop_reason"], reason);
    assert_eq!(answer["session"]["id"], "sesn_1");
    // One notification at once, then one a poll; they may come after the answer.
    let all_arrive = async {
        while listener.received().len() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    in_time(all_arrive).await;
    let received = listener.received();
    assert_eq!(received.len(), 3, "{received:?}");
    let mut pairs = received.windows(2);
    assert!(pairs.all(|pair| pair[0].progress < pair[1].progress));
    assert_eq!(received[0].message.as_deref(), Some("sesn_1 is running"));
}

#[tokio::test]
async fn a_session_that_stays_busy_is_an_answer_and_no_failure() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let busy = json!({"session_id": "sesn_04", "wait_seconds": 1});
    let busy = host.answer("wait_for_session", busy).await;
    assert_eq!(busy["busy"], true);
    assert_eq!(busy["waited_seconds"], 1);
    assert_eq!(busy.get("stop_reason"), None);
    let idle = json!({"session_id": "sesn_13"});
    let idle = host.answer("wait_for_session", idle).await;
    assert_eq!(idle["stop_reason"]["type"], "budget_reached");
    assert_eq!(idle["waited_seconds"], 0);
}

#[tokio::test]
async fn every_seeded_session_has_its_diagnosis() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let expected = [
        ("sesn_01", "finished"),
        ("sesn_02", "waiting_for_confirmation"),
        ("sesn_03", "waiting_for_tool_result"),
        ("sesn_04", "stuck_running"),
        ("sesn_05", "working"),
        ("sesn_06", "working"),
        ("sesn_07", "terminated_error"),
        ("sesn_08", "archived"),
        ("sesn_10", "finished"),
        ("sesn_12", "stuck_running"),
        ("sesn_13", "budget_reached"),
        ("sesn_14", "retries_exhausted"),
    ];
    for quirks in [vec![], vec![Quirk::IgnoresOrder]] {
        sandbox.set_quirks(quirks);
        for (id, verdict) in expected {
            let answer = diagnose(&host, id).await;
            assert_eq!(answer["verdict"], verdict, "{answer}");
            let last = &answer["evidence"]["last_event"]["id"];
            assert!(last.is_string(), "{answer}");
            assert!(answer.to_string().len() < 4_000, "{answer}");
        }
    }
    let answer = diagnose(&host, "sesn_02").await;
    let waiting = &answer["evidence"]["waiting"][0];
    assert_eq!(waiting["tool"], "bash");
    assert_eq!(waiting["permission"], "ask");
    let event = format!(r#""event_id":{}"#, waiting["id"]);
    let next = answer["next"].as_str().expect("a text");
    assert!(next.contains(&event), "{next}");
    let answer = diagnose(&host, "sesn_12").await;
    let threads = answer["evidence"]["threads"].as_array();
    assert!(threads.is_some_and(|all| !all.is_empty()), "{answer}");
}

#[tokio::test]
async fn what_a_session_waits_for_is_found_behind_many_events() {
    let event = |n: usize, kind: &str, fields: Value| {
        let at = format!("2026-03-01T00:{:02}:{:02}Z", n / 60, n % 60);
        let event = json!({"id": format!("evt_{n}"), "type": kind, "processed_at": at});
        with_fields(event, fields)
    };
    let reason = json!({"type": "requires_action", "event_ids": ["evt_10"]});
    let idle = json!({"stop_reason": reason});
    let mut events: Vec<Value> =
        (51..200).rev().map(|n| event(n, "span.model_request_end", json!({}))).collect();
    events.push(event(50, "session.status_idle", idle));
    events.push(event(10, "agent.custom_tool_use", json!({"name": "lookup"})));
    // A page has a hundred events, of the types that were asked for.
    let answer = move |request: &Request| {
        let pairs = request.url.query_pairs();
        let types: Vec<_> = pairs.filter(|(name, _)| name == "types[]").collect();
        let mut page = events.clone();
        page.retain(|event| {
            types.is_empty() || types.iter().any(|(_, kind)| event["type"] == **kind)
        });
        page.truncate(100);
        ResponseTemplate::new(200).set_body_json(json!({"data": page, "next_page": null}))
    };
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let mock = Mock::given(matchers::path(EVENTS)).respond_with(answer);
    mock.mount(&api.0).await;
    let answer = diagnose(&api.host().await, "sesn_1").await;
    assert_eq!(answer["verdict"], "waiting_for_tool_result", "{answer}");
    assert_eq!(answer["evidence"]["waiting"][0]["tool"], "lookup");
}

#[tokio::test]
async fn missing_sessions_and_other_agents_are_failures() {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let gone = error("not_found_error", "Gone.");
    api.answers("GET", "/v1/sessions/sesn_2", 404, gone).await;
    let host = api.host_with(allowing("agent_other")).await;
    for tool in ["wait_for_session", "diagnose_session"] {
        for (id, code) in [("sesn_1", "agent_not_allowed"), ("sesn_2", "not_found")] {
            let outcome = host.outcome(tool, json!({"session_id": id})).await;
            assert_eq!(outcome, code, "{tool}");
        }
    }
    let requests = api.asked().await;
    let mut requests = requests.iter();
    assert!(requests.all(|each| !each.contains("events")), "{requests:?}");
    let too_long = json!({"session_id": "sesn_1", "wait_seconds": 41});
    let code = host.outcome("wait_for_session", too_long).await;
    assert_eq!(code, "invalid_arguments");
}
