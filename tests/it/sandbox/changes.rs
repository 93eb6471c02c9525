//! Updates, archiving and deletion: what is taken, what is refused, what stays.

use managed_sessions_mcp::sandbox::Quirk;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Wire, brisk, endless, message};

#[tokio::test]
async fn tools_are_replaced_as_a_whole_and_answered_resolved() {
    let wire = Wire::start(brisk()).await;
    let id = wire.create(json!({})).await;
    let path = format!("/v1/sessions/{id}");
    let given = json!({"agent": {"tools": [
        {"type": "agent_toolset_20260401", "configs": [
            {"name": "bash", "permission_policy": {"type": "always_ask"}},
            {"name": "web_fetch", "enabled": false, "url_sources": {"user_input": "none"}},
        ]},
        {"type": "mcp_toolset", "mcp_server_name": "linear", "default_config": null},
    ]}});
    let (status, session) = wire.post(&path, &given).await;
    assert_eq!(status, StatusCode::OK, "{session}");
    let (allow, ask) = (
        json!({"type": "always_allow"}),
        json!({"type": "always_ask"}),
    );
    let tools = json!([
        {
            "type": "agent_toolset_20260401",
            "default_config": {"enabled": true, "permission_policy": allow},
            "configs": [
                {"name": "bash", "enabled": true, "permission_policy": ask, "type": "bash"},
                {
                    "name": "web_fetch", "enabled": false, "permission_policy": allow,
                    "type": "web_fetch",
                    "url_sources": {
                        "client_tool_results": null, "server_tool_results": null,
                        "user_input": {"type": "none"},
                    },
                },
            ],
        },
        {
            "type": "mcp_toolset", "mcp_server_name": "linear", "configs": [],
            "default_config": {"enabled": true, "permission_policy": ask},
        },
    ]);
    assert_eq!(session["agent"]["tools"], tools);
    assert_eq!(session["agent"]["mcp_servers"][0]["name"], "linear");
    let (_, again) = wire.post(&path, &json!({"agent": {"tools": tools}})).await;
    assert_eq!(
        again["updated_at"], session["updated_at"],
        "posting it back changes nothing"
    );
    let (_, bare) = wire
        .post(&path, &json!({"agent": {"tools": [], "mcp_servers": []}}))
        .await;
    assert_eq!(bare["agent"]["tools"], json!([]));
    let agent = wire.ok("/v1/agents/agent_02").await;
    assert_eq!(
        agent["tools"].as_array().unwrap().len(),
        3,
        "the agent itself is untouched"
    );
}

#[tokio::test]
async fn impossible_tools_are_refused_by_their_path_and_change_nothing() {
    let wire = Wire::start(brisk()).await;
    let toolset = |configs: Value| json!([{"type": "agent_toolset_20260401", "configs": configs}]);
    let custom = |name: &str| json!({"type": "custom", "name": name, "description": "d", "input_schema": {"type": "object"}});
    let server = |name: &str| json!({"type": "url", "name": name, "url": "https://example.com"});
    let domains: Vec<String> = (0..65).map(|n| format!("d{n}.example.com")).collect();
    let fetch = |more: Value| {
        let mut config = json!({"name": "web_fetch"});
        config
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        toolset(json!([config]))
    };
    let many: Vec<_> = (0..129).map(|n| custom(&format!("t{n}"))).collect();
    let servers: Vec<_> = (0..21).map(|n| server(&format!("s{n}"))).collect();
    let cases = [
        (json!({"tools": {}}), "agent.tools"),
        (json!({"tools": [1]}), "agent.tools.0"),
        (json!({"tools": [{"name": "x"}]}), "agent.tools.0.type"),
        (
            json!({"tools": [{"type": "computer"}]}),
            "agent.tools.0.type",
        ),
        (
            json!({"tools": [{"type": "mcp_toolset", "mcp_server_name": "no"}]}),
            "agent.tools.0.mcp_server_name",
        ),
        (json!({"mcp_servers": []}), "agent.tools.1.mcp_server_name"),
        (
            json!({"tools": [custom("a"), custom("a")]}),
            "agent.tools.1",
        ),
        (json!({"tools": [custom("a b")]}), "agent.tools.0.name"),
        (
            json!({"tools": [custom(&"n".repeat(129))]}),
            "agent.tools.0.name",
        ),
        (json!({"tools": many}), "agent.tools"),
        (
            json!({"tools": toolset(json!([{"name": "rm"}]))}),
            "agent.tools.0.configs.0.name",
        ),
        (
            json!({"tools": toolset(json!([{"name": "bash"}, {"name": "bash"}]))}),
            "agent.tools.0.configs.1.name",
        ),
        (
            json!({"tools": toolset(json!([{"name": "bash", "permission_policy": {"type": "never"}}]))}),
            "agent.tools.0.configs.0.permission_policy.type",
        ),
        (
            json!({"tools": toolset(json!([{"name": "bash", "allowed_domains": ["a.com"]}]))}),
            "agent.tools.0.configs.0.allowed_domains",
        ),
        (
            json!({"tools": fetch(json!({"allowed_domains": []}))}),
            "agent.tools.0.configs.0.allowed_domains",
        ),
        (
            json!({"tools": fetch(json!({"blocked_domains": domains}))}),
            "agent.tools.0.configs.0.blocked_domains",
        ),
        (
            json!({"tools": fetch(json!({"allowed_domains": ["https://a.com"]}))}),
            "agent.tools.0.configs.0.allowed_domains",
        ),
        (
            json!({"tools": fetch(json!({"allowed_domains": ["a.com"], "blocked_domains": ["b.com"]}))}),
            "agent.tools.0.configs.0.blocked_domains",
        ),
        (json!({"mcp_servers": servers}), "agent.mcp_servers"),
        (
            json!({"mcp_servers": [server("a"), server("a")]}),
            "agent.mcp_servers.1.name",
        ),
        (
            json!({"mcp_servers": [server(&"n".repeat(256))]}),
            "agent.mcp_servers.0.name",
        ),
        (json!({"model": "other"}), "agent.model"),
    ];
    let before = wire.ok("/v1/sessions/sesn_11").await["updated_at"].clone();
    for (agent, path) in cases {
        let (status, body) = wire
            .post(
                "/v1/sessions/sesn_11",
                &json!({"agent": agent, "title": "x"}),
            )
            .await;
        assert_eq!(status.as_u16(), 400, "{agent}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with(&format!("{path}: ")),
            "{path}: {message}"
        );
    }
    assert_eq!(wire.ok("/v1/sessions/sesn_11").await["updated_at"], before);
}

