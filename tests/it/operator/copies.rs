//! What an export has beside the session's own history: child threads and produced files.

use std::{fs, path::Path, time::Duration};

use managed_sessions_mcp::sandbox::Sandbox;
use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use super::{exporting, names, unpacked};
use crate::support::{Api, Host, config, error, http, sandbox, serve, session, with_timeout};

const SESSION: &str = "/v1/sessions/sesn_1";
const THREADS: &str = "/v1/sessions/sesn_1/threads";
const FILES: &str = "/v1/files";

fn id() -> Value {
    json!({"session_id": "sesn_1"})
}

/// A session with an event, ready to be deleted.
async fn api() -> Api {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    api.accepts_delete(SESSION).await;
    let events = json!({"data": [{"id": "evt_1", "type": "user.message"}]});
    api.answers("GET", &format!("{SESSION}/events"), 200, events).await;
    api
}

fn thread(id: &str, parent: Option<&str>) -> Value {
    json!({"id": id, "type": "session_thread", "parent_thread_id": parent, "status": "idle", "odd": 1.50})
}

fn file(id: &str, name: &str, size: usize) -> Value {
    json!({"id": id, "type": "file", "filename": name, "size_bytes": size, "downloadable": true,
        "scope": {"type": "session", "id": "sesn_1"}})
}

async fn has_content(api: &Api, id: &str, content: &[u8]) {
    let answer = ResponseTemplate::new(200).set_body_bytes(content);
    let mock = Mock::given(matchers::path(format!("{FILES}/{id}/content"))).respond_with(answer);
    mock.mount(&api.0).await;
}

#[tokio::test]
async fn every_event_of_every_child_thread_is_in_the_file() {
    let api = api().await;
    let own = thread("sthr_1", None);
    let children = [thread("sthr_2", Some("sthr_1")), thread("sthr_3", Some("sthr_1"))];
    let first = json!({"data": [own, children[0]], "next_page": "page_2"});
    let paged = Mock::given(matchers::path(THREADS)).and(matchers::query_param("page", "page_2"));
    let second = json!({"data": [children[1]], "next_page": null});
    let second = ResponseTemplate::new(200).set_body_json(second);
    paged.respond_with(second).mount(&api.0).await;
    api.answers("GET", THREADS, 200, first).await;
    let event = |id: &str| json!({"id": id, "type": "agent.message", "price": 1.50});
    let events = [event("evt_21"), event("evt_31")];
    for (thread, event) in ["sthr_2", "sthr_3"].iter().zip(&events) {
        let path = format!("{THREADS}/{thread}/events");
        api.answers("GET", &path, 200, json!({"data": [event]})).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let host = api.host_with(exporting(folder.path())).await;
    let answer = host.answer("delete_session", id()).await;
    let path = answer["exported_to"].as_str().expect("a path");
    let found = unpacked(Path::new(path));
    let expected = [&children[0], &events[0], &children[1], &events[1]];
    assert_eq!(found[2..], expected.map(Value::to_string), "as they were sent");
    let answer = host.answer("export_session", id()).await;
    assert_eq!((&answer["events"], &answer["threads"]), (&json!(3), &json!(2)));
    assert_eq!(answer["files"], 0);
}

#[tokio::test]
async fn a_service_without_threads_and_files_has_none() {
    for status in [404, 405, 501] {
        let api = api().await;
        for path in [THREADS, FILES] {
            api.answers("GET", path, status, json!({"detail": "no"})).await;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let host = api.host_with(exporting(folder.path())).await;
        let outcome = host.outcome("delete_session", id()).await;
        assert_eq!(outcome, "deleted", "HTTP {status}");
        assert_eq!(names(folder.path()), ["sesn_1.jsonl.gz"]);
    }
}

#[tokio::test]
async fn produced_files_are_downloaded_byte_for_byte_under_safe_names() {
    let api = api().await;
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 4]).collect();
    let mut uploaded = file("file_9", "brief.pdf", 10);
    uploaded["downloadable"] = json!(false);
    let mut foreign = file("file_8", "other.txt", 10);
    foreign["scope"]["id"] = json!("sesn_2");
    let files = [
        file("file_1", "report.bin", content.len()),
        file("file_2", "../../escape/../.profile", 4),
        file("file_3", "", 0),
        uploaded,
        foreign,
    ];
    let page = json!({"data": files[..1], "next_page": "page_2"});
    let second = json!({"data": files[1..], "next_page": null});
    let paged = Mock::given(matchers::path(FILES)).and(matchers::query_param("page", "page_2"));
    paged.respond_with(ResponseTemplate::new(200).set_body_json(second)).mount(&api.0).await;
    let scoped =
        Mock::given(matchers::path(FILES)).and(matchers::query_param("scope_id", "sesn_1"));
    scoped.respond_with(ResponseTemplate::new(200).set_body_json(page)).mount(&api.0).await;
    has_content(&api, "file_1", &content).await;
    has_content(&api, "file_2", b"safe").await;
    has_content(&api, "file_3", b"").await;
    let folder = tempfile::tempdir().expect("a folder");
    let host = api.host_with(exporting(folder.path())).await;
    let without = json!({"session_id": "sesn_1", "files": false});
    assert_eq!(host.answer("export_session", without).await["files"], 0);
    assert_eq!(names(folder.path()), ["sesn_1.jsonl.gz"]);
    let answer = host.answer("export_session", id()).await;
    assert_eq!(answer["files"], 3, "{answer}");
    let beside = folder.path().join("sesn_1.files");
    assert_eq!(names(folder.path()), ["sesn_1.files", "sesn_1.jsonl.gz"]);
    let expected = ["file_1-report.bin", "file_2-profile", "file_3-file"];
    assert_eq!(names(&beside), expected);
    assert!(fs::read(beside.join("file_1-report.bin")).expect("a file") == content);
    assert_eq!(fs::read(beside.join("file_2-profile")).expect("a file"), b"safe");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode(&beside) & 0o777, 0o700);
        assert_eq!(mode(&beside.join("file_1-report.bin")) & 0o777, 0o600);
    }
    // Earlier copies stay, and what is exported again is replaced.
    fs::write(beside.join("file_0-older.txt"), "older").expect("a file");
    fs::write(beside.join("file_2-profile"), "stale").expect("a file");
    host.answer("export_session", id()).await;
    assert_eq!(fs::read(beside.join("file_2-profile")).expect("a file"), b"safe");
    assert_eq!(names(&beside).len(), 4);
}

