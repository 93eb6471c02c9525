//! Which events a session takes, and in what form.

use managed_sessions_mcp::sandbox::Quirk;
use serde_json::{Value, json};

use super::{
    HttpClient, confirm, custom_result, endless_turns, fast_turns, interrupt, message, outcome,
    texts,
};

fn system() -> Value {
    json!({"type": "system.message", "content": [{"type": "text", "text": "Be brief."}]})
}

#[tokio::test]
async fn events_of_a_wrong_form_are_rejected_by_path() {
    let client = HttpClient::start(endless_turns()).await;
    let content = |block: Value| json!({"type": "user.message", "content": [block]});
    let image = |source: Value| content(json!({"type": "image", "source": source}));
    let document = |source: Value| content(json!({"type": "document", "source": source}));
    let base64 = json!({"type": "base64", "media_type": "image/png", "data": "aGk="});
    let plain =
        |media_type: &str| json!({"type": "text", "media_type": media_type, "data": "words"});
    let search = json!({
        "type": "search_result", "source": "https://example.com", "title": "t",
        "content": [{"type": "text", "text": "x"}], "citations": {"enabled": true},
    });
    let define = |key: &str, value: Value| {
        let mut event = outcome("Write it.");
        event[key] = value;
        event
    };
    let with_thread = |mut event: Value| {
        event["session_thread_id"] = json!("sthr_01");
        event
    };
    let mut allowed_with_reason = confirm("sevt_x", "allow");
    allowed_with_reason["deny_message"] = json!("no");
    let cases = [
        (json!({"type": "user.message"}), "content"),
        (json!({"type": "user.message", "content": []}), "content"),
        (json!({"type": "user.message", "content": "Hello"}), "content"),
        (content(json!({"type": "text", "text": ""})), "content.0.text"),
        (content(json!({"type": "text", "text": "x", "colour": "red"})), "content.0.colour"),
        (content(json!({"type": "video"})), "content.0.type"),
        (content(search.clone()), "content.0.type"),
        (content(json!({"type": "image"})), "content.0.source"),
        (image(plain("text/plain")), "content.0.source.type"),
        (image(json!({"type": "base64", "data": "aGk="})), "content.0.source.media_type"),
        (image(json!({"type": "url"})), "content.0.source.url"),
        (document(json!({"type": "file"})), "content.0.source.file_id"),
        (document(plain("text/html")), "content.0.source.media_type"),
        (with_thread(message("x")), "session_thread_id"),
        (with_thread(confirm("sevt_x", "allow")), "session_thread_id"),
        (with_thread(custom_result("sevt_x")), "session_thread_id"),
        (allowed_with_reason, "deny_message"),
        (confirm("sevt_x", "maybe"), "result"),
        (define("rubric", Value::Null), "rubric"),
        (define("rubric", json!("good")), "rubric"),
        (define("rubric", json!({"type": "url"})), "rubric.type"),
        (define("rubric", json!({"type": "text"})), "rubric.content"),
        (define("rubric", json!({"type": "file"})), "rubric.file_id"),
        (define("description", json!("")), "description"),
        (define("max_iterations", json!(0)), "max_iterations"),
        (define("max_iterations", json!(21)), "max_iterations"),
        (json!({"type": "agent.message"}), "type"),
    ];
    for (event, path) in cases {
        let (status, body) = client.send("sesn_01", event.clone()).await;
        let complaint = body["error"]["message"].as_str().unwrap();
        assert_eq!(status, 400, "{event}: {body}");
        let prefix = format!("events.0.{path}: ");
        assert!(complaint.starts_with(&prefix), "{prefix}{complaint}");
    }
    for event in [
        image(base64),
        image(json!({"type": "file", "file_id": "file_01"})),
        document(json!({"type": "url", "url": "https://example.com/a.pdf"})),
        document(plain("text/plain")),
        define("rubric", json!({"type": "file", "file_id": "file_01"})),
    ] {
        assert_eq!(client.send("sesn_01", event.clone()).await.0, 200, "{event}");
    }
    let call = client.waiting_for("sesn_03").await.remove(0);
    let mut result = custom_result(&call);
    result["content"] = json!([search]);
    assert_eq!(client.send("sesn_03", result).await.0, 200);
}

