//! `list_agents`.

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};

use crate::support::{Api, Host, all_pages, error, ids, sandbox};

fn agent(n: usize) -> Value {
    json!({"id": format!("agent_{n}"), "type": "agent", "name": format!("Agent {n}"), "version": n,
           "model": {"id": "claude-opus-4-8"}, "tools": [], "mcp_servers": []})
}

fn list(data: &[Value]) -> Value {
    json!({"data": data, "next_page": null})
}

#[tokio::test]
async fn agents_and_environments_are_listed_by_id_and_name() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let answer = host.answer("list_agents", json!({"name_contains": "TRIAGE"})).await;
    assert_eq!(ids(&answer["agents"]), ["agent_02"]);
    let row = &answer["agents"][0];
    assert_eq!([&row["name"], &row["version"]], [&json!("Support triage"), &json!(3)]);
    assert_eq!(row["mcp_servers"], json!(["linear"]));
    assert_eq!(row["tools"][1], "linear");
    assert_eq!(ids(&answer["environments"]), ["env_01", "env_02"]);
    let answer = host.answer("list_agents", json!({"include_archived": true})).await;
    assert_eq!(answer["environments"][2]["archived"], true);
    // Page by page, with environments on the first page only.
    let first = host.answer("list_agents", json!({"limit": 3})).await;
    assert!(first["environments"].is_array() && first["agents"].as_array().unwrap().len() == 3);
    let page = json!({"limit": 3, "page": first["next_page"]});
    assert_eq!(host.answer("list_agents", page).await.get("environments"), None);
    let all = all_pages(&host, "list_agents", json!({"limit": 3}), "agents").await;
    assert_eq!(all.as_array().unwrap().len(), 7);
    // Cursors that are forged, foreign, or of other arguments.
    let foreign = host.answer("list_sessions", json!({"limit": 2})).await;
    for (page, with) in [
        (json!("forged"), Value::Null),
        (foreign["next_page"].clone(), Value::Null),
        (first["next_page"].clone(), json!("triage")),
    ] {
        let arguments = json!({"page": page, "name_contains": with});
        assert_eq!(host.outcome("list_agents", arguments).await, "invalid_arguments");
    }
    let flags = Flags { allow_agent: vec!["agent_03".to_owned()], ..Flags::default() };
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    assert_eq!(ids(&host.answer("list_agents", json!({})).await["agents"]), ["agent_03"]);
}

#[tokio::test]
async fn what_cannot_be_read_of_the_environments_is_a_warning() {
    for (status, code) in [(404, "unsupported"), (403, "forbidden"), (500, "api_error")] {
        let api = Api::new().await;
        api.answers("GET", "/v1/agents", 200, list(&[agent(1)])).await;
        let body = error("some_error", "Not here.");
        api.answers("GET", "/v1/environments", status, body).await;
        let answer = api.host().await.answer("list_agents", json!({})).await;
        assert_eq!(ids(&answer["agents"]), ["agent_1"]);
        let warning = answer["warnings"][0].as_str().expect("a warning");
        let expected = format!("the environments cannot be read: {code}: ");
        assert!(warning.starts_with(&expected), "{warning}");
    }
}

#[tokio::test]
async fn a_service_without_agents_is_unsupported() {
    for status in [404, 405, 501] {
        let api = Api::new().await;
        api.answers("GET", "/v1/agents", status, json!({"error": "Not Found"})).await;
        let host = api.host().await;
        assert_eq!(host.outcome("list_agents", json!({})).await, "unsupported", "{status}");
    }
}

#[tokio::test]
async fn strange_agents_are_shown_within_the_size_of_an_answer() {
    let api = Api::new().await;
    let long = "x".repeat(5_000);
    let tools: Vec<Value> = (0..128)
        .map(|n| json!({"type": "custom", "name": format!("tool_{n}_{}", "y".repeat(60))}))
        .collect();
    let mut agents: Vec<Value> = (0..60)
        .map(|n| json!({"id": format!("agent_{n}"), "name": long, "tools": tools, "version": "7"}))
        .collect();
    agents.push(json!({"id": "agent_bare", "model": "claude", "tools": null, "name": 7}));
    agents.push(json!({"name": "no id"}));
    api.answers("GET", "/v1/agents", 200, list(&agents)).await;
    let environments: Vec<Value> =
        (0..300).map(|n| json!({"id": format!("env_{n}"), "name": long})).collect();
    api.answers("GET", "/v1/environments", 200, list(&environments)).await;
    let host = api.host().await;
    let all = all_pages(&host, "list_agents", json!({}), "agents").await;
    assert_eq!(all.as_array().expect("agents").len(), 61);
    assert_eq!(all[0]["version"], 7);
    assert_eq!(all[0]["tools"][30], "… 98 more");
    assert_eq!(all[60], json!({"id": "agent_bare", "model": "claude"}));
    let first = host.answer("list_agents", json!({})).await;
    let more = json!(["there are more environments than are shown here"]);
    assert_eq!(first["warnings"], more);
}
