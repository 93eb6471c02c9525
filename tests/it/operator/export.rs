//! `export_session`, and deletes that export first.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use super::{exporting, names, unpacked};
use crate::support::{
    Api, Host, config, ids, sandbox, sandbox_ids, sandbox_writes, serve, session, with_fields,
    with_timeout,
};

const SESSION: &str = "/v1/sessions/sesn_1";
const EVENTS: &str = "/v1/sessions/sesn_1/events";

fn id() -> Value {
    json!({"session_id": "sesn_1"})
}

/// A record with fields and numbers that only an exact copy keeps.
fn record() -> Value {
    let odd = r#"{"shiny": {"price": 1.50, "big": 123456789012345678901234567890, "none": null}}"#;
    let odd = serde_json::from_str(odd).expect("JSON");
    with_fields(session("sesn_1", "idle"), odd)
}

async fn accept_delete(api: &Api) {
    api.accepts_delete(SESSION).await;
}

/// An API with one session that can be deleted, and so many pages of two events.
async fn api_with_pages(pages: usize) -> Api {
    let api = Api::with_session(record()).await;
    accept_delete(&api).await;
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

#[tokio::test]
async fn record_and_every_event_are_in_the_file() {
    let api = api_with_pages(3).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sesn_1.jsonl.gz");
    let host = api.host_with(exporting(folder.path())).await;
    // The second export replaces the first.
    for _ in 0..2 {
        let answer = host.answer("export_session", id()).await;
        assert_eq!(answer["outcome"], "exported");
        assert_eq!(answer["events"], 6);
        assert_eq!(answer["path"].as_str().map(Path::new), Some(&*path));
        let size = fs::metadata(&path).expect("it is there").len();
        assert_eq!(answer["bytes"], size);
        let lines = unpacked(&path);
        assert_eq!(lines[0], record().to_string(), "the record as it was sent");
        let events = lines[1..].iter();
        let events: Vec<Value> =
            events.map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let ids = ids(&events.into());
        let expected = [0, 1, 2].map(|page| [0, 1].map(|n| format!("evt_{page}_{n}")));
        assert_eq!(ids, expected.as_flattened());
        assert_eq!(names(folder.path()), ["sesn_1.jsonl.gz"]);
    }
    assert_eq!(api.writes().await, [""; 0]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn an_export_that_timed_out_is_resumed() {
    let api = api_with_pages(3).await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = config(exporting(folder.path()), &api.url());
    // Less than is reserved for the end, so that each call reads one page.
    let config = with_timeout(config, Duration::from_secs(2));
    let host = Host::connect(serve(config)).await;
    let failure = host.failure("export_session", id()).await;
    assert!(failure.starts_with("timed_out: "), "{failure}");
    assert!(failure.contains("2 events"), "{failure}");
    let code = host.outcome("export_session", id()).await;
    assert_eq!(code, "timed_out");
    let mut unfinished = names(folder.path()).into_iter();
    assert!(unfinished.all(|name| name.starts_with(".export-")));
    // One more call each to find that there are no threads and no files.
    for _ in 0..2 {
        assert_eq!(host.outcome("export_session", id()).await, "timed_out");
    }
    let answer = host.answer("export_session", id()).await;
    assert_eq!(answer["events"], 6);
    assert_eq!(unpacked(&folder.path().join("sesn_1.jsonl.gz")).len(), 7);
    let mut requests = api.asked().await;
    requests.retain(|each| each.ends_with("/events"));
    // And the newest event once more, before the file gets its name.
    assert_eq!(requests.len(), 4, "no page is requested twice");
    assert_eq!(names(folder.path()), ["sesn_1.jsonl.gz"]);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_requested_in_smaller_ones() {
    let api = Api::with_session(record()).await;
    let too_large = Mock::given(matchers::path(EVENTS)).and(matchers::query_param("limit", "500"));
    let answer = ResponseTemplate::new(200).set_body_string("<html>");
    too_large.respond_with(answer).mount(&api.0).await;
    let page = json!({"data": [{"id": "evt_1"}], "next_page": null});
    api.answers("GET", EVENTS, 200, page).await;
    let folder = tempfile::tempdir().expect("a folder");
    let host = api.host_with(exporting(folder.path())).await;
    let answer = host.answer("export_session", id()).await;
    assert_eq!(answer["events"], 1);
}

#[tokio::test]
async fn a_cursor_that_repeats_is_a_bad_response() {
    let page = json!({"data": [{"id": "evt_1"}], "next_page": "again"});
    let api = Api::with_session(record()).await;
    api.answers("GET", EVENTS, 200, page).await;
    let folder = tempfile::tempdir().expect("a folder");
    let host = api.host_with(exporting(folder.path())).await;
    let code = host.outcome("export_session", id()).await;
    assert_eq!(code, "bad_response");
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn without_a_folder_there_is_no_export_and_no_delete() {
    let sandbox = sandbox().await;
    let url = sandbox.base_url();
    let id = json!({"session_id": sandbox_ids(&sandbox, "idle").await[0]});
    let host = Host::new(&url).await;
    let code = host.outcome("export_session", id.clone()).await;
    assert_eq!(code, "export_unavailable");
    assert!(sandbox.requests().is_empty());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    for place in [folder.path().join("missing"), file] {
        let host = Host::with_flags(exporting(&place), &url).await;
        for tool in ["export_session", "delete_session"] {
            let code = host.outcome(tool, id.clone()).await;
            assert_eq!(code, "export_failed", "{tool} {place:?}");
        }
    }
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
    assert_eq!(names(folder.path()), ["file"]);
}

#[tokio::test]
async fn a_delete_exports_first_and_then_reads_again() {
    let api = api_with_pages(2).await;
    let folder = tempfile::tempdir().expect("a folder");
    let host = api.host_with(exporting(folder.path())).await;
    let dry_run = with_fields(id(), json!({"dry_run": true}));
    let dry_run = host.outcome("delete_session", dry_run).await;
    assert_eq!(dry_run, "would_delete");
    assert!(names(folder.path()).is_empty(), "a dry run exports nothing");
    let answer = host.answer("delete_session", id()).await;
    assert_eq!(answer["outcome"], "deleted");
    let path = answer["exported_to"].as_str().expect("a path");
    assert_eq!(unpacked(Path::new(path)).len(), 5);
    let [read, events, delete] =
        [format!("GET {SESSION}"), format!("GET {EVENTS}"), format!("DELETE {SESSION}")];
    let looks = [&read, &events];
    let (threads, files) = (format!("GET {SESSION}/threads"), "GET /v1/files".to_owned());
    // Before the file gets its name all of it is read again, and the session once more after that.
    let exports = [&read, &events, &events, &threads, &files, &events, &read];
    let expected = [&looks[..], &looks, &exports, &[&read, &delete, &read]].concat();
    assert_eq!(api.asked().await.iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_session_that_changes_during_its_export_is_not_deleted() {
    let none = json!({"data": [], "next_page": null});
    for (reads, code) in [
        // It changes with every read.
        (
            (10..30)
                .map(|second| json!({"updated_at": format!("2026-11-02T09:30:{second}Z")}))
                .collect::<Vec<Value>>(),
            "export_failed",
        ),
        // It starts to run after the first.
        ([vec![json!({})], vec![json!({"status": "running"}); 20]].concat(), "session_running"),
    ] {
        let api = Api::new().await;
        for fields in reads {
            let read = with_fields(record(), fields);
            api.answers_once("GET", SESSION, 200, read).await;
        }
        api.answers("GET", EVENTS, 200, none.clone()).await;
        accept_delete(&api).await;
        let folder = tempfile::tempdir().expect("a folder");
        let host = api.host_with(exporting(folder.path())).await;
        assert_eq!(host.outcome("delete_session", id()).await, code);
        assert_eq!(api.writes().await, [""; 0]);
    }
}
