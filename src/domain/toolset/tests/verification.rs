//! The service's answer against the plan.

use serde_json::{Value, json};

use crate::domain::toolset::{
    satisfied,
    tests::{Toolset, custom, linear, planned, resolved_builtin, resolved_linear, toolset, usual},
};

#[test]
fn an_answer_in_resolved_form_satisfies_the_example() {
    let plan = planned(
        &Toolset::default(),
        &json!({
        "tools": [{"type": "agent_toolset_20260401", "configs": [{"name": "bash", "enabled": true}]},
                  {"type": "mcp_toolset", "mcp_server_name": "linear"}],
        "mcp_servers": [{"type": "url", "name": "linear", "url": "https://MCP.linear.app/mcp"}]}),
    );
    let mut server = linear();
    server["id"] = json!("srv_1");
    let answered = toolset(
        json!([resolved_linear(), resolved_builtin()]),
        json!([server]),
    );
    assert_eq!(satisfied(&plan, &answered), Ok(()));

    // A config that only repeats the default need not come back.
    let mut bare = resolved_builtin();
    bare["configs"] = json!([]);
    let answered = toolset(json!([bare, resolved_linear()]), json!([linear()]));
    assert_eq!(satisfied(&plan, &answered), Ok(()));

    // A service whose defaults are others than the API's.
    let mut other = resolved_linear();
    other["default_config"]["permission_policy"]["type"] = json!("always_allow");
    let answered = toolset(json!([resolved_builtin(), other]), json!([linear()]));
    assert_eq!(satisfied(&plan, &answered), Ok(()));
}

#[test]
fn numbers_are_compared_by_value() {
    let plan = planned(
        &Toolset::default(),
        &json!({"tools": [{"type": "future", "limit": 1.50, "list": [1e2]}]}),
    );
    let answer = |text: &str| Toolset {
        tools: serde_json::from_str(text).unwrap(),
        mcp_servers: Vec::new(),
    };
    assert_eq!(
        satisfied(
            &plan,
            &answer(r#"[{"type":"future","limit":1.5,"list":[100],"more":1}]"#)
        ),
        Ok(())
    );
    assert_eq!(
        satisfied(
            &plan,
            &answer(r#"[{"type":"future","limit":1.6,"list":[100,1]}]"#)
        )
        .unwrap_err(),
        [
            "tools[0].limit is 1.6, asked was 1.5",
            "tools[0].list is [100,1], asked was [100.0]"
        ]
    );
}

/// Every plan here changes something, so an answer that is the old state must never pass.
#[test]
fn an_update_that_was_ignored_is_noticed() {
    let mut strict = resolved_builtin();
    strict["default_config"]["permission_policy"] = json!({"type": "always_ask"});
    strict["configs"] = json!([{"type": "web_fetch", "name": "web_fetch", "enabled": true,
        "permission_policy": {"type": "always_allow"}, "allowed_domains": ["a.example"]}]);
    let mut disabled = usual();
    disabled.tools[1]["configs"] =
        json!([{"name": "x", "enabled": false, "permission_policy": {"type": "auto"}}]);
    let only_domains = {
        let mut tool = resolved_builtin();
        tool["configs"][6]["allowed_domains"] = json!(["a.example"]);
        toolset(json!([tool]), json!([]))
    };
    let with_schema = |schema| {
        let mut tool = custom("lookup");
        tool["input_schema"] = schema;
        toolset(json!([tool]), json!([]))
    };
    for (current, arguments) in [
        (usual(), json!({"tools": []})),
        (usual(), json!({"remove_tools": ["get_weather"]})),
        (usual(), json!({"remove_mcp_servers": ["linear"]})),
        (usual(), json!({"mode": "merge", "tools": [custom("b")]})),
        (
            usual(),
            json!({"mode": "merge", "tools": [{"type": "custom", "name": "get_weather", "description": "e"}]}),
        ),
        (
            usual(),
            json!({"mode": "merge", "mcp_servers": [{"name": "linear", "url": "https://x.example/"}]}),
        ),
        (
            usual(),
            json!({"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
            "configs": [{"name": "bash", "enabled": false}]}]}),
        ),
        (
            toolset(json!([strict]), json!([])),
            json!({"tools": [{"type": "agent_toolset_20260401"}]}),
        ),
        (
            toolset(
                json!([{"type": "agent_toolset_20260401", "default_config": {"enabled": false}}]),
                json!([]),
            ),
            json!({"tools": [{"type": "agent_toolset_20260401"}]}),
        ),
        (
            only_domains,
            json!({"tools": [{"type": "agent_toolset_20260401"}]}),
        ),
        (
            with_schema(json!({"type": "object", "properties": {"a": {}, "b": {}}})),
            json!({"mode": "merge", "tools": [{"type": "custom", "name": "lookup",
                "input_schema": {"type": "object", "properties": {"a": {}}}}]}),
        ),
        (
            disabled,
            json!({"tools": [{"type": "agent_toolset_20260401"},
            {"type": "mcp_toolset", "mcp_server_name": "linear"}, custom("get_weather")]}),
        ),
    ] {
        let plan = planned(&current, &arguments);
        assert!(!plan.changes.is_empty(), "{arguments}");
        assert!(
            satisfied(&plan, &current).is_err(),
            "{arguments} was ignored, unnoticed"
        );
    }
}

/// What a service fills in by itself may be what stood there before.
#[test]
fn an_update_that_was_carried_out_is_not_called_ignored() {
    let filled = |schema: Value| {
        let mut tool = custom("lookup");
        tool["input_schema"] = schema;
        toolset(
            json!([tool, {"type": "future", "options": {"wide": true, "depth": 3}}]),
            json!([]),
        )
    };
    let current = filled(json!({"type": "object", "properties": {}, "required": [],
        "additionalProperties": false}));
    let mut tool = custom("lookup");
    tool["input_schema"] = json!({"type": "object"});
    let asked = json!({"tools": [tool, {"type": "future", "options": {"wide": true}}]});
    let plan = planned(&current, &asked);
    assert_eq!(satisfied(&plan, &current), Ok(()));
}

#[test]
fn a_difference_is_named_with_its_path() {
    let plan = planned(
        &usual(),
        &json!({"mode": "merge", "tools": [
        {"type": "agent_toolset_20260401", "configs": [{"name": "bash", "enabled": false}]},
        {"type": "mcp_toolset", "mcp_server_name": "linear", "default_config": {"enabled": false}}]}),
    );
    let answered = toolset(
        json!([resolved_builtin(), resolved_linear(), custom("other")]),
        json!([]),
    );
    assert_eq!(
        satisfied(&plan, &answered).unwrap_err(),
        [
            "tools[0].configs[0].enabled is true, asked was false",
            "tools[1].default_config.enabled is true, asked was false",
            "tools: custom \"get_weather\" is missing (asked as entry 2)",
            "tools[2]: custom \"other\" is there, but was not asked for",
        ]
    );
}

#[test]
fn an_array_that_was_not_sent_is_not_looked_at() {
    let plan = planned(&usual(), &json!({"remove_tools": ["get_weather"]}));
    let answered = toolset(
        json!([resolved_builtin(), resolved_linear()]),
        Value::Array(Vec::new()),
    );
    assert_eq!(satisfied(&plan, &answered), Ok(()));
}
