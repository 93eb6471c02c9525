//! What sessions are made of: agents and their versions, environments, deployments and vaults.

use serde_json::{Value, json};

use super::{HttpClient, exchange, fast_turns, ids};

fn versions(page: &Value) -> Vec<u64> {
    let records = page["data"].as_array().unwrap().iter();
    records.map(|record| record["version"].as_u64().unwrap()).collect()
}

fn custom_tools(count: usize) -> Vec<Value> {
    let tool = |number| {
        let schema = json!({"type": "object"});
        json!({"type": "custom", "name": format!("t{number}"), "description": "x", "input_schema": schema})
    };
    (0..count).map(tool).collect()
}

#[tokio::test]
async fn updates_of_an_agent_make_versions_that_sessions_can_be_created_from() {
    let client = HttpClient::start(fast_turns()).await;
    let body = json!({"name": "Scribe", "model": "claude-haiku-5-5", "system": "Write.", "metadata": {"a": "1"}});
    let (_, first) = client.post("/v1/agents", &body).await;
    let path = format!("/v1/agents/{}", first["id"].as_str().unwrap());
    let change = json!({"system": "Write well.", "metadata": {"a": null, "b": "2"}, "version": 1});
    let (status, second) = client.post(&path, &change).await;
    assert_eq!(
        (status, &second["version"], &second["metadata"]),
        (200, &json!(2), &json!({"b": "2"}))
    );
    assert_eq!(second["created_at"], first["created_at"]);
    // Without a change there is no new version; with an outdated number there is an error.
    assert_eq!(client.post(&path, &json!({"name": "Scribe"})).await, (200, second.clone()));
    assert_eq!(client.post(&path, &change).await.0, 409);
    let page = client.ok(&format!("{path}/versions?limit=1")).await;
    assert_eq!(page["data"], json!([second]));
    let cursor = page["next_page"].as_str().unwrap();
    let page = client.ok(&format!("{path}/versions?limit=1&page={cursor}")).await;
    assert_eq!((&page["data"], &page["next_page"]), (&json!([first]), &Value::Null));
    assert_eq!(client.ok(&format!("{path}?version=1")).await, first);
    assert_eq!(client.get(&format!("{path}?version=3")).await.0, 404);
    assert_eq!(client.get(&format!("{path}?version=0")).await.0, 400);
    for (kind, version, system) in [
        ("agent", json!(1), "Write."),
        ("agent", Value::Null, "Write well."),
        ("agent_with_overrides", json!(1), "Write."),
    ] {
        let agent = json!({"type": kind, "id": first["id"], "version": version});
        let id = client.create(json!({"agent": agent})).await;
        assert_eq!(client.session(&id).await["agent"]["system"], system, "{agent}");
    }
    let agent = json!({"type": "agent", "id": first["id"], "version": 9});
    let body = json!({"agent": agent, "environment_id": "env_01"});
    assert_eq!(client.post("/v1/sessions", &body).await.0, 404);
}

#[tokio::test]
async fn updates_of_an_agent_clear_and_refuse() {
    let client = HttpClient::start(fast_turns()).await;
    let cleared = json!({
        "description": "", "system": null, "tools": null, "mcp_servers": null, "skills": [], "metadata": {},
    });
    let (status, agent) = client.post("/v1/agents/agent_02", &cleared).await;
    assert_eq!(status, 200, "{agent}");
    assert_eq!((&agent["description"], &agent["system"]), (&Value::Null, &Value::Null));
    assert_eq!((&agent["tools"], &agent["mcp_servers"]), (&json!([]), &json!([])));
    let server = json!({"type": "url", "name": "docs", "url": "https://mcp.example.com/mcp"});
    let mut over = custom_tools(249);
    over.push(json!({"type": "agent_toolset_20260401"}));
    for change in [
        json!({"name": ""}),
        json!({"name": null}),
        json!({"model": null}),
        json!({"colour": "red"}),
        json!({"mcp_servers": [server]}),
        json!({"multiagent": {"type": "coordinator", "agents": []}}),
        json!({"execution_identity": {"type": "aws_role"}}),
        json!({"metadata": {"a": 1}}),
        json!({"tools": custom_tools(257)}),
        json!({"tools": over}),
    ] {
        let (status, body) = client.post("/v1/agents/agent_02", &change).await;
        assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")));
    }
    assert_eq!(client.ok("/v1/agents/agent_02").await, agent);
    let most = json!({"tools": custom_tools(256)});
    assert_eq!(client.post("/v1/agents/agent_02", &most).await.0, 200);
    assert_eq!(client.post("/v1/agents/agent_x", &most).await.0, 404);
}

