//! `wait_for_session` and `diagnose_session`: until when, and why.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use managed_sessions_mcp::{
    cli::Flags,
    mcp::server::SessionsServer,
    sandbox::{Options, Quirk},
};
use rmcp::{
    ClientHandler, RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, ProgressNotificationParam},
    service::NotificationContext,
};
use serde_json::{Value, json};

use super::sandbox;
use crate::support::{Api, Host, came, config, error, session};

const ONE: &str = "/v1/sessions/sesn_1";
const EVENTS: &str = "/v1/sessions/sesn_1/events";

/// A host that writes down what it is told meanwhile.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<ProgressNotificationParam>>>);

impl ClientHandler for Listener {
    async fn on_progress(
        &self,
        told: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.0.lock().expect("no panic").push(told);
    }
}

#[tokio::test]
async fn waiting_ends_with_the_turn_and_says_why_it_stopped() {
    let api = Api::new().await;
    for _ in 0..3 {
        api.answers_once("GET", ONE, 200, session("sesn_1", "running"))
            .await;
    }
    api.answers("GET", ONE, 200, session("sesn_1", "idle"))
        .await;
    let reason = json!({"type": "requires_action", "event_ids": ["evt_7"]});
    let idle = json!({"id": "evt_8", "type": "session.status_idle", "stop_reason": reason});
    api.answers("GET", EVENTS, 200, json!({"data": [idle]}))
        .await;
    let listener = Listener::default();
    let (here, there) = tokio::io::duplex(1 << 20);
    tokio::spawn(SessionsServer::new(config(Flags::default(), &api.0.uri())).serve_on(there));
    let client = listener
        .clone()
        .serve(here)
        .await
        .expect("the handshake succeeds");
    let Value::Object(arguments) = json!({"session_id": "sesn_1", "wait_seconds": "10"}) else {
        panic!("an object")
    };
    let request = CallToolRequestParams::new("wait_for_session").with_arguments(arguments);
    let answer = came(client.call_tool(request).await.expect("an answer")).answer();
    assert_eq!(
        (&answer["status"], &answer["busy"], &answer["stop_reason"]),
        (&json!("idle"), &json!(false), &reason)
    );
    assert_eq!(answer["session"]["id"], "sesn_1");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let told = listener.0.lock().expect("no panic").clone();
    assert_eq!(told.len(), 3, "at once, then one a poll: {told:?}");
    assert!(
        told.windows(2)
            .all(|pair| pair[0].progress < pair[1].progress)
    );
    assert_eq!(told[0].message.as_deref(), Some("sesn_1 is running"));
}

