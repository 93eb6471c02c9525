//! `send_message`.

use managed_sessions_mcp::sandbox::{Effect, Fault};
use serde_json::{Value, json};

use super::{newest, quick_sandbox, sends, stored};
use crate::{
    reply::{DOUBT, Reply},
    support::{Api, Host, error, sandbox, session, with_fields},
};

const MESSAGE: &str = "user.message";

#[tokio::test]
async fn a_message_is_sent_and_its_reply_waited_for() {
    let sandbox = quick_sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let message =
        json!({"session_id": "sesn_01", "text": "What did you change?", "wait_seconds": 20});
    let dry_run = with_fields(message.clone(), json!({"dry_run": true}));
    let would = host.answer("send_message", dry_run).await;
    assert_eq!((&would["outcome"], sends(&sandbox)), (&json!("would_send"), 0));
    let answer = host.answer("send_message", message).await;
    let sent = newest(&sandbox, "sesn_01", MESSAGE).await;
    assert_eq!((&answer["outcome"], &answer["event_id"]), (&json!("sent"), &sent["id"]));
    assert_eq!(sent["content"][0]["text"], "What did you change?");
    assert_eq!(
        (&answer["status"], &answer["stop_reason"]["type"]),
        (&json!("idle"), &json!("end_turn"))
    );
    let reply = newest(&sandbox, "sesn_01", "agent.message").await;
    assert_eq!(answer["reply"], reply["content"][0]["text"]);
}

/// Seeded: `sesn_05` is running.
#[tokio::test]
async fn a_session_at_work_is_queued_for_refused_or_stopped_first() {
    let sandbox = quick_sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let message = |if_busy: &str| json!({"session_id": "sesn_05", "text": "Stop at ten.", "if_busy": if_busy});
    let failure = host.failure("send_message", message("refuse")).await;
    assert!(failure.starts_with("session_running: "), "{failure}");
    assert!(failure.contains("\"if_busy\":\"queue\""), "{failure}");
    assert_eq!(sends(&sandbox), 0);
    let dry_run = with_fields(message("interrupt"), json!({"dry_run": true}));
    assert_eq!(host.answer("send_message", dry_run).await["first"], "interrupt");
    assert_eq!(host.outcome("send_message", message("queue")).await, "sent");
    let queued = newest(&sandbox, "sesn_05", MESSAGE).await;
    assert_eq!(queued["processed_at"], Value::Null);
    assert_eq!(sends(&sandbox), 1);
    assert_eq!(host.outcome("send_message", message("interrupt")).await, "sent");
    assert_eq!(sends(&sandbox), 3, "an interrupt and a message");
}

#[tokio::test]
async fn what_takes_no_message_is_one_failure_and_nothing_is_sent() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let long = "x".repeat(1 << 20);
    let table = [
        ("sesn_02", json!({"text": "Go on."}), "session_waiting", "answer_session"),
        ("sesn_03", json!({"text": "Go on."}), "session_waiting", "lookup_order"),
        ("sesn_13", json!({"text": "Go on."}), "budget_reached", "update_session"),
        ("sesn_07", json!({"text": "Go on."}), "session_terminated", "start a new session"),
        ("sesn_08", json!({"text": "Go on."}), "session_archived", "sesn_08"),
        ("sesn_0", json!({"text": "Go on."}), "not_found", "sesn_0"),
        ("sesn_01", json!({"text": ""}), "invalid_arguments", "text"),
        ("sesn_01", json!({"text": " "}), "invalid_arguments", "text"),
        ("sesn_01", json!({"text": null}), "invalid_arguments", "text"),
        ("sesn_01", json!({"text": long}), "invalid_arguments", "100000"),
        ("sesn_01", json!({"text": "x", "wait_seconds": 41}), "invalid_arguments", "wait_seconds"),
        ("sesn_01", json!({"text": "x", "if_busy": "wait"}), "invalid_arguments", "queue"),
        (
            "sesn_01",
            json!({"text": "x", "expected_updated_at": "2026-01-01T00:00:00Z"}),
            "session_changed",
            "sesn_01",
        ),
    ];
    for (id, arguments, code, part) in table {
        let arguments = with_fields(json!({"session_id": id}), arguments);
        let failure = host.failure("send_message", arguments).await;
        assert!(failure.starts_with(&format!("{code}: ")), "{id}: {failure}");
        assert!(failure.contains(part) && failure.len() < 1_000, "{id}, {part}: {failure}");
    }
    assert_eq!(sends(&sandbox), 0);
}

