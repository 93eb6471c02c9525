//! The service's answer against the change. Differences in detail are covered by the tests of
//! their words, in `explain`.

use serde_json::{Value, json};

use managed_sessions_mcp::domain::toolset::{Toolset, verify};

use super::{array, custom, linear, planned, resolved_builtin, resolved_linear, toolset, usual};

#[test]
fn an_answer_in_resolved_form_satisfies_the_example() {
    let change = planned(
        &Toolset::default(),
        &json!({
        "tools": [{"type": "agent_toolset_20260401", "configs": [{"name": "bash", "enabled": true}]},
                  {"type": "mcp_toolset", "mcp_server_name": "linear"}],
        "mcp_servers": [{"type": "url", "name": "linear", "url": "https://MCP.linear.app/mcp"}]}),
    );
    let mut server = linear();
    server["id"] = json!("srv_1");
    // A config that only repeats the default need not come back.
    let mut bare = resolved_builtin();
    bare["configs"] = json!([]);
    // A service may have other defaults than the API.
    let mut other = resolved_linear();
    other["default_config"]["permission_policy"]["type"] = json!("always_allow");
    for (tools, server) in [
        (json!([resolved_linear(), resolved_builtin()]), server),
        (json!([bare, resolved_linear()]), linear()),
        (json!([resolved_builtin(), other]), linear()),
    ] {
        let answered = toolset(tools, json!([server]));
        assert_eq!(verify(&change, &answered), Ok(()));
    }
}

#[test]
fn numbers_are_compared_by_value() {
    let change = planned(
        &Toolset::default(),
        &json!({"tools": [{"type": "future", "limit": 1.50, "list": [1e2]}]}),
    );
    let answer = r#"[{"type":"future","limit":1.5,"list":[100],"more":1}]"#;
    let answered = toolset(serde_json::from_str(answer).unwrap(), json!([]));
    assert_eq!(verify(&change, &answered), Ok(()));
}

/// Every case here changes something, so an answer that is the old state must not pass.
#[test]
fn an_ignored_update_is_detected() {
    let has = |tool: Value| toolset(json!([tool]), json!([]));
    let mut strict = resolved_builtin();
    strict["default_config"]["permission_policy"] = json!({"type": "always_ask"});
    strict["configs"] = json!([{"type": "web_fetch", "name": "web_fetch", "enabled": true,
        "permission_policy": {"type": "always_allow"}, "allowed_domains": ["a.example"]}]);
    let mut only_domains = resolved_builtin();
    only_domains["configs"][6]["allowed_domains"] = json!(["a.example"]);
    let mut lookup = custom("lookup");
    lookup["input_schema"]["properties"] = json!({"a": {}, "b": {}});
    let disabled = json!({"type": "agent_toolset_20260401", "default_config": {"enabled": false}});
    let mut disabled_config = usual();
    disabled_config.tools[1]["configs"] =
        json!([{"name": "x", "enabled": false, "permission_policy": {"type": "auto"}}]);
    let plain = json!({"type": "agent_toolset_20260401"});
    let cases = [
        (
            usual(),
            json!([
                {"tools": []},
                {"remove_tools": ["get_weather"]},
                {"remove_mcp_servers": ["linear"]},
                {"mode": "merge", "tools": [custom("b")]},
                {"mode": "merge", "tools": [{"type": "custom", "name": "get_weather", "description": "e"}]},
                {"mode": "merge", "mcp_servers": [{"name": "linear", "url": "https://x.example/"}]},
                {"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
                    "configs": [{"name": "bash", "enabled": false}]}]},
            ]),
        ),
        (has(strict), json!([{"tools": [plain]}])),
        (has(disabled), json!([{"tools": [plain]}])),
        (has(only_domains), json!([{"tools": [plain]}])),
        (
            has(lookup),
            json!([{"mode": "merge", "tools": [{"type": "custom", "name": "lookup",
            "input_schema": {"type": "object", "properties": {"a": {}}}}]}]),
        ),
        (
            disabled_config,
            json!([{"tools": [plain,
            {"type": "mcp_toolset", "mcp_server_name": "linear"}, custom("get_weather")]}]),
        ),
    ];
    for (current, patches) in cases {
        for arguments in array(patches) {
            let change = planned(&current, &arguments);
            assert!(!change.changes.is_empty(), "{arguments}");
            let verified = verify(&change, &current);
            assert!(verified.is_err(), "{arguments} was ignored, undetected");
        }
    }
}

/// What a service fills in by itself may be what was there before.
#[test]
fn an_applied_update_is_not_reported_as_ignored() {
    let mut filled = custom("lookup");
    filled["input_schema"] = json!({"type": "object", "properties": {}, "required": [],
        "additionalProperties": false});
    let future = json!({"type": "future", "options": {"wide": true, "depth": 3}});
    let current = toolset(json!([filled, future]), json!([]));
    let mut tool = custom("lookup");
    tool["input_schema"] = json!({"type": "object"});
    let asked = json!({"tools": [tool, {"type": "future", "options": {"wide": true}}]});
    assert_eq!(verify(&planned(&current, &asked), &current), Ok(()));
}

#[test]
fn an_array_that_was_not_sent_is_not_compared() {
    let change = planned(&usual(), &json!({"remove_tools": ["get_weather"]}));
    let answered =
        toolset(json!([resolved_builtin(), resolved_linear()]), Value::Array(Vec::new()));
    assert_eq!(verify(&change, &answered), Ok(()));
}
