//! Which sessions have a tool or a server, read from the records of a list.

use proptest::{
    option::of,
    prelude::{Strategy, any, prop_assert_eq, proptest},
    sample::select,
};
use serde_json::{Value, json};

use managed_sessions_mcp::{
    domain::toolset::{BUILT_IN_TOOLS, Toolset, Wanted},
    model::{SessionHead, WithToolNames},
};

/// The tools of an agent, as far as a list keeps them.
fn listed(agent: &Value) -> Toolset {
    let session = json!({"id": "s", "agent": agent});
    let listed: WithToolNames<SessionHead> = serde_json::from_str(&session.to_string()).unwrap();
    assert_eq!(listed.session.id, "s");
    let (tools, mcp_servers) = listed.toolset();
    Toolset { tools, mcp_servers }
}

fn policy(kind: &str) -> Value {
    json!({"type": kind})
}

#[test]
fn a_name_stands_for_what_a_session_can_use() {
    let agent = json!({
        "id": "agent_1",
        "mcp_servers": [
            {"type": "url", "name": "GitHub", "url": "https://example.com/mcp"},
            {"type": "url", "name": "corp:wiki.v2", "url": "https://example.com/wiki"},
            {"type": "url", "name": "idle", "url": "https://example.com/idle"},
        ],
        "tools": [
            {"type": "agent_toolset_20260401",
             "configs": [
                {"name": "bash", "permission_policy": policy("always_ask")},
                {"name": "web_fetch", "enabled": false},
                {"name": "write", "enabled": null, "permission_policy": null},
             ]},
            {"type": "mcp_toolset", "mcp_server_name": "GitHub",
             "configs": [
                {"name": "list_commits", "permission_policy": policy("always_allow")},
                {"name": "merge.now", "enabled": false, "permission_policy": policy("auto")},
             ]},
            {"type": "mcp_toolset", "mcp_server_name": "corp:wiki.v2",
             "default_config": {"enabled": false, "permission_policy": policy("auto")},
             "configs": [{"name": "read", "enabled": true}, {"name": "edit"}]},
            {"type": "custom", "name": "Lookup_Order", "description": "grep", "input_schema": {}},
            {"type": "web_search_2027", "name": "searches"},
        ],
    });
    let toolset = listed(&agent);
    for (wanted, expected) in [
        ("bash", true),
        (" BASH ", true),
        ("bash:always_ask", true),
        ("Bash : Always_Ask", true),
        ("bash:always_allow", false),
        ("read:always_allow", true),
        ("write:always_allow", true),
        ("web_fetch", false),
        ("web_fetch:always_allow", false),
        ("python", false),
        ("ba", false),
        ("github", true),
        ("git", false),
        ("github.list_commits", true),
        ("GITHUB.List_Commits:always_allow", true),
        ("github.list_commits:always_ask", false),
        // Of a server any tool can be called that is not off, by default with a question.
        ("github.create_issue", true),
        ("github.create_issue:always_ask", true),
        ("github.create_issue:always_allow", false),
        ("github.merge.now", false),
        ("github.", false),
        ("githublist_commits", false),
        // A server is used under every permission that one of its tools has.
        ("github:always_allow", true),
        ("github:always_ask", true),
        ("github:auto", false),
        ("list_commits", false),
        ("corp:wiki.v2", true),
        ("corp:wiki.v2.read", true),
        ("corp:wiki.v2.read:auto", true),
        ("corp:wiki.v2.edit", false),
        ("corp:wiki.v2.other", false),
        ("corp:wiki.v2:auto", true),
        ("idle", true),
        ("idle.anything", false),
        ("idle:always_ask", false),
        ("lookup_order", true),
        ("lookup_order:always_allow", false),
        ("grep", true),
        ("searches", true),
        ("mcp_toolset", false),
        ("bash:", false),
        (":", false),
        ("", false),
    ] {
        assert_eq!(Wanted::of(wanted).is_in(&toolset), expected, "{wanted}");
    }
}

