//! What a deletion says of what is lost, where a copy is kept or a person is asked.

use std::fs;

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};

use super::{confirming, exporting, names};
use crate::support::{Api, session, with_fields};

const SESSION: &str = "/v1/sessions/sesn_1";

fn id() -> Value {
    json!({"session_id": "sesn_1"})
}

fn dry_run() -> Value {
    with_fields(id(), json!({"dry_run": true}))
}

/// A session with two events, a child thread of one event and a file.
async fn api() -> Api {
    let tool = |n: usize| {
        json!({"type": "custom", "name": format!("tool_{n}"), "description": "d",
            "input_schema": {"type": "object", "properties": {"a": {"description": "x".repeat(2_000)}}}})
    };
    let mut record = session("sesn_1", "idle");
    record["agent"]["tools"] = (0..60).map(tool).collect();
    let api = Api::with_session(record).await;
    api.accepts_delete(SESSION).await;
    let event = |id: &str| json!({"id": id, "type": "agent.message"});
    let thread = |id: &str, parent: Option<&str>| json!({"id": id, "type": "session_thread", "parent_thread_id": parent});
    let threads = [thread("sthr_1", None), thread("sthr_2", Some("sthr_1"))];
    let file = json!({"id": "file_1", "filename": "a.txt", "size_bytes": 1, "downloadable": true});
    for (path, data) in [
        (format!("{SESSION}/events"), json!([event("evt_1"), event("evt_2")])),
        (format!("{SESSION}/threads"), json!(threads)),
        (format!("{SESSION}/threads/sthr_2/events"), json!([event("evt_3")])),
        ("/v1/files".to_owned(), json!([file])),
    ] {
        api.answers("GET", &path, 200, json!({"data": data})).await;
    }
    api.answers("GET", "/v1/files/file_1/content", 200, json!(7)).await;
    api
}

fn files() -> Value {
    json!({"count": 1, "first": [{"id": "file_1", "name": "a.txt", "bytes": 1}]})
}

#[tokio::test]
async fn a_copy_counts_exactly_and_a_dry_run_says_where_it_would_be() {
    let api = api().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sesn_1.jsonl.gz").display().to_string();
    let host = api.host_with(exporting(folder.path())).await;
    let answer = host.answer("delete_session", dry_run()).await;
    assert_eq!(answer["would_export_to"], path);
    assert_eq!(answer.get("exported_to"), None);
    let counted = json!({"events": 2, "at_least": true, "threads": 1, "files": files()});
    assert_eq!(answer["lost"], counted);
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("the copy that is exported first will hold all of it"), "{warnings}");
    assert_eq!(names(folder.path()), [""; 0]);

    let answer = host.answer("delete_session", id()).await;
    assert_eq!((&answer["exported_to"], answer.get("would_export_to")), (&json!(path), None));
    assert_eq!(answer["lost"], json!({"events": 3, "threads": 1, "files": files()}));
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("the exported copy holds all of it"), "{warnings}");
}

#[tokio::test]
async fn a_dry_run_finds_that_no_copy_could_be_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone = folder.path().join("gone");
    fs::create_dir(&gone).expect("a folder");
    let taken = folder.path().join("taken");
    fs::create_dir_all(taken.join("sesn_1.jsonl.gz")).expect("a folder");
    let files = folder.path().join("files");
    fs::create_dir(&files).expect("a folder");
    fs::write(files.join("sesn_1.files"), "x").expect("a file");
    for dir in [gone, taken, files] {
        let api = api().await;
        let host = api.host_with(exporting(&dir)).await;
        if dir.ends_with("gone") {
            fs::remove_dir(&dir).expect("it is empty");
        }
        for arguments in [dry_run(), id()] {
            let outcome = host.outcome("delete_session", arguments.clone()).await;
            assert_eq!(outcome, "export_failed", "{arguments} {}", dir.display());
        }
        assert_eq!(api.writes().await, [""; 0]);
    }
}

#[tokio::test]
async fn who_is_asked_is_told_what_is_lost() {
    for exports in [false, true] {
        let api = api().await;
        let folder = tempfile::tempdir().expect("a folder");
        let export_dir = exports.then(|| folder.path().to_owned());
        let host = api.host_with(Flags { export_dir, ..confirming("token") }).await;
        let asked = host.answer("delete_session", id()).await;
        assert_eq!(asked["outcome"], "confirmation_required");
        assert_eq!(asked["lost"]["events"], 2, "{asked}");
        assert_eq!(asked["lost"]["files"], files());
        assert!(asked["snapshot"]["operations"].is_object());
        assert_eq!(names(folder.path()), [""; 0]);
        let before = api.asked().await.len();
        let token = json!({"confirmation_token": asked["confirmation_token"]});
        let deleted = host.answer("delete_session", with_fields(id(), token)).await;
        assert_eq!(deleted["outcome"], "deleted");
        assert_eq!(deleted["lost"]["events"], if exports { 3 } else { 2 });
        let mut asked = api.asked().await.split_off(before);
        asked.retain(|each| each.ends_with("/threads"));
        assert_eq!(asked.len(), 1, "a copy counts by itself");
    }
}