#[tokio::test]
async fn titles_and_metadata_are_patched() {
    let wire = Wire::start(brisk()).await;
    let id = wire
        .create(json!({"title": "t", "metadata": {"a": "1", "b": "2"}}))
        .await;
    let path = format!("/v1/sessions/{id}");
    let (_, session) = wire
        .post(
            &path,
            &json!({"title": null, "metadata": {"a": null, "c": ""}}),
        )
        .await;
    assert_eq!(
        (&session["title"], &session["metadata"]),
        (&Value::Null, &json!({"b": "2", "c": ""}))
    );
    let pairs = |count| {
        (0..count)
            .map(|n| (format!("k{n}"), json!("v")))
            .collect::<Value>()
    };
    for (metadata, status) in [
        (json!({"k".repeat(64): "v".repeat(512)}), 200),
        (json!({"k".repeat(65): "v"}), 400),
        (json!({"k": "v".repeat(513)}), 400),
        (json!({"k": 1}), 400),
        (pairs(14), 400),
        (pairs(13), 200),
    ] {
        let (answered, body) = wire.post(&path, &json!({"metadata": metadata})).await;
        assert_eq!(answered.as_u16(), status, "{body}");
    }
    for body in [
        json!({"title": 1}),
        json!({"vault_ids": []}),
        json!({"agent": null}),
    ] {
        assert_eq!(wire.post(&path, &body).await.0.as_u16(), 400, "{body}");
    }
}

#[tokio::test]
async fn budgets_keep_their_rules() {
    let wire = Wire::start(brisk()).await;
    let budget = |amount: Value| json!({"budget": {"type": "limit", "max_list_cost": {"amount": amount, "currency": "USD"}}});
    let cases = [
        ("sesn_01", budget(json!("900")), 400, "budget_create_only"),
        ("sesn_11", budget(json!("421")), 400, "budget_not_raised"),
        ("sesn_11", budget(json!("422")), 200, ""),
        ("sesn_11", budget(json!("0422")), 400, ""),
        ("sesn_11", budget(json!("4.22")), 400, ""),
        ("sesn_11", budget(json!(500)), 400, ""),
        ("sesn_11", json!({"budget": null}), 200, ""),
        ("sesn_11", budget(json!("9000")), 400, "budget_create_only"),
        ("sesn_07", json!({"budget": null}), 409, ""),
    ];
    for (id, change, status, code) in cases {
        let (answered, body) = wire.post(&format!("/v1/sessions/{id}"), &change).await;
        assert_eq!(answered.as_u16(), status, "{id} {change}: {body}");
        let named = body
            .pointer("/error/details/error_code")
            .and_then(Value::as_str);
        assert_eq!(named.unwrap_or_default(), code, "{change}");
    }
    let id = wire.create(budget(json!("3"))).await;
    wire.send(&id, message("Spend it.")).await;
    wire.until(&id, "idle").await;
    let last = wire
        .ok(&format!("/v1/sessions/{id}/events?order=desc&limit=1"))
        .await;
    assert_eq!(last["data"][0]["stop_reason"]["type"], "budget_reached");
}