#[tokio::test]
async fn archived_agents_and_environments_take_no_more_sessions() {
    let client = HttpClient::start(fast_turns()).await;
    let (_, archived) = client.post("/v1/agents/agent_01/archive", &json!({})).await;
    assert!(archived["archived_at"].is_string());
    assert_eq!(client.post("/v1/agents/agent_01/archive", &json!({})).await, (200, archived));
    assert_eq!(client.post("/v1/agents/agent_01", &json!({"name": "x"})).await.0, 409);
    let body = json!({"agent": "agent_01", "environment_id": "env_01"});
    assert_eq!(client.post("/v1/sessions", &body).await.0, 400);
    let listed = ids(&client.ok("/v1/agents").await);
    assert!(!listed.contains(&"agent_01".to_owned()));
    let all = ids(&client.ok("/v1/agents?include_archived=true").await);
    assert!(all.contains(&"agent_01".to_owned()));

    let config =
        json!({"type": "cloud", "networking": {"type": "limited", "allowed_hosts": ["a.example"]}});
    let (_, place) =
        client.post("/v1/environments", &json!({"name": "desk", "config": config})).await;
    assert_eq!(place["config"]["networking"]["allow_mcp_servers"], false);
    let id = place["id"].as_str().unwrap();
    let path = format!("/v1/environments/{id}");
    let change = json!({
        "name": "Desk", "metadata": {"a": "1", "b": ""},
        "config": {"type": "cloud", "packages": {"pip": ["ruff"]}},
    });
    let (_, changed) = client.post(&path, &change).await;
    assert_eq!((&changed["name"], &changed["metadata"]), (&json!("Desk"), &json!({"a": "1"})));
    assert_eq!(changed["config"]["networking"], place["config"]["networking"]);
    assert_eq!(changed["config"]["packages"]["pip"], json!(["ruff"]));
    for change in [
        json!({"name": ""}),
        json!({"scope": "account"}),
        json!({"config": {"type": "self_hosted"}}),
        json!({"config": {"type": "cloud", "networking": {"type": "none"}}}),
        json!({"config": {"type": "cloud", "packages": {"brew": []}}}),
    ] {
        assert_eq!(client.post(&path, &change).await.0, 400, "{change}");
    }
    let session = client.create(json!({"agent": "agent_02", "environment_id": id})).await;
    assert_eq!(client.delete(&path).await.0, 409);
    assert_eq!(client.delete(&format!("/v1/sessions/{session}")).await.0, 200);
    assert!(client.post(&format!("{path}/archive"), &json!({})).await.1["archived_at"].is_string());
    let (status, refusal) = client.post(&path, &json!({"name": "x"})).await;
    assert_eq!(
        (status, &refusal["error"]["details"]["error_code"]),
        (400, &json!("environment_archived"))
    );
    let deleted = json!({"id": id, "type": "environment_deleted"});
    assert_eq!(client.delete(&path).await, (200, deleted));
    assert_eq!(client.get(&path).await.0, 404);
}

