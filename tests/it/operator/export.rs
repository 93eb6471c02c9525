//! `export_session`, and deletes that export first.

use std::{io::Read as _, path::Path};

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use super::{exporting, ids, writes};
use crate::support::{Api, Host, sandbox, session, with};

const EVENTS: &str = "/v1/sessions/sesn_1/events";

/// An API with one session whose history has `pages` pages of two events.
async fn history(pages: usize) -> Api {
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions/sesn_1", 200, record())
        .await;
    api.answers(
        "DELETE",
        "/v1/sessions/sesn_1",
        200,
        json!({"id": "sesn_1", "type": "session_deleted"}),
    )
    .await;
    for page in 0..pages {
        let next = (page + 1 < pages).then(|| format!("page_{}", page + 1));
        let event = |n: usize| json!({"id": format!("evt_{page}_{n}"), "type": "user.message"});
        let body = json!({"data": [event(0), event(1)], "next_page": next});
        let mock = Mock::given(matchers::method("GET")).and(matchers::path(EVENTS));
        let mock = if page == 0 {
            mock.and(matchers::query_param_is_missing("page"))
        } else {
            mock.and(matchers::query_param("page", format!("page_{page}")))
        };
        let answer = ResponseTemplate::new(200).set_body_json(body);
        mock.respond_with(answer).mount(&api.0).await;
    }
    api
}

fn record() -> Value {
    let odd = r#"{"shiny": {"price": 1.50, "big": 123456789012345678901234567890, "none": null}}"#;
    with(
        session("sesn_1", "idle"),
        serde_json::from_str(odd).expect("JSON"),
    )
}

fn unpacked(path: &str) -> Vec<String> {
    let file = std::fs::File::open(path).expect("the file is there");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("it is gzip");
    text.lines().map(str::to_owned).collect()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().into_owned()
    };
    entries.map(name).collect()
}

