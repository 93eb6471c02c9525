//! The real program with hosts that are slow, hasty, wrong or killed.

use std::{collections::BTreeSet, io::Write as _, sync::mpsc::channel, time::Duration};

use jiff::Timestamp;
use managed_sessions_mcp::sandbox::{Effect, Fault, Sandbox};
use serde_json::{Value, json};

use crate::{
    program::{Program, hello, request, text},
    support::{http, in_time, sandbox},
};

/// The `_meta` of a request without a session, in the newer protocol.
fn modern(version: &str) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[test]
fn stdout_carries_only_the_protocol_whatever_is_logged() {
    let mut program = Program::start(&["--sandbox", "--log-level", "trace"], &[]).opened();
    program.call("1", "list_sessions", &json!({}));
    assert_eq!(program.answer()["id"], "1");
    program.call("2", "delete_session", &json!({"session_id": "sesn_04"}));
    assert!(text(&program.answer()).starts_with("session_running: "));
    program.is_well();
    let (rest, status) = program.close();
    assert!(rest.is_empty() && status.success(), "{rest:?} {status}");
}

#[test]
fn messages_before_the_handshake_do_no_harm() {
    let mut program = Program::start(&["--sandbox"], &[]);
    program.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    program.send(&json!({"jsonrpc": "2.0", "id": 7, "result": {}}));
    program.write("");
    program.write("{nonsense");
    assert_eq!(program.answer()["error"]["code"], -32_700);
    program.is_well();
    program.send(&request("early", "tools/list", &json!({})));
    let answer = program.answer();
    assert_eq!(answer["error"]["code"], -32_602, "{answer}");
    program.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
                         "params": {"requestId": "early"}}));
    let mut program = program.opened();
    program.is_well();
    assert!(program.close().1.success());
}

#[test]
fn an_initialize_that_lacks_something_is_told_what() {
    let mut program = Program::start(&["--sandbox"], &[]);
    let client = json!({"name": "test", "version": "1"});
    let version = "params.protocolVersion must be a string";
    let capabilities = "params.capabilities must be an object";
    let info = "params.clientInfo must be an object with the strings name and version";
    for (params, named) in [
        (json!({"protocolVersion": "2025-11-25", "capabilities": {}}), vec![info]),
        (json!({"capabilities": {}, "clientInfo": client}), vec![version]),
        (
            json!({"protocolVersion": 5, "capabilities": [], "clientInfo": client}),
            vec![version, capabilities],
        ),
        (
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x"}}),
            vec![info],
        ),
        (json!({}), vec![version, capabilities, info]),
        (json!(null), vec![version, capabilities, info]),
    ] {
        program.send(&request("7", "initialize", &params));
        let answer = program.answer();
        let error = &answer["error"];
        assert_eq!((&answer["id"], &error["code"]), (&json!("7"), &json!(-32_602)), "{answer}");
        let message = error["message"].as_str().expect("a message");
        for part in [version, capabilities, info] {
            assert_eq!(message.contains(part), named.contains(&part), "{params}: {message}");
        }
        assert!(!message.contains("_meta"), "{message}");
    }
    program.send(&json!({"jsonrpc": "2.0", "id": 8, "method": "initialize"}));
    let answer = program.answer();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(8), &json!(-32_602)), "{answer}");
    assert!(program.opened().close().1.success());
}

