//! Updating, archiving and deleting sessions.

use managed_sessions_mcp::sandbox::Quirk;
use serde_json::{Value, json};

use super::{HttpClient, endless_turns, fast_turns, message};

#[tokio::test]
async fn an_update_replaces_all_tools_and_returns_their_resolved_form() {
    let client = HttpClient::start(fast_turns()).await;
    let id = client.create(json!({})).await;
    let path = format!("/v1/sessions/{id}");
    let given = json!({"agent": {"tools": [
        {"type": "agent_toolset_20260401", "configs": [
            {"name": "bash", "permission_policy": {"type": "always_ask"}},
            {"name": "web_fetch", "enabled": false, "url_sources": {"user_input": "none"}},
        ]},
        {"type": "mcp_toolset", "mcp_server_name": "linear", "default_config": null},
    ]}});
    let (status, session) = client.post(&path, &given).await;
    assert_eq!(status, 200, "{session}");
    let allow = json!({"type": "always_allow"});
    let ask = json!({"type": "always_ask"});
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
    let same = json!({"agent": {"tools": tools}});
    let (_, again) = client.post(&path, &same).await;
    assert_eq!(again["updated_at"], session["updated_at"], "nothing changed");
    let none = json!({"agent": {"tools": [], "mcp_servers": []}});
    let (_, bare) = client.post(&path, &none).await;
    assert_eq!(bare["agent"]["tools"], json!([]));
    let agent = client.ok("/v1/agents/agent_02").await;
    let tools = agent["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 3, "the agent itself is not changed");
}

#[tokio::test]
async fn invalid_tools_are_rejected_by_path_and_change_nothing() {
    let client = HttpClient::start(fast_turns()).await;
    let tools = |tools: Value| json!({"tools": tools});
    let servers = |servers: Value| json!({"mcp_servers": servers});
    let configs =
        |configs: Value| json!({"tools": [{"type": "agent_toolset_20260401", "configs": configs}]});
    let custom = |name: &str| json!({"type": "custom", "name": name, "description": "d", "input_schema": {"type": "object"}});
    let server = |name: &str| json!({"type": "url", "name": name, "url": "https://example.com"});
    let fetch = |mut config: Value| {
        config["name"] = json!("web_fetch");
        configs(json!([config]))
    };
    let domains: Vec<String> = (0..65).map(|n| format!("d{n}.example.com")).collect();
    let many_servers: Vec<_> = (0..21).map(|n| server(&format!("s{n}"))).collect();
    let never = json!({"name": "bash", "permission_policy": {"type": "never"}});
    let unknown_server = json!({"type": "mcp_toolset", "mcp_server_name": "no"});
    let both = json!({"allowed_domains": ["a.com"], "blocked_domains": ["b.com"]});
    let cases = [
        (tools(json!({})), "tools"),
        (tools(json!([1])), "tools.0"),
        (tools(json!([{"name": "x"}])), "tools.0.type"),
        (tools(json!([{"type": "computer"}])), "tools.0.type"),
        (tools(json!([unknown_server])), "tools.0.mcp_server_name"),
        (servers(json!([])), "tools.1.mcp_server_name"),
        (tools(json!([custom("a"), custom("a")])), "tools.1"),
        (tools(json!([custom("a b")])), "tools.0.name"),
        (tools(json!([custom(&"n".repeat(129))])), "tools.0.name"),
        (configs(json!([{"name": "rm"}])), "tools.0.configs.0.name"),
        (configs(json!([{"name": "bash"}, {"name": "bash"}])), "tools.0.configs.1.name"),
        (configs(json!([never])), "tools.0.configs.0.permission_policy.type"),
        (
            configs(json!([{"name": "bash", "allowed_domains": ["a.com"]}])),
            "tools.0.configs.0.allowed_domains",
        ),
        (fetch(json!({"allowed_domains": []})), "tools.0.configs.0.allowed_domains"),
        (fetch(json!({"blocked_domains": domains})), "tools.0.configs.0.blocked_domains"),
        (fetch(json!({"allowed_domains": ["https://a.com"]})), "tools.0.configs.0.allowed_domains"),
        (fetch(both), "tools.0.configs.0.blocked_domains"),
        (servers(json!(many_servers)), "mcp_servers"),
        (servers(json!([server("a"), server("a")])), "mcp_servers.1.name"),
        (servers(json!([server(&"n".repeat(256))])), "mcp_servers.0.name"),
        (json!({"model": "other"}), "model"),
    ];
    let before = client.session("sesn_11").await;
    for (agent, path) in cases {
        let change = json!({"agent": agent, "title": "x"});
        let (status, body) = client.post("/v1/sessions/sesn_11", &change).await;
        assert_eq!(status, 400, "{agent}");
        let message = body["error"]["message"].as_str().unwrap();
        let prefix = format!("agent.{path}: ");
        assert!(message.starts_with(&prefix), "{path}: {message}");
    }
    let after = client.session("sesn_11").await;
    assert_eq!(after["updated_at"], before["updated_at"]);
}

#[tokio::test]
async fn titles_and_metadata_are_patched() {
    let client = HttpClient::start(fast_turns()).await;
    let fields = json!({"title": "t", "metadata": {"a": "1", "b": "2"}});
    let path = format!("/v1/sessions/{}", client.create(fields).await);
    let cleared = json!({"title": null, "metadata": {"a": null, "c": ""}});
    let (_, session) = client.post(&path, &cleared).await;
    assert_eq!(session["title"], Value::Null);
    assert_eq!(session["metadata"], json!({"b": "2", "c": ""}));
    let pairs = |count| {
        let pairs = (0..count).map(|n| (format!("k{n}"), json!("v")));
        json!({"metadata": pairs.collect::<Value>()})
    };
    for (change, expected) in [
        (json!({"metadata": {"k".repeat(64): "v".repeat(512)}}), 200),
        (json!({"metadata": {"k".repeat(65): "v"}}), 400),
        (json!({"metadata": {"k": "v".repeat(513)}}), 400),
        (json!({"metadata": {"k": 1}}), 400),
        (pairs(14), 400),
        (pairs(13), 200),
        (json!({"title": 1}), 400),
        (json!({"vault_ids": []}), 400),
        (json!({"agent": null}), 400),
    ] {
        let (status, body) = client.post(&path, &change).await;
        assert_eq!(status, expected, "{change}: {body}");
    }
}

#[tokio::test]
async fn the_number_of_tools_is_limited_for_agents_only() {
    let client = HttpClient::start(fast_turns()).await;
    let custom = |n| json!({"type": "custom", "name": format!("t{n}"), "description": "d", "input_schema": {"type": "object"}});
    let tools = |count| (0..count).map(custom).collect::<Value>();
    for (count, expected) in [(129, 200), (256, 200), (257, 400)] {
        let agent = json!({"name": "a", "model": "claude-opus-5-5", "tools": tools(count)});
        let (status, body) = client.post("/v1/agents", &agent).await;
        assert_eq!(status, expected, "{count}: {body}");
    }
    let change = json!({"agent": {"tools": tools(257)}});
    let (status, session) = client.post("/v1/sessions/sesn_01", &change).await;
    assert_eq!(status, 200, "{session}");
    assert_eq!(session["agent"]["tools"].as_array().unwrap().len(), 257);
}

#[tokio::test]
async fn the_status_decides_which_operations_are_allowed() {
    // Updating the tools, updating the title, sending a message, archiving, deleting.
    let table = [
        ("sesn_01", [200, 200, 200, 409, 409]),
        ("sesn_04", [409, 200, 200, 409, 409]),
        ("sesn_06", [409, 200, 200, 200, 200]),
        ("sesn_07", [409, 200, 409, 200, 200]),
        ("sesn_08", [409, 409, 409, 200, 200]),
        ("sesn_none", [404, 404, 404, 404, 404]),
    ];
    // With endless turns the message leaves sesn_01 running.
    let client = HttpClient::start(endless_turns()).await;
    for (id, expected) in table {
        let path = format!("/v1/sessions/{id}");
        let tools = json!({"agent": {"tools": [], "mcp_servers": []}});
        let responses = [
            client.post(&path, &tools).await,
            client.post(&path, &json!({"title": "new"})).await,
            client.send(id, message("Hello")).await,
            client.post(&format!("{path}/archive"), &Value::Null).await,
            client.delete(&path).await,
        ];
        assert_eq!(responses.each_ref().map(|response| response.0), expected, "{id}");
        for (status, body) in &responses {
            let kind = match status {
                409 => "conflict_error",
                404 => "not_found_error",
                _ => continue,
            };
            assert_eq!(body["error"]["type"], kind, "{body}");
        }
    }
    assert_eq!(client.get("/v1/sessions/sesn_08").await.0, 404);
}

#[tokio::test]
async fn archiving_again_changes_nothing() {
    let client = HttpClient::start(fast_turns()).await;
    let archive = async |id| {
        let path = format!("/v1/sessions/{id}/archive");
        client.post(&path, &Value::Null).await
    };
    let (status, first) = archive("sesn_02").await;
    assert_eq!((status, &first["status"]), (200, &json!("terminated")));
    assert_eq!(first["archived_at"], first["updated_at"]);
    let (_, again) = archive("sesn_02").await;
    assert_eq!(again["archived_at"], first["archived_at"]);
    let last = client.last_event("sesn_02").await;
    assert_eq!(last["type"], "session.status_terminated");

    client.sandbox.set_quirks([Quirk::RearchiveMoves]);
    let (_, moved) = archive("sesn_02").await;
    assert_ne!(moved["archived_at"], first["archived_at"]);
    client.sandbox.set_quirks([Quirk::RearchiveConflicts]);
    assert_eq!(archive("sesn_02").await.0, 409);
    client.sandbox.set_quirks([Quirk::IdleAfterArchive]);
    let (_, idle) = archive("sesn_03").await;
    assert_eq!(idle["status"], "idle");
    assert!(idle["archived_at"].is_string());
}

#[tokio::test]
async fn quirks_change_conflicts_and_updates() {
    let client = HttpClient::start(endless_turns()).await;
    let running = "/v1/sessions/sesn_04";
    for (quirk, expected) in [(Quirk::ConflictsAs400, 400), (Quirk::OldConflicts, 409)] {
        client.sandbox.set_quirks([quirk]);
        let (status, body) = client.delete(running).await;
        let kind = &body["error"]["type"];
        assert_eq!((status, kind), (expected, &json!("invalid_request_error")));
    }

    client.sandbox.set_quirks([
        Quirk::IgnoresAgentWhileBusy,
        Quirk::DeletesBusy,
        Quirk::ArchivesBusy,
    ]);
    let before = client.ok(running).await;
    let change = json!({"agent": {"tools": []}, "title": "t"});
    let (status, body) = client.post(running, &change).await;
    assert_eq!((status, &body["title"]), (200, &json!("t")));
    assert_eq!(body["agent"], before["agent"]);
    assert_eq!(client.delete(running).await.0, 200);
    assert_eq!(client.ok(running).await["status"], "running");
    let archive = format!("{running}/archive");
    let (_, archived) = client.post(&archive, &Value::Null).await;
    assert_eq!(archived["status"], "running");
    assert!(archived["archived_at"].is_string());

    let set_title = async |quirk, title: Value| {
        client.sandbox.set_quirks([quirk]);
        let change = json!({"title": title});
        client.post("/v1/sessions/sesn_01", &change).await
    };
    let (_, session) = set_title(Quirk::IgnoresUpdates, json!("no")).await;
    assert_ne!(session["title"], "no");
    let (_, session) = set_title(Quirk::NullTitleIgnored, Value::Null).await;
    assert!(session["title"].is_string());
    let (status, _) = set_title(Quirk::NullTitleFails, Value::Null).await;
    assert_eq!(status, 500);
}