#[tokio::test]
async fn what_cannot_be_copied_is_one_failure_and_nothing_is_deleted() {
    let giant = 2 << 30;
    let cases: [(&str, u16, Value, &[u8]); 7] = [
        ("smaller than announced", 200, json!([file("file_1", "a", 10)]), b"short"),
        ("larger than announced", 200, json!([file("file_1", "a", 2)]), b"longer"),
        ("too large", 200, json!([file("file_1", "a", giant)]), b"x"),
        ("without a usable id", 200, json!([file("../x y", "a", 1)]), b"x"),
        ("forbidden", 403, json!([file("file_1", "a", 1)]), b"x"),
        ("gone", 404, json!([file("file_1", "a", 1)]), b"x"),
        ("failing", 500, json!([file("file_1", "a", 1)]), b"x"),
    ];
    for (case, status, files, content) in cases {
        let api = api().await;
        api.answers("GET", FILES, 200, json!({"data": files})).await;
        let answer = ResponseTemplate::new(status).set_body_bytes(content);
        let path = format!("{FILES}/file_1/content");
        Mock::given(matchers::path(path)).respond_with(answer).mount(&api.0).await;
        let folder = tempfile::tempdir().expect("a folder");
        let host = api.host_with(exporting(folder.path())).await;
        let failure = host.failure("delete_session", id()).await;
        assert!(failure.starts_with("export_failed: "), "{case}: {failure}");
        assert_eq!(api.writes().await, [""; 0], "{case}");
        drop(host);
        if status != 500 {
            assert_eq!(names(folder.path()), [""; 0], "{case}");
        }
    }
}

