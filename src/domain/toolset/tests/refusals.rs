//! What is refused, where the problem is said to be, and what is let pass.

use serde_json::{Value, json};

use crate::domain::toolset::{
    Toolset,
    tests::{custom, linear, patch, plan, planned, toolset, usual},
};

fn problems(current: &Toolset, arguments: &Value) -> Vec<String> {
    let problems = plan(current, &patch(arguments)).expect_err(&arguments.to_string());
    problems.iter().map(ToString::to_string).collect()
}

fn tool(entry: Value) -> Value {
    json!({"mode": "merge", "tools": Value::Array(vec![entry])})
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_mistake_is_named_with_its_path() {
    let configs =
        |configs: Value| tool(json!({"type": "agent_toolset_20260401", "configs": configs}));
    let domains: Vec<String> = (0..65).map(|n| format!("d{n}.example")).collect();
    for (arguments, path, found) in [
        (json!({}), "tools", "nothing to change"),
        (
            json!({"mode": "merge", "tools": []}),
            "tools",
            "an empty array",
        ),
        (json!({"tools": ["bash"]}), "tools[0]", "\"bash\""),
        (
            json!({"tools": [{"name": "x"}]}),
            "tools[0].type",
            "nothing",
        ),
        (json!({"tools": [{"type": 7}]}), "tools[0].type", "7"),
        (
            tool(json!({"type": "custom", "name": "a b", "description": "d", "input_schema": {}})),
            "tools[0].name",
            "\"a b\"",
        ),
        (
            tool(json!({"type": "custom", "name": "x", "input_schema": {}})),
            "tools[0].description",
            "nothing",
        ),
        (
            tool(json!({"type": "custom", "name": "x", "description": "d"})),
            "tools[0].input_schema",
            "nothing",
        ),
        (
            tool(
                json!({"type": "custom", "name": "get_weather", "permission_policy": {"type": "auto"}}),
            ),
            "tools[0].permission_policy",
            "{\"type\":\"auto\"}",
        ),
        (
            tool(json!({"type": "mcp_toolset"})),
            "tools[0].mcp_server_name",
            "nothing",
        ),
        (
            tool(json!({"type": "mcp_toolset", "mcp_server_name": "jira"})),
            "tools[0].mcp_server_name",
            "\"jira\"",
        ),
        (
            tool(
                json!({"type": "agent_toolset_20260401", "default_config": {"permission_policy": {"type": "never"}}}),
            ),
            "tools[0].default_config.permission_policy.type",
            "\"never\"",
        ),
        (
            configs(
                json!([{"name": "read"}, {"name": "bash", "permission_policy": {"type": "ask"}}]),
            ),
            "tools[0].configs[1].permission_policy.type",
            "\"ask\"",
        ),
        (
            configs(json!([{"name": "bash", "permission_policy": "auto"}])),
            "tools[0].configs[0].permission_policy",
            "\"auto\"",
        ),
        (
            configs(json!([{"enabled": true}])),
            "tools[0].configs[0].name",
            "nothing",
        ),
        (configs(json!([7])), "tools[0].configs[0]", "7"),
        (
            configs(json!({"bash": {}})),
            "tools[0].configs",
            "{\"bash\":{}}",
        ),
        (
            configs(json!([{"name": "bash", "enabled": "yes"}])),
            "tools[0].configs[0].enabled",
            "\"yes\"",
        ),
        (
            configs(json!([{"name": "bash"}, {"name": "bash"}])),
            "tools[0].configs[1].name",
            "\"bash\" a second time",
        ),
        (
            configs(json!([{"name": "web_fetch", "allowed_domains": []}])),
            "tools[0].configs[0].allowed_domains",
            "[]",
        ),
        (
            configs(json!([{"name": "web_fetch", "blocked_domains": domains}])),
            "tools[0].configs[0].blocked_domains",
            "65 domains",
        ),
        (
            configs(
                json!([{"name": "web_fetch", "allowed_domains": ["a.b"], "blocked_domains": ["c.d"]}]),
            ),
            "tools[0].configs[0].blocked_domains",
            "both",
        ),
        (
            json!({"mode": "merge", "tools": [custom("a"), custom("a")]}),
            "tools[1]",
            "custom \"a\" a second time",
        ),
        (
            json!({"mcp_servers": [linear(), linear()]}),
            "mcp_servers[1]",
            "server \"linear\" a second time",
        ),
        (
            json!({"mcp_servers": []}),
            "session.tools[1].mcp_server_name",
            "\"linear\", whose server",
        ),
        (
            json!({"mode": "merge", "mcp_servers": [{"name": "linear", "url": "http://mcp.linear.app"}]}),
            "mcp_servers[0].url",
            "\"http://mcp.linear.app\"",
        ),
        (
            json!({"mode": "merge", "mcp_servers": [{"name": "b", "url": "https://b.example"}]}),
            "mcp_servers[0].type",
            "nothing",
        ),
        (
            json!({"mode": "merge", "mcp_servers": [{"type": "url", "name": "b"}]}),
            "mcp_servers[0].url",
            "nothing",
        ),
        (
            json!({"mode": "merge", "mcp_servers": [{"type": "url", "name": "b", "url": "https://"}]}),
            "mcp_servers[0].url",
            "\"https://\"",
        ),
        (
            json!({"mode": "merge", "mcp_servers": [{"type": "url", "name": "n".repeat(256), "url": "https://b.example"}]}),
            "mcp_servers[0].name",
            "\"nnn",
        ),
        (
            json!({"remove_tools": ["get_wether"]}),
            "remove_tools[0]",
            "\"get_wether\"; allowed: \"agent_toolset_20260401\", \"linear\", \"get_weather\"",
        ),
        (
            json!({"remove_mcp_servers": ["x"]}),
            "remove_mcp_servers[0]",
            "\"x\"; allowed: \"linear\"",
        ),
        (
            json!({"tools": [], "remove_tools": ["linear"]}),
            "remove_tools",
            "1 name beside tools",
        ),
        (
            json!({"mode": "merge", "tools": [custom("get_weather")], "remove_tools": ["get_weather"]}),
            "remove_tools[0]",
            "\"get_weather\", which is also given as tools[0]",
        ),
        (
            json!({"mode": "merge", "tools": [{"type": "mcp_toolset", "mcp_server_name": "linear"}],
                "remove_mcp_servers": ["linear"]}),
            "tools[0].mcp_server_name",
            "\"linear\", whose server",
        ),
    ] {
        let found_problems = problems(&usual(), &arguments);
        let expected = format!("{path}: found {found}");
        assert!(
            matches!(found_problems.as_slice(), [only] if only.starts_with(&expected)),
            "{arguments}\nexpected {expected}\nfound {found_problems:#?}"
        );
    }
}

#[test]
fn all_mistakes_are_named_at_once() {
    let arguments = json!({"mode": "merge",
        "tools": [7, {"type": "mcp_toolset", "mcp_server_name": "jira", "default_config": []}, {"type": "custom"}],
        "mcp_servers": [{"type": "url", "url": "ftp://x"}], "remove_tools": ["nobody"]});
    let paths: Vec<_> = plan(&usual(), &patch(&arguments))
        .unwrap_err()
        .into_iter()
        .map(|problem| problem.path)
        .collect();
    assert_eq!(
        paths,
        [
            "remove_tools[0]",
            "tools[0]",
            "tools[1].default_config",
            "tools[2].name",
            "tools[2].description",
            "tools[2].input_schema",
            "mcp_servers[0].name",
            "mcp_servers[0].url",
            "tools[1].mcp_server_name",
        ]
    );
}

#[test]
fn there_are_limits_but_not_for_what_shrinks() {
    let many =
        |count: usize| -> Vec<Value> { (0..count).map(|n| custom(&format!("t{n}"))).collect() };
    let arguments = json!({"tools": many(129)});
    assert_eq!(
        problems(&usual(), &arguments),
        ["tools: found 129 entries after the change; allowed: at most 128"]
    );
    let over = Toolset {
        tools: many(131),
        mcp_servers: Vec::new(),
    };
    assert!(plan(&over, &patch(&json!({"remove_tools": ["t0"]}))).is_ok());
    assert!(plan(&over, &patch(&tool(custom("more")))).is_err());

    let servers: Vec<_> = (0..21)
        .map(|n| json!({"type": "url", "name": format!("s{n}"), "url": "https://x.example"}))
        .collect();
    let problems = problems(&Toolset::default(), &json!({"mcp_servers": servers}));
    assert_eq!(
        problems,
        ["mcp_servers: found 21 entries after the change; allowed: at most 20"]
    );
}

/// A compatible service may have what the API would refuse; it is not the caller's fault.
#[test]
fn what_was_already_there_is_not_held_against_the_caller() {
    let odd = json!([
        7,
        {"no_type": true},
        {"type": "custom", "name": "so many words"},
        {"type": "agent_toolset_20260401", "configs": [
            {"name": "bash", "permission_policy": {"type": "weekdays_only"}},
            {"name": "web_fetch", "allowed_domains": [], "blocked_domains": ["x.example"]}]},
        {"type": "mcp_toolset", "mcp_server_name": "unlisted"},
        {"type": "future", "v": 1}, {"type": "future", "v": 2},
        custom("twice"), custom("twice"),
    ]);
    let current = toolset(
        odd.clone(),
        json!([{"name": "plain", "url": "http://localhost:1"}]),
    );
    let mut everything = odd.clone();
    everything.as_array_mut().unwrap().pop();
    everything.as_array_mut().unwrap().push(custom("new"));
    for arguments in [
        tool(custom("new")),
        tool(
            json!({"type": "agent_toolset_20260401", "configs": [{"name": "read", "enabled": false}]}),
        ),
        tool(json!({"type": "custom", "name": "so many words", "x": 1})),
        json!({"mode": "merge", "mcp_servers": [linear()]}),
        json!({"remove_tools": ["twice"]}),
        json!({"tools": everything}),
    ] {
        let plan = planned(&current, &arguments);
        assert!(!plan.changes.is_empty(), "{arguments}");
    }
    let touched = tool(json!({"type": "agent_toolset_20260401",
        "configs": [{"name": "web_fetch", "blocked_domains": []}]}));
    assert_eq!(problems(&current, &touched).len(), 2);
    let ambiguous = tool(json!({"type": "custom", "name": "twice", "description": "e"}));
    assert_eq!(
        problems(&current, &ambiguous),
        [
            "session.tools[8]: found custom \"twice\" a second time, first at tools[0]; allowed: each one once"
        ]
    );
    let vague = tool(json!({"type": "future", "v": 3}));
    assert!(
        problems(&current, &vague)[0].starts_with("session.tools[6]: found future a second time")
    );
}

#[test]
fn a_problem_in_a_merged_entry_is_blamed_on_the_side_it_came_from() {
    let current = toolset(
        json!([custom("first"), {"type": "agent_toolset_20260401", "configs": [
            {"name": "read"}, {"name": "web_fetch", "blocked_domains": ["x.example"]}]}]),
        json!([]),
    );
    let arguments = tool(json!({"type": "agent_toolset_20260401",
        "configs": [{"name": "web_fetch", "allowed_domains": ["y.example"]}]}));
    assert_eq!(
        problems(&current, &arguments),
        [
            "tools[0].configs[0].allowed_domains: found both allowed_domains and blocked_domains; \
          allowed: one of the two (in mode merge, null takes the other one away)"
        ]
    );
}

#[test]
fn one_name_for_two_things_is_not_guessed() {
    let current = toolset(
        json!([custom("linear"), {"type": "mcp_toolset", "mcp_server_name": "linear"}]),
        json!([linear()]),
    );
    let problems = problems(&current, &json!({"remove_tools": ["linear"]}));
    assert!(
        problems[0].contains("several entries: custom \"linear\", mcp_toolset \"linear\""),
        "{problems:?}"
    );
}

#[test]
fn long_values_are_cut() {
    let problems = problems(
        &usual(),
        &json!({"tools": [{"type": "custom", "name": "ä".repeat(500),
        "description": "d", "input_schema": {}}]}),
    );
    assert!(
        problems[0].contains("… (422 more characters)"),
        "{problems:?}"
    );
}
