//! Messages and answers with services that keep events in their own way.

use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use std::slice::from_ref;

use managed_sessions_mcp::cli::Flags;

use crate::support::{Api, session, with_fields};

const EVENTS: &str = "/v1/sessions/sesn_1/events";

fn page(events: &[Value]) -> Value {
    json!({"data": events, "next_page": null})
}

/// A service keeps what is said with fields of its own, or its text alone.
fn kept(text: &str) -> [Value; 3] {
    [
        json!([{"type": "text", "text": text}]),
        json!([{"type": "text", "text": text, "citations": null}]),
        json!(text),
    ]
}

/// It is the one that was sent, whatever the service adds, with an id or without one.
#[tokio::test]
async fn a_message_is_found_as_the_service_keeps_it() {
    let said = |id: Option<&str>, content: &Value| {
        let event = json!({"type": "user.message", "content": content});
        id.map_or_else(|| event.clone(), |id| with_fields(event.clone(), json!({"id": id})))
    };
    let earlier = json!("Go on.");
    for content in kept("Go on.") {
        for id in [Some("sevt_2"), None] {
            let api = Api::with_session(session("sesn_1", "idle")).await;
            let before = said(id.map(|_| "sevt_1"), &earlier);
            api.answers_times(2, ("GET", EVENTS), 200, page(from_ref(&before))).await;
            api.answers("GET", EVENTS, 200, page(&[said(id, &content), before])).await;
            api.answers("POST", EVENTS, 202, Value::Null).await;
            let arguments = json!({"session_id": "sesn_1", "text": "Go on."});
            let answer = api.host().await.answer("send_message", arguments).await;
            assert_eq!(answer["outcome"], "sent", "{content}");
            assert_eq!(answer.get("event_id"), id.map(Value::from).as_ref(), "{content}");
        }
    }
}

#[tokio::test]
async fn a_result_is_found_as_the_service_keeps_it() {
    let call =
        json!({"type": "agent.custom_tool_use", "id": "sevt_1", "name": "look", "input": {}});
    let result =
        json!({"type": "user.custom_tool_result", "id": "sevt_2", "custom_tool_use_id": "sevt_1"});
    let contents = kept("It is lost.");
    let contents = contents.iter().map(|content| json!({"content": content}));
    for (content, expected) in contents
        .map(|content| (content, "answered"))
        .chain([(json!({}), "answered"), (json!({"content": "Another."}), "not_waiting")])
    {
        let api = Api::with_session(session("sesn_1", "idle")).await;
        api.answers_once("GET", EVENTS, 200, page(from_ref(&call))).await;
        let kept = with_fields(result.clone(), content.clone());
        api.answers("GET", EVENTS, 200, page(&[kept, call.clone()])).await;
        api.answers("POST", EVENTS, 202, Value::Null).await;
        let arguments = json!({"session_id": "sesn_1", "result": "It is lost."});
        let host = api.host().await;
        if expected == "answered" {
            assert_eq!(host.outcome("answer_session", arguments).await, expected, "{content}");
        } else {
            let failure = host.failure("answer_session", arguments).await;
            assert!(failure.starts_with(expected), "{content}: {failure}");
        }
    }
}

/// An answer that the service goes on refusing is a conflict: that its call waits is no reason.
#[tokio::test]
async fn an_answer_that_is_refused_again_and_again_is_a_conflict() {
    let call = json!({"type": "agent.tool_use", "id": "sevt_1", "name": "bash", "input": {}, "evaluated_permission": "ask"});
    let api = Api::with_session(session("sesn_1", "idle")).await;
    api.answers("GET", EVENTS, 200, page(&[call])).await;
    api.answers("POST", EVENTS, 409, json!({"error": "not now"})).await;
    let arguments = json!({"session_id": "sesn_1", "decision": "allow"});
    let failure = api.host().await.failure("answer_session", arguments).await;
    assert!(failure.starts_with("conflict: ") && failure.contains("not now"), "{failure}");
}

