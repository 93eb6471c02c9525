//! What is refused before anything is sent.

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};

use crate::support::{Api, Host, error, sandbox, session, with_fields};

fn agent(id: &str, name: &str) -> Value {
    json!({"id": id, "type": "agent", "name": name, "version": 1, "model": {"id": "m"},
           "tools": [], "mcp_servers": [], "archived_at": null})
}

fn archived(object: Value) -> Value {
    with_fields(object, json!({"archived_at": "2026-11-01T08:00:00Z"}))
}

fn list(data: &[Value]) -> Value {
    json!({"data": data, "next_page": null})
}

/// An API of some agents, environments and sessions that accepts every creation.
async fn service() -> Api {
    let api = Api::new().await;
    let agents = [
        agent("agent_1", "Fixer"),
        agent("agent_2", "Twin"),
        agent("agent_3", "twin "),
        archived(agent("agent_4", "Gone")),
        archived(agent("agent_5", "Fixer")),
        agent("agent_9", "Secret"),
    ];
    for agent in &agents {
        let path = format!("/v1/agents/{}", agent["id"].as_str().expect("an id"));
        api.answers("GET", &path, 200, agent.clone()).await;
    }
    api.answers("GET", "/v1/agents", 200, list(&agents)).await;
    let environment = |id: &str, name: &str| json!({"id": id, "name": name, "archived_at": null});
    let environments = [
        environment("env_1", "default"),
        environment("env_2", "Twin"),
        environment("env_3", "twin"),
        archived(environment("env_4", "Old")),
    ];
    for environment in &environments {
        let path = format!("/v1/environments/{}", environment["id"].as_str().expect("an id"));
        api.answers("GET", &path, 200, environment.clone()).await;
    }
    api.answers("GET", "/v1/environments", 200, list(&environments)).await;
    api.answers("GET", "/v1/sessions", 200, list(&[])).await;
    let of = |id: &str, agent: &str, environment: &str| {
        let agent = json!({"id": agent, "name": "A", "version": 1, "tools": []});
        let fields = json!({"agent": agent, "environment_id": environment});
        with_fields(session(id, "idle"), fields)
    };
    let bare = with_fields(session("sesn_5", "idle"), json!({"agent": null, "environment_id": ""}));
    for session in [
        of("sesn_1", "agent_1", "env_1"),
        of("sesn_2", "agent_4", "env_1"),
        of("sesn_3", "agent_1", "env_4"),
        of("sesn_9", "agent_9", "env_1"),
        bare,
    ] {
        let path = format!("/v1/sessions/{}", session["id"].as_str().expect("an id"));
        api.answers("GET", &path, 200, session).await;
    }
    let gone = error("not_found_error", "No such session.");
    api.answers("GET", "/v1/sessions/sesn_gone", 404, gone).await;
    api.answers("POST", "/v1/sessions", 200, of("sesn_new", "agent_1", "env_1")).await;
    api
}

