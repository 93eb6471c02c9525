//! `answer_session`.

use managed_sessions_mcp::{
    cli::Flags,
    sandbox::{Effect, Fault, Sandbox},
};
use serde_json::{Value, json};

use super::{newest, quick_sandbox, sends, stored};
use crate::{
    reply::Reply,
    support::{Api, Host, sandbox, session, with_fields},
};

const CONFIRMATION: &str = "user.tool_confirmation";
const RESULT: &str = "user.custom_tool_result";

/// The id of the call that a seeded session waits for.
async fn waiting_call(sandbox: &Sandbox, id: &str) -> String {
    let pause = newest(sandbox, id, "session.status_idle").await;
    pause["stop_reason"]["event_ids"][0].as_str().expect("an id").to_owned()
}

/// Seeded: `sesn_02` waits for a decision about bash.
#[tokio::test]
async fn a_call_is_denied_with_a_reason_and_another_one_allowed() {
    let sandbox = quick_sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let call = waiting_call(&sandbox, "sesn_02").await;
    let deny = json!({
        "session_id": "sesn_02", "decision": "deny", "reason": "Do it on staging first.",
    });
    let dry_run = with_fields(deny.clone(), json!({"dry_run": true}));
    let would = host.answer("answer_session", dry_run).await;
    assert_eq!((&would["outcome"], sends(&sandbox)), (&json!("would_answer"), 0));
    let answer = host.answer("answer_session", deny).await;
    assert_eq!(answer["outcome"], "answered");
    let shown = json!({
        "event_id": call, "tool": "bash", "answer": "decision",
        "input": "kubectl rollout undo deployment/payments-api --to-revision=118",
    });
    assert_eq!((&answer["answered"], &answer["waiting"]), (&shown, &json!([])));
    let sent = newest(&sandbox, "sesn_02", CONFIRMATION).await;
    assert_eq!((&sent["tool_use_id"], &sent["result"]), (&json!(call), &json!("deny")));
    assert_eq!(sent["deny_message"], "Do it on staging first.");
    let end = host.answer("wait_for_session", json!({"session_id": "sesn_02"})).await;
    assert_eq!(end["stop_reason"]["type"], "end_turn");

    let several = json!({"session_id": "sesn_02", "text": "/use bash,bash", "wait_seconds": 20});
    let waiting = host.answer("send_message", several).await;
    let ids = waiting["stop_reason"]["event_ids"].as_array().expect("ids").clone();
    let one = json!({"session_id": "sesn_02", "decision": "allow"});
    let failure = host.failure("answer_session", one.clone()).await;
    assert!(failure.starts_with("invalid_arguments: "), "{failure}");
    assert!(ids.iter().all(|id| failure.contains(id.as_str().expect("an id"))), "{failure}");
    let answer = host.answer("answer_session", with_fields(one, json!({"event_id": ids[0]}))).await;
    assert_eq!(answer["waiting"][0]["event_id"], ids[1]);
}

/// Seeded: `sesn_03` waits for the result of the custom tool `lookup_order`.
#[tokio::test]
async fn a_custom_tool_is_given_its_result_as_text_or_json() {
    for (result, is_error, text) in [
        (json!("delivered"), false, "delivered"),
        (json!({"state": "lost"}), true, r#"{"state":"lost"}"#),
        (json!("[1]"), false, "[1]"),
    ] {
        let sandbox = sandbox().await;
        let host = Host::new(&sandbox.base_url()).await;
        let call = waiting_call(&sandbox, "sesn_03").await;
        let arguments = json!({"session_id": "sesn_03", "event_id": call, "result": result, "is_error": is_error});
        let answer = host.answer("answer_session", arguments).await;
        assert_eq!(answer["answered"]["tool"], "lookup_order");
        let sent = newest(&sandbox, "sesn_03", RESULT).await;
        assert_eq!(sent["custom_tool_use_id"], call);
        assert_eq!(sent["content"][0]["text"], text);
        assert_eq!(sent["is_error"] == true, is_error);
    }
}

/// Seeded: a child thread of `sesn_17` waits for a decision while the session is running.
#[tokio::test]
async fn a_call_of_a_thread_is_answered_while_its_session_is_running() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let arguments = json!({"session_id": "sesn_17", "decision": "allow"});
    let answer = host.answer("answer_session", arguments).await;
    assert_eq!(answer["answered"]["input"], "./db/upgrade.sh --stage staging --restart");
    assert_eq!(answer["session"]["status"], "running");
    let sent = newest(&sandbox, "sesn_17", CONFIRMATION).await;
    assert_eq!(sent["tool_use_id"], answer["answered"]["event_id"]);
}