/// Times to the second do not tell the turn that a message begins from the one before it.
#[tokio::test]
async fn what_an_earlier_turn_said_is_not_the_reply() {
    let at = "2026-11-01T10:00:00Z";
    let event = |id: &str, kind: &str, more: Value| {
        with_fields(json!({"id": id, "type": kind, "processed_at": at}), more)
    };
    let text = |text: &str| json!({"content": [{"type": "text", "text": text}]});
    let end = json!({"stop_reason": {"type": "end_turn"}});
    let earlier = [
        event("sevt_2", "session.status_idle", end.clone()),
        event("sevt_1", "agent.message", text("Earlier.")),
    ];
    let message = event("sevt_3", "user.message", text("And now?"));
    let queued = with_fields(message.clone(), json!({"processed_at": null}));
    let ended = [
        event("sevt_5", "session.status_idle", end),
        event("sevt_4", "agent.message", text("Now.")),
    ];
    let taken_up = [&ended[..], from_ref(&message), &earlier[..]].concat();
    let not_yet = [from_ref(&queued), &earlier[..]].concat();
    let terminated = event("sevt_6", "session.status_terminated", json!({}));
    let terminated = [&[terminated, message.clone()], &earlier[..]].concat();
    for (status, history, reply, reason, warns) in [
        ("idle", taken_up, json!("Now."), json!("end_turn"), false),
        ("idle", not_yet, Value::Null, Value::Null, true),
        ("terminated", terminated, Value::Null, Value::Null, false),
    ] {
        let api = Api::new().await;
        api.answers_times(2, ("GET", "/v1/sessions/sesn_1"), 200, session("sesn_1", "idle")).await;
        api.answers("GET", "/v1/sessions/sesn_1", 200, session("sesn_1", status)).await;
        api.answers_times(2, ("GET", EVENTS), 200, page(&earlier)).await;
        api.answers("GET", EVENTS, 200, page(&history)).await;
        api.answers("POST", EVENTS, 200, json!({"data": [queued]})).await;
        let arguments = json!({"session_id": "sesn_1", "text": "And now?", "wait_seconds": 1});
        let answer = api.host().await.answer("send_message", arguments).await;
        assert_eq!(answer["reply"], reply, "{answer}");
        assert_eq!(answer["stop_reason"]["type"], reason, "{answer}");
        assert_eq!(answer["warnings"].to_string().contains("taken up"), warns, "{answer}");
        assert_eq!(answer["session"]["status"], status, "{answer}");
    }
}

/// Of a session that waits for several, each can be answered by what the refusal says.
#[tokio::test]
async fn a_refused_message_names_each_call_that_waits_by_its_id() {
    let call = |id: &str| json!({"type": "agent.tool_use", "id": id, "name": "bash", "input": {"command": id}, "evaluated_permission": "ask"});
    let ids: Vec<String> = (0..30).map(|n| format!("sevt_{n}")).collect();
    let calls = ids.iter().map(|id| call(id));
    let pause = json!({"type": "session.status_idle", "id": "sevt_p", "stop_reason": {"type": "requires_action", "event_ids": ids}});
    let events: Vec<Value> = std::iter::once(pause).chain(calls).collect();
    let api = Api::with_session(session("sesn_1", "idle")).await;
    api.answers("GET", EVENTS, 200, page(&events)).await;
    let host = api.host().await;
    let message = json!({"session_id": "sesn_1", "text": "Go on."});
    let failure = host.failure("send_message", message).await;
    assert!(failure.contains("sevt_0 (\"bash: sevt_0\"), sevt_1"), "{failure}");
    assert!(failure.contains("and 25 more") && failure.contains("answer_session"), "{failure}");
    let arguments =
        json!({"session_id": "sesn_1", "event_id": "sevt_7", "decision": "deny", "dry_run": true});
    let answer = host.answer("answer_session", arguments).await;
    assert_eq!(answer["waiting"].as_array().map(Vec::len), Some(10));
    assert_eq!(answer["waiting_more"], 19);
    let waited = host.answer("wait_for_session", json!({"session_id": "sesn_1"})).await;
    assert_eq!(
        (&waited["waiting"][0]["event_id"], &waited["waiting_more"]),
        (&json!("sevt_0"), &json!(20))
    );
}

/// No amount is above a cost that nobody knows.
#[tokio::test]
async fn a_budget_without_a_price_is_to_be_removed() {
    let stopped = json!({"type": "session.status_idle", "id": "sevt_1", "stop_reason": {"type": "budget_reached"}});
    let limit = json!({"budget": {"type": "limit", "max_list_cost": {"amount": "500", "currency": "USD"}}, "usage": {}});
    let api = Api::with_session(with_fields(session("sesn_1", "idle"), limit)).await;
    api.answers("GET", EVENTS, 200, page(&[stopped])).await;
    let host = api.host().await;
    let message = json!({"session_id": "sesn_1", "text": "Go on."});
    let failure = host.failure("send_message", message).await;
    assert!(failure.starts_with("budget_reached: "), "{failure}");
    let diagnosis = host.answer("diagnose_session", json!({"session_id": "sesn_1"})).await;
    for said in [failure.as_str(), diagnosis["next"].as_str().expect("a step")] {
        assert!(said.contains("\"clear\":[\"budget\"]"), "{said}");
    }
}