#[tokio::test]
async fn a_thread_that_cannot_be_read_keeps_the_session() {
    let child = || json!({"data": [thread("sthr_2", Some("sthr_1"))]});
    let events = format!("{THREADS}/sthr_2/events");
    let repeating = || json!({"data": [{"id": "evt_1"}], "next_page": "again"});
    for (path, status, body) in [
        (THREADS, 500, error("api_error", "no")),
        (THREADS, 403, error("permission_error", "no")),
        (THREADS, 200, json!({"data": [{"status": "idle"}]})),
        (THREADS, 200, json!({"data": [], "next_page": "again"})),
        (&events, 404, error("not_found_error", "no")),
        (&events, 200, repeating()),
    ] {
        let api = api().await;
        api.answers("GET", path, status, body.clone()).await;
        api.answers("GET", THREADS, 200, child()).await;
        let folder = tempfile::tempdir().expect("a folder");
        let host = api.host_with(exporting(folder.path())).await;
        let failure = host.failure("delete_session", id()).await;
        assert!(failure.starts_with("export_failed: "), "{path} {body}: {failure}");
        assert_eq!(api.writes().await, [""; 0], "{path} {body}");
    }
}

#[tokio::test]
async fn threads_that_are_too_large_for_one_answer_come_in_smaller_pages() {
    let api = api().await;
    let small = Mock::given(matchers::path(THREADS)).and(matchers::query_param("limit", "20"));
    let page = json!({"data": [thread("sthr_1", None), thread("sthr_2", Some("sthr_1"))]});
    small.respond_with(ResponseTemplate::new(200).set_body_json(page)).mount(&api.0).await;
    let broken = ResponseTemplate::new(200).set_body_string("{");
    Mock::given(matchers::path(THREADS)).respond_with(broken).mount(&api.0).await;
    let own = json!({"data": [{"id": "evt_21", "type": "agent.message"}]});
    api.answers("GET", &format!("{THREADS}/sthr_2/events"), 200, own).await;
    let folder = tempfile::tempdir().expect("a folder");
    let host = api.host_with(exporting(folder.path())).await;
    assert_eq!(host.answer("export_session", id()).await["threads"], 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_place_of_the_folder_for_files_is_refused() {
    let api = api().await;
    api.answers("GET", FILES, 200, json!({"data": [file("file_1", "a", 1)]})).await;
    has_content(&api, "file_1", b"x").await;
    let (folder, elsewhere) = (tempfile::tempdir(), tempfile::tempdir());
    let (folder, elsewhere) = (folder.expect("a folder"), elsewhere.expect("a folder"));
    let link = folder.path().join("sesn_1.files");
    std::os::unix::fs::symlink(elsewhere.path(), link).expect("a link");
    let host = api.host_with(exporting(folder.path())).await;
    assert_eq!(host.outcome("delete_session", id()).await, "export_failed");
    assert_eq!(api.writes().await, [""; 0]);
    assert_eq!(names(elsewhere.path()), [""; 0]);
}

#[tokio::test]
async fn an_export_resumes_in_the_middle_of_its_threads_and_files() {
    let api = api().await;
    let own = thread("sthr_1", None);
    let threads = json!({"data": [own, thread("sthr_2", Some("sthr_1"))]});
    api.answers("GET", THREADS, 200, threads).await;
    let events = json!({"data": [{"id": "evt_21", "type": "agent.message"}]});
    api.answers("GET", &format!("{THREADS}/sthr_2/events"), 200, events).await;
    let files = json!({"data": [file("file_1", "a", 1), file("file_2", "b", 1)]});
    api.answers("GET", FILES, 200, files).await;
    has_content(&api, "file_1", b"1").await;
    has_content(&api, "file_2", b"2").await;
    let folder = tempfile::tempdir().expect("a folder");
    // Less than is reserved for the end, so that each call makes one request.
    let config = config(exporting(folder.path()), &api.url());
    let host = Host::connect(serve(with_timeout(config, Duration::from_secs(2)))).await;
    let mut calls = 0;
    let answer = loop {
        calls += 1;
        match host.outcome("export_session", id()).await.as_str() {
            "timed_out" if calls < 10 => {}
            "exported" => break host.answer("export_session", id()),
            other => panic!("{other} after {calls} calls"),
        }
    };
    drop(answer);
    assert!(calls > 3, "{calls} calls");
    assert_eq!(unpacked(&folder.path().join("sesn_1.jsonl.gz")).len(), 4);
    assert_eq!(names(&folder.path().join("sesn_1.files")), ["file_1-a", "file_2-b"]);
    let mut requests = api.asked().await;
    requests.retain(|each| each.contains("/content"));
    assert_eq!(requests.len(), 2, "no file is downloaded twice");
    assert_eq!(names(folder.path()), ["sesn_1.files", "sesn_1.jsonl.gz"]);
}

#[tokio::test]
async fn a_transcript_is_markdown_and_leaves_the_copy_alone() {
    let api = api().await;
    let folder = tempfile::tempdir().expect("a folder");
    let host = api.host_with(exporting(folder.path())).await;
    host.answer("export_session", id()).await;
    let arguments = json!({"session_id": "sesn_1", "format": "markdown"});
    let answer = host.answer("export_session", arguments).await;
    let path = answer["path"].as_str().expect("a path");
    let text = fs::read_to_string(path).expect("a text");
    assert!(text.starts_with("# Session ` \"sesn_1\" `\n"), "{text}");
    assert!(text.contains("## ` \"user.message\" `"), "{text}");
    assert_eq!(names(folder.path()), ["sesn_1.jsonl.gz", "sesn_1.md"]);
}

/// What the sandbox answers to a GET, past every page.
async fn everything(sandbox: &Sandbox, path: &str) -> Vec<Value> {
    let (mut found, mut page) = (Vec::new(), String::new());
    loop {
        let body = get(sandbox, &format!("{path}{page}")).await;
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        found.extend(body["data"].as_array().expect("a list").clone());
        match body["next_page"].as_str() {
            Some(next) => {
                let joint = if path.contains('?') { '&' } else { '?' };
                page = format!("{joint}page={next}");
            }
            None => return found,
        }
    }
}

async fn get(sandbox: &Sandbox, path: &str) -> Vec<u8> {
    let request = http()
        .get(format!("{}{path}", sandbox.base_url()))
        .bearer_auth(sandbox.api_key())
        .header("anthropic-version", "2026-10-21")
        .header("anthropic-beta", "managed-agents-2026-04-01");
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.bytes().await.expect("a body").to_vec()
}

#[tokio::test]
async fn a_deleted_multi_agent_session_can_be_rebuilt_from_its_copy() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let host = Host::with_flags(exporting(folder.path()), &sandbox.base_url()).await;
    let id = json!({"session_id": "sesn_12"});
    assert_eq!(host.outcome("interrupt_session", id.clone()).await, "interrupted");

    let session = "/v1/sessions/sesn_12";
    let record: Value = serde_json::from_slice(&get(&sandbox, session).await).expect("JSON");
    let mut expected = everything(&sandbox, &format!("{session}/events")).await;
    let threads = everything(&sandbox, &format!("{session}/threads")).await;
    let children: Vec<_> =
        threads.iter().filter(|thread| !thread["parent_thread_id"].is_null()).collect();
    assert!(children.len() > 1, "{threads:?}");
    for thread in &children {
        let id = thread["id"].as_str().expect("an id");
        expected.push((*thread).clone());
        let own = everything(&sandbox, &format!("{session}/threads/{id}/events")).await;
        assert!(own.len() > 2, "{own:?}");
        expected.extend(own);
    }
    let files = everything(&sandbox, "/v1/files?scope_id=sesn_12").await;
    let files: Vec<_> = files.iter().filter(|file| file["downloadable"] == true).collect();
    assert!(!files.is_empty());
    let mut contents = Vec::new();
    for file in &files {
        let id = file["id"].as_str().expect("an id");
        contents.push((id.to_owned(), get(&sandbox, &format!("/v1/files/{id}/content")).await));
    }

    let deleted = host.answer("delete_session", id).await;
    assert_eq!(deleted["outcome"], "deleted", "{deleted}");
    let path = deleted["exported_to"].as_str().expect("a path");
    let mut found: Vec<Value> = unpacked(Path::new(path))
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let copied = found.remove(0);
    assert_eq!((&copied["id"], &copied["agent"]), (&record["id"], &record["agent"]));
    for line in found.iter_mut().chain(&mut expected) {
        // How long a thread has existed goes on.
        line.as_object_mut().expect("an object").remove("stats");
    }
    assert_eq!(found, expected);
    let beside = folder.path().join("sesn_12.files");
    for (id, content) in contents {
        let name = names(&beside).into_iter().find(|name| name.starts_with(&format!("{id}-")));
        let name = name.expect("the file is there");
        assert_eq!(fs::read(beside.join(name)).expect("a file"), content);
    }
}
