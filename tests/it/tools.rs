//! The tools on the sandbox, and what they do with bad input.

use managed_sessions_mcp::{cli::Flags, sandbox::Sandbox};
use serde_json::json;
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::{
    reply::Reply,
    support::{
        Api, Host, all_pages, config, error, in_time, sandbox, sandbox_ids, serve, session,
        with_fields, with_overflowing_pauses,
    },
};

async fn on_sandbox() -> (Sandbox, Host) {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    (sandbox, host)
}

#[tokio::test]
async fn a_list_is_paged_filtered_and_small() {
    let (_sandbox, host) = on_sandbox().await;
    let all = json!({"include_archived": true, "limit": 100});
    let all = host.answer("list_sessions", all).await["sessions"].clone();
    let count = all.as_array().map_or(0, Vec::len);
    assert!(count >= 14, "{count}");
    let paged = json!({"include_archived": true, "limit": 5});
    let paged = all_pages(&host, "list_sessions", paged, "sessions").await;
    assert_eq!(paged, all);

    let running = json!({"statuses": "[\"running\"]"});
    let running = host.answer("list_sessions", running).await;
    let running = running["sessions"].as_array().expect("rows");
    assert!(!running.is_empty() && running.iter().all(|row| row["status"] == "running"));

    let size = all.to_string().len();
    assert!(size < 8_000, "one prompt alone has 100 KB: {size} bytes");
}

#[tokio::test]
async fn a_record_lists_the_operations_possible_now() {
    let (sandbox, host) = on_sandbox().await;
    let running = sandbox_ids(&sandbox, "running").await.remove(0);
    let record = host.answer("get_session", json!({"session_id": running}));
    let record = record.await;
    let operations = json!({
        "update_tools": "session_running", "archive": "session_running",
        "delete": "session_running", "interrupt": "allowed",
    });
    assert_eq!(record["operations"], operations);
    assert_eq!(record.get("console_url"), None, "the sandbox has none");
}

#[tokio::test]
async fn a_rich_record_matches_its_snapshot() {
    let rich = json!({
        "title": "in\u{202e}visible",
        "deployment_id": "depl_1",
        "metadata": {"team": "web", "n": 5},
        "budget": {"type": "limit", "max_list_cost": {"amount": "5000", "currency": "USD"}},
        "usage": {
            "input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 4,
            "cache_creation": {"ephemeral_5m_input_tokens": 8, "ephemeral_1h_input_tokens": 16},
            "active_seconds": 12.5, "list_cost": {"amount": "1234", "currency": "USD"},
        },
        "resources": [
            {"id": "res_1", "type": "file", "file_id": "file_1", "mount_path": "/mnt/a"},
            {"type": "memory_store", "memory_store_id": "mem_1"},
        ],
        "outcome_evaluations": [
            {"outcome_id": "out_1", "description": "d".repeat(400), "result": "satisfied",
             "iteration": 2, "explanation": null},
        ],
    });
    let api = Api::with_session(with_fields(session("sesn_1", "idle"), rich)).await;
    let host = api.host().await;
    let record = host.answer("get_session", json!({"session_id": "sesn_1"}));
    insta::assert_snapshot!(serde_json::to_string_pretty(&record.await).expect("JSON"));
}

#[tokio::test]
async fn a_sparse_record_of_a_compatible_service_is_shown_as_far_as_it_goes() {
    let sparse = json!({
        "id": "ses_x", "status": "idle", "title": null, "updated_at": null, "usage": {},
        "agent": {"id": "a", "model": "claude-x", "version": "two"}, "metadata": {"n": 1},
        "created_at": 17,
    });
    let api = Api::with_session(sparse).await;
    let host = api.host().await;
    let record = host.answer("get_session", json!({"session_id": "ses_x"}));
    let expected = json!({
        "id": "ses_x", "status": "idle", "archived": false, "agent": {"id": "a"},
        "created_at": "1970-01-01T00:00:17Z", "model": "claude-x", "metadata": {"n": 1},
        "operations": {"update_tools": "allowed", "archive": "allowed", "delete": "allowed",
                       "interrupt": "nothing_to_do"},
    });
    assert_eq!(record.await, expected);
}

