//! `list_agents` and `start_session`.

mod agents;
mod doubt;
mod input;

use managed_sessions_mcp::{cli::Flags, sandbox::Options};
use serde_json::{Value, json};

use crate::support::{Host, sandbox, sandbox_with, sandbox_writes};

const CREATE: &str = "POST /v1/sessions";

#[tokio::test]
async fn a_session_is_started_by_names_and_its_reply_waited_for() {
    let sandbox =
        sandbox_with(Options { turn: std::time::Duration::from_millis(100), ..Options::default() })
            .await;
    let host = Host::new(&sandbox.base_url()).await;
    let arguments = json!({
        "agent": "support TRIAGE", "environment": "Data tools", "title": "Refund",
        "message": "Look at the refund of c-20417.", "metadata": {"customer": "c-20417", "tier": 2},
        "budget": "5.00 USD", "vault_ids": ["vlt_01"], "wait_seconds": 20,
    });
    let answer = host.answer("start_session", arguments.clone()).await;
    assert_eq!(answer["outcome"], "started", "{answer}");
    assert_eq!([&answer["status"], &answer["stop_reason"]["type"]], ["idle", "end_turn"]);
    assert!(answer["reply"].is_string(), "{answer}");
    assert_eq!(answer.get("warnings"), None);
    let session = &answer["session"];
    assert_eq!(session["agent"]["id"], "agent_02");
    assert_eq!(session["environment_id"], "env_02");
    assert_eq!(session["metadata"], json!({"customer": "c-20417", "tier": "2"}));
    assert_eq!([&session["title"], &session["budget"]], ["Refund", "5.00 USD"]);
    assert_eq!(sandbox_writes(&sandbox), [CREATE]);
    // The same again is one more session.
    let other = host.answer("start_session", arguments).await;
    assert_ne!(other["session"]["id"], session["id"]);
    let read = host.answer("get_session", json!({"session_id": session["id"]})).await;
    assert_eq!(read["agent"], session["agent"]);
}

#[tokio::test]
async fn without_a_message_it_is_idle_and_nothing_is_waited_for() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    // Hosts in strict mode give every argument.
    let arguments = json!({
        "agent": "agent_03", "environment": "env_01", "like_session": "", "title": null,
        "message": " ", "metadata": {}, "budget": "", "tools": [], "mcp_servers": [],
        "vault_ids": [], "wait_seconds": 5, "dry_run": false,
    });
    let answer = host.answer("start_session", arguments).await;
    assert_eq!([&answer["outcome"], &answer["session"]["status"]], ["started", "idle"]);
    let warnings = json!(["wait_seconds had no effect: without a message the session is idle"]);
    assert_eq!(answer["warnings"], warnings);
    assert_eq!(answer.get("reply"), None);
}

#[tokio::test]
async fn tools_are_merged_into_the_agents_and_the_agent_stays_as_it_is() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let agents = host.answer("list_agents", json!({})).await;
    let arguments = json!({
        "agent": "Support triage", "environment": "default",
        "tools": [
            {"type": "agent_toolset_20260401",
             "configs": [{"name": "bash", "permission_policy": {"type": "always_ask"}}]},
            {"type": "mcp_toolset", "mcp_server_name": "wiki"},
        ],
        "mcp_servers": [
            {"type": "url", "name": "wiki", "url": "https://wiki.example/mcp"},
            {"type": "url", "name": "spare", "url": "https://spare.example/mcp"},
        ],
    });
    let mut dry_run = arguments.clone();
    dry_run["dry_run"] = json!(true);
    let preview = host.answer("start_session", dry_run).await;
    assert_eq!(preview["outcome"], "would_start");
    assert_eq!(preview["session"].get("id"), None);
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
    let answer = host.answer("start_session", arguments).await;
    let session = &answer["session"];
    let names = |list: &Value, key: &str| -> Vec<String> {
        let list = list.as_array().expect("a list").iter();
        list.filter_map(|each| Some(each[key].as_str()?.to_owned())).collect()
    };
    assert_eq!(names(&session["mcp_servers"], "name"), ["linear", "wiki", "spare"]);
    assert_eq!(names(&session["tools"], "mcp_server_name"), ["linear", "wiki"]);
    assert_eq!(names(&preview["session"]["tools"], "type"), names(&session["tools"], "type"));
    let warnings = answer["warnings"].to_string();
    for part in ["no toolset uses the server \\\"spare\\\"", "has no vault"] {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    assert_eq!(preview["warnings"], answer["warnings"]);
    assert_eq!(host.answer("list_agents", json!({})).await, agents, "the agent is as it was");
    // What the agent has already is no override.
    let same = json!({"agent": "agent_02", "environment": "env_01",
                      "tools": [{"type": "agent_toolset_20260401"}]});
    let same = host.answer("start_session", same).await;
    assert_eq!(names(&same["session"]["mcp_servers"], "name"), ["linear"]);
}

