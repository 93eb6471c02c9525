//! `wait_for_session` with several sessions.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use super::allowing;
use crate::support::{Api, Host, error, sandbox, session, with_fields};

#[derive(Clone, Copy, PartialEq, Debug)]
enum List {
    Honest,
    /// It ignores every filter and has many others on its first page.
    OfOthers,
    Failing,
}

/// Sessions that run, of which `sesn_2` goes idle once anything was asked so many times.
async fn api(count: usize, polls: usize, list: List) -> Api {
    let api = Api::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let status = move |number: usize, asked: usize| {
        if number == 2 && asked >= polls { "idle" } else { "running" }
    };
    let record = move |number: usize, asked: usize| {
        let minute = json!({"updated_at": format!("2026-11-02T09:{:02}:00Z", 10 + number)});
        with_fields(session(&format!("sesn_{number}"), status(number, asked)), minute)
    };
    for number in 0..count {
        let asked = Arc::clone(&asked);
        let answer = move |_: &Request| {
            let asked = asked.fetch_add(1, Ordering::SeqCst);
            ResponseTemplate::new(200).set_body_json(record(number, asked))
        };
        let mock = Mock::given(matchers::path(format!("/v1/sessions/sesn_{number}")));
        mock.respond_with(answer).mount(&api.0).await;
        let message =
            json!({"id": "evt_1", "type": "agent.message", "content": format!("I am {number}")});
        let events = json!({"data": [message]});
        api.answers("GET", &format!("/v1/sessions/sesn_{number}/events"), 200, events).await;
    }
    let answer = move |_: &Request| {
        let asked = asked.fetch_add(1, Ordering::SeqCst);
        let data: Vec<Value> = match list {
            List::Failing => return ResponseTemplate::new(400),
            List::Honest => (0..count).map(|number| record(number, asked)).collect(),
            List::OfOthers => {
                (0..20).map(|n| session(&format!("sesn_other_{n}"), "running")).collect()
            }
        };
        let data: Vec<Value> =
            data.into_iter().filter(|each| each["status"] == "running").collect();
        ResponseTemplate::new(200).set_body_json(json!({"data": data, "next_page": "more"}))
    };
    Mock::given(matchers::path("/v1/sessions")).respond_with(answer).mount(&api.0).await;
    api
}

async fn wait(host: &Host, ids: Value) -> Value {
    host.answer("wait_for_session", json!({"session_ids": ids, "wait_seconds": 5})).await
}

#[tokio::test]
async fn the_first_that_is_not_busy_is_described() {
    for (list, polls) in
        [(List::Honest, 16), (List::Honest, 0), (List::OfOthers, 40), (List::Failing, 40)]
    {
        let count = 10;
        let api = api(count, polls, list).await;
        let ids: Vec<String> = (0..count).map(|number| format!("sesn_{number}")).collect();
        let host = api.host().await;
        let answer = wait(&host, json!([ids.clone(), ids].concat())).await;
        assert_eq!(answer["session"]["id"], "sesn_2", "{list:?}");
        assert_eq!((&answer["busy"], &answer["reply"]), (&json!(false), &json!("I am 2")));
        assert_eq!(answer["still_busy"].as_array().map(Vec::len), Some(count - 1));
        assert_eq!((answer.get("last_event"), answer.get("failed")), (None, None));
        let asked = api.asked().await;
        let lists = asked.iter().filter(|each| *each == "GET /v1/sessions").count();
        let reads = asked.iter().filter(|each| !each.ends_with("events")).count() - lists;
        match list {
            // Each once at first, and then only the one that the list does not show any more.
            List::Honest if polls > 0 => assert_eq!((reads, lists > 4), (count + 2, true)),
            List::Honest => assert_eq!((reads, lists), (count + 1, 0)),
            // Found to be of no use.
            List::OfOthers | List::Failing => assert_eq!(lists, 1),
        }
    }
}

