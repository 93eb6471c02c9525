//! Child threads: their histories, what the session shows of them, their calls and their ends.

use futures_util::StreamExt as _;
use managed_sessions_mcp::sandbox::Quirk;
use serde_json::{Value, json};

use super::{
    HttpClient, confirm, custom_result, endless_turns, fast_turns, ids, interrupt, message, texts,
};

const WAITING: &str = "/v1/sessions/sesn_17";

fn stop_thread(thread: &str) -> Value {
    json!({"type": "user.interrupt", "session_thread_id": thread})
}

impl HttpClient {
    async fn thread_events(&self, session: &str, thread: &str) -> Value {
        self.ok(&format!("/v1/sessions/{session}/threads/{thread}/events")).await
    }

    /// A session of the multi-agent agent `agent_05` that has taken this message.
    async fn crew(&self, text: &str) -> String {
        self.create(json!({"agent": "agent_05", "initial_events": [message(text)]})).await
    }

    /// The session once its first child thread has this status.
    async fn child_becomes(&self, session: &str, status: &str) -> Value {
        for _ in 0..400 {
            let threads = self.ok(&format!("/v1/sessions/{session}/threads")).await;
            if threads["data"][1]["status"] == status {
                return threads["data"][1].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("the child thread of {session} never became {status}");
    }
}

#[tokio::test]
async fn threads_are_listed_filtered_and_paged_the_primary_one_first() {
    let client = HttpClient::start(endless_turns()).await;
    let path = "/v1/sessions/sesn_12/threads";
    for (query, expected) in [
        ("", vec!["sthr_12", "sthr_12_01", "sthr_12_02"]),
        ("?statuses[]=idle", vec!["sthr_12_02"]),
        ("?statuses[]=idle&statuses[]=running&limit=2", vec!["sthr_12", "sthr_12_01"]),
        ("?statuses[]=terminated", vec![]),
        ("?limit=1000", vec!["sthr_12", "sthr_12_01", "sthr_12_02"]),
    ] {
        assert_eq!(ids(&client.ok(&format!("{path}{query}")).await), expected, "{query}");
    }
    let first = client.ok(&format!("{path}?limit=2")).await;
    let cursor = first["next_page"].as_str().unwrap();
    let rest = client.ok(&format!("{path}?limit=2&page={cursor}")).await;
    assert_eq!((ids(&rest), &rest["next_page"]), (vec!["sthr_12_02".to_owned()], &Value::Null));
    for query in ["?statuses[]=asleep", "?limit=1001", "?limit=0", "?page=x"] {
        assert_eq!(client.get(&format!("{path}{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn a_thread_shows_its_agent_parent_times_and_usage() {
    let client = HttpClient::start(endless_turns()).await;
    let thread = async |id| client.ok(&format!("/v1/sessions/sesn_12/threads/{id}")).await;
    let (primary, running, idle) =
        (thread("sthr_12").await, thread("sthr_12_01").await, thread("sthr_12_02").await);
    for (thread, agent, parent) in [
        (&primary, "agent_05", Value::Null),
        (&running, "agent_01", json!("sthr_12")),
        (&idle, "agent_03", json!("sthr_12")),
    ] {
        assert_eq!(thread["agent"]["id"], agent);
        assert_eq!(thread["agent"].get("multiagent"), None);
        assert_eq!(thread["parent_thread_id"], parent);
        assert_eq!(thread["session_id"], "sesn_12");
        assert_eq!(thread["type"], "session_thread");
        for absent in ["workflow_run_id", "archived_at"] {
            assert_eq!(thread[absent], Value::Null, "{absent}");
        }
        assert!(thread["stats"]["active_seconds"].as_f64() > Some(1.0));
    }
    assert_eq!(running["usage"], Value::Null, "null until the first idle");
    assert!(idle["usage"]["output_tokens"].as_u64() > Some(0));
    assert_eq!(idle["usage"]["active_seconds"], idle["stats"]["active_seconds"]);
    let new = client.create(json!({})).await;
    let path = format!("/v1/sessions/{new}/threads");
    let unused = client.ok(&path).await["data"][0].clone();
    assert_eq!((&unused["stats"], &unused["usage"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn threads_of_other_sessions_are_not_found() {
    let client = HttpClient::start(endless_turns()).await;
    for thread in ["sthr_17_01", "sthr_01", "sthr_x", "sesn_12"] {
        for part in ["", "/events", "/stream"] {
            let path = format!("/v1/sessions/sesn_12/threads/{thread}{part}");
            let (status, body) = client.get(&path).await;
            assert_eq!(
                (status, &body["error"]["type"]),
                (404, &json!("not_found_error")),
                "{path}"
            );
        }
        let path = format!("/v1/sessions/sesn_12/threads/{thread}/archive");
        assert_eq!(client.post(&path, &json!({})).await.0, 404, "{path}");
    }
    assert_eq!(client.get("/v1/sessions/sesn_x/threads/sthr_12").await.0, 404);
}

#[tokio::test]
async fn what_happens_in_a_child_thread_is_only_in_its_own_list() {
    let client = HttpClient::start(endless_turns()).await;
    let session = client.ok("/v1/sessions/sesn_12/events").await;
    let primary = client.thread_events("sesn_12", "sthr_12").await;
    let child = client.thread_events("sesn_12", "sthr_12_02").await;
    let own = [
        "agent.thread_message_received",
        "session.thread_status_running",
        "span.model_request_start",
        "agent.thinking",
        "agent.tool_use",
        "span.model_request_end",
        "agent.tool_result",
        "span.model_request_start",
        "agent.thinking",
        "agent.message",
        "agent.thread_message_sent",
        "span.model_request_end",
        "session.thread_status_idle",
    ];
    assert_eq!(texts(&child, "type"), own);
    let shared: Vec<_> = ids(&child).into_iter().filter(|id| ids(&session).contains(id)).collect();
    let statuses = child["data"].as_array().unwrap().iter();
    let statuses = statuses.filter(|event| event["type"].as_str().unwrap().contains("_status_"));
    let statuses: Vec<_> = statuses.map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(shared, statuses, "the session shows the status of the thread, under the same ids");
    let of_others = |event: &&Value| {
        event["session_thread_id"].is_string()
            && event["session_thread_id"] != "sthr_12"
            && event["type"] != "session.thread_created"
    };
    let all = session["data"].as_array().unwrap();
    let expected: Vec<_> = all.iter().filter(|event| !of_others(event)).cloned().collect();
    assert_eq!(primary["data"], json!(expected));
    assert!(expected.len() < all.len());
    let page = client.ok("/v1/sessions/sesn_12/threads/sthr_12_02/events?limit=5").await;
    let next = page["next_page"].as_str().unwrap();
    let path = format!("/v1/sessions/sesn_12/threads/sthr_12_02/events?page={next}");
    assert_eq!(texts(&client.ok(&path).await, "type"), own[5..]);
}

#[tokio::test]
async fn the_events_of_a_seeded_session_with_threads_are_in_order() {
    let client = HttpClient::start(endless_turns()).await;
    for (session, threads) in
        [("sesn_12", vec!["sthr_12_01", "sthr_12_02"]), ("sesn_17", vec!["sthr_17_01"])]
    {
        let events = client.ok(&format!("/v1/sessions/{session}/events")).await;
        assert!(texts(&events, "processed_at").is_sorted(), "{session}");
        for thread in threads {
            let events = client.thread_events(session, thread).await;
            assert!(texts(&events, "processed_at").is_sorted(), "{thread}");
        }
    }
}

#[tokio::test]
async fn a_call_of_a_child_thread_is_cross_posted_and_its_answer_is_routed_back() {
    let client = HttpClient::start(fast_turns()).await;
    let session = client.session("sesn_17").await;
    assert_eq!(session["status"], "running", "the coordinator waits for the report");
    let posted = client.newest("sesn_17", "agent.tool_use").await;
    assert_eq!(posted["session_thread_id"], "sthr_17_01");
    let call = posted["id"].as_str().unwrap();
    let idle = client.newest("sesn_17", "session.thread_status_idle").await;
    assert_eq!(idle["stop_reason"], json!({"type": "requires_action", "event_ids": [call]}));
    let own = client.thread_events("sesn_17", "sthr_17_01").await;
    let own = own["data"].as_array().unwrap().iter().find(|event| event["id"] == call).unwrap();
    assert_eq!(own.get("session_thread_id"), None);
    assert_eq!((&own["name"], &own["evaluated_permission"]), (&json!("bash"), &json!("ask")));

    assert_eq!(client.send("sesn_17", custom_result(call)).await.0, 400);
    let (status, sent) = client.send("sesn_17", confirm(call, "allow")).await;
    assert_eq!((status, &sent["data"][0]["session_thread_id"]), (200, &json!("sthr_17_01")));
    client.wait_for_status("sesn_17", "idle").await;
    let types = texts(&client.thread_events("sesn_17", "sthr_17_01").await, "type");
    let confirmation = types.iter().position(|kind| kind == "user.tool_confirmation").unwrap();
    assert_eq!(
        types[confirmation..],
        [
            "user.tool_confirmation",
            "session.thread_status_running",
            "agent.tool_result",
            "span.model_request_start",
            "agent.thinking",
            "agent.message",
            "agent.thread_message_sent",
            "span.model_request_end",
            "session.thread_status_idle",
        ]
    );
    let types = client.event_types("sesn_17").await;
    let report = types.iter().position(|kind| kind == "agent.thread_message_received").unwrap();
    assert!(!types[..report].iter().any(|kind| kind == "session.status_idle"));
    assert_eq!(types.last().unwrap(), "session.status_idle");
    let primary = client.thread_events("sesn_17", "sthr_17").await;
    assert!(!texts(&primary, "type").contains(&"user.tool_confirmation".to_owned()));
    let before = client.session("sesn_17").await["updated_at"].clone();
    assert_eq!(client.send("sesn_17", confirm(call, "deny")).await.0, 200, "late, no effect");
    assert_eq!(client.session("sesn_17").await["updated_at"], before);
}

#[tokio::test]
async fn a_delegated_task_runs_in_a_thread_and_is_reported_back() {
    let client = HttpClient::start(fast_turns()).await;
    for (text, agent, task) in [
        ("/delegate Release engineer look at the build", "agent_01", "look at the build"),
        ("/delegate agent_03: find sources", "agent_03", "find sources"),
        ("/delegate research analyst", "agent_03", "Go ahead."),
    ] {
        let id = client.crew(text).await;
        let session = client.settled(&id).await;
        assert_eq!(session["status"], "idle");
        let thread = client.ok(&format!("/v1/sessions/{id}/threads")).await["data"][1].clone();
        assert_eq!((&thread["agent"]["id"], &thread["status"]), (&json!(agent), &json!("idle")));
        let types = client.event_types(&id).await;
        let condensed: Vec<_> = types.iter().filter(|kind| kind.contains("thread_")).collect();
        assert_eq!(
            condensed,
            [
                "session.thread_status_running",
                "session.thread_created",
                "agent.thread_message_sent",
                "session.thread_status_running",
                "agent.thread_message_received",
                "session.thread_status_idle",
                "session.thread_status_idle",
            ]
        );
        let sent = client.newest(&id, "agent.thread_message_sent").await;
        assert_eq!(sent["content"][0]["text"], task);
        assert_eq!(sent["to_session_thread_id"], thread["id"]);
        let total = |usage: &Value| usage["output_tokens"].as_u64().unwrap();
        let threads = client.ok(&format!("/v1/sessions/{id}/threads")).await;
        let sum: u64 = threads["data"].as_array().unwrap().iter().map(|t| total(&t["usage"])).sum();
        assert_eq!(sum, total(&session["usage"]));
    }
    let id = client.crew("/delegate nobody do something").await;
    client.settled(&id).await;
    assert_eq!(
        client.ok(&format!("/v1/sessions/{id}/threads")).await["data"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_call_of_a_delegated_task_waits_until_it_is_answered_or_interrupted() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.crew("/delegate Release engineer /use bash").await;
    let thread = client.child_becomes(&id, "idle").await;
    let thread_id = thread["id"].as_str().unwrap();
    assert_eq!(client.session(&id).await["status"], "running");
    let (status, _) = client.send(&id, stop_thread(thread_id)).await;
    assert_eq!(status, 200);
    let own = client.thread_events(&id, thread_id).await;
    let interrupts = own["data"].as_array().unwrap().iter();
    let mut interrupts = interrupts.filter(|event| event["type"] == "user.interrupt");
    assert_eq!(interrupts.next().unwrap().get("session_thread_id"), None);
    client.wait_for_status(&id, "idle").await;
    let call = client.newest(&id, "agent.tool_use").await["id"].as_str().unwrap().to_owned();
    assert_eq!(client.send(&id, confirm(&call, "allow")).await.0, 200, "late, no effect");
    assert_eq!(client.session(&id).await["status"], "idle");
}

#[tokio::test]
async fn interrupts_stop_one_thread_or_all() {
    let client = HttpClient::start(endless_turns()).await;
    let statuses =
        async |id: &str| texts(&client.ok(&format!("/v1/sessions/{id}/threads")).await, "status");
    client.send("sesn_12", stop_thread("sthr_12")).await;
    assert_eq!(statuses("sesn_12").await, ["idle", "running", "idle"]);
    assert_eq!(client.session("sesn_12").await["status"], "running", "a child thread runs");
    let (_, sent) = client.send("sesn_12", message("Hello?")).await;
    assert!(sent["data"][0]["processed_at"].is_string(), "the coordinator is free");
    assert_eq!(statuses("sesn_12").await, ["running", "running", "idle"]);
    client.send("sesn_12", interrupt()).await;
    assert_eq!(statuses("sesn_12").await, ["idle", "idle", "idle"]);
    assert_eq!(client.session("sesn_12").await["status"], "idle");
    assert_eq!(client.last_event("sesn_12").await["stop_reason"]["type"], "end_turn");

    client.send("sesn_17", stop_thread("sthr_17")).await;
    let stop = client.last_event("sesn_17").await["stop_reason"].clone();
    assert_eq!(stop["type"], "requires_action", "the call of the child thread still waits");
    let call = stop["event_ids"][0].as_str().unwrap();
    assert_eq!(client.send("sesn_17", confirm(call, "allow")).await.0, 200);
    assert_eq!(statuses("sesn_17").await, ["idle", "running"]);
    assert_eq!(client.session("sesn_17").await["status"], "running");
}

#[tokio::test]
async fn only_idle_child_threads_are_archived() {
    let client = HttpClient::start(endless_turns()).await;
    let archive = async |session: &str, thread: &str| {
        let path = format!("/v1/sessions/{session}/threads/{thread}/archive");
        client.post(&path, &json!({})).await
    };
    assert_eq!(archive("sesn_12", "sthr_12").await.0, 400, "the primary one never is");
    assert_eq!(archive("sesn_12", "sthr_12_01").await.0, 409, "it is running");
    let (status, thread) = archive("sesn_12", "sthr_12_02").await;
    assert_eq!((status, &thread["status"]), (200, &json!("terminated")));
    assert!(thread["archived_at"].is_string());
    assert_eq!(archive("sesn_12", "sthr_12_02").await.1["archived_at"], thread["archived_at"]);
    assert_eq!(client.last_event("sesn_12").await["type"], "session.thread_status_terminated");
    client.sandbox.set_quirks([Quirk::ConflictsAs400]);
    assert_eq!(archive("sesn_12", "sthr_12_01").await.0, 400);
    client.sandbox.set_quirks([]);
    client.send("sesn_12", interrupt()).await;
    assert_eq!(client.post("/v1/sessions/sesn_12/archive", &json!({})).await.0, 200);
    let threads = client.ok("/v1/sessions/sesn_12/threads").await;
    assert_eq!(texts(&threads, "status"), ["terminated"; 3]);
    assert_eq!(texts(&threads, "archived_at").len(), 3);
}

#[tokio::test]
async fn a_thread_streams_its_own_events_only() {
    let client = HttpClient::start(fast_turns()).await;
    let open = async |thread: &str| {
        let path = format!("{WAITING}/threads/{thread}/stream");
        client.request("GET", &path).send().await.unwrap()
    };
    let (primary, child) = (open("sthr_17").await, open("sthr_17_01").await);
    assert_eq!(child.headers()["content-type"], "text/event-stream");
    let call = client.newest("sesn_17", "agent.tool_use").await["id"].as_str().unwrap().to_owned();
    client.send("sesn_17", confirm(&call, "deny")).await;
    client.wait_for_status("sesn_17", "idle").await;
    client.delete(WAITING).await;
    for (response, first, absent) in [
        (child, "user.tool_confirmation", "agent.thread_message_received"),
        (primary, "agent.thread_message_received", "user.tool_confirmation"),
    ] {
        let mut chunks = response.bytes_stream();
        let mut text = String::new();
        while let Some(chunk) = chunks.next().await {
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
        let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        assert_eq!(names.first(), Some(&first));
        assert!(!names.contains(&absent), "{names:?}");
    }
}

#[tokio::test]
async fn a_session_has_at_most_25_child_threads() {
    let client = HttpClient::start(fast_turns()).await;
    let tasks = vec![message("/delegate agent_01 go"); 26];
    let id = client.create(json!({"agent": "agent_05", "initial_events": tasks})).await;
    for _ in 0..2_000 {
        if client.session(&id).await["status"] == "idle" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let path = format!("/v1/sessions/{id}/threads");
    assert_eq!(ids(&client.ok(&path).await).len(), 26, "25 and the primary one");
    let archive = format!("{path}/sthr_{}_01/archive", id.trim_start_matches("sesn_"));
    assert_eq!(client.post(&archive, &json!({})).await.0, 200);
    client.send(&id, message("/delegate agent_01 go")).await;
    client.settled(&id).await;
    assert_eq!(ids(&client.ok(&path).await).len(), 27, "an archived one does not count");
}