#[tokio::test]
async fn states_decide_what_may_be_done() {
    // update of tools, update of the title, a message, archive, delete
    let table = [
        ("sesn_01", [200, 200, 200, 409, 409]),
        ("sesn_04", [409, 200, 200, 409, 409]),
        ("sesn_06", [409, 200, 200, 200, 200]),
        ("sesn_07", [409, 200, 409, 200, 200]),
        ("sesn_08", [409, 409, 409, 200, 200]),
        ("sesn_none", [404, 404, 404, 404, 404]),
    ];
    // Turns do not end here, so the message leaves sesn_01 running.
    let wire = Wire::start(endless()).await;
    for (id, expected) in table {
        let path = format!("/v1/sessions/{id}");
        let tools = json!({"agent": {"tools": [], "mcp_servers": []}});
        let answers = [
            wire.post(&path, &tools).await,
            wire.post(&path, &json!({"title": "new"})).await,
            wire.send(id, message("Hello")).await,
            wire.post(&format!("{path}/archive"), &Value::Null).await,
            wire.delete(&path).await,
        ];
        assert_eq!(
            answers.each_ref().map(|(status, _)| status.as_u16()),
            expected,
            "{id}"
        );
        for (status, body) in &answers {
            let kind = match status.as_u16() {
                409 => "conflict_error",
                404 => "not_found_error",
                _ => continue,
            };
            assert_eq!(body["error"]["type"], kind, "{body}");
        }
    }
    assert_eq!(wire.get("/v1/sessions/sesn_08").await.0.as_u16(), 404);
}

#[tokio::test]
async fn archiving_is_for_good_and_repeats_quietly() {
    let wire = Wire::start(brisk()).await;
    let path = "/v1/sessions/sesn_02/archive";
    let (status, first) = wire.post(path, &Value::Null).await;
    assert_eq!(
        (status.as_u16(), &first["status"]),
        (200, &json!("terminated"))
    );
    assert_eq!(first["archived_at"], first["updated_at"]);
    assert_eq!(
        wire.post(path, &Value::Null).await.1["archived_at"],
        first["archived_at"]
    );
    assert_eq!(
        wire.kinds("sesn_02").await.last().unwrap(),
        "session.status_terminated"
    );
    wire.sandbox.set_quirks([Quirk::RearchiveMoves]);
    assert_ne!(
        wire.post(path, &Value::Null).await.1["archived_at"],
        first["archived_at"]
    );
    wire.sandbox.set_quirks([Quirk::RearchiveConflicts]);
    assert_eq!(wire.post(path, &Value::Null).await.0.as_u16(), 409);
    wire.sandbox.set_quirks([Quirk::IdleAfterArchive]);
    let (_, idle) = wire
        .post("/v1/sessions/sesn_03/archive", &Value::Null)
        .await;
    assert_eq!(idle["status"], "idle");
    assert!(idle["archived_at"].is_string());
}

#[tokio::test]
async fn compatible_services_differ_where_they_are_told_to() {
    let wire = Wire::start(endless()).await;
    let running = "/v1/sessions/sesn_04";
    wire.sandbox.set_quirks([Quirk::ConflictsAs400]);
    let (status, body) = wire.delete(running).await;
    assert_eq!(
        (status.as_u16(), &body["error"]["type"]),
        (400, &json!("invalid_request_error"))
    );
    wire.sandbox.set_quirks([Quirk::OldConflicts]);
    let (status, body) = wire.delete(running).await;
    assert_eq!(
        (status.as_u16(), &body["error"]["type"]),
        (409, &json!("invalid_request_error"))
    );

    wire.sandbox.set_quirks([
        Quirk::IgnoresAgentWhileBusy,
        Quirk::DeletesBusy,
        Quirk::ArchivesBusy,
    ]);
    let before = wire.ok(running).await["agent"].clone();
    let (status, body) = wire
        .post(running, &json!({"agent": {"tools": []}, "title": "t"}))
        .await;
    assert_eq!(
        (status.as_u16(), &body["agent"], &body["title"]),
        (200, &before, &json!("t"))
    );
    assert_eq!(wire.delete(running).await.0.as_u16(), 200);
    assert_eq!(wire.ok(running).await["status"], "running");
    let (_, archived) = wire.post(&format!("{running}/archive"), &Value::Null).await;
    assert_eq!(archived["status"], "running");
    assert!(archived["archived_at"].is_string());

    let title = |title: Value| json!({"title": title});
    wire.sandbox.set_quirks([Quirk::IgnoresUpdates]);
    assert_ne!(
        wire.post("/v1/sessions/sesn_01", &title(json!("no")))
            .await
            .1["title"],
        "no"
    );
    wire.sandbox.set_quirks([Quirk::NullTitleIgnored]);
    assert!(
        wire.post("/v1/sessions/sesn_01", &title(Value::Null))
            .await
            .1["title"]
            .is_string()
    );
    wire.sandbox.set_quirks([Quirk::NullTitleFails]);
    assert_eq!(
        wire.post("/v1/sessions/sesn_01", &title(Value::Null))
            .await
            .0
            .as_u16(),
        500
    );
}
