//! Histories that a service cannot, or does not, page to their end: none passes for a copy.

use std::sync::atomic::{AtomicBool, Ordering};

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use super::{exporting, names, unpacked};
use crate::support::{Api, error, in_time, session};

const SESSION: &str = "/v1/sessions/sesn_1";

fn id() -> Value {
    json!({"session_id": "sesn_1"})
}

/// A page of a list: what `page` asks for, in; entries, next cursor and other fields, out.
type Pages = fn(&str) -> Value;

/// An API whose session can be deleted, and where one list is paged like this.
async fn api(list: &'static str, pages: Pages) -> Api {
    let api = Api::new().await;
    let deleted = AtomicBool::new(false);
    let answer = move |request: &Request| {
        if deleted.load(Ordering::Relaxed) {
            return ResponseTemplate::new(404).set_body_json(error("not_found_error", "gone"));
        }
        let path = request.url.path();
        let page = request.url.query_pairs().find(|(name, _)| name == "page");
        let page = page.map_or(String::new(), |(_, page)| page.into_owned());
        let body = match (request.method.as_str(), path) {
            ("DELETE", _) => {
                deleted.store(true, Ordering::Relaxed);
                json!({"id": "sesn_1", "type": "session_deleted"})
            }
            (_, SESSION) => session("sesn_1", "idle"),
            _ if path.ends_with(list) => pages(&page),
            _ if path.ends_with("/threads") => {
                json!({"data": [{"id": "sthr_2", "parent_thread_id": "sthr_1"}]})
            }
            _ => json!({"data": []}),
        };
        ResponseTemplate::new(200).set_body_json(body)
    };
    Mock::given(matchers::any()).respond_with(answer).mount(&api.0).await;
    api
}

fn entries(ids: &[u32]) -> Value {
    let entry = |id: &u32| {
        json!({"id": format!("x_{id}"), "type": "user.message", "parent_thread_id": "sthr_1",
            "filename": "a", "size_bytes": 0})
    };
    ids.iter().map(entry).collect()
}

#[tokio::test]
async fn a_history_without_an_end_is_no_copy_and_nothing_is_deleted() {
    let cases: [(&str, Pages); 9] = [
        ("more without a cursor", |_| json!({"data": entries(&[1]), "has_more": true})),
        (
            "more without a cursor, as a text",
            |_| json!({"data": entries(&[1]), "has_more": "true"}),
        ),
        ("more without a cursor, as a number", |_| json!({"data": entries(&[1]), "has_more": 1})),
        ("more without a cursor on the second page", |page| match page {
            "" => json!({"data": entries(&[1]), "next_page": "b", "has_more": true}),
            _ => json!({"data": entries(&[2]), "next_page": "", "has_more": true}),
        }),
        ("more behind an empty page", |_| json!({"data": [], "next_page": null, "has_more": true})),
        ("cursors A-B-A", |page| match page {
            "" => json!({"data": entries(&[1]), "next_page": "a"}),
            "a" => json!({"data": entries(&[2]), "next_page": "b"}),
            _ => json!({"data": entries(&[3]), "next_page": "a"}),
        }),
        ("always the same cursor", |_| json!({"data": entries(&[1]), "next_page": "a"})),
        (
            "always the same page",
            |page| json!({"data": entries(&[1, 2]), "next_page": format!("{page}x")}),
        ),
        ("empty pages", |page| json!({"data": [], "next_page": format!("{page}x")})),
    ];
    for list in ["sesn_1/events", "/threads", "sthr_2/events", "/v1/files"] {
        for (name, pages) in cases {
            let api = api(list, pages).await;
            let folder = tempfile::tempdir().expect("a folder");
            let host = api.host_with(exporting(folder.path())).await;
            let failure = in_time(host.failure("delete_session", id())).await;
            assert!(failure.starts_with("export_failed: "), "{list}, {name}: {failure}");
            let code = in_time(host.outcome("export_session", id())).await;
            assert_eq!(code, "bad_response", "{list}, {name}");
            assert_eq!(api.writes().await, [""; 0], "{list}, {name}");
            assert!(names(folder.path()).is_empty(), "{list}, {name}");
            let requests = api.asked().await.len();
            assert!(requests < 300, "{list}, {name}: {requests} requests");
        }
    }
    // Without an export folder no copy is promised.
    let api = api("sesn_1/events", cases[0].1).await;
    let outcome = api.host_with(Flags::default()).await.outcome("delete_session", id()).await;
    assert_eq!(outcome, "deleted");
}

#[tokio::test]
async fn pages_that_overlap_are_no_duplicates() {
    let overlapping: Pages = |page| match page {
        "" => json!({"data": entries(&[1, 2]), "next_page": "b"}),
        "b" => json!({"data": entries(&[2, 3]), "next_page": "c"}),
        _ => json!({"data": entries(&[3])}),
    };
    for (list, counted) in
        [("sesn_1/events", "events"), ("/threads", "threads"), ("sthr_2/events", "events")]
    {
        let api = api(list, overlapping).await;
        let folder = tempfile::tempdir().expect("a folder");
        let host = api.host_with(exporting(folder.path())).await;
        let answer = host.answer("export_session", id()).await;
        assert_eq!(answer[counted], 3, "{list}: {answer}");
        let lines = unpacked(&folder.path().join("sesn_1.jsonl.gz"));
        let found = lines.iter().filter(|line| line.contains("\"x_")).count();
        assert_eq!(found, 3, "{list}: {lines:?}");
    }
}