#[tokio::test]
async fn like_session_takes_over_what_can_be_and_names_the_rest() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let change = json!({"session_id": "sesn_01", "tools": [
        {"type": "agent_toolset_20260401", "configs": [{"name": "bash", "enabled": false}]},
        {"type": "custom", "name": "page_somebody", "description": "Pages a person.",
         "input_schema": {"type": "object"}},
    ]});
    host.answer("update_session_tools", change).await;
    let original = host.answer("get_session", json!({"session_id": "sesn_01"})).await;
    let arguments = json!({
        "like_session": "sesn_01", "metadata": {"ticket": null, "severity": 1}, "title": "Again",
    });
    let answer = host.answer("start_session", arguments).await;
    let session = &answer["session"];
    assert_ne!(session["id"], "sesn_01");
    for field in ["agent", "environment_id", "tools"] {
        assert_eq!(session[field], original[field], "{field}");
    }
    assert_eq!(session["metadata"], json!({"team": "payments", "severity": "1"}));
    assert_eq!(session["title"], "Again");
    assert_eq!(session["resources"][0]["mount"], "/workspace/shop");
    let warnings = answer["warnings"].as_array().expect("warnings");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let warning = warnings[0].as_str().expect("a text");
    assert!(warning.starts_with("the repository \"https://github.com/example/shop\""), "{warning}");

    // What is given beside it wins; the tools are those of the agent that is given.
    let arguments = json!({"like_session": "sesn_01", "agent": "Research analyst",
                           "environment": "data tools"});
    let answer = host.answer("start_session", arguments).await;
    assert_eq!(answer["session"]["agent"]["id"], "agent_03");
    assert_eq!(answer["session"]["environment_id"], "env_02");
    assert!(answer["warnings"].to_string().contains("agent is given"), "{answer}");

    // Tools are merged into those of the session.
    let arguments = json!({"like_session": "sesn_01", "dry_run": true,
        "tools": [{"type": "mcp_toolset", "mcp_server_name": "wiki"}],
        "mcp_servers": [{"type": "url", "name": "wiki", "url": "https://wiki.example/mcp"}]});
    let answer = host.answer("start_session", arguments).await;
    let kinds = answer["session"]["tools"].as_array().expect("tools").iter();
    let kinds: Vec<&str> = kinds.map(|tool| tool["type"].as_str().expect("a type")).collect();
    assert_eq!(kinds, ["agent_toolset_20260401", "custom", "mcp_toolset"]);
}

#[tokio::test]
async fn an_older_version_of_an_agent_is_taken_over() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let arguments = json!({"agent": "agent_03", "environment": "env_01"});
    let first = host.answer("start_session", arguments).await;
    let update = json!({"version": 2, "description": "Newer"});
    let url = format!("{}/v1/agents/agent_03", sandbox.base_url());
    let updated =
        crate::support::http().post(url).header("x-api-key", "k").body(update.to_string());
    let updated = updated
        .header("content-type", "application/json")
        .header("anthropic-version", "2026-10-21")
        .header("anthropic-beta", "managed-agents-2026-04-01")
        .send()
        .await
        .expect("an answer");
    assert_eq!(updated.status(), 200, "{:?}", updated.text().await);
    let like = json!({"like_session": first["session"]["id"]});
    let second = host.answer("start_session", like).await;
    assert_eq!(second["session"]["agent"], first["session"]["agent"]);
    assert_eq!(second.get("warnings"), None, "{second}");
    let newest = json!({"agent": "agent_03", "environment": "env_01"});
    let newest = host.answer("start_session", newest).await;
    assert_eq!(newest["session"]["agent"]["version"], 3);
}

#[tokio::test]
async fn read_only_mode_has_the_list_only() {
    let flags = Flags { read_only: true, toolsets: Some("work".to_owned()), ..Flags::default() };
    let host = Host::with_flags(flags, crate::support::NOWHERE).await;
    let tools = host.tools().await;
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    assert!(names.contains(&"list_agents") && !names.contains(&"start_session"), "{names:?}");
}
