//! Files, and the resources of sessions.

use std::time::Duration;

use managed_sessions_mcp::sandbox::Options;
use serde_json::{Value, json};

use super::{HttpClient, exchange, fast_turns, ids, message, texts};

const FORM: &str = "multipart/form-data; boundary=limit";

impl HttpClient {
    /// A request without the beta of managed agents, as clients of the Files API send it.
    fn plain(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.bare(method, path).bearer_auth(self.sandbox.api_key());
        request.header("anthropic-version", "2026-10-21")
    }

    /// Uploads a form whose parts have these headers and contents.
    async fn upload(&self, content_type: &str, parts: &[(&str, &str)]) -> (u16, Value) {
        let parts = parts.iter().map(|(headers, content)| {
            format!("--limit\r\nContent-Disposition: form-data; {headers}\r\n\r\n{content}\r\n")
        });
        let body = parts.collect::<String>() + "--limit--\r\n";
        self.upload_form(content_type, &body).await
    }

    async fn upload_form(&self, content_type: &str, body: &str) -> (u16, Value) {
        let request = self.plain("POST", "/v1/files").header("content-type", content_type);
        exchange(request.body(body.to_owned())).await
    }

    async fn files_of(&self, session: &str) -> Value {
        self.ok(&format!("/v1/files?scope_id={session}")).await
    }

    /// Sends a message and waits until the session is idle again.
    async fn turn(&self, id: &str, text: &str) {
        assert_eq!(self.send(id, message(text)).await.0, 200);
        self.wait_for_status(id, "idle").await;
    }
}

