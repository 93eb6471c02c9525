//! The real program over its real standard streams.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::program::{Program, command, request, run, text, utf8};

/// Calls a tool; returns the text of the result.
fn call(program: &mut Program, tool: &str, arguments: &Value) -> String {
    program.call("1", tool, arguments);
    text(&program.answer()).to_owned()
}

#[test]
fn stdin_that_closes_before_the_first_message_ends_the_program_silently() {
    let output = run(&[], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((utf8(&output.stdout), utf8(&output.stderr)), ("", ""));
}

/// Node connects child processes by sockets.
#[cfg(unix)]
#[test]
fn sockets_are_served_until_they_close_and_stay_blocking() {
    use std::os::{fd::OwnedFd, unix::net::UnixStream};

    let (mut to_program, stdin) = UnixStream::pair().expect("a pair of sockets");
    let (from_program, stdout) = UnixStream::pair().expect("a pair of sockets");
    let _peer = from_program.try_clone().expect("a socket");
    let mut shared = stdout.try_clone().expect("a socket");
    let child = command(&[], &[])
        .stdin(OwnedFd::from(stdin))
        .stdout(OwnedFd::from(stdout))
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    for message in [
        crate::program::hello("2025-06-18"),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        request("list", "tools/list", &json!({})),
    ] {
        writeln!(to_program, "{message}").expect("stdin takes a line");
    }
    let lines = BufReader::new(from_program).lines().take(2);
    let answers: Vec<Value> =
        lines.map(|line| serde_json::from_str(&line.expect("a line")).expect("JSON")).collect();
    let name = &answers[0]["result"]["serverInfo"]["name"];
    assert_eq!(name, "managed-sessions-mcp");
    let tools = answers[1]["result"]["tools"].as_array().expect("tools");
    assert_eq!(tools.len(), 18, "exports need a folder");
    drop(to_program);
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!((output.status.code(), utf8(&output.stderr)), (Some(0), ""));
    // Other processes may share the socket: reading from it still blocks.
    let timeout = Duration::from_millis(100);
    shared.set_read_timeout(Some(timeout)).expect("a socket");
    let started = Instant::now();
    let error = shared.read(&mut [0]).expect_err("nothing comes");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert!(started.elapsed() >= timeout / 2, "it is blocking");
}

#[test]
fn without_a_key_tools_are_listed_and_calls_report_what_is_missing() {
    let mut program = Program::start(&[], &[]).opened();
    program.send(&request("list", "tools/list", &json!({})));
    let tools = program.answer()["result"]["tools"].clone();
    assert!(tools.as_array().is_some_and(|tools| tools.len() >= 5));
    let failure = call(&mut program, "list_sessions", &json!({}));
    assert!(failure.starts_with("credentials_missing: "), "{failure}");
    assert!(failure.contains("Next: set ANTHROPIC_API_KEY"), "{failure}");
    assert_eq!(program.close().1.code(), Some(0));
}

#[test]
fn an_invalid_variable_is_reported_by_every_call() {
    let environment = [("MANAGED_SESSIONS_TIMEOUT_SECONDS", "soon"), ("ANTHROPIC_API_KEY", "sk-x")];
    let mut program = Program::start(&["--sandbox"], &environment).opened();
    for (tool, arguments) in
        [("list_sessions", json!({})), ("delete_session", json!({"session_id": "sesn_x"}))]
    {
        let failure = call(&mut program, tool, &arguments);
        assert!(
            failure.starts_with("invalid_configuration: ")
                && failure.contains("MANAGED_SESSIONS_TIMEOUT_SECONDS"),
            "{failure}"
        );
    }
}

#[test]
fn placeholders_of_bundles_count_as_unset() {
    let environment = [
        ("ANTHROPIC_API_KEY", "${user_config.api_key}"),
        ("MANAGED_SESSIONS_READ_ONLY", "${user_config.read_only}"),
        ("MANAGED_SESSIONS_TOOLSETS", ""),
    ];
    let mut program = Program::start(&["--sandbox"], &environment).opened();
    let answer = call(&mut program, "list_sessions", &json!({"limit": 1}));
    assert!(answer.contains("\"sessions\""), "{answer}");
}

#[test]
fn an_invalid_flag_exits_with_2_and_the_valid_values() {
    for (arguments, expected) in [
        (["--toolsets", "nonsense"], "some of sessions"),
        (["--timeout-seconds", "0"], "whole seconds from 1 to 600"),
        (["--base-url", "http://example.com"], "https is required"),
        (["--confirm-deletes", "maybe"], "one of off, token, elicit"),
        (["--confirm-approvals", "maybe"], "one of off, token, elicit"),
        (["--disable-tools", "get_session,reply_session"], "there is no tool \"reply_session\""),
        (["--disable-tools", "delete"], "give some of get_session, list_sessions, "),
        (["--disable-tools", " , "], "give some of get_session, list_sessions, "),
        (["--auth-header", "cookie"], "authorization, x-api-key"),
    ] {
        let output = run(&arguments, &[]);
        let stderr = utf8(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(utf8(&output.stdout), "");
        assert!(stderr.contains(expected), "{stderr}");
    }
}

#[test]
fn help_names_the_variables_and_shows_no_values() {
    let environment = [("ANTHROPIC_BASE_URL", "https://secret.example")];
    let output = run(&["--help"], &environment);
    let help = utf8(&output.stdout);
    for variable in [
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_WORKSPACE_ID",
        "MANAGED_SESSIONS_READ_ONLY",
        "MANAGED_SESSIONS_TOOLSETS",
        "MANAGED_SESSIONS_ALLOW_AGENTS",
        "MANAGED_SESSIONS_DISABLED_TOOLS",
        "MANAGED_SESSIONS_CONFIRM_DELETES",
        "MANAGED_SESSIONS_CONFIRM_APPROVALS",
        "MANAGED_SESSIONS_EXPORT_DIR",
        "MANAGED_SESSIONS_AUDIT_LOG",
        "MANAGED_SESSIONS_TIMEOUT_SECONDS",
    ] {
        assert!(help.contains(variable), "{variable}");
    }
    assert!(!help.contains("secret.example"));
}

#[test]
fn a_pipe_that_is_closed_early_is_no_error_of_the_demo() {
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
fn the_demo_passes() {
    let output = run(&["demo"], &[]);
    let (transcript, stderr) = (utf8(&output.stdout), utf8(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{transcript}{stderr}");
    assert!(!transcript.contains("FAILED"), "{transcript}");
    for shown in [
        "list_sessions",
        "get_session",
        "session_running: ",
        "would", // of the dry run
        "deleted",
        "All steps passed.",
    ] {
        assert!(transcript.contains(shown), "{shown} is missing:\n{transcript}");
    }
}

/// The folder for exports, if there is one: what an export is written into.
#[cfg(unix)]
#[test]
fn a_sandbox_exports_into_a_private_folder_that_ends_with_the_program() {
    use std::{os::unix::fs::PermissionsExt as _, path::Path};

    let temporary = tempfile::tempdir().expect("a folder");
    let place = temporary.path().to_str().expect("text");
    let mut program = Program::start(&["--sandbox"], &[("TMPDIR", place)]).opened();
    let answer = call(&mut program, "export_session", &json!({"session_id": "sesn_01"}));
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let file = Path::new(answer["path"].as_str().expect("a path"));
    let folder = file.parent().expect("a folder");
    assert!(file.is_file() && folder.starts_with(temporary.path()), "{answer}");
    let mode = folder.metadata().expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let (_, status) = program.close();
    assert!(status.success());
    let left = std::fs::read_dir(temporary.path()).expect("a folder").count();
    assert_eq!(left, 0, "nothing is left behind");

    let chosen = temporary.path().to_owned();
    let chosen = chosen.to_str().expect("text");
    let mut program = Program::start(&["--sandbox", "--export-dir", chosen], &[]).opened();
    call(&mut program, "export_session", &json!({"session_id": "sesn_01"}));
    program.close();
    assert!(temporary.path().join("sesn_01.jsonl.gz").is_file(), "the operator's own folder stays");
}