#[tokio::test]
async fn bad_input_is_one_clear_failure_and_nothing_is_sent() {
    let api = service().await;
    let host = api.host_with(Flags {
        allow_agent: ["agent_1", "agent_2", "agent_3", "agent_4", "agent_5"]
            .map(str::to_owned)
            .into(),
        ..Flags::default()
    });
    let host = host.await;
    let long = "x".repeat(1 << 20);
    let ok = json!({"agent": "Fixer", "environment": "default"});
    let with = |fields: Value| with_fields(ok.clone(), fields);
    for (arguments, code, part) in [
        (json!({}), "invalid_arguments", "agent is missing"),
        (json!({"agent": "Fixer"}), "invalid_arguments", "environment is missing"),
        (with(json!({"agent": "TWIN"})), "invalid_arguments", "agent_2, agent_3"),
        (with(json!({"agent": "Gone"})), "invalid_arguments", "agent_4 (\"Gone\") is archived"),
        (with(json!({"agent": "agent_4"})), "invalid_arguments", "is archived"),
        (with(json!({"agent": "Fixr"})), "invalid_arguments", "there are \"Fixer\" (agent_1)"),
        (with(json!({"agent": "agent_7"})), "invalid_arguments", "no agent has the id or name"),
        (with(json!({"agent": "agent_9"})), "agent_not_allowed", "agent \"agent_9\""),
        (with(json!({"agent": "Secret"})), "agent_not_allowed", "agent \"Secret\""),
        (with(json!({"agent": "../agent_1"})), "invalid_arguments", "no agent has"),
        (with(json!({"agent": "a".repeat(300)})), "invalid_arguments", "agent was"),
        (with(json!({"environment": "twin"})), "invalid_arguments", "env_2, env_3"),
        (with(json!({"environment": "Old"})), "invalid_arguments", "env_4 (\"Old\") is archived"),
        (with(json!({"environment": "env_4"})), "invalid_arguments", "is archived"),
        (with(json!({"environment": "prod"})), "invalid_arguments", "\"default\" (env_1)"),
        (with(json!({"budget": "5 EUR"})), "invalid_arguments", "budget is in EUR"),
        (with(json!({"budget": "much"})), "invalid_arguments", "budget must be an amount"),
        (with(json!({"budget": "-1"})), "invalid_arguments", "budget"),
        (with(json!({"budget": "0"})), "invalid_arguments", "budget must be a whole number"),
        (with(json!({"metadata": {"a": {}}})), "invalid_arguments", "metadata.a must be"),
        (with(json!({"metadata": {"": "b"}})), "invalid_arguments", "metadata. has a key"),
        (with(json!({"message": long})), "invalid_arguments", "message was"),
        (with(json!({"message": ["text"]})), "invalid_arguments", "message was"),
        (with(json!({"wait_seconds": 41})), "invalid_arguments", "from 0 to 40"),
        (with(json!({"if_busy": "wait"})), "invalid_arguments", "is not an argument"),
        (
            with(json!({"tools": [{"type": "mcp_toolset", "mcp_server_name": "linear"}]})),
            "invalid_toolset",
            "tools[0].mcp_server_name",
        ),
        (with(json!({"tools": [7]})), "invalid_toolset", "tools[0]"),
        (json!({"like_session": "sesn_gone"}), "not_found", "session sesn_gone does not exist"),
        (json!({"like_session": "a/b c"}), "invalid_arguments", "like_session"),
        (json!({"like_session": "sesn_9"}), "agent_not_allowed", "session sesn_9"),
        (json!({"like_session": "sesn_2"}), "invalid_arguments", "agent_4 (\"Gone\") is archived"),
        (json!({"like_session": "sesn_3"}), "invalid_arguments", "env_4 (\"Old\") is archived"),
        (json!({"like_session": "sesn_3", "agent": "Secret"}), "agent_not_allowed", "Secret"),
    ] {
        for dry_run in [false, true] {
            let arguments = with_fields(arguments.clone(), json!({"dry_run": dry_run}));
            let reply = host.call("start_session", arguments.clone()).await;
            let shown: String = arguments.to_string().chars().take(200).collect();
            assert_eq!(reply.outcome(), code, "{shown}: {reply}");
            let text = reply.failure();
            assert!(text.contains(part), "{shown}: {text}");
            assert!(text.len() < 1_500, "{shown}: {text}");
        }
    }
    assert_eq!(api.writes().await, [""; 0]);
    // One agent of that name is archived, and so not meant.
    assert_eq!(host.outcome("start_session", ok).await, "started");
    assert_eq!(api.last_body().await, json!({"agent": "agent_1", "environment_id": "env_1"}));
}

#[tokio::test]
async fn a_session_that_names_no_agent_cannot_be_copied() {
    let api = service().await;
    let host = api.host().await;
    let text = host.failure("start_session", json!({"like_session": "sesn_5"})).await;
    for part in ["invalid_arguments", "agent is missing", "environment is missing"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn what_the_api_refuses_is_rejected_with_its_message() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let ok = json!({"agent": "agent_01", "environment": "env_01"});
    let pairs: serde_json::Map<String, Value> =
        (0..17).map(|n| (format!("key{n}"), json!("v"))).collect();
    for (fields, code, part) in [
        (json!({"metadata": pairs}), "rejected", "at most 16 pairs"),
        (json!({"vault_ids": ["vlt_nowhere"]}), "not_found", "vlt_nowhere"),
        (json!({"vault_ids": ["vlt_03"]}), "rejected", "archived"),
    ] {
        let before = crate::support::sandbox_writes(&sandbox).len();
        let reply = host.call("start_session", with_fields(ok.clone(), fields)).await;
        assert_eq!(reply.outcome(), code, "{reply}");
        let text = reply.failure();
        assert!(text.contains(part) && !text.contains("may have been"), "{text}");
        let sent = crate::support::sandbox_writes(&sandbox).len() - before;
        assert_eq!(sent, 1, "{text}");
    }
}
