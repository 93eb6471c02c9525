//! Answers that are small on the wire and large in memory. The bound is a count, since neither time
//! nor memory can be compared between machines; `scripts/memory-check` measures the latter.

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    time::{Duration, timeout},
};

use crate::{
    client::server::{Server, response},
    program::{hello, request},
    support::{Host, NOWHERE, config, serve},
};

#[tokio::test]
async fn an_answer_of_too_many_values_is_refused() {
    let repeated = |head: &str, of: &str, tail: &str| {
        let times = (8 << 20) / (of.len() + 1);
        format!("{head}{}{tail}", vec![of; times].join(","))
    };
    let numbers = repeated(r#"{"id":"sesn_1","status":"idle","x":["#, "0", "]}");
    let objects = repeated(r#"{"data":["#, r#"{"":0}"#, "]}");
    let metadata = repeated(r#"{"data":[{"id":"sesn_1","metadata":{"a":["#, "[]", "]}}]}");
    let resources = repeated(r#"{"data":[{"id":"sesn_1","resources":["#, "{}", "]}]}");
    let files = repeated(r#"{"data":["#, "{}", "]}");
    let of = json!({"session_id": "sesn_1"});
    for (body, tool, arguments) in [
        (&numbers, "get_session", of.clone()),
        (&numbers, "archive_session", of.clone()),
        (&objects, "list_sessions", json!({})),
        (&objects, "summarize_sessions", json!({})),
        (&objects, "list_session_events", of.clone()),
        (&metadata, "list_sessions", json!({})),
        (&resources, "list_sessions", json!({})),
        (&files, "list_sessions", json!({})),
    ] {
        let server = Server::start([response(200, &[], body)]).await;
        let host = Host::new(&server.url()).await;
        let failure = host.failure(tool, arguments).await;
        assert!(failure.starts_with("bad_response: "), "{tool}: {failure}");
        assert!(failure.contains("more than 300000 JSON values"), "{tool}: {failure}");
        assert_eq!(server.seen().len(), 1, "{tool}");
    }
}

#[tokio::test]
async fn a_list_is_read_whatever_its_sessions_hold_that_is_not_shown() {
    let large = format!(r#"{{"id":"sesn_1","status":"idle","x":[{}0]}}"#, "0,".repeat(2 << 20));
    let server = Server::start([response(200, &[], format!(r#"{{"data":[{large}]}}"#))]).await;
    let list = Host::new(&server.url()).await.answer("list_sessions", json!({})).await;
    assert_eq!(list["sessions"][0]["id"], "sesn_1");
}

#[tokio::test]
async fn large_and_deep_values_are_cut_in_answers() {
    let text = "x".repeat(2 << 20);
    let digits = "7".repeat(1 << 20);
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let too_deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    for (field, outcome) in [
        (format!(r#""extra":"{text}""#), "an answer"),
        (format!(r#""title":"{text}""#), "an answer"),
        (format!(r#""agent":{{"system":"{text}"}}"#), "an answer"),
        (format!(r#""metadata":{{"{text}":1}}"#), "an answer"),
        (format!(r#""extra":{digits}"#), "an answer"),
        (format!(r#""extra":{deep}"#), "an answer"),
        (format!(r#""extra":{too_deep}"#), "bad_response"),
    ] {
        let body = format!(r#"{{"id":"sesn_1","status":"idle",{field}}}"#);
        let server = Server::start([response(200, &[], body)]).await;
        let host = Host::new(&server.url()).await;
        let of = json!({"session_id": "sesn_1", "detail": "full"});
        let result = host.call_raw("get_session", of.clone()).await;
        let bytes = serde_json::to_string(&result).expect("JSON").len();
        let name: String = field.chars().take(20).collect();
        assert!(bytes < 100_000, "{name}: {bytes}");
        assert_eq!(crate::reply::Reply::of(result).outcome(), outcome, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_read_is_not_read_from() {
    let pipe = serve(config(managed_sessions_mcp::cli::Flags::default(), NOWHERE));
    let (read, mut write) = tokio::io::split(pipe);
    let mut lines = BufReader::new(read).lines();
    write.write_all(format!("{}\n", hello("2025-11-25")).as_bytes()).await.unwrap();
    lines.next_line().await.unwrap().expect("an answer");
    let opened = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    write.write_all(format!("{opened}\n").as_bytes()).await.unwrap();
    // The pipe takes 1 MiB either way: some 17,000 requests and 26,000 answers.
    let mut sent = 0;
    let all = 200_000;
    while sent < all {
        let line = format!("{}\n", request(&sent.to_string(), "ping", &json!({})));
        // The clock stands still while anything is left to do.
        let written = timeout(Duration::from_secs(5), write.write_all(line.as_bytes())).await;
        if written.is_err() {
            break;
        }
        sent += 1;
    }
    assert!(sent < 60_000, "{sent} requests were read while no answer was");
    // Once the host reads, it goes on where it stopped.
    let mut answered = 0;
    while answered < sent {
        let line = timeout(Duration::from_secs(5), lines.next_line()).await;
        line.expect("an answer in time").unwrap().expect("a line");
        answered += 1;
    }
}

#[tokio::test]
async fn requests_are_counted_until_they_are_answered_or_cancelled() {
    let pipe = serve(config(managed_sessions_mcp::cli::Flags::default(), NOWHERE));
    let (read, mut write) = tokio::io::split(pipe);
    let mut lines = BufReader::new(read).lines();
    let mut send = async |message: serde_json::Value| {
        write.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    };
    send(hello("2025-11-25")).await;
    lines.next_line().await.unwrap().expect("an answer");
    send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    for round in 0..3_000 {
        let id = format!("call {round}");
        let call = json!({"name": "list_sessions", "arguments": {}});
        send(request(&id, "tools/call", &call)).await;
        send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
                    "params": {"requestId": id}}))
        .await;
    }
    // The same id again and again is fine, one at a time.
    for _ in 0..1_000 {
        send(request("ping", "ping", &json!({}))).await;
        loop {
            let line = lines.next_line().await.unwrap().expect("an answer");
            if line.contains("\"ping\"") {
                break;
            }
        }
    }
}