/// A call whose input has changed since is another one; and a person is shown all of it that can
/// be read.
#[tokio::test]
async fn an_approval_is_of_one_input() {
    let command = format!("rm -r build {}", "x".repeat(300));
    let call = |command: &str| {
        let input = json!({"command": command});
        page(&[
            json!({"type": "agent.tool_use", "id": "sevt_1", "name": "bash", "input": input, "evaluated_permission": "ask"}),
        ])
    };
    let api = Api::with_session(session("sesn_1", "idle")).await;
    api.answers_once("GET", EVENTS, 200, call(&command)).await;
    api.answers("GET", EVENTS, 200, call("rm -r /")).await;
    let token = Flags { confirm_approvals: Some("token".to_owned()), ..Flags::default() };
    let host = api.host_with(token).await;
    let allow = json!({"session_id": "sesn_1", "decision": "allow"});
    let required = host.answer("answer_session", allow.clone()).await;
    assert_eq!(required["answered"]["input"], command);
    let token = json!({"confirmation_token": required["confirmation_token"]});
    let failure = host.failure("answer_session", with_fields(allow, token)).await;
    assert!(failure.starts_with("confirmation_invalid: "), "{failure}");
    assert_eq!(api.writes().await, [""; 0]);
}

/// The same call is shown alike by every tool, also where more calls than one page holds were
/// carried out since.
#[tokio::test]
async fn an_old_call_is_shown_alike_everywhere() {
    let call = json!({"type": "agent.tool_use", "id": "sevt_1", "name": "bash", "input": {"command": "make deploy"}, "evaluated_permission": "ask", "processed_at": "2026-11-01T10:00:00Z"});
    let pause = json!({"type": "session.status_idle", "id": "sevt_p", "stop_reason": {"type": "requires_action", "event_ids": ["sevt_1"]}});
    let done = (0..300).map(|n| json!({"type": "agent.tool_use", "id": format!("sevt_d{n}"), "name": "read", "input": {}, "evaluated_permission": "allow"}));
    let all: Vec<Value> = std::iter::once(pause).chain(done).chain([call]).collect();
    let api = Api::new().await;
    let record = session("sesn_1", "idle");
    api.answers("GET", "/v1/sessions", 200, page(from_ref(&record))).await;
    api.answers("GET", "/v1/sessions/sesn_1", 200, record).await;
    let history = move |request: &wiremock::Request| {
        let query: Vec<_> = request.url.query_pairs().collect();
        let limit = query.iter().find(|(name, _)| name == "limit");
        let limit = limit.and_then(|(_, value)| value.parse().ok()).unwrap_or(1_000);
        let types: Vec<_> = query.iter().filter(|(name, _)| name == "types[]").collect();
        let wanted = |event: &&Value| {
            types.is_empty() || types.iter().any(|(_, kind)| event["type"] == kind.as_ref())
        };
        let events: Vec<Value> = all.iter().filter(wanted).take(limit).cloned().collect();
        ResponseTemplate::new(200).set_body_json(page(&events))
    };
    let read = Mock::given(matchers::method("GET")).and(matchers::path(EVENTS));
    read.respond_with(history).mount(&api.0).await;
    let host = api.host().await;
    let id = json!({"session_id": "sesn_1"});
    let of = |answer: &Value| {
        (answer["event_id"].clone(), answer["tool"].clone(), answer["input"].clone())
    };
    let expected = (json!("sevt_1"), json!("bash"), json!("make deploy"));
    for tool in ["get_session", "wait_for_session"] {
        assert_eq!(of(&host.answer(tool, id.clone()).await["waiting"][0]), expected, "{tool}");
    }
    let deny = with_fields(id.clone(), json!({"decision": "deny", "dry_run": true}));
    assert_eq!(of(&host.answer("answer_session", deny).await["answered"]), expected);
    let diagnosis = host.answer("diagnose_session", id.clone()).await;
    assert_eq!(diagnosis["evidence"]["waiting"][0]["input"]["command"], "make deploy");
    let triage = host.answer("triage_sessions", json!({})).await;
    let row = &triage["attention"][0];
    assert_eq!(
        (&row["event_id"], &row["waiting_for"]),
        (&json!("sevt_1"), &json!("bash: make deploy"))
    );
    assert_eq!(row["since"], "2026-11-01T10:00:00Z");
    let message = with_fields(id, json!({"text": "Go on."}));
    let failure = host.failure("send_message", message).await;
    assert!(failure.contains("\"bash: make deploy\"") && failure.contains("sevt_1"), "{failure}");
}
