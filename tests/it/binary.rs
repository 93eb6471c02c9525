//! The real program over its real standard streams.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::program::{Program, command, request, text};

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(arguments, environment)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// The text of a tool's answer.
fn told(program: &mut Program, tool: &str, arguments: &Value) -> String {
    program.call("1", tool, arguments);
    text(&program.answer()).to_owned()
}

#[test]
fn a_host_that_closes_before_it_speaks_is_answered_with_silence() {
    let output = run(&[], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((utf8(&output.stdout), utf8(&output.stderr)), ("", ""));
}

/// Node connects the programs it starts by sockets.
#[cfg(unix)]
#[test]
fn a_host_that_connects_sockets_is_served_until_it_closes_them() {
    use std::os::{fd::OwnedFd, unix::net::UnixStream};

    let (mut to_program, stdin) = UnixStream::pair().expect("a pair of sockets");
    let (from_program, stdout) = UnixStream::pair().expect("a pair of sockets");
    let (peer, shared) = (from_program.try_clone(), stdout.try_clone());
    let (_peer, mut shared) = (peer.expect("a socket"), shared.expect("a socket"));
    let child = command(&[], &[])
        .stdin(OwnedFd::from(stdin))
        .stdout(OwnedFd::from(stdout))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {},
                   "clientInfo": {"name": "test", "version": "1"}},
    });
    writeln!(to_program, "{initialize}").expect("stdin takes a line");
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    writeln!(to_program, "{ready}").expect("stdin takes a line");
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}});
    writeln!(to_program, "{list}").expect("stdin takes a line");
    let lines = BufReader::new(from_program).lines().take(2);
    let answers: Vec<Value> = lines
        .map(|line| serde_json::from_str(&line.expect("a line")).expect("JSON"))
        .collect();
    assert_eq!(
        answers[0]["result"]["serverInfo"]["name"],
        "managed-sessions-mcp"
    );
    let tools = answers[1]["result"]["tools"].as_array().expect("tools");
    assert_eq!(tools.len(), 14);
    drop(to_program);
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), utf8(&output.stderr)), (Some(0), ""));
    // Whoever shares the socket gets it back as it was: a read of nothing waits.
    let while_it_waits = Duration::from_millis(100);
    shared
        .set_read_timeout(Some(while_it_waits))
        .expect("a socket");
    let started = Instant::now();
    let nothing = shared.read(&mut [0]).expect_err("nothing comes");
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
    assert!(started.elapsed() >= while_it_waits / 2, "it is blocking");
}

#[test]
fn without_a_key_it_starts_lists_its_tools_and_says_what_is_missing() {
    let mut program = Program::start(&[], &[]).opened();
    program.send(&request("list", "tools/list", &json!({})));
    let tools = program.answer();
    assert!(
        tools["result"]["tools"]
            .as_array()
            .is_some_and(|tools| tools.len() >= 5)
    );
    let failure = told(&mut program, "list_sessions", &json!({}));
    assert!(failure.starts_with("credentials_missing: "), "{failure}");
    assert!(failure.contains("Next: set ANTHROPIC_API_KEY"), "{failure}");
    assert_eq!(program.close().1.code(), Some(0));
}

#[test]
fn a_bad_environment_is_told_by_every_call_and_stops_nothing() {
    let mut program = Program::start(
        &["--sandbox"],
        &[
            ("MANAGED_SESSIONS_TIMEOUT_SECONDS", "soon"),
            ("ANTHROPIC_API_KEY", "sk-x"),
        ],
    )
    .opened();
    for (tool, arguments) in [
        ("list_sessions", json!({})),
        ("delete_session", json!({"session_id": "sesn_x"})),
    ] {
        let failure = told(&mut program, tool, &arguments);
        assert!(failure.starts_with("invalid_configuration: "), "{failure}");
        assert!(
            failure.contains("MANAGED_SESSIONS_TIMEOUT_SECONDS"),
            "{failure}"
        );
    }
}

#[test]
fn the_placeholders_of_bundles_count_as_unset() {
    let mut program = Program::start(
        &["--sandbox"],
        &[
            ("ANTHROPIC_API_KEY", "${user_config.api_key}"),
            ("MANAGED_SESSIONS_READ_ONLY", "${user_config.read_only}"),
            ("MANAGED_SESSIONS_TOOLSETS", ""),
        ],
    )
    .opened();
    let answer = told(&mut program, "list_sessions", &json!({"limit": 1}));
    assert!(answer.contains("\"sessions\""), "{answer}");
}

#[test]
fn a_bad_flag_ends_with_2_and_the_valid_values() {
    for (arguments, expected) in [
        (["--toolsets", "nonsense"], "some of sessions"),
        (["--timeout-seconds", "0"], "whole seconds from 1 to 600"),
        (["--base-url", "http://example.com"], "use https"),
        (["--confirm-deletes", "maybe"], "give off, token, elicit"),
        (["--auth-header", "cookie"], "authorization, x-api-key"),
    ] {
        let output = run(&arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(utf8(&output.stdout), "");
        assert!(
            utf8(&output.stderr).contains(expected),
            "{}",
            utf8(&output.stderr)
        );
    }
}

#[test]
fn help_names_every_variable_and_shows_no_value() {
    let output = run(
        &["--help"],
        &[("ANTHROPIC_BASE_URL", "https://secret.example")],
    );
    let help = utf8(&output.stdout);
    for variable in [
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_WORKSPACE_ID",
        "MANAGED_SESSIONS_READ_ONLY",
        "MANAGED_SESSIONS_TOOLSETS",
        "MANAGED_SESSIONS_ALLOW_AGENTS",
        "MANAGED_SESSIONS_CONFIRM_DELETES",
        "MANAGED_SESSIONS_EXPORT_DIR",
        "MANAGED_SESSIONS_AUDIT_LOG",
        "MANAGED_SESSIONS_TIMEOUT_SECONDS",
    ] {
        assert!(help.contains(variable), "{variable}");
    }
    assert!(!help.contains("secret.example"));
}

#[test]
fn a_reader_of_the_demo_who_has_seen_enough_is_no_error() {
    let mut child = command(&["demo"], &[])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    stdout.read_line(&mut line).expect("a line");
    assert!(line.starts_with("managed-sessions-mcp "), "{line}");
    drop(stdout);
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), utf8(&output.stderr)), (Some(0), ""));
}

#[test]
fn the_demo_does_what_it_says_within_a_terminals_width() {
    let output = run(&["demo"], &[]);
    let transcript = utf8(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{transcript}{}",
        utf8(&output.stderr)
    );
    assert!(!transcript.contains("NOT SO"), "{transcript}");
    for shown in [
        "list_sessions",
        "get_session",
        "session_running: ",
        "would",
        "deleted",
    ] {
        // "would" is what a dry run says; the demo shows one before it changes anything.
        assert!(
            transcript.contains(shown),
            "{shown} is missing:\n{transcript}"
        );
    }
    let widest = transcript.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}");
}