#[test]
fn malformed_lines_are_rejected_and_the_program_goes_on() {
    let mut program = Program::start(&["--sandbox"], &[]).opened();
    let batch = json!([request("a", "ping", &json!({}))]).to_string();
    let deep = "[".repeat(100_000);
    let cases = [
        ("{nonsense", -32_700, None),
        ("[", -32_700, None),
        ("nul", -32_700, None),
        (deep.as_str(), -32_700, None),
        (r#"{"id": 5, "method": "ping", "params": {"#, -32_700, Some(5)),
        ("5", -32_600, None),
        ("null", -32_600, None),
        ("{}", -32_600, None),
        ("[]", -32_600, None),
        (r#"{"id": 5, "method": "ping"}"#, -32_600, Some(5)),
        (batch.as_str(), -32_600, None),
    ];
    for (line, code, id) in cases {
        program.write(line);
        let answer = program.answer();
        assert_eq!(answer["error"]["code"], code, "{line}: {answer}");
        // Left out where the line has none: not every client takes null for an id.
        assert_eq!(answer.get("id"), id.map(Value::from).as_ref(), "{answer}");
        program.is_well();
    }
    for ignored in ["", "\u{feff}", "  ", "{\"jsonrpc\": \"2.0\", \"method\": 5}"] {
        program.write(ignored);
        program.is_well();
    }
    let (rest, status) = program.close();
    assert!(rest.is_empty() && status.success(), "{rest:?} {status}");
}

#[test]
fn a_malformed_call_is_a_tool_failure_that_the_model_sees() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.jsonl");
    let audited = ["--sandbox", "--audit-log", log.to_str().expect("a plain path")];
    let mut program = Program::start(&audited, &[]).opened();
    for (params, expected) in [
        (json!({"name": 5}), "must name its tool"),
        (json!({}), "must name its tool"),
        (
            json!({"name": "get_session", "arguments": "sesn_01"}),
            "\"get_session\" was not carried out: its arguments must be a JSON object",
        ),
        (json!({"name": "delete_session", "arguments": [1]}), "a JSON object"),
    ] {
        program.send(&request("1", "tools/call", &params));
        let answer = program.answer();
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert!(text(&answer).starts_with("invalid_arguments: "), "{answer}");
        assert!(text(&answer).contains(expected), "{answer}");
    }
    let lines = std::fs::read_to_string(&log).expect("the log is there");
    let lines: Vec<Value> =
        (lines.lines()).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 1, "only tools that write: {lines:?}");
    assert_eq!(
        (&lines[0]["tool"], &lines[0]["code"]),
        (&json!("delete_session"), &json!("invalid_arguments"))
    );
    program.send(&request("2", "tools/destroy\u{202e}", &json!({})));
    let answer = program.answer();
    assert_eq!(answer["error"]["code"], -32_601, "{answer}");
    let message = answer["error"]["message"].as_str().expect("a message");
    assert!(message.contains("\"tools/destroy\\u{202e}\""), "{message}");
    program.is_well();
}

#[test]
fn an_unknown_protocol_version_is_answered_with_the_supported_ones() {
    let mut program = Program::start(&["--sandbox"], &[]);
    program.send(&hello("1999-01-01"));
    let version = program.answer()["result"]["protocolVersion"].clone();
    assert_eq!(version, "2025-11-25");
    program.is_well();

    let mut program = Program::start(&["--sandbox"], &[]);
    let list = |version| request("1", "tools/list", &json!({"_meta": modern(version)}));
    program.send(&list("2031-01-01"));
    let supported = program.answer()["error"]["data"]["supported"].clone();
    assert!(
        supported.as_array().is_some_and(|all| all.contains(&json!("2026-07-28"))),
        "{supported}"
    );
    program.send(&list("2026-07-28"));
    assert!(program.answer()["result"]["tools"].is_array());
}