#[tokio::test]
async fn sessions_that_are_gone_or_not_allowed_do_not_keep_the_others_from_being_waited_for() {
    let api = api(3, 6, List::Honest).await;
    let gone = error("not_found_error", "Gone.");
    api.answers("GET", "/v1/sessions/sesn_gone", 404, gone).await;
    let others =
        with_fields(session("sesn_theirs", "running"), json!({"agent": {"id": "agent_9"}}));
    api.answers("GET", "/v1/sessions/sesn_theirs", 200, others).await;
    api.answers("GET", "/v1/sessions/sesn_ill", 500, error("api_error", "Oh.")).await;
    let host = api.host_with(allowing("agent_1")).await;
    let ids = json!(["sesn_gone", "sesn_theirs", "sesn_ill", "sesn_1", "sesn_2"]);
    let answer = wait(&host, ids).await;
    assert_eq!(answer["session"]["id"], "sesn_2");
    assert_eq!(answer["still_busy"], json!(["sesn_1"]));
    let failed: Vec<(&str, &str)> = answer["failed"]
        .as_array()
        .expect("some")
        .iter()
        .map(|each| (each["id"].as_str().expect("an id"), each["code"].as_str().expect("a code")))
        .collect();
    let expected = [
        ("sesn_gone", "not_found"),
        ("sesn_theirs", "agent_not_allowed"),
        ("sesn_ill", "api_error"),
    ];
    assert_eq!(failed, expected);
    for (ids, code) in [
        (json!(["sesn_gone", "sesn_theirs"]), "not_found"),
        (json!(["sesn_ill", "sesn_gone"]), "api_error"),
        (json!(["sesn_gone", "sesn_gone"]), "not_found"),
    ] {
        let arguments = json!({"session_ids": ids});
        assert_eq!(host.outcome("wait_for_session", arguments).await, code);
    }
}

#[tokio::test]
async fn when_the_time_is_up_the_one_that_was_active_last_is_described() {
    let api = api(4, usize::MAX, List::Honest).await;
    let host = api.host().await;
    let ids = json!(["sesn_0", "sesn_3", "sesn_1"]);
    let arguments = json!({"session_ids": ids, "wait_seconds": 1});
    let answer = host.answer("wait_for_session", arguments).await;
    assert_eq!(answer["session"]["id"], "sesn_3", "{answer}");
    assert_eq!((&answer["busy"], &answer["waited_seconds"]), (&json!(true), &json!(1)));
    assert_eq!(answer["still_busy"], json!(["sesn_0", "sesn_1"]));
    assert_eq!(answer["last_event"]["type"], "agent.message");
    assert!(answer["quiet_for"].is_string(), "{answer}");
}

#[tokio::test]
async fn one_or_several_are_named_and_never_none() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let many: Vec<String> = (0..51).map(|number| format!("sesn_{number}")).collect();
    for arguments in [
        json!({}),
        json!({"session_ids": []}),
        json!({"session_id": "", "session_ids": null}),
        json!({"session_id": "sesn_02", "session_ids": ["sesn_03"]}),
        json!({"session_ids": many}),
        json!({"session_ids": ["sesn_02", "a b"]}),
        json!({"session_ids": [""]}),
    ] {
        let outcome = host.outcome("wait_for_session", arguments.clone()).await;
        assert_eq!(outcome, "invalid_arguments", "{arguments}");
    }
    assert_eq!(sandbox.requests().len(), 0);
    // What strict hosts fill in, one word for an array, one that waits.
    let answer =
        host.answer("wait_for_session", json!({"session_id": "", "session_ids": "sesn_02"}));
    let answer = answer.await;
    assert_eq!(answer["waiting"][0]["tool"], "bash", "{answer}");
    assert_eq!(answer["still_busy"], json!([]));
    let busy = json!({"session_id": "sesn_04", "wait_seconds": 1});
    let busy = host.answer("wait_for_session", busy).await;
    assert!(busy["last_event"]["type"].is_string() && busy["quiet_for"].is_string(), "{busy}");
    assert_eq!(busy.get("still_busy"), None);
    // A thread's call is waited for while the session runs.
    let multi = json!({"session_id": "sesn_17", "wait_seconds": 1});
    let multi = host.answer("wait_for_session", multi).await;
    assert_eq!(multi["waiting"][0]["answer"], "decision", "{multi}");
}