#[tokio::test]
async fn a_session_that_stays_busy_is_an_answer_and_no_failure() {
    let sandbox = sandbox(Options::default()).await;
    let host = Host::on(&sandbox.base_url()).await;
    let arguments = json!({"session_id": "sesn_04", "wait_seconds": 1});
    let answer = host.call("wait_for_session", arguments).await.answer();
    assert_eq!(
        (&answer["busy"], &answer["waited_seconds"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(answer.get("stop_reason"), None);
    let waits = host
        .call("wait_for_session", json!({"session_id": "sesn_13"}))
        .await
        .answer();
    assert_eq!(waits["stop_reason"]["type"], "budget_reached");
    assert_eq!(waits["waited_seconds"], 0);
}

#[tokio::test]
async fn every_seeded_session_has_its_diagnosis() {
    let sandbox = sandbox(Options::default()).await;
    let host = Host::on(&sandbox.base_url()).await;
    let expected = [
        ("sesn_01", "waiting_for_message"),
        ("sesn_02", "waiting_for_confirmation"),
        ("sesn_03", "waiting_for_tool_result"),
        ("sesn_04", "stuck_running"),
        ("sesn_05", "working"),
        ("sesn_06", "working"),
        ("sesn_07", "terminated_error"),
        ("sesn_08", "archived"),
        ("sesn_10", "waiting_for_message"),
        ("sesn_12", "stuck_running"),
        ("sesn_13", "budget_reached"),
        ("sesn_14", "retries_exhausted"),
    ];
    for quirks in [vec![], vec![Quirk::IgnoresOrder]] {
        sandbox.set_quirks(quirks);
        for (id, verdict) in expected {
            let answer = host
                .call("diagnose_session", json!({"session_id": id}))
                .await
                .answer();
            assert_eq!(answer["verdict"], verdict, "{answer}");
            assert!(
                answer["evidence"]["last_event"]["id"].is_string(),
                "{answer}"
            );
            assert!(answer.to_string().len() < 4_000, "{answer}");
        }
    }
    let answer = host
        .call("diagnose_session", json!({"session_id": "sesn_02"}))
        .await
        .answer();
    let waiting = &answer["evidence"]["waiting"][0];
    assert_eq!(
        (&waiting["tool"], &waiting["permission"]),
        (&json!("bash"), &json!("ask"))
    );
    let event = format!(r#""tool_use_id":{}"#, waiting["id"]);
    assert!(
        answer["next"].as_str().expect("a text").contains(&event),
        "{answer}"
    );
    let crew = host
        .call("diagnose_session", json!({"session_id": "sesn_12"}))
        .await
        .answer();
    assert!(
        crew["evidence"]["threads"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "{crew}"
    );
}

#[tokio::test]
async fn what_a_session_waits_for_is_found_behind_many_events() {
    let api = Api::new().await;
    api.answers("GET", ONE, 200, session("sesn_1", "idle"))
        .await;
    let event = |n: usize, kind: &str| json!({"id": format!("evt_{n}"), "type": kind, "processed_at": format!("2026-03-01T00:{:02}:{:02}Z", n / 60, n % 60)});
    let mut call = event(10, "agent.custom_tool_use");
    call["name"] = json!("lookup");
    let mut pause = event(50, "session.status_idle");
    pause["stop_reason"] = json!({"type": "requires_action", "event_ids": ["evt_10"]});
    let api_events = move |request: &wiremock::Request| {
        let asked: Vec<String> = request
            .url
            .query_pairs()
            .filter(|(name, _)| name == "types[]")
            .map(|(_, value)| value.into_owned())
            .collect();
        let mut all: Vec<Value> = (51..200)
            .rev()
            .map(|n| event(n, "span.model_request_end"))
            .collect();
        all.extend([pause.clone(), call.clone()]);
        all.retain(|each| asked.is_empty() || asked.iter().any(|kind| each["type"] == **kind));
        all.truncate(100);
        wiremock::ResponseTemplate::new(200).set_body_json(json!({"data": all, "next_page": null}))
    };
    wiremock::Mock::given(wiremock::matchers::path(EVENTS))
        .respond_with(api_events)
        .mount(&api.0)
        .await;
    let host = Host::on(&api.0.uri()).await;
    let answer = host
        .call("diagnose_session", json!({"session_id": "sesn_1"}))
        .await
        .answer();
    assert_eq!(answer["verdict"], "waiting_for_tool_result", "{answer}");
    assert_eq!(answer["evidence"]["waiting"][0]["tool"], "lookup");
}

#[tokio::test]
async fn gone_and_foreign_sessions_are_failures() {
    let api = Api::new().await;
    api.answers("GET", ONE, 200, session("sesn_1", "idle"))
        .await;
    api.answers(
        "GET",
        "/v1/sessions/sesn_2",
        404,
        error("not_found_error", "Gone."),
    )
    .await;
    let flags = Flags {
        allow_agent: vec!["agent_other".into()],
        ..Flags::default()
    };
    let host = Host::with(flags, &api.0.uri()).await;
    for tool in ["wait_for_session", "diagnose_session"] {
        let code = host
            .call(tool, json!({"session_id": "sesn_1"}))
            .await
            .code();
        assert_eq!(code, "agent_not_allowed", "{tool}");
        let code = host
            .call(tool, json!({"session_id": "sesn_2"}))
            .await
            .code();
        assert_eq!(code, "not_found", "{tool}");
    }
    let asked = api.asked().await;
    assert!(
        asked.iter().all(|each| !each.contains("events")),
        "{asked:?}"
    );
    let wrong = json!({"session_id": "sesn_1", "wait_seconds": 41});
    assert_eq!(
        host.call("wait_for_session", wrong).await.code(),
        "invalid_arguments"
    );
}
