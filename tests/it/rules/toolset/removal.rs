//! Configs that are removed by name.

use serde_json::{Value, json};

use managed_sessions_mcp::{domain::toolset::Toolset, explain::toolset::problem};

use super::{array, changes, custom, patch, plan, planned, toolset};

fn configs(entry: Value, tools: &[&str]) -> Value {
    let config = |name: &&str| json!({"name": name, "permission_policy": {"type": "auto"}});
    let mut entry = entry;
    entry["configs"] = tools.iter().map(config).collect();
    entry
}

fn built_in(tools: &[&str]) -> Value {
    configs(json!({"type": "agent_toolset_20260401"}), tools)
}

fn mcp(server: &str, tools: &[&str]) -> Value {
    configs(json!({"type": "mcp_toolset", "mcp_server_name": server}), tools)
}

fn of(tools: Value) -> Toolset {
    let servers = ["linear", "a", "a.b"]
        .map(|name| json!({"type": "url", "name": name, "url": "https://mcp.example.com/"}));
    toolset(tools, json!(servers))
}

/// The configs that are left, entry by entry.
fn left(current: &Toolset, arguments: &Value) -> Value {
    let change = planned(current, arguments);
    let tools = change.tools.expect("the tools change");
    let names = |tool: &Value| -> Value {
        let configs = tool["configs"].as_array().into_iter().flatten();
        configs.map(|config| config["name"].clone()).collect()
    };
    tools.iter().map(names).collect()
}

fn problems(current: &Toolset, arguments: &Value) -> Vec<String> {
    let problems = plan(current, &patch(arguments)).expect_err("it is refused");
    problems.iter().map(problem).collect()
}

#[test]
fn a_config_is_found_by_its_tool_or_by_server_and_tool_whatever_dots_they_have() {
    let current = of(json!([
        built_in(&["bash", "read"]),
        mcp("linear", &["create_issue", "issues.list"]),
        mcp("a", &["b"]),
        mcp("a.b", &["c", "d"]),
        custom("bash"),
    ]));
    for (name, expected) in [
        ("bash", json!([["read"], ["create_issue", "issues.list"], ["b"], ["c", "d"], []])),
        (
            "agent_toolset_20260401.read",
            json!([["bash"], ["create_issue", "issues.list"], ["b"], ["c", "d"], []]),
        ),
        ("linear.issues.list", json!([["bash", "read"], ["create_issue"], ["b"], ["c", "d"], []])),
        ("a.b", json!([["bash", "read"], ["create_issue", "issues.list"], [], ["c", "d"], []])),
        ("a.b.c", json!([["bash", "read"], ["create_issue", "issues.list"], ["b"], ["d"], []])),
    ] {
        for mode in ["merge", "replace"] {
            let arguments = json!({"mode": mode, "remove_configs": [name, name]});
            assert_eq!(left(&current, &arguments), expected, "{name}");
        }
    }
}

#[test]
fn a_name_that_is_no_config_or_several_is_refused_with_those_there_are() {
    let current = of(json!([
        built_in(&["bash", "a.b"]),
        mcp("a", &["b", "b.c"]),
        mcp("a.b", &["c"]),
        {"type": "mcp_toolset", "mcp_server_name": "linear", "configs": null},
    ]));
    let known = r#""bash", "agent_toolset_20260401.a.b", "a.b", "a.b.c", "a.b.c""#;
    for (name, expected) in [
        ("read", format!(r#"remove_configs[0]: found "read"; allowed: {known}"#)),
        ("linear.x", format!(r#"remove_configs[0]: found "linear.x"; allowed: {known}"#)),
        (".bash", format!(r#"remove_configs[0]: found ".bash"; allowed: {known}"#)),
        (
            "a.b.c",
            r#"remove_configs[0]: found "a.b.c", which is several configs: "b.c" of mcp_toolset "a", "c" of mcp_toolset "a.b"; allowed: a name of one config; or tools without it, with mode replace"#.to_owned(),
        ),
        (
            "a.b",
            r#"remove_configs[0]: found "a.b", which is several configs: "a.b" of agent_toolset_20260401, "b" of mcp_toolset "a"; allowed: a name of one config; or tools without it, with mode replace"#.to_owned(),
        ),
    ] {
        assert_eq!(problems(&current, &json!({"remove_configs": [name]})), [expected]);
    }
    let none = of(json!([custom("bash")]));
    let expected = "remove_configs[0]: found \"bash\"; allowed: nothing: no toolset of the session has configs";
    assert_eq!(problems(&none, &json!({"remove_configs": ["bash"]})), [expected]);
}

#[test]
fn a_config_is_not_removed_and_given_in_one_call() {
    let current = of(json!([built_in(&["bash"]), mcp("linear", &["x"])]));
    for mode in ["merge", "replace"] {
        let arguments = json!({
            "mode": mode, "remove_configs": ["linear.x"],
            "tools": [built_in(&["bash"]), mcp("linear", &["y", "x"])],
        });
        let expected = r#"remove_configs[0]: found "linear.x", which is also given as tools[1].configs[1]; allowed: each config once: to remove it or to change it"#;
        assert_eq!(problems(&current, &arguments), [expected]);
        let other = json!({
            "mode": mode, "remove_configs": ["bash"], "tools": [built_in(&["read"]), mcp("linear", &["x"])],
        });
        assert_eq!(left(&current, &other), json!([["read"], ["x"]]));
    }
}

#[test]
fn removing_a_config_that_repeats_the_default_is_a_change_that_is_shown() {
    let policy = |kind: &str| json!({"type": kind});
    let pinned = json!({"name": "read", "type": "read", "enabled": true, "permission_policy": policy("always_allow")});
    let current = of(json!([{"type": "agent_toolset_20260401", "configs": [pinned]}]));
    let change = planned(&current, &json!({"remove_configs": ["read"]}));
    assert_eq!(
        changes(&change.changes),
        json!({"tools": {"changed": [{"type": "agent_toolset_20260401", "before": {"configs": [
            {"name": "read", "enabled": true, "permission_policy": policy("always_allow")}]}}]}})
    );
    let off = json!({"name": "read", "enabled": false});
    let current = of(json!([{"type": "agent_toolset_20260401", "configs": [off]}]));
    let change = planned(&current, &json!({"remove_configs": ["read"]}));
    let shown = changes(&change.changes);
    let configs = |side: &str| shown["tools"]["changed"][0][side]["configs"].clone();
    assert_eq!(configs("before"), json!([{"name": "read", "enabled": false}]));
    assert_eq!(configs("after"), json!([{"name": "read", "enabled": true}]));
    assert_eq!(array(json!(change.tools.expect("they change")))[0]["configs"], json!([]));
}