#[test]
fn services_send_tools_in_many_forms() {
    let built_in = |fields: Value| {
        let mut entry = json!({"type": "agent_toolset_20260401"});
        entry.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({"tools": [entry]})
    };
    for (agent, wanted, expected) in [
        (json!(null), "bash", false),
        (json!("agent_1"), "agent_1", false),
        (json!({"tools": null, "mcp_servers": null}), "bash", false),
        (json!({"tools": {"bash": {}}, "mcp_servers": "github"}), "github", false),
        (json!({"tools": ["Bash", 5, null, ["read"]]}), "bash", true),
        (json!({"tools": ["bash"]}), "bash:always_allow", false),
        (json!({"mcp_servers": ["github"]}), "github", true),
        (json!({"tools": [{"type": "bash", "name": "bash"}]}), "bash", true),
        (json!({"tools": [{"name": "bash", "enabled": false}]}), "bash", false),
        (json!({"tools": [{"mcp_server_name": "github"}]}), "github", true),
        (built_in(json!({"default_config": "on", "configs": {}})), "bash:always_allow", true),
        (built_in(json!({"default_config": {"enabled": "no"}})), "bash", true),
        (
            built_in(json!({"default_config": {"permission_policy": "always_ask"}})),
            "bash:always_ask",
            true,
        ),
        (
            built_in(json!({"configs": [{"enabled": false}, {"name": "bash", "enabled": false}]})),
            "bash",
            false,
        ),
        (
            built_in(json!({"configs": [{"name": "bash", "permission_policy": "auto"}]})),
            "bash:auto",
            true,
        ),
        (built_in(json!({"configs": [{"name": "python"}]})), "python:always_allow", true),
    ] {
        assert_eq!(Wanted::of(wanted).is_in(&listed(&agent)), expected, "{wanted} in {agent}");
    }
}

#[test]
fn a_list_keeps_no_large_part_of_a_toolset() {
    let large = "x".repeat(20_000);
    let tool = json!({"type": "custom", "name": "lookup", "description": large,
                      "input_schema": {"type": "object", "title": large}});
    let config = json!({"name": "web_fetch", "allowed_domains": vec!["example.com"; 64]});
    let toolset = json!({"type": "agent_toolset_20260401", "configs": [config]});
    let server = json!({"type": "url", "name": "github", "url": format!("https://{large}")});
    let kept = listed(&json!({"tools": [tool, toolset], "mcp_servers": [server]}));
    let size = json!([kept.tools, kept.mcp_servers]).to_string().len();
    assert!(size < 250, "{size}");
    for wanted in ["lookup", "github", "web_fetch"] {
        assert!(Wanted::of(wanted).is_in(&kept), "{wanted}");
    }
}

const POLICIES: [&str; 3] = ["always_allow", "always_ask", "auto"];
const SERVER_TOOLS: [&str; 3] = ["list", "create", "list.all"];

/// What a toolset or a config says of `enabled` and the permission.
type Given = (Option<bool>, Option<&'static str>);

fn given() -> impl Strategy<Value = Given> {
    (of(any::<bool>()), of(select(&POLICIES[..])))
}

fn settings((enabled, kind): Given) -> Value {
    let mut settings = json!({});
    if let Some(enabled) = enabled {
        settings["enabled"] = enabled.into();
    }
    if let Some(kind) = kind {
        settings["permission_policy"] = policy(kind);
    }
    settings
}

fn configs(tools: &[&str], given: &[Option<Given>]) -> Vec<Value> {
    let given = tools.iter().zip(given);
    let configs = given.filter_map(|(tool, given)| {
        let mut config = settings((*given)?);
        config["name"] = (*tool).into();
        Some(config)
    });
    configs.collect()
}

/// Whether a tool is on, and its permission: its own setting, else the toolset's, else the API's.
fn resolved(own: Option<Given>, default: Given, api: &'static str) -> (bool, &'static str) {
    let (enabled, kind) = own.unwrap_or_default();
    (enabled.or(default.0).unwrap_or(true), kind.or(default.1).unwrap_or(api))
}

proptest! {
    #[test]
    fn a_tool_is_used_as_the_resolved_toolset_says(
        built_in_default in given(),
        built_in in proptest::collection::vec(of(given()), BUILT_IN_TOOLS.len()),
        server_default in given(),
        of_server in proptest::collection::vec(of(given()), SERVER_TOOLS.len()),
    ) {
        let toolset = listed(&json!({
            "mcp_servers": [{"type": "url", "name": "git.hub", "url": "https://example.com"}],
            "tools": [
                {"type": "agent_toolset_20260401", "default_config": settings(built_in_default),
                 "configs": configs(&BUILT_IN_TOOLS, &built_in)},
                {"type": "mcp_toolset", "mcp_server_name": "git.hub",
                 "default_config": settings(server_default),
                 "configs": configs(&SERVER_TOOLS, &of_server)},
            ],
        }));
        let built_in = BUILT_IN_TOOLS.iter().zip(built_in).map(|(tool, own)| {
            ((*tool).to_owned(), resolved(own, built_in_default, "always_allow"))
        });
        let of_server = SERVER_TOOLS.iter().zip(of_server).map(|(tool, own)| {
            (format!("git.hub.{tool}"), resolved(own, server_default, "always_ask"))
        });
        for (name, (enabled, kind)) in built_in.chain(of_server) {
            prop_assert_eq!(Wanted::of(&name).is_in(&toolset), enabled, "{}", name);
            for policy in POLICIES {
                let wanted = format!("{}:{policy}", name.to_uppercase());
                let expected = enabled && kind == policy;
                prop_assert_eq!(Wanted::of(&wanted).is_in(&toolset), expected, "{}", wanted);
            }
        }
    }
}