#[tokio::test]
async fn record_and_every_event_are_in_the_file() {
    let api = history(3).await;
    let dir = tempfile::tempdir().expect("a folder");
    let host = Host::with(exporting(dir.path()), &api.0.uri()).await;
    let session_id = json!({"session_id": "sesn_1"});
    for _ in 0..2 {
        let done = host
            .call("export_session", session_id.clone())
            .await
            .answer();
        assert_eq!(done["outcome"], "exported");
        assert_eq!(done["events"], 6);
        let path = done["path"].as_str().expect("a path");
        assert_eq!(Path::new(path), dir.path().join("sesn_1.jsonl.gz"));
        let size = std::fs::metadata(path).expect("it is there").len();
        assert_eq!(done["bytes"], size);
        let lines = unpacked(path);
        assert_eq!(lines[0], record().to_string(), "the record as it was sent");
        let ids: Vec<_> = lines[1..]
            .iter()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone())
            .collect();
        assert_eq!(
            ids,
            [
                "evt_0_0", "evt_0_1", "evt_1_0", "evt_1_1", "evt_2_0", "evt_2_1"
            ]
        );
        assert_eq!(
            names(dir.path()),
            ["sesn_1.jsonl.gz"],
            "nothing else is left"
        );
    }
    assert_eq!(api.writes().await, [""; 0]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = dir.path().join("sesn_1.jsonl.gz");
        let mode = std::fs::metadata(path).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn an_export_goes_on_where_the_time_was_up() {
    let api = history(3).await;
    let dir = tempfile::tempdir().expect("a folder");
    let flags = Flags {
        timeout_seconds: Some("2".to_owned()),
        ..exporting(dir.path())
    };
    let host = Host::with(flags, &api.0.uri()).await;
    let export = || host.call("export_session", json!({"session_id": "sesn_1"}));
    let failure = export().await.failure();
    assert!(failure.starts_with("timed_out: "), "{failure}");
    assert!(failure.contains("2 events"), "{failure}");
    assert_eq!(export().await.code(), "timed_out");
    assert!(
        names(dir.path())
            .iter()
            .all(|name| name.starts_with(".export-"))
    );
    let done = export().await.answer();
    assert_eq!(done["events"], 6);
    assert_eq!(unpacked(done["path"].as_str().expect("a path")).len(), 7);
    let asked = api.asked().await;
    let pages = asked.iter().filter(|each| each.ends_with("/events"));
    assert_eq!(pages.count(), 3, "no page is asked for twice");
    assert_eq!(names(dir.path()), ["sesn_1.jsonl.gz"]);
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_smaller_ones() {
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions/sesn_1", 200, record())
        .await;
    let too_large = Mock::given(matchers::path(EVENTS)).and(matchers::query_param("limit", "500"));
    let answer = ResponseTemplate::new(200).set_body_string("<html>");
    too_large.respond_with(answer).mount(&api.0).await;
    let page = json!({"data": [{"id": "evt_1"}], "next_page": null});
    api.answers("GET", EVENTS, 200, page).await;
    let dir = tempfile::tempdir().expect("a folder");
    let host = Host::with(exporting(dir.path()), &api.0.uri()).await;
    let done = host.call("export_session", json!({"session_id": "sesn_1"}));
    assert_eq!(done.await.answer()["events"], 1);
}

#[tokio::test]
async fn a_cursor_that_does_not_move_is_noticed() {
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions/sesn_1", 200, record())
        .await;
    let page = json!({"data": [{"id": "evt_1"}], "next_page": "again"});
    api.answers("GET", EVENTS, 200, page).await;
    let dir = tempfile::tempdir().expect("a folder");
    let host = Host::with(exporting(dir.path()), &api.0.uri()).await;
    let done = host.call("export_session", json!({"session_id": "sesn_1"}));
    assert_eq!(done.await.code(), "bad_response");
    assert!(names(dir.path()).is_empty());
}

#[tokio::test]
async fn without_a_folder_there_is_no_export_and_no_delete() {
    let sandbox = sandbox().await;
    let id = json!({"session_id": ids(&sandbox, "idle").await[0]});
    let host = Host::on(&sandbox.base_url()).await;
    let unavailable = host.call("export_session", id.clone()).await;
    assert_eq!(unavailable.code(), "export_unavailable");
    assert!(sandbox.requests().is_empty());
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "").expect("a file");
    for place in [dir.path().join("missing"), file] {
        let host = Host::with(exporting(&place), &sandbox.base_url()).await;
        for tool in ["export_session", "delete_session"] {
            let failure = host.call(tool, id.clone()).await.failure();
            assert!(failure.starts_with("export_failed: "), "{failure}");
        }
    }
    assert_eq!(writes(&sandbox), [""; 0]);
    assert_eq!(names(dir.path()), ["file"]);
}

#[tokio::test]
async fn a_delete_exports_first_and_looks_again() {
    let api = history(2).await;
    let dir = tempfile::tempdir().expect("a folder");
    let host = Host::with(exporting(dir.path()), &api.0.uri()).await;
    let dry = json!({"session_id": "sesn_1", "dry_run": true});
    assert_eq!(
        host.call("delete_session", dry).await.word(),
        "would_delete"
    );
    assert!(names(dir.path()).is_empty(), "a dry run exports nothing");
    let done = host.call("delete_session", json!({"session_id": "sesn_1"}));
    let done = done.await.answer();
    assert_eq!(done["outcome"], "deleted");
    let path = done["exported_to"].as_str().expect("a path");
    assert_eq!(unpacked(path).len(), 5);
    let asked = api.asked().await;
    let (read, events) = ("GET /v1/sessions/sesn_1", "GET /v1/sessions/sesn_1/events");
    let expected = [
        read,
        read,
        events,
        events,
        read,
        "DELETE /v1/sessions/sesn_1",
    ];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn nothing_is_deleted_that_was_not_exported_as_it_is() {
    let api = Api::new().await;
    api.answers(
        "DELETE",
        "/v1/sessions/sesn_1",
        200,
        json!({"id": "sesn_1", "type": "session_deleted"}),
    )
    .await;
    let none = json!({"data": [], "next_page": null});
    api.answers("GET", EVENTS, 200, none).await;
    for second in 10..30 {
        let moved = json!({"updated_at": format!("2026-11-02T09:30:{second}Z")});
        let moved = with(record(), moved);
        api.answers_once("GET", "/v1/sessions/sesn_1", 200, moved)
            .await;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let host = Host::with(exporting(dir.path()), &api.0.uri()).await;
    let failure = host.call("delete_session", json!({"session_id": "sesn_1"}));
    let failure = failure.await.failure();
    assert!(failure.starts_with("export_failed: "), "{failure}");
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn a_session_that_begins_to_run_during_its_export_is_not_deleted() {
    let api = Api::new().await;
    api.answers_once("GET", "/v1/sessions/sesn_1", 200, record())
        .await;
    let running = with(record(), json!({"status": "running"}));
    api.answers("GET", "/v1/sessions/sesn_1", 200, running)
        .await;
    let none = json!({"data": [], "next_page": null});
    api.answers("GET", EVENTS, 200, none).await;
    let dir = tempfile::tempdir().expect("a folder");
    let host = Host::with(exporting(dir.path()), &api.0.uri()).await;
    let refused = host.call("delete_session", json!({"session_id": "sesn_1"}));
    assert_eq!(refused.await.code(), "session_running");
    assert_eq!(api.writes().await, [""; 0]);
}