#[tokio::test]
async fn what_does_not_wait_or_does_not_fit_is_one_failure_and_nothing_is_sent() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let (of_2, of_3) =
        (waiting_call(&sandbox, "sesn_02").await, waiting_call(&sandbox, "sesn_03").await);
    let long = "x".repeat(100_001);
    let is_nothing_open = "waits for no answer";
    let table = [
        ("sesn_02", json!({"decision": "allow", "event_id": of_3}), "not_waiting", of_2.as_str()),
        ("sesn_02", json!({"decision": "deny", "event_id": "sevt_0"}), "not_waiting", &of_2),
        ("sesn_02", json!({"result": "done"}), "invalid_arguments", "waits for a decision"),
        ("sesn_03", json!({"decision": "allow"}), "invalid_arguments", "waits for a result"),
        ("sesn_02", json!({"decision": "allow", "reason": "why"}), "invalid_arguments", "reason"),
        ("sesn_03", json!({"is_error": true}), "invalid_arguments", "is_error"),
        ("sesn_02", json!({"decision": "allow", "result": 1}), "invalid_arguments", "both"),
        ("sesn_02", json!({}), "invalid_arguments", "nothing is given"),
        ("sesn_02", json!({"decision": ""}), "invalid_arguments", "nothing is given"),
        ("sesn_03", json!({"result": long}), "invalid_arguments", "100000"),
        ("sesn_02", json!({"decision": "deny", "reason": long}), "invalid_arguments", "100000"),
        ("sesn_02", json!({"decision": "maybe"}), "invalid_arguments", "\"deny\""),
        ("sesn_01", json!({"decision": "allow"}), "not_waiting", is_nothing_open),
        ("sesn_05", json!({"decision": "allow"}), "not_waiting", is_nothing_open),
        ("sesn_07", json!({"decision": "allow"}), "session_terminated", "sesn_07"),
        ("sesn_08", json!({"decision": "allow"}), "session_archived", "sesn_08"),
        ("sesn_0", json!({"decision": "allow"}), "not_found", "sesn_0"),
        ("..", json!({"decision": "allow"}), "invalid_arguments", "session_id"),
    ];
    for (id, arguments, code, part) in table {
        let arguments = with_fields(json!({"session_id": id}), arguments);
        let failure = host.failure("answer_session", arguments).await;
        assert!(failure.starts_with(&format!("{code}: ")), "{id}: {failure}");
        assert!(failure.contains(part), "{id}, {part}: {failure}");
    }
    assert_eq!(sends(&sandbox), 0);
}

/// An id of a call, why it does not wait, and what says so.
#[tokio::test]
async fn a_call_that_is_not_waited_for_any_more_says_why() {
    let call = |id: &str, more: Value| {
        let call = json!({"type": "agent.tool_use", "id": id, "name": "bash", "input": {}, "evaluated_permission": "ask"});
        with_fields(call, more)
    };
    let thread = json!({"session_thread_id": "sthr_1"});
    let ended = json!({"type": "session.thread_status_terminated", "id": "sevt_8", "session_thread_id": "sthr_1"});
    let answered =
        json!({"type": CONFIRMATION, "id": "sevt_9", "tool_use_id": "sevt_1", "result": "allow"});
    for (events, expected) in [
        (vec![answered, call("sevt_1", json!({}))], "has been answered already"),
        (vec![ended, call("sevt_1", thread)], "its turn or its thread has ended"),
        (vec![call("sevt_1", json!({"evaluated_permission": "deny"}))], "denied by its permission"),
        (vec![call("sevt_1", json!({"evaluated_permission": "allow"}))], "its tool is allowed"),
        (vec![call("sevt_2", json!({}))], "sevt_2"),
    ] {
        let api = Api::with_session(session("sesn_1", "running")).await;
        let page = json!({"data": events, "next_page": null});
        api.answers("GET", "/v1/sessions/sesn_1/events", 200, page).await;
        let arguments = json!({"session_id": "sesn_1", "event_id": "sevt_1", "decision": "allow"});
        let failure = api.host().await.failure("answer_session", arguments).await;
        assert!(failure.starts_with("not_waiting: "), "{failure}");
        assert!(failure.contains(expected), "{failure}");
        assert_eq!(api.writes().await, [""; 0]);
    }
}