#[tokio::test]
async fn uploads_are_named_typed_and_checked() {
    let client = HttpClient::start(fast_turns()).await;
    let cases = [
        (r#"name="file"; filename="a.csv""#, "a.csv", "text/csv"),
        (r#"name="file"; filename="/tmp/x/a.md""#, "a.md", "text/markdown"),
        (r#"name="file"; filename="..\\b.JSON""#, "b.JSON", "application/json"),
        ("name=\"file\"\r\nContent-Type: image/png", "unnamed.png", "image/png"),
        (r#"name="file"; filename="""#, "unnamed", "application/octet-stream"),
    ];
    for (headers, name, mime) in cases {
        let (status, file) = client.upload(FORM, &[(headers, "one\r\ntwo")]).await;
        assert_eq!(status, 200, "{file}");
        assert_eq!((&file["filename"], &file["mime_type"]), (&json!(name), &json!(mime)));
        assert_eq!((&file["size_bytes"], &file["downloadable"]), (&json!(8), &json!(false)));
        let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
        assert_eq!(exchange(client.plain("GET", &path)).await.1, file);
    }
    let file = (cases[0].0, "x");
    let lifetime = |text| [file, ("name=expires_in_seconds", text)];
    let (_, kept) = client.upload(FORM, &lifetime("3600")).await;
    assert!(kept["expires_at"].as_str() > kept["created_at"].as_str());
    for parts in [&[][..], &[file, file], &[file, ("name=colour", "red")], &lifetime("3599")] {
        let (status, body) = client.upload(FORM, parts).await;
        assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")));
    }
    assert_eq!(client.upload("application/json", &[file]).await.0, 400);
    assert_eq!(client.upload("multipart/form-data; boundary=other", &[file]).await.0, 400);
}

#[tokio::test]
async fn forms_are_taken_apart_or_refused() {
    const FILE: &str = "--x1\r\nContent-Disposition: form-data; name=\"file\"; \
                        filename=\"a;\\\"b.txt\"\r\nContent-Type: text/plain\r\n\r\n\
                        one\r\n\r\n--x2\r\n--x1--\r\n";
    const BEHIND: &str = "preamble\r\n--x1\r\ncontent-disposition: form-data; \
                          name=expires_in_seconds\r\n\r\n4000\r\n--x1\r\n\
                          content-disposition: form-data; filename=b.txt; name=file\r\n\r\n\
                          \r\n--x1--";
    const X1: &str = "multipart/form-data; boundary=x1";
    let client = HttpClient::start(fast_turns()).await;
    for (content_type, body, name, size) in [
        (X1, FILE, "a;\"b.txt", 11),
        ("Multipart/Form-Data; charset=utf-8; boundary=\"x1\"", FILE, "a;\"b.txt", 11),
        (X1, BEHIND, "b.txt", 0),
    ] {
        let (status, file) = client.upload_form(content_type, body).await;
        assert_eq!(status, 200, "{body:?}: {file}");
        assert_eq!((&file["filename"], &file["size_bytes"]), (&json!(name), &json!(size)));
    }
    let cut = FILE.strip_suffix("--x1--\r\n").unwrap();
    let unnamed = "--x1\r\nname: a\r\n\r\n1\r\n--x1--";
    for (content_type, body) in [
        ("text/plain", FILE),
        ("multipart/form-data", FILE),
        ("multipart/form-data; boundary=", FILE),
        (X1, ""),
        (X1, "no form"),
        (X1, "--x1--"),
        (X1, "--x1junk\r\n--x1--"),
        (X1, unnamed),
        (X1, cut),
    ] {
        assert_eq!(client.upload_form(content_type, body).await.0, 400, "{content_type} {body:?}");
    }
}

#[tokio::test]
async fn lists_of_files_are_paged_and_select_by_id() {
    let client = HttpClient::start(fast_turns()).await;
    for _ in 0..3 {
        client.upload(FORM, &[(r#"name="file"; filename="a.txt""#, "x")]).await;
    }
    let whole = ids(&client.ok("/v1/files?limit=1000").await);
    let of_sessions = whole.iter().filter(|id| id.starts_with("file_1")).count();
    assert_eq!(whole.len() - of_sessions, 5);
    let first = client.ok("/v1/files?limit=3").await;
    let cursor = first["next_page"].as_str().unwrap();
    assert!(cursor.starts_with("page_"), "{cursor}");
    let second = client.ok(&format!("/v1/files?limit=1000&page={cursor}")).await;
    assert_eq!([ids(&first), ids(&second)].concat(), whole);
    let chosen = client.ok("/v1/files?ids[]=file_02&ids[]=file_gone&ids[]=file_02").await;
    assert_eq!((ids(&chosen), &chosen["next_page"]), (vec!["file_02".into()], &Value::Null));
    let many = (0..101).map(|n| format!("ids[]=f{n}")).collect::<Vec<_>>().join("&");
    for query in ["limit=0", "limit=1001", "page=x", "ids[]=a&limit=2", &many] {
        assert_eq!(client.get(&format!("/v1/files?{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn files_of_a_turn_appear_later_and_go_with_the_session() {
    let options = Options { file_lag: Duration::from_millis(300), ..fast_turns() };
    let client = HttpClient::start(options).await;
    let id = client.create(json!({})).await;
    client.turn(&id, "/write out/report.md # Report\n\nAll well.").await;
    assert_eq!(ids(&client.files_of(&id).await), [""; 0]);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    let mut files = json!({"data": []});
    while ids(&files).is_empty() && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
        files = client.files_of(&id).await;
    }
    let file = &files["data"][0];
    assert_eq!(file["filename"], "report.md");
    assert_eq!(file["scope"], json!({"type": "session", "id": id}));
    assert_eq!(file["downloadable"], true);
    let path = format!("/v1/files/{}/content", file["id"].as_str().unwrap());
    let content = client.request("GET", &path).send().await.unwrap();
    assert_eq!(content.headers()["content-type"], "text/markdown");
    assert_eq!(content.bytes().await.unwrap(), "# Report\n\nAll well.");
    // The Files API shows files of sessions only with the beta of managed agents.
    for path in [path.as_str(), &format!("/v1/files?scope_id={id}")] {
        assert_eq!(exchange(client.plain("GET", path)).await.0, 400, "{path}");
    }
    let (_, unscoped) = exchange(client.plain("GET", "/v1/files")).await;
    assert_eq!(ids(&unscoped), ["file_01", "file_02"]);
    assert_eq!(client.delete(&format!("/v1/sessions/{id}")).await.0, 200);
    assert_eq!(client.get(&path).await.0, 404);
    assert_eq!(ids(&client.files_of(&id).await), [""; 0]);
}

#[tokio::test]
async fn a_produced_file_can_be_deleted_and_its_id_is_not_used_again() {
    let client = HttpClient::start(Options { file_lag: Duration::ZERO, ..fast_turns() }).await;
    let id = client.create(json!({})).await;
    client.turn(&id, "/write a.txt one").await;
    let first = ids(&client.files_of(&id).await);
    let path = format!("/v1/files/{}", first[0]);
    let deleted = json!({"id": first[0], "type": "file_deleted"});
    assert_eq!(client.delete(&path).await, (200, deleted));
    assert_eq!(client.delete(&path).await.0, 404);
    client.turn(&id, "/write a.txt two").await;
    let second = ids(&client.files_of(&id).await);
    assert_eq!(second.len(), 1);
    assert_ne!(first, second);
}

#[tokio::test]
async fn mounted_files_are_copies_that_go_while_originals_stay() {
    let client = HttpClient::start(fast_turns()).await;
    let file = json!({"type": "file", "file_id": "file_01"});
    let id = client.create(json!({"resources": [file]})).await;
    let resources = format!("/v1/sessions/{id}/resources");
    let copies = client.files_of(&id).await;
    assert_eq!(texts(&copies, "filename"), ["contacts.csv"]);
    let copy = format!("/v1/files/{}", ids(&copies)[0]);
    let (status, body) = client.get(&format!("{copy}/content")).await;
    assert_eq!(
        (status, &body["error"]["details"]["error_code"]),
        (400, &json!("file_not_downloadable"))
    );
    assert_eq!(client.delete(&copy).await.0, 400);
    let resource = client.ok(&resources).await["data"][0].clone();
    assert_eq!(resource["mount_path"], "/mnt/session/uploads/file_01");
    let path = format!("{resources}/{}", resource["id"].as_str().unwrap());
    assert_eq!(client.get(&path).await, (200, resource.clone()));
    let deleted = json!({"id": resource["id"], "type": "session_resource_deleted"});
    assert_eq!(client.delete(&path).await, (200, deleted));
    assert_eq!(client.get(&copy).await.0, 404);
    client.ok("/v1/files/file_01").await;
    // Copies outlive the original.
    let (status, again) = client.post(&resources, &file).await;
    assert_eq!(status, 200, "{again}");
    assert_ne!(again["id"], resource["id"]);
    assert_eq!(client.delete("/v1/files/file_01").await.0, 200);
    assert_eq!(ids(&client.files_of(&id).await).len(), 1);
    assert_eq!(client.post(&resources, &file).await.0, 404);
    assert_eq!(client.delete(&format!("/v1/sessions/{id}")).await.0, 200);
    assert_eq!(client.get(&copy).await.0, 404);
}

#[tokio::test]
async fn resources_are_created_and_shown_without_tokens() {
    let client = HttpClient::start(fast_turns()).await;
    let repository = json!({
        "type": "github_repository", "url": "https://github.com/example/shop.git",
        "authorization_token": "ghp_secret", "checkout": {"type": "commit", "sha": "abc123"},
    });
    let store =
        json!({"type": "memory_store", "memory_store_id": "memstore_02", "access": "read_only"});
    let id = client.create(json!({"resources": [repository, store]})).await;
    let resources = format!("/v1/sessions/{id}/resources");
    let page = client.ok(&resources).await;
    assert_eq!(client.session(&id).await["resources"], page["data"]);
    assert_eq!(page["data"][0]["mount_path"], "/workspace/shop");
    assert_eq!(page["data"][1].get("id"), None);
    let path = format!("{resources}/{}", page["data"][0]["id"].as_str().unwrap());
    let token = json!({"authorization_token": "ghp_other"});
    let (status, rotated) = client.post(&path, &token).await;
    assert_eq!(status, 200, "{rotated}");
    assert!(rotated["updated_at"].as_str() > page["data"][0]["updated_at"].as_str());
    for shown in [rotated, client.session(&id).await, client.ok(&resources).await] {
        assert!(!shown.to_string().contains("ghp_"), "{shown}");
    }
    let first = client.ok(&format!("{resources}?limit=1")).await;
    let cursor = first["next_page"].as_str().unwrap();
    let second = client.ok(&format!("{resources}?limit=1&page={cursor}")).await;
    assert_eq!(texts(&second, "type"), ["memory_store"]);
    let (_, other) = client.post(&resources, &json!({"type": "file", "file_id": "file_02"})).await;
    let other = format!("{resources}/{}", other["id"].as_str().unwrap());
    let elsewhere = other.replace(&id, "sesn_01");
    for (method, path, body, expected) in [
        ("POST", other.as_str(), token.clone(), 400),
        ("POST", &path, json!({}), 400),
        ("POST", &path, json!({"authorization_token": ""}), 400),
        ("POST", &path, json!({"authorization_token": "x", "url": "y"}), 400),
        ("GET", &elsewhere, json!({}), 404),
        ("POST", &elsewhere, token.clone(), 404),
        ("DELETE", &elsewhere, json!({}), 404),
        ("GET", "/v1/sessions/sesn_x/resources", json!({}), 404),
        ("POST", "/v1/sessions/sesn_x/resources", json!({}), 404),
    ] {
        let request = client.request(method, path).body(body.to_string());
        let (status, answer) = exchange(request).await;
        assert_eq!(status, expected, "{method} {path} {body}: {answer}");
    }
    assert_eq!(client.post(&format!("/v1/sessions/{id}/archive"), &json!({})).await.0, 200);
    let file = json!({"type": "file", "file_id": "file_01"});
    assert_eq!(client.post(&resources, &file).await.0, 409);
    assert_eq!(client.post(&path, &token).await.0, 409);
    assert_eq!(client.delete(&path).await.0, 409);
    client.ok(&path).await;
}

#[tokio::test]
async fn impossible_resources_are_refused_and_nothing_is_created() {
    let client = HttpClient::start(fast_turns()).await;
    let url = "https://github.com/example/shop";
    let cases = [
        (json!({}), 400),
        (json!({"type": "volume"}), 400),
        (json!({"type": "file"}), 400),
        (json!({"type": "file", "file_id": "file_x"}), 404),
        (json!({"type": "file", "file_id": "file_01", "url": url}), 400),
        (json!({"type": "file", "file_id": "file_01", "mount_path": "here"}), 400),
        (json!({"type": "github_repository"}), 400),
        (json!({"type": "github_repository", "url": "shop"}), 400),
        (json!({"type": "github_repository", "url": url, "authorization_token": 7}), 400),
        (json!({"type": "github_repository", "url": url, "checkout": {"type": "tag"}}), 400),
        (json!({"type": "github_repository", "url": url, "checkout": {"type": "branch"}}), 400),
    ];
    let creation = [
        (json!({"type": "memory_store"}), 400),
        (json!({"type": "memory_store", "memory_store_id": "m", "access": "none"}), 400),
        (
            json!({"type": "memory_store", "memory_store_id": "m", "instructions": "x".repeat(4097)}),
            400,
        ),
    ];
    let total = || async { ids(&client.ok("/v1/sessions?limit=100").await).len() };
    let before = total().await;
    let fixed = json!({"agent": "agent_01", "environment_id": "env_01"});
    for (resource, expected) in cases.iter().chain(&creation) {
        let mut body = fixed.clone();
        body["resources"] = json!([{"type": "file", "file_id": "file_02"}, resource]);
        let (status, answer) = client.post("/v1/sessions", &body).await;
        assert_eq!(status, *expected, "{resource}: {answer}");
    }
    assert_eq!(total().await, before);
    let same = json!({"type": "file", "file_id": "file_01", "mount_path": "/a"});
    let mut body = fixed.clone();
    body["resources"] = json!([same, same]);
    assert_eq!(client.post("/v1/sessions", &body).await.0, 400);
    let store = (json!({"type": "memory_store", "memory_store_id": "memstore_01"}), 400);
    let session = client.session("sesn_01").await;
    for (resource, expected) in cases.iter().chain([&store]) {
        let (status, answer) = client.post("/v1/sessions/sesn_01/resources", resource).await;
        assert_eq!(status, *expected, "{resource}: {answer}");
    }
    assert_eq!(client.session("sesn_01").await["resources"], session["resources"]);
}