#[tokio::test]
async fn lists_of_all_kinds_are_filtered_and_paged_alike() {
    let client = HttpClient::start(fast_turns()).await;
    assert_eq!(versions(&client.ok("/v1/agents/agent_01/versions").await), [7, 6, 5, 4, 3, 2, 1]);
    let cases: [(&str, &[&str]); 12] = [
        ("agents?limit=2", &["agent_01", "agent_02"]),
        ("agents?created_at[gte]=2200-01-01T00:00:00Z", &[]),
        ("agents?created_at[lte]=2000-01-01T00:00:00Z", &[]),
        ("environments", &["env_01", "env_02"]),
        ("environments?include_archived=true", &["env_01", "env_02", "env_03"]),
        ("deployments", &["depl_01", "depl_02", "depl_03"]),
        ("deployments?include_archived=true", &["depl_01", "depl_02", "depl_03", "depl_04"]),
        ("deployments?status=paused", &["depl_03"]),
        ("deployments?agent_id=agent_03", &["depl_02"]),
        ("deployments?created_at[gte]=2200-01-01T00:00:00Z", &[]),
        ("vaults", &["vlt_01", "vlt_02"]),
        ("vaults?include_archived=true", &["vlt_01", "vlt_02", "vlt_03"]),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&client.ok(&format!("/v1/{query}")).await), expected, "{query}");
    }
    for list in ["agents", "agents/agent_01/versions", "environments", "deployments", "vaults"] {
        let whole = client.ok(&format!("/v1/{list}?limit=100")).await;
        let page = client.ok(&format!("/v1/{list}?limit=1")).await;
        let cursor = page["next_page"].as_str().unwrap();
        let rest = client.ok(&format!("/v1/{list}?limit=100&page={cursor}")).await;
        let joined =
            [page["data"].as_array().unwrap().clone(), rest["data"].as_array().unwrap().clone()];
        assert_eq!(json!(joined.concat()), whole["data"], "{list}");
        for query in ["limit=0", "limit=101", "page=x", "limit=1&limit=1"] {
            assert_eq!(client.get(&format!("/v1/{list}?{query}")).await.0, 400, "{list}?{query}");
        }
    }
    for query in ["status=busy", "status=paused&include_archived=true"] {
        assert_eq!(client.get(&format!("/v1/deployments?{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn deployments_and_vaults_are_read_and_nothing_else() {
    let client = HttpClient::start(fast_turns()).await;
    let deployment = client.ok("/v1/deployments/depl_01").await;
    assert_eq!(deployment["agent"], json!({"type": "agent", "id": "agent_01", "version": 7}));
    let upcoming = deployment["schedule"]["upcoming_runs_at"].as_array().unwrap();
    assert!(upcoming.len() == 5 && upcoming.is_sorted_by_key(ToString::to_string));
    assert!(upcoming.iter().all(|at| at.as_str().unwrap().contains("T06:00:00")));
    assert_eq!(client.ok("/v1/vaults/vlt_01").await["display_name"], "Team credentials");
    for (method, path, expected) in [
        ("GET", "/v1/deployments/depl_x", 404),
        ("GET", "/v1/vaults/vlt_x", 404),
        ("POST", "/v1/deployments", 405),
        ("POST", "/v1/vaults", 405),
        ("POST", "/v1/vaults/vlt_01", 405),
        ("POST", "/v1/deployments/depl_01/run", 404),
        ("GET", "/v1/vaults/vlt_01/credentials", 404),
    ] {
        let (status, _) = exchange(client.request(method, path)).await;
        assert_eq!(status, expected, "{method} {path}");
    }
    for (vaults, expected) in [("vlt_01", 200), ("vlt_03", 400), ("vlt_x", 404)] {
        let body = json!({"agent": "agent_01", "environment_id": "env_01", "vault_ids": [vaults]});
        assert_eq!(client.post("/v1/sessions", &body).await.0, expected, "{vaults}");
    }
}

#[tokio::test]
async fn a_cursor_does_not_fit_a_filter_that_excludes_its_place() {
    let client = HttpClient::start(fast_turns()).await;
    let page = client.ok("/v1/sessions?limit=2").await;
    let cursor = page["next_page"].as_str().unwrap();
    let place = page["data"][1]["created_at"].as_str().unwrap();
    for (filter, expected) in [
        (format!("created_at[lte]={place}"), 200),
        (format!("created_at[lt]={place}"), 400),
        (format!("created_at[gt]={place}"), 400),
        ("created_at[gte]=2020-01-01T00:00:00Z".to_owned(), 200),
        ("statuses[]=idle&agent_id=agent_01&include_archived=true".to_owned(), 200),
        ("colour=red".to_owned(), 200),
    ] {
        let path = format!("/v1/sessions?limit=2&page={cursor}&{filter}");
        assert_eq!(client.get(&path).await.0, expected, "{filter}");
    }
}

#[tokio::test]
async fn routes_count_their_requests() {
    let client = HttpClient::start(fast_turns()).await;
    client.ok("/v1/vaults/vlt_01").await;
    client.get("/v1/vaults/vlt_x").await;
    let (_, answer) = exchange(client.bare("GET", "/_sandbox/routes")).await;
    let routes = answer["routes"].as_array().unwrap();
    let counted = json!({"method": "GET", "path": "/v1/vaults/{id}", "requests": 2, "refusals": 1});
    assert!(routes.contains(&counted), "{answer}");
    assert!(routes.len() > 30);
}