/// The service takes a late confirmation without a word.
#[tokio::test]
async fn an_answer_that_comes_after_another_ones_is_no_success() {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let path = "/v1/sessions/sesn_1/events";
    let call = json!({"type": "agent.tool_use", "id": "sevt_1", "name": "bash", "input": {}, "evaluated_permission": "ask"});
    let by_other =
        json!({"type": CONFIRMATION, "id": "sevt_2", "tool_use_id": "sevt_1", "result": "deny"});
    let ours =
        json!({"type": CONFIRMATION, "id": "sevt_3", "tool_use_id": "sevt_1", "result": "allow"});
    api.answers_once("GET", path, 200, json!({"data": [call], "next_page": null})).await;
    let page = json!({"data": [ours, by_other, call], "next_page": null});
    api.answers("GET", path, 200, page).await;
    api.answers("POST", path, 200, json!({"data": [ours]})).await;
    let arguments = json!({"session_id": "sesn_1", "decision": "allow"});
    let failure = api.host().await.failure("answer_session", arguments).await;
    assert!(failure.starts_with("not_waiting: "), "{failure}");
    assert!(failure.contains("has been answered already"), "{failure}");
}

#[tokio::test]
async fn a_lost_answer_that_arrived_is_answered_and_sent_once() {
    for (effect, expected) in [
        (Effect::ResetAfter, 1),
        (Effect::Truncated, 1),
        (Effect::Reset, 2),
        (Effect::Status { status: 503, retry_after: None, should_retry: None }, 2),
    ] {
        let sandbox = sandbox().await;
        let host = Host::new(&sandbox.base_url()).await;
        sandbox.fail(Fault::new(effect).on("POST", "/events"));
        let arguments = json!({"session_id": "sesn_02", "decision": "deny"});
        assert_eq!(host.outcome("answer_session", arguments).await, "answered");
        assert_eq!(sends(&sandbox), expected);
        let answers =
            stored(&sandbox, "/v1/sessions/sesn_02/events?types[]=user.tool_confirmation");
        assert_eq!(answers.await["data"].as_array().map(Vec::len), Some(1));
    }
}

fn approving(mode: &str) -> Flags {
    Flags { confirm_approvals: Some(mode.to_owned()), ..Flags::default() }
}

#[tokio::test]
async fn an_allow_needs_a_token_where_the_operator_wants_one() {
    let sandbox = sandbox().await;
    let host = Host::with_flags(approving("token"), &sandbox.base_url()).await;
    let allow = json!({"session_id": "sesn_02", "decision": "allow"});
    let required = host.answer("answer_session", allow.clone()).await;
    assert_eq!((&required["outcome"], sends(&sandbox)), (&json!("confirmation_required"), 0));
    assert_eq!(required["answered"]["tool"], "bash");
    let token = required["confirmation_token"].clone();
    for (id, token) in [("sesn_17", token.clone()), ("sesn_02", json!("forged"))] {
        let arguments = json!({"session_id": id, "decision": "allow", "confirmation_token": token});
        let failure = host.failure("answer_session", arguments).await;
        assert!(failure.starts_with("confirmation_invalid: "), "{failure}");
    }
    assert_eq!(sends(&sandbox), 0);
    let confirmed = with_fields(allow, json!({"confirmation_token": token}));
    assert_eq!(host.outcome("answer_session", confirmed).await, "answered");
    // A denial and a result take nothing that a person would have to confirm.
    let result = json!({"session_id": "sesn_03", "result": "sent"});
    assert_eq!(host.outcome("answer_session", result).await, "answered");
}

/// Next steps name the tool, and a decision that could be copied is in none of them.
#[tokio::test]
async fn a_diagnosis_names_the_call_that_answers() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    for (id, what) in [("sesn_02", "their decision"), ("sesn_03", "and the result")] {
        let call = waiting_call(&sandbox, id).await;
        let diagnosis = host.answer("diagnose_session", json!({"session_id": id})).await;
        let next = diagnosis["next"].as_str().expect("a step").to_owned();
        let call =
            format!("call answer_session with {{\"session_id\":\"{id}\",\"event_id\":\"{call}\"}}");
        assert!(next.contains(&call) && next.contains(what), "{next}");
    }
    let flags = Flags { read_only: true, ..Flags::default() };
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    let Reply::Answer(diagnosis) =
        host.call("diagnose_session", json!({"session_id": "sesn_02"})).await
    else {
        panic!("a diagnosis")
    };
    assert!(
        diagnosis["next"].as_str().expect("a step").contains("POST /v1/sessions/sesn_02/events")
    );
}