#[tokio::test]
async fn a_request_is_taken_whole_or_refused_whole() {
    let client = HttpClient::start(endless_turns()).await;
    let call = &client.waiting_for("sesn_03").await[0];
    let refused: [(&str, Vec<Value>); 8] = [
        ("sesn_01", vec![message("a"), json!({"type": "user.shout"})]),
        ("sesn_01", vec![message("a"), custom_result("sevt_x")]),
        ("sesn_01", vec![message("a"), confirm("sevt_x", "allow")]),
        ("sesn_01", vec![outcome("a"), outcome("b")]),
        ("sesn_01", vec![system()]),
        ("sesn_01", vec![message("a"), system(), message("b")]),
        ("sesn_01", vec![interrupt(), system()]),
        ("sesn_03", vec![custom_result(call), custom_result(call)]),
    ];
    for (id, events) in refused {
        let before = client.event_types(id).await;
        let (status, body) = client.send_all(id, &events).await;
        assert_eq!(status, 400, "{events:?}: {body}");
        assert_eq!(client.event_types(id).await, before, "{events:?}");
        assert_eq!(client.session(id).await["status"], "idle");
    }
    let (status, sent) = client.send_all("sesn_01", &[message("a"), system()]).await;
    assert_eq!((status, sent["data"].as_array().unwrap().len()), (200, 2));
    // To a running session both are queued, and they stay together.
    let (_, sent) = client.send_all("sesn_01", &[message("b"), system()]).await;
    assert!(sent["data"].as_array().unwrap().iter().all(|event| event["processed_at"].is_null()));
    client.send("sesn_01", interrupt()).await;
    let types = client.event_types("sesn_01").await;
    let queued = types.iter().rposition(|kind| kind == "user.message").unwrap();
    assert_eq!(types[queued + 1], "system.message");
    let (status, _) = client.send_all("sesn_03", &[custom_result(call), system()]).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_waiting_session_takes_no_message_except_with_a_quirk() {
    let client = HttpClient::start(fast_turns()).await;
    for event in [message("Well?"), outcome("Write it.")] {
        let (status, body) = client.send("sesn_02", event).await;
        assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")));
    }
    client.sandbox.set_quirks([Quirk::QueuesWhileWaiting]);
    let (status, sent) = client.send("sesn_02", message("Well?")).await;
    assert_eq!((status, &sent["data"][0]["processed_at"]), (200, &Value::Null));
    assert_eq!(client.session("sesn_02").await["status"], "idle");
    let call = client.waiting_for("sesn_02").await.remove(0);
    client.send("sesn_02", confirm(&call, "allow")).await;
    client.settled("sesn_02").await;
    let replies = "/v1/sessions/sesn_02/events?types[]=agent.message";
    let replies = client.ok(replies).await;
    assert_eq!(replies["data"].as_array().unwrap().len(), 2, "of the call and of the message");
}

#[tokio::test]
async fn an_interrupt_closes_what_an_idle_session_waits_for() {
    let client = HttpClient::start(endless_turns()).await;
    for (id, call) in [("sesn_02", true), ("sesn_03", false)] {
        let event = client.waiting_for(id).await.remove(0);
        assert_eq!(client.send(id, interrupt()).await.0, 200);
        let stop = client.last_event(id).await;
        assert_eq!(stop["type"], "session.status_idle");
        assert_eq!(stop["stop_reason"], json!({"type": "end_turn"}));
        // What is closed is late: see above for the two kinds of answers.
        let late = if call { confirm(&event, "allow") } else { custom_result(&event) };
        let (status, _) = client.send(id, late).await;
        assert_eq!(status, if call { 200 } else { 400 });
        assert_eq!(client.session(id).await["status"], "idle");
        assert_eq!(client.send(id, message("Next.")).await.0, 200);
    }
    // Without a wait it changes nothing.
    let before = client.session("sesn_10").await;
    let (status, sent) = client.send("sesn_10", interrupt()).await;
    assert_eq!((status, texts(&sent, "type")), (200, vec!["user.interrupt".to_owned()]));
    assert_eq!(client.session("sesn_10").await["updated_at"], before["updated_at"]);
    assert_eq!(client.last_event("sesn_10").await["type"], "user.interrupt");
}

#[tokio::test]
async fn a_message_behind_an_interrupt_starts_the_next_turn() {
    let client = HttpClient::start(endless_turns()).await;
    for id in ["sesn_04", "sesn_02", "sesn_01"] {
        let before = client.event_types(id).await.len();
        let (status, _) = client.send_all(id, &[interrupt(), message("Rather this.")]).await;
        assert_eq!(status, 200, "{id}");
        assert_eq!(client.session(id).await["status"], "running");
        let types = client.event_types(id).await.split_off(before);
        let expected = ["user.interrupt", "session.status_idle", "user.message"];
        let expected =
            if id == "sesn_01" { vec![expected[0], expected[2]] } else { expected.into() };
        let shown = types.iter().filter(|kind| expected.contains(&kind.as_str()));
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{id}");
    }
}

#[tokio::test]
async fn creations_are_all_or_nothing() {
    let client = HttpClient::start(endless_turns()).await;
    let many = |count| vec![message("a"); count];
    let cases = [
        (json!({"initial_events": many(51)}), 400),
        (json!({"initial_events": [interrupt()]}), 400),
        (json!({"initial_events": [message("a"), system()]}), 400),
        (json!({"initial_events": [outcome("a"), outcome("b")]}), 400),
        (json!({"initial_events": [message("a"), {"type": "user.message"}]}), 400),
        (json!({"environment_id": "env_03"}), 400),
        (json!({"agent": "agent_none"}), 404),
        (json!({"metadata": {"k".repeat(65): "v"}}), 400),
        (json!({"metadata": {"k": "v".repeat(513)}}), 400),
        (json!({"metadata": {"k": null}}), 400),
    ];
    let count = async || {
        let all = client.ok("/v1/sessions?limit=100&include_archived=true").await;
        all["data"].as_array().unwrap().len()
    };
    let before = count().await;
    for (fields, expected) in cases {
        let mut body = json!({"agent": "agent_01", "environment_id": "env_01"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let (status, answer) = client.post("/v1/sessions", &body).await;
        assert_eq!(status, expected, "{fields}: {answer}");
    }
    assert_eq!(count().await, before);
    for (events, status) in
        [(vec![], "idle"), (many(50), "running"), (vec![outcome("a"), message("b")], "running")]
    {
        let id = client.create(json!({"initial_events": events})).await;
        assert_eq!(client.session(&id).await["status"], status);
    }
}