#[tokio::test]
async fn archive_and_delete_do_what_they_report() {
    let (sandbox, host) = on_sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let session = json!({"session_id": id});
    let archived = host.answer("archive_session", session.clone()).await;
    assert_eq!(archived["outcome"], "archived");
    assert_eq!(archived["session"]["id"], *id);
    let again = host.outcome("archive_session", session.clone()).await;
    assert_eq!(again, "already_archived");
    let update = json!({"session_id": id, "tools": []});
    let update = host.outcome("update_session_tools", update).await;
    assert_eq!(update, "session_archived");

    let deleted = host.answer("delete_session", session.clone()).await;
    assert_eq!(deleted["outcome"], "deleted");
    assert_eq!(deleted["snapshot"]["id"], *id);
    assert!(deleted["kept"]["agent"].is_string(), "{deleted}");
    assert_eq!(host.outcome("get_session", session).await, "not_found");
}

#[tokio::test]
async fn a_tools_update_shows_a_diff_and_sends_only_the_tools() {
    let before = session("sesn_1", "idle");
    let tool = json!({"type": "custom", "name": "ask", "description": "d",
                      "input_schema": {"type": "object"}});
    let mut after = before.clone();
    after["agent"]["tools"] = json!([tool]);
    let api = Api::with_session(before).await;
    api.answers("POST", "/v1/sessions/sesn_1", 200, after).await;
    let host = api.host().await;
    let arguments = json!({"session_id": "sesn_1", "tools": [tool]});
    let dry = with_fields(arguments.clone(), json!({"dry_run": true}));
    let dry = host.answer("update_session_tools", dry).await;
    assert_eq!(dry["outcome"], "would_update");
    assert_eq!(api.writes().await, [""; 0]);
    let updated = host.answer("update_session_tools", arguments).await;
    assert_eq!(updated["outcome"], "updated");
    assert_eq!(updated["changes"], dry["changes"]);
    assert_eq!(updated["changes"]["tools"]["added"], json!([tool]));
    assert_eq!(api.last_body().await, json!({"agent": {"tools": [tool]}}));
}

