//! `--audit-log`.

use serde_json::{Value, json};

use super::{auditing, ids, lines, writes};
use crate::support::{Host, sandbox, soon};

#[tokio::test]
async fn every_call_of_a_writing_tool_leaves_a_line_and_no_other_call_does() {
    let sandbox = sandbox().await;
    let (idle, running) = (ids(&sandbox, "idle").await, ids(&sandbox, "running").await);
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("audit.jsonl");
    let host = Host::with(auditing(&file), &sandbox.base_url()).await;
    for (tool, arguments) in [
        ("get_session", json!({"session_id": idle[0]})),
        (
            "archive_session",
            json!({"session_id": idle[0], "dry_run": true}),
        ),
        ("archive_session", json!({"session_id": idle[0]})),
        ("delete_session", json!({"session_id": running[0]})),
        ("delete_session", json!({"session_id": "sesn_nowhere"})),
        (
            "delete_session",
            json!({"session_id": "a b", "secret": "sk-123"}),
        ),
        ("delete_session", json!({"session_id": idle[1]})),
    ] {
        host.raw(tool, arguments).await;
    }
    let shown = |line: &Value| {
        let ms = line["milliseconds"].as_u64();
        assert!(ms.is_some_and(|ms| ms < 10_000), "{line}");
        let time = line["time"].as_str().expect("a time");
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
        let word = line.get("outcome").or(line.get("code"));
        (
            line["tool"].clone(),
            line["session_id"].clone(),
            word.cloned().unwrap_or_default(),
            line["request_id"].is_string(),
        )
    };
    let shown: Vec<_> = lines(&file).iter().map(shown).collect();
    let (archive, delete) = (json!("archive_session"), json!("delete_session"));
    let expected = vec![
        (
            archive.clone(),
            json!(idle[0]),
            json!("would_archive"),
            false,
        ),
        (archive, json!(idle[0]), json!("archived"), true),
        (
            delete.clone(),
            json!(running[0]),
            json!("session_running"),
            false,
        ),
        (
            delete.clone(),
            json!("sesn_nowhere"),
            json!("not_found"),
            true,
        ),
        (
            delete.clone(),
            Value::Null,
            json!("invalid_arguments"),
            false,
        ),
        (delete, json!(idle[1]), json!("deleted"), true),
    ];
    assert_eq!(shown, expected);
    let text = std::fs::read_to_string(&file).expect("readable");
    assert!(!text.contains("sk-123"), "content is never written");
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_is_for_its_owner_only_and_survives_rotation() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = sandbox().await;
    let dir = tempfile::tempdir().expect("a folder");
    let (file, moved) = (dir.path().join("audit"), dir.path().join("audit.1"));
    let host = Host::with(auditing(&file), &sandbox.base_url()).await;
    let call = || host.call("archive_session", json!({"session_id": "sesn_nowhere"}));
    call().await.code();
    let mode = std::fs::metadata(&file).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    std::fs::rename(&file, &moved).expect("it can be moved");
    call().await.code();
    call().await.code();
    assert_eq!((lines(&moved).len(), lines(&file).len()), (1, 2));
    std::fs::remove_file(&file).expect("it can be removed");
    call().await.code();
    assert_eq!(lines(&file).len(), 1);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_done() {
    let sandbox = sandbox().await;
    let idle = ids(&sandbox, "idle").await;
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("missing/audit");
    let host = Host::with(auditing(&file), &sandbox.base_url()).await;
    let delete = || host.call("delete_session", json!({"session_id": idle[0]}));
    let failure = delete().await.failure();
    assert!(failure.starts_with("audit_failed: "), "{failure}");
    assert!(sandbox.requests().is_empty(), "nothing was even read");
    let read = host
        .call("get_session", json!({"session_id": idle[0]}))
        .await;
    assert_eq!(read.answer()["id"], idle[0], "reading goes on");
    std::fs::create_dir(dir.path().join("missing")).expect("a folder");
    assert_eq!(delete().await.word(), "deleted");
    let codes: Vec<_> = lines(&file)
        .iter()
        .map(|line| line.get("code").or(line.get("outcome")).cloned())
        .collect();
    assert_eq!(codes, [Some(json!("audit_failed")), Some(json!("deleted"))]);
    assert_eq!(writes(&sandbox).len(), 1);
}

#[tokio::test]
async fn lines_of_concurrent_calls_are_never_mixed() {
    let sandbox = sandbox().await;
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("audit");
    let (one, other) = (
        Host::with(auditing(&file), &sandbox.base_url()).await,
        Host::with(auditing(&file), &sandbox.base_url()).await,
    );
    let calls = (0..60).map(|n| {
        let host = if n % 2 == 0 { &one } else { &other };
        host.call("delete_session", json!({"session_id": format!("sesn_{n}")}))
    });
    soon(futures_util::future::join_all(calls)).await;
    let mut ids: Vec<_> = lines(&file)
        .iter()
        .map(|line| line["session_id"].as_str().expect("an id").to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 60);
}
