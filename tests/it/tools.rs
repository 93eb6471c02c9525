//! The tools on the sandbox, and what they do with bad input.

use managed_sessions_mcp::{cli::Flags, mcp::server::SessionsServer, sandbox::Sandbox};
use rmcp::{
    handler::server::{router::tool::ToolRoute, tool::ToolCallContext},
    model::{JsonObject, Tool},
};
use serde_json::{Value, json};

use crate::support::{Api, Came, Host, config, error, sandbox, session, soon, with};

async fn on_sandbox() -> (Sandbox, Host) {
    let sandbox = sandbox().await;
    let host = Host::on(&sandbox.base_url()).await;
    (sandbox, host)
}

/// The ids of the sandbox's sessions with this status that are not archived.
async fn ids(host: &Host, status: &str) -> Vec<String> {
    let list = host
        .call("list_sessions", json!({"statuses": [status], "limit": 100}))
        .await;
    let rows = list.answer()["sessions"].clone();
    let rows = rows.as_array().expect("rows");
    rows.iter()
        .map(|row| row["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn a_list_is_paged_filtered_and_small() {
    let (_sandbox, host) = on_sandbox().await;
    let all = host
        .call(
            "list_sessions",
            json!({"include_archived": true, "limit": 100}),
        )
        .await;
    let all = all.answer()["sessions"].as_array().expect("rows").clone();
    assert!(all.len() >= 14, "{}", all.len());

    let mut paged = Vec::new();
    let mut page = Value::Null;
    loop {
        let arguments = json!({"include_archived": true, "limit": 5, "page": page});
        let answer = host.call("list_sessions", arguments).await.answer();
        paged.extend(answer["sessions"].as_array().expect("rows").clone());
        match answer.get("next_page") {
            Some(next) => page = next.clone(),
            None => break,
        }
    }
    assert_eq!(paged, all);

    let running = host
        .call("list_sessions", json!({"statuses": "[\"running\"]"}))
        .await
        .answer();
    let running = running["sessions"].as_array().expect("rows").clone();
    assert!(!running.is_empty() && running.iter().all(|row| row["status"] == "running"));

    let size = serde_json::to_string(&all).expect("JSON").len();
    assert!(
        size < 8_000,
        "{size} bytes, although one prompt alone has 100 KB"
    );
}

#[tokio::test]
async fn a_record_says_what_could_be_done_now() {
    let (_sandbox, host) = on_sandbox().await;
    let running = ids(&host, "running").await.remove(0);
    let record = host
        .call("get_session", json!({"session_id": running}))
        .await
        .answer();
    assert_eq!(
        record["operations"],
        json!({"update_tools": "session_running", "archive": "session_running",
               "delete": "session_running", "interrupt": "allowed"})
    );
    assert_eq!(
        record.get("console_url"),
        None,
        "the sandbox has no console"
    );
}

#[tokio::test]
async fn the_record_of_a_session_is_what_the_snapshot_says() {
    let api = Api::new().await;
    let rich = with(
        session("sesn_1", "idle"),
        json!({
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
        }),
    );
    api.answers("GET", "/v1/sessions/sesn_1", 200, rich).await;
    let host = Host::on(&api.0.uri()).await;
    let record = host
        .call("get_session", json!({"session_id": "sesn_1"}))
        .await
        .answer();
    insta::assert_snapshot!(serde_json::to_string_pretty(&record).expect("JSON"));
}

#[tokio::test]
async fn compatible_services_are_read_as_far_as_they_go() {
    let api = Api::new().await;
    let sparse = json!({
        "id": "ses_x", "status": "idle", "title": null, "updated_at": null, "usage": {},
        "agent": {"id": "a", "model": "claude-x", "version": "two"}, "metadata": {"n": 1},
        "created_at": 17,
    });
    api.answers("GET", "/v1/sessions/ses_x", 200, sparse).await;
    let host = Host::on(&api.0.uri()).await;
    let record = host
        .call("get_session", json!({"session_id": "ses_x"}))
        .await
        .answer();
    assert_eq!(
        record,
        json!({
            "id": "ses_x", "status": "idle", "archived": false, "agent": {"id": "a"},
            "created_at": "17", "model": "claude-x", "metadata": {"n": 1},
            "operations": {"update_tools": "allowed", "archive": "allowed", "delete": "allowed",
                           "interrupt": "nothing_to_do"},
        })
    );
}

#[tokio::test]
async fn archive_and_delete_do_what_they_say_and_say_what_they_did() {
    let (_sandbox, host) = on_sandbox().await;
    let idle = ids(&host, "idle").await;
    let first = json!({"session_id": idle[0]});
    let archived = host.call("archive_session", first.clone()).await.answer();
    assert_eq!(
        (&archived["outcome"], &archived["session"]["archived"]),
        (&json!("archived"), &json!(true))
    );
    assert_eq!(
        host.call("archive_session", first.clone()).await.word(),
        "already_archived"
    );
    assert_eq!(
        host.call(
            "update_session_tools",
            json!({"session_id": idle[0], "tools": []})
        )
        .await
        .word(),
        "session_archived"
    );

    let deleted = host.call("delete_session", first.clone()).await.answer();
    assert_eq!(deleted["outcome"], "deleted");
    assert_eq!(deleted["snapshot"]["id"], json!(idle[0]));
    assert!(deleted["kept"]["agent"].is_string(), "{deleted}");
    assert_eq!(host.call("get_session", first).await.code(), "not_found");
}

#[tokio::test]
async fn replaced_tools_are_shown_as_a_diff_and_only_they_are_sent() {
    let api = Api::new().await;
    let before = with(session("sesn_1", "idle"), json!({}));
    let tool = json!({"type": "custom", "name": "ask", "description": "d",
                      "input_schema": {"type": "object"}});
    let mut after = before.clone();
    after["agent"]["tools"] = json!([tool]);
    api.answers("GET", "/v1/sessions/sesn_1", 200, before).await;
    api.answers("POST", "/v1/sessions/sesn_1", 200, after).await;
    let host = Host::on(&api.0.uri()).await;
    let arguments = json!({"session_id": "sesn_1", "tools": [tool]});
    let dry = with(arguments.clone(), json!({"dry_run": true}));
    let would = host.call("update_session_tools", dry).await.answer();
    assert_eq!(would["outcome"], "would_update");
    assert_eq!(api.writes().await, [""; 0]);
    let updated = host.call("update_session_tools", arguments).await.answer();
    assert_eq!(updated["outcome"], "updated");
    assert_eq!(updated["changes"], would["changes"]);
    assert_eq!(updated["changes"]["tools"]["added"], json!([tool]));
    assert_eq!(api.body().await, json!({"agent": {"tools": [tool]}}));
}

#[tokio::test]
async fn impossible_tools_are_told_all_at_once_and_not_sent() {
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions/sesn_1", 200, session("sesn_1", "idle"))
        .await;
    let host = Host::on(&api.0.uri()).await;
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
    let failure = host.call("update_session_tools", arguments).await.failure();
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
    let host = Host::on(&api.0.uri()).await;
    let mut seen = Vec::new();
    for (tool, arguments) in [
        ("get_session", json!({})),
        ("get_session", json!({"session_id": ""})),
        ("get_session", json!({"session_id": "."})),
        ("get_session", json!({"session_id": ".."})),
        ("get_session", json!({"session_id": "a b"})),
        ("get_session", json!({"session_id": "a\u{7}"})),
        ("get_session", json!({"session_id": "x".repeat(10_000)})),
        ("get_session", json!({"session_id": ["sesn_1"]})),
        ("get_session", json!({"session_id": null, "detial": "full"})),
        ("list_sessions", json!({"limit": 0})),
        (
            "list_sessions",
            json!({"limit": 101, "order": "up", "statuses": ["asleep"]}),
        ),
        (
            "list_sessions",
            json!({"limit": "many", "include_archived": "perhaps"}),
        ),
        ("list_sessions", json!({"limit": 5.5})),
        ("list_sessions", json!({"agent_version": 2})),
        ("list_sessions", json!({"created_after": "yesterday"})),
        (
            "archive_session",
            json!({"session_id": "sesn_1", "if_busy": "kill", "wait_seconds": 41}),
        ),
        (
            "delete_session",
            json!({"session_id": "sesn_1", "force": true}),
        ),
        (
            "delete_session",
            json!({"session_id": "sesn_1", "expected_updated_at": "now"}),
        ),
        (
            "update_session_tools",
            json!({"session_id": "sesn_1", "tools": "[{]"}),
        ),
        (
            "update_session_tools",
            json!({"session_id": "sesn_1", "tools": {"type": "custom"}}),
        ),
        (
            "plan_cleanup",
            json!({"action": "archive", "session_ids": []}),
        ),
        ("get_sesion", json!({"session_id": "sesn_1"})),
    ] {
        let failure = host.call(tool, arguments).await.failure();
        assert!(failure.starts_with("invalid_arguments: "), "{failure}");
        assert!(failure.len() < 600, "{failure}");
        seen.push(failure);
    }
    insta::assert_snapshot!(seen.join("\n"));
    assert_eq!(api.asked().await, [""; 0]);
}

#[tokio::test]
async fn an_id_never_reaches_another_route() {
    let api = Api::new().await;
    let host = Host::on(&api.0.uri()).await;
    for (id, path) in [
        ("../agents", "/v1/sessions/..%2Fagents"),
        ("a/b", "/v1/sessions/a%2Fb"),
        ("a?b", "/v1/sessions/a%3Fb"),
        ("%2e%2e", "/v1/sessions/%252e%252e"),
        ("a#b", "/v1/sessions/a%23b"),
        ("日本", "/v1/sessions/%E6%97%A5%E6%9C%AC"),
    ] {
        assert_eq!(
            host.call("get_session", json!({"session_id": id}))
                .await
                .code(),
            "not_found"
        );
        assert_eq!(api.asked().await.pop(), Some(format!("GET {path}")), "{id}");
    }
}

#[tokio::test]
async fn what_the_api_says_becomes_a_code_and_a_next_step() {
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
        api.answers("GET", "/v1/sessions/sesn_1", status, body)
            .await;
        let host = Host::on(&api.0.uri()).await;
        let Came::Failure(text, parts) = host
            .call("get_session", json!({"session_id": "sesn_1"}))
            .await
        else {
            panic!("HTTP {status} is a failure")
        };
        assert_eq!(parts["code"], code, "{text}");
        assert_eq!(parts["http_status"], status);
        assert_eq!(
            parts["request_id"], "req_1",
            "the header wins over the body"
        );
        assert!(text.ends_with(" (request_id req_1)"), "{text}");
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_failure_and_the_next_call_works() {
    let sandbox = sandbox().await;
    let panics = ToolRoute::new_dyn(
        Tool::new("panic", "Panics.", JsonObject::new()),
        |_: ToolCallContext<'_, SessionsServer>| Box::pin(async { panic!("on purpose") }),
    );
    let config = config(Flags::default(), &sandbox.base_url());
    let host = Host::of(SessionsServer::with_routes(config, [panics])).await;
    assert_eq!(soon(host.call("panic", json!({}))).await.code(), "internal");
    let list = soon(host.call("list_sessions", json!({"limit": 1})))
        .await
        .answer();
    assert_eq!(list["sessions"].as_array().map(Vec::len), Some(1));
}