#[tokio::test]
async fn every_problem_of_a_toolset_is_reported_at_once_and_nothing_sent() {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let arguments = json!({
        "session_id": "sesn_1",
        "tools": [
            {"type": "mcp_toolset", "mcp_server_name": "nowhere"},
            {"type": "custom", "name": "no spaces", "description": "d", "input_schema": {"type": "object"}},
            {"name": "typeless"},
            "bash",
            7,
        ],
        "mcp_servers": [{"type": "url", "name": "plain", "url": "http://example.com"}],
    });
    let host = api.host().await;
    let failure = host.failure("update_session_tools", arguments).await;
    assert!(failure.starts_with("invalid_toolset: "), "{failure}");
    for place in [
        "tools[0].mcp_server_name",
        "tools[1].name",
        "tools[2]",
        "tools[3]: found \"bash\"",
        "tools[4]: found 7",
        "mcp_servers[0].url",
    ] {
        assert!(failure.contains(place), "{place} is missing: {failure}");
    }
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn bad_arguments_are_one_clear_failure_and_nothing_is_sent() {
    let api = Api::new().await;
    let host = api.host().await;
    let long = json!({"session_id": "x".repeat(10_000)}).to_string();
    let mut failures = Vec::new();
    for (tool, arguments) in [
        ("get_session", "{}"),
        ("get_session", r#"{"session_id": ""}"#),
        ("get_session", r#"{"session_id": "."}"#),
        ("get_session", r#"{"session_id": ".."}"#),
        ("get_session", r#"{"session_id": "a b"}"#),
        ("get_session", r#"{"session_id": "a\u0007"}"#),
        ("get_session", &long),
        ("get_session", r#"{"session_id": ["sesn_1"]}"#),
        ("get_session", r#"{"session_id": null, "detial": "full"}"#),
        ("list_sessions", r#"{"limit": 0}"#),
        ("list_sessions", r#"{"limit": 101, "order": "up", "statuses": ["asleep"]}"#),
        ("list_sessions", r#"{"limit": "many", "include_archived": "perhaps"}"#),
        ("list_sessions", r#"{"limit": 5.5}"#),
        ("list_sessions", r#"{"agent_version": 2}"#),
        ("list_sessions", r#"{"created_after": "yesterday"}"#),
        ("archive_session", r#"{"session_id": "sesn_1", "if_busy": "kill", "wait_seconds": 41}"#),
        ("delete_session", r#"{"session_id": "sesn_1", "force": true}"#),
        ("delete_session", r#"{"session_id": "sesn_1", "expected_updated_at": "now"}"#),
        ("update_session_tools", r#"{"session_id": "sesn_1", "tools": "[{]"}"#),
        ("update_session_tools", r#"{"session_id": "sesn_1", "tools": {"type": "custom"}}"#),
        ("plan_changes", r#"{"action": "archive", "session_ids": []}"#),
        ("get_sesion", r#"{"session_id": "sesn_1"}"#),
    ] {
        let arguments = serde_json::from_str(arguments).expect("arguments are JSON");
        let failure = host.failure(tool, arguments).await;
        assert!(failure.starts_with("invalid_arguments: "), "{failure}");
        assert!(failure.len() < 600, "{failure}");
        failures.push(failure);
    }
    insta::assert_snapshot!(failures.join("\n"));
    assert_eq!(api.asked().await, [""; 0]);
}

#[tokio::test]
async fn an_id_never_reaches_another_route() {
    let api = Api::new().await;
    let gone = ResponseTemplate::new(404).set_body_json(error("not_found_error", "Gone."));
    Mock::given(matchers::any()).respond_with(gone).mount(&api.0).await;
    let host = api.host().await;
    for (id, path) in [
        ("../agents", "/v1/sessions/..%2Fagents"),
        ("a/b", "/v1/sessions/a%2Fb"),
        ("a?b", "/v1/sessions/a%3Fb"),
        ("%2e%2e", "/v1/sessions/%252e%252e"),
        ("a#b", "/v1/sessions/a%23b"),
        ("日本", "/v1/sessions/%E6%97%A5%E6%9C%AC"),
    ] {
        let code = host.outcome("get_session", json!({"session_id": id})).await;
        assert_eq!(code, "not_found");
        assert_eq!(api.asked().await.pop(), Some(format!("GET {path}")), "{id}");
    }
}

#[tokio::test]
async fn an_error_of_the_api_becomes_a_code_with_status_and_request_id() {
    for (status, kind, code) in [
        (400, "invalid_request_error", "rejected"),
        (401, "authentication_error", "unauthorized"),
        (402, "billing_error", "forbidden"),
        (403, "permission_error", "forbidden"),
        (404, "not_found_error", "not_found"),
        (409, "conflict_error", "conflict"),
        (413, "request_too_large", "rejected"),
        (422, "invalid_request_error", "rejected"),
    ] {
        let api = Api::new().await;
        let body = error(kind, "the API's own words");
        api.answers("GET", "/v1/sessions/sesn_1", status, body).await;
        let host = api.host().await;
        let reply = host.call("get_session", json!({"session_id": "sesn_1"}));
        let Reply::Failure(text, parts) = reply.await else { panic!("HTTP {status} is a failure") };
        assert_eq!(parts["code"], code, "{text}");
        assert_eq!(parts["http_status"], status);
        assert_eq!(parts["request_id"], "req_1", "the header, not the body");
        assert!(text.ends_with(" (request_id req_1)"), "{text}");
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_failure_and_the_next_call_works() {
    let sandbox = sandbox().await;
    let running = sandbox_ids(&sandbox, "running").await.remove(0);
    let config = with_overflowing_pauses(config(Flags::default(), &sandbox.base_url()));
    let host = Host::connect(serve(config)).await;
    let code = in_time(host.outcome("wait_for_session", json!({"session_id": running}))).await;
    assert_eq!(code, "internal");
    let list = in_time(host.answer("list_sessions", json!({"limit": 1}))).await;
    assert_eq!(list["sessions"].as_array().map(Vec::len), Some(1));
}