#[test]
fn three_hundred_calls_at_once_are_all_answered() {
    let mut program = Program::start(&["--sandbox"], &[]).opened();
    let ids: BTreeSet<String> = (0..300).map(|number| format!("call {number}")).collect();
    for id in &ids {
        program.call(id, "get_session", &json!({"session_id": "sesn_01"}));
    }
    let mut answered = BTreeSet::new();
    for _ in &ids {
        let answer = program.answer();
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        answered.insert(answer["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(answered, ids);
    program.is_well();
}

#[test]
fn a_line_of_fifteen_mebibytes_is_read_and_a_longer_one_rejected() {
    let mut program = Program::start(&["--sandbox"], &[]).opened();
    let long = "x".repeat(15 << 20);
    program.call("1", "get_session", &json!({"session_id": long}));
    let answer = program.answer();
    assert!(text(&answer).starts_with("invalid_arguments: "), "it is long");
    assert!(answer.to_string().len() < 4_000, "a failure is short");
    let too_long = "x".repeat(17 << 20);
    program.call("2", "get_session", &json!({"session_id": too_long}));
    let answer = program.answer();
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!("2"), &json!(-32_600)),
        "{answer}"
    );
    program.is_well();
}

#[test]
fn the_last_line_needs_no_newline() {
    let mut program = Program::start(&["--sandbox"], &[]).opened();
    let ping = request("last", "ping", &json!({})).to_string();
    let stdin = program.stdin.as_mut().expect("open");
    stdin.write_all(ping.as_bytes()).expect("stdin takes it");
    let (rest, status) = program.close();
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(rest[0]["id"], "last");
    assert!(status.success(), "{status}");
}

#[test]
fn calls_in_flight_are_answered_when_stdin_ends() {
    let mut program = Program::start(&["--sandbox"], &[]).opened();
    for id in ["1", "2", "3"] {
        program.call(id, "get_session", &json!({"session_id": "sesn_01"}));
    }
    let (rest, status) = program.close();
    assert_eq!(rest.len(), 3, "{rest:?}");
    assert!(rest.iter().all(|answer| answer["result"]["isError"] == false));
    assert!(status.success());
}

/// Makes the sandbox slow to carry out one request.
fn slow_down(sandbox: &Sandbox, milliseconds: u64, method: &str, path: &str) {
    let fault = Fault::new(Effect::Slow { milliseconds });
    sandbox.fail(fault.on(method, path));
}

/// A session as the service has it.
async fn read(sandbox: &Sandbox, session: &str) -> Value {
    let url = format!("{}/v1/sessions/{session}", sandbox.base_url());
    let request = http()
        .get(url)
        .bearer_auth(sandbox.api_key())
        .header("anthropic-version", "2026-10-21")
        .header("anthropic-beta", "managed-agents-2026-04-01");
    let answer = request.send().await.expect("an answer");
    serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_call_delays_no_other() {
    let sandbox = sandbox().await;
    let mut program = Program::on(&sandbox).opened();
    program.call("warm", "get_session", &json!({"session_id": "sesn_02"}));
    program.answer();
    slow_down(&sandbox, 400, "GET", "/sesn_01");
    program.call("slow", "get_session", &json!({"session_id": "sesn_01"}));
    program.call("quick", "get_session", &json!({"session_id": "sesn_02"}));
    let order = [(); 2].map(|()| program.answer()["id"].clone());
    assert_eq!(order, ["quick", "slow"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_killed_during_a_write_leaves_it_done_or_not_done() {
    let sandbox = sandbox().await;
    for (pause, session) in [(50, "sesn_01"), (400, "sesn_02"), (0, "sesn_03")] {
        let mut program = Program::on(&sandbox).opened();
        slow_down(&sandbox, pause, "POST", "/archive");
        let path = format!("/v1/sessions/{session}/archive");
        let sent = || {
            let requests = sandbox.requests();
            requests.iter().filter(|each| each.path == path).count()
        };
        program.call("1", "archive_session", &json!({"session_id": session}));
        let arrives = async {
            while sent() == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        in_time(arrives).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        // Both ends at once, as when a host is killed.
        drop(program.stdin.take());
        let (_, closed) = channel();
        program.lines = closed;
        program.ends();

        assert_eq!(sent(), 1, "{session}");
        let record = read(&sandbox, session).await;
        assert_eq!(record["id"], session);
        assert_eq!(record["type"], "session");
        let at = &record["archived_at"];
        let time = at.as_str().map(str::parse::<Timestamp>);
        assert!(at.is_null() || matches!(time, Some(Ok(_))), "{record}");

        // Either way it can be repeated.
        let mut after = Program::on(&sandbox).opened();
        after.call("1", "archive_session", &json!({"session_id": session}));
        assert_eq!(after.answer()["result"]["isError"], false);
        assert!(read(&sandbox, session).await["archived_at"].is_string());
    }
}
