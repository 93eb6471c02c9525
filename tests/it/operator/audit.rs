//! `--audit-log`.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{auditing, json_lines};
use crate::support::{Host, in_time, sandbox, sandbox_ids, sandbox_writes};

#[tokio::test]
async fn every_call_of_a_writing_tool_leaves_a_line_and_no_other_call_does() {
    let sandbox = sandbox().await;
    let idle = sandbox_ids(&sandbox, "idle").await;
    let running = sandbox_ids(&sandbox, "running").await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let host = Host::with_flags(auditing(&file), &sandbox.base_url()).await;
    let (first, second, busy) = (&idle[0], &idle[1], &running[0]);
    // The arguments of a call; then the line it must leave: the session, the outcome or code, and
    // whether it has a request id.
    let mut expected = Vec::new();
    for (tool, arguments, line) in [
        ("get_session", json!({"session_id": first}), None),
        (
            "archive_session",
            json!({"session_id": first, "dry_run": true}),
            Some((json!(first), "would_archive", false)),
        ),
        ("archive_session", json!({"session_id": first}), Some((json!(first), "archived", true))),
        ("delete_session", json!({"session_id": 17}), Some((json!("17"), "not_found", true))),
        (
            "delete_session",
            json!({"session_id": busy}),
            Some((json!(busy), "session_running", false)),
        ),
        (
            "delete_session",
            json!({"session_id": "sesn_nowhere"}),
            Some((json!("sesn_nowhere"), "not_found", true)),
        ),
        (
            "delete_session",
            json!({"session_id": "a b", "secret": "sk-123"}),
            Some((Value::Null, "invalid_arguments", false)),
        ),
        ("delete_session", json!({"session_id": second}), Some((json!(second), "deleted", true))),
    ] {
        host.call_raw(tool, arguments).await;
        let sent = line.as_ref().filter(|(_, word, _)| ["archived", "deleted"].contains(word));
        expected.extend(sent.map(|(id, ..)| json!([tool, id, "begun", false])));
        expected.extend(line.map(|(id, word, request)| json!([tool, id, word, request])));
    }
    let shown = |line: &Value| {
        let milliseconds = line["milliseconds"].as_u64();
        let begun = line["outcome"] == "begun";
        assert!(milliseconds.map_or(begun, |ms| !begun && ms < 10_000), "{line}");
        assert_eq!(line["client"], concat!("rmcp ", "3.11.0"), "{line}");
        let time = line["time"].as_str().expect("a time");
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
        let word = line.get("outcome").or(line.get("code"));
        json!([line["tool"], line["session_id"], word, line["request_id"].is_string()])
    };
    let lines: Vec<Value> = json_lines(&file).iter().map(shown).collect();
    assert_eq!(lines, expected);
    let text = std::fs::read_to_string(&file).expect("readable");
    assert!(!text.contains("sk-123"), "arguments are never written");
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_is_private_and_survives_rotation() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let [file, moved] = ["audit", "audit.1"].map(|name| folder.path().join(name));
    let host = Host::with_flags(auditing(&file), &sandbox.base_url()).await;
    let call = || host.failure("archive_session", json!({"session_id": "sesn_nowhere"}));
    call().await;
    let mode = std::fs::metadata(&file).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    std::fs::rename(&file, &moved).expect("it can be moved");
    call().await;
    call().await;
    assert_eq!((json_lines(&moved).len(), json_lines(&file).len()), (1, 2));
    std::fs::remove_file(&file).expect("it can be removed");
    call().await;
    assert_eq!(json_lines(&file).len(), 1);
}

#[tokio::test]
async fn a_call_that_cannot_be_audited_is_not_carried_out() {
    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("missing/audit");
    let host = Host::with_flags(auditing(&file), &sandbox.base_url()).await;
    let session = json!({"session_id": id});
    let code = host.outcome("delete_session", session.clone()).await;
    assert_eq!(code, "audit_failed");
    assert!(sandbox.requests().is_empty(), "nothing was even read");
    let record = host.answer("get_session", session.clone()).await;
    assert_eq!(record["id"], *id, "reading goes on");
    std::fs::create_dir(folder.path().join("missing")).expect("a folder");
    assert_eq!(host.outcome("delete_session", session).await, "deleted");
    let lines = json_lines(&file);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0]["code"], "audit_failed");
    assert_eq!((&lines[1]["outcome"], &lines[2]["outcome"]), (&json!("begun"), &json!("deleted")));
    assert_eq!(sandbox_writes(&sandbox).len(), 1);
}

#[tokio::test]
async fn lines_of_concurrent_calls_are_never_mixed() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit");
    let url = sandbox.base_url();
    let hosts = [
        Host::with_flags(auditing(&file), &url).await,
        Host::with_flags(auditing(&file), &url).await,
    ];
    let calls = (0..60).map(|n| {
        let arguments = json!({"session_id": format!("sesn_{n}")});
        hosts[n % 2].call("delete_session", arguments)
    });
    in_time(join_all(calls)).await;
    let lines = json_lines(&file);
    let ids = lines.iter().map(|line| line["session_id"].as_str());
    let mut ids: Vec<&str> = ids.map(|id| id.expect("an id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 60);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_is_refused_at_once() {
    use std::{fs, os::unix::fs::symlink, path::Path};

    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    super::make_pipe(&at("pipe"));
    super::make_pipe(&at("read"));
    // A pipe that is read can be opened, and blocks once it is full.
    let reader = fs::OpenOptions::new().read(true).write(true).open(at("read"));
    let _reader = reader.expect("it can be opened");
    fs::create_dir(at("folder")).expect("a folder");
    symlink("pipe", at("link")).expect("a link");
    drop(std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket"));
    for (name, kind) in [
        ("pipe", "a named pipe"),
        ("read", "a named pipe"),
        ("link", "a named pipe"),
        ("folder", "a folder"),
        ("socket", "a socket"),
    ] {
        let host = Host::with_flags(auditing(&at(name)), &sandbox.base_url()).await;
        let failure = host.failure("archive_session", json!({"session_id": id}));
        let failure = in_time(failure).await;
        assert!(failure.starts_with("audit_failed: "), "{name}: {failure}");
        assert!(failure.contains(&format!("it is {kind}, not a regular file")), "{failure}");
    }
    assert!(sandbox.requests().is_empty());
    // A link to a file and a device that takes everything are fine.
    fs::write(at("file"), "").expect("a file");
    symlink("file", at("good link")).expect("a link");
    for place in [&*at("good link"), Path::new("/dev/null")] {
        let host = Host::with_flags(auditing(place), &sandbox.base_url()).await;
        let dry_run = json!({"session_id": id, "dry_run": true});
        assert_eq!(host.outcome("archive_session", dry_run).await, "would_archive");
    }
    assert_eq!(json_lines(&at("file")).len(), 1);
}