/// A message that arrived is sent, whatever became of the answer; one that did not is never
/// repeated, unless the service surely did not take it.
#[tokio::test]
async fn a_message_is_never_sent_twice() {
    let status = |status| Effect::Status { status, retry_after: None, should_retry: Some(true) };
    for (effect, expected) in [
        (Effect::ResetAfter, "sent"),
        (Effect::Truncated, "sent"),
        (Effect::Reset, DOUBT),
        (status(500), DOUBT),
        (status(503), DOUBT),
        (status(429), "sent"),
    ] {
        let sandbox = sandbox().await;
        let host = Host::new(&sandbox.base_url()).await;
        let shown = format!("{effect:?}");
        let is_limit = shown.contains("429");
        sandbox.fail(Fault::new(effect).on("POST", "/events"));
        let before = newest(&sandbox, "sesn_01", MESSAGE).await;
        let arguments = json!({"session_id": "sesn_01", "text": "And the docs?"});
        match host.call("send_message", arguments).await {
            Reply::Answer(answer) => {
                assert_eq!(expected, "sent", "{shown}");
                let now = newest(&sandbox, "sesn_01", MESSAGE).await;
                assert_eq!(
                    (&answer["outcome"], &answer["event_id"]),
                    (&json!("sent"), &now["id"]),
                    "{shown}"
                );
                assert_ne!(now["id"], before["id"], "{shown}");
            }
            Reply::Failure(text, parts) => {
                assert!(text.contains(expected), "{shown}: {text}");
                assert_eq!(parts["in_doubt"], true, "{shown}");
                assert!(text.contains("\"types\":[\"user.message\"]"), "{text}");
                assert_eq!(newest(&sandbox, "sesn_01", MESSAGE).await["id"], before["id"]);
            }
        }
        assert_eq!(sends(&sandbox), if is_limit { 2 } else { 1 }, "{shown}");
    }
}

/// The same words that were there before are not taken for the lost message.
#[tokio::test]
async fn words_that_were_said_before_are_not_the_lost_message() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let earlier = newest(&sandbox, "sesn_01", MESSAGE).await;
    sandbox.fail(Fault::new(Effect::Reset).on("POST", "/events"));
    let text = earlier["content"][0]["text"].clone();
    let reply = host.call("send_message", json!({"session_id": "sesn_01", "text": text})).await;
    assert!(matches!(reply, Reply::Failure(text, _) if text.contains(DOUBT)));
}

/// What a service refuses although its session looked free has its reason.
#[tokio::test]
async fn a_refused_message_names_what_the_session_waits_for_now() {
    let path = "/v1/sessions/sesn_1/events";
    let call = json!({"type": "agent.tool_use", "id": "sevt_1", "name": "bash", "input": {"command": "ls"}, "evaluated_permission": "ask"});
    let waits = json!({"type": "session.status_idle", "id": "sevt_2", "stop_reason": {"type": "requires_action", "event_ids": ["sevt_1"]}});
    let ended =
        json!({"type": "session.status_idle", "id": "sevt_0", "stop_reason": {"type": "end_turn"}});
    let spent = json!({"type": "session.status_idle", "id": "sevt_2", "stop_reason": {"type": "budget_reached"}});
    for (events, code) in [
        (vec![waits, call], "session_waiting"),
        (vec![spent], "budget_reached"),
        (vec![ended.clone()], "rejected"),
    ] {
        let api = Api::with_session(session("sesn_1", "idle")).await;
        let before = json!({"data": [ended], "next_page": null});
        api.answers_times(2, ("GET", path), 200, before).await;
        api.answers("GET", path, 200, json!({"data": events, "next_page": null})).await;
        api.answers("POST", path, 400, error("invalid_request_error", "not now")).await;
        let failure = api
            .host()
            .await
            .failure("send_message", json!({"session_id": "sesn_1", "text": "Go on."}))
            .await;
        assert!(failure.starts_with(&format!("{code}: ")), "{failure}");
        assert_eq!(api.writes().await.len(), 1, "{code}");
    }
}

/// Some services answer 202 without a body, or have no history of events.
#[tokio::test]
async fn a_service_without_an_answer_or_a_history_is_believed_as_far_as_it_goes() {
    let path = "/v1/sessions/sesn_1/events";
    let none = json!({"data": [], "next_page": null});
    let said =
        json!({"type": MESSAGE, "id": "sevt_1", "content": [{"type": "text", "text": "Go on."}]});
    let shown = json!({"data": [said], "next_page": null});
    let known = Some(json!("sevt_1"));
    for (history, event_id) in [(shown, known), (Value::Null, None)] {
        let api = Api::with_session(session("sesn_1", "idle")).await;
        let status = if history.is_null() { 405 } else { 200 };
        if event_id.is_some() {
            api.answers_times(2, ("GET", path), 200, none.clone()).await;
        }
        api.answers("GET", path, status, history).await;
        api.answers("POST", path, 202, Value::Null).await;
        let arguments = json!({"session_id": "sesn_1", "text": "Go on.", "wait_seconds": 1});
        let answer = api.host().await.answer("send_message", arguments).await;
        assert_eq!(answer["outcome"], "sent");
        assert_eq!(answer.get("event_id").cloned(), event_id);
        assert_eq!(answer["status"], "idle");
    }
    let api = Api::with_session(session("sesn_1", "idle")).await;
    api.answers("GET", path, 200, none).await;
    api.answers("POST", path, 200, json!({})).await;
    let arguments = json!({"session_id": "sesn_1", "text": "Go on."});
    let failure = api.host().await.failure("send_message", arguments).await;
    assert!(failure.starts_with("not_applied: "), "{failure}");
}

/// Two calls at once are two messages.
#[tokio::test]
async fn a_message_sent_twice_on_purpose_is_there_twice() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let message = || host.outcome("send_message", json!({"session_id": "sesn_05", "text": "ping"}));
    let outcomes = tokio::join!(message(), message());
    assert_eq!(outcomes, ("sent".to_owned(), "sent".to_owned()));
    let all = stored(&sandbox, "/v1/sessions/sesn_05/events?types[]=user.message").await;
    let said = all["data"].as_array().expect("events").iter();
    assert_eq!(said.filter(|event| event["content"][0]["text"] == "ping").count(), 2);
}
