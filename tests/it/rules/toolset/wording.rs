//! Patches, and the words for what is wrong with them. The snapshots show both.

use serde_json::{Value, json};

use managed_sessions_mcp::{
    domain::{
        text,
        toolset::{Toolset, plan, verify},
    },
    explain::toolset::{difference, problem, warning},
};

use super::{array, custom, linear, patch, planned, resolved_builtin, resolved_linear, usual};

/// Each case with the words for it below.
fn page(cases: Value, words: impl Fn(&Value) -> Vec<String>) -> String {
    let case = |case: Value| {
        let shown = text::shortened(&case.to_string(), 200);
        format!("{shown}\n  {}", words(&case).join("\n  "))
    };
    let cases: Vec<String> = array(cases).into_iter().map(case).collect();
    cases.join("\n")
}

fn problems(current: &Toolset, arguments: &Value) -> Vec<String> {
    let problems = plan(current, &patch(arguments)).expect_err(&arguments.to_string());
    problems.iter().map(problem).collect()
}

#[test]
fn the_problems_of_a_tool() {
    let cases = json!([
        "bash",
        {"name": "x"},
        {"type": 7},
        {"type": "custom", "name": "a b", "description": "d", "input_schema": {}},
        {"type": "custom", "name": "ä".repeat(500), "description": "d", "input_schema": {}},
        {"type": "custom", "name": "x", "input_schema": {}},
        {"type": "custom", "name": "x", "description": "d"},
        {"type": "custom", "name": "x", "description": "d", "input_schema": {"type": "array"}},
        {"type": "custom", "name": "get_weather", "permission_policy": {"type": "auto"}},
        {"type": "mcp_toolset"},
        {"type": "mcp_toolset", "mcp_server_name": "jira"},
    ]);
    let words = |tool: &Value| problems(&usual(), &json!({"mode": "merge", "tools": [tool]}));
    insta::assert_snapshot!(page(cases, words));
}

#[test]
fn the_problems_of_the_settings_of_a_toolset() {
    let domains: Vec<String> = (0..65).map(|n| format!("d{n}.example")).collect();
    let cases = json!([
        {"default_config": []},
        {"default_config": {"permission_policy": {"type": "never"}}},
        {"configs": [{"name": "read"}, {"name": "bash", "permission_policy": {"type": "ask"}}]},
        {"configs": [{"name": "bash", "permission_policy": "auto"}]},
        {"configs": [{"enabled": true}]},
        {"configs": [7]},
        {"configs": {"bash": {}}},
        {"configs": [{"name": "bash", "enabled": "yes"}]},
        {"configs": [{"name": "bash"}, {"name": "bash"}]},
        {"configs": [{"name": "web_fetch", "allowed_domains": []}]},
        {"configs": [{"name": "web_fetch", "blocked_domains": domains}]},
        {"configs": [{"name": "web_fetch", "allowed_domains": ["a.b"], "blocked_domains": ["c.d"]}]},
    ]);
    let words = |settings: &Value| {
        let mut tool = settings.clone();
        tool["type"] = json!("agent_toolset_20260401");
        problems(&usual(), &json!({"mode": "merge", "tools": [tool]}))
    };
    insta::assert_snapshot!(page(cases, words));
}

#[test]
fn the_problems_of_a_server() {
    let cases = json!([
        {"name": "linear", "url": "http://mcp.linear.app"},
        {"name": "b", "url": "https://b.example"},
        {"type": "url", "name": "b"},
        {"type": "url", "name": "b", "url": "https://"},
        {"type": "url", "name": "n".repeat(256), "url": "https://b.example"},
    ]);
    let words = |server: &Value| {
        let arguments = json!({"mode": "merge", "mcp_servers": [server]});
        problems(&usual(), &arguments)
    };
    insta::assert_snapshot!(page(cases, words));
}

#[test]
fn the_problems_of_a_patch() {
    let server = |n| json!({"type": "url", "name": format!("s{n}"), "url": "https://x.example"});
    let servers: Vec<_> = (0..21).map(server).collect();
    let mut current = usual();
    current.tools.push(custom("linear"));
    let cases = json!([
        {},
        {"mode": "merge", "tools": []},
        {"tools": [], "mcp_servers": servers},
        {"mode": "merge", "tools": [custom("a"), custom("a")]},
        {"tools": [], "mcp_servers": [linear(), linear()]},
        {"mcp_servers": []},
        {"mode": "merge", "tools": [{"type": "mcp_toolset", "mcp_server_name": "linear"}],
         "remove_mcp_servers": ["linear"]},
        {"remove_tools": ["get_wether"]},
        {"remove_mcp_servers": ["x"]},
        {"tools": [], "remove_tools": ["linear"]},
        {"mode": "merge", "tools": [custom("get_weather")], "remove_tools": ["get_weather"]},
        {"remove_tools": ["linear"]},
        {"mode": "merge",
         "tools": [7, {"type": "mcp_toolset", "mcp_server_name": "jira", "default_config": []}, {"type": "custom"}],
         "mcp_servers": [{"type": "url", "url": "ftp://x"}], "remove_tools": ["nobody"]},
    ]);
    insta::assert_snapshot!(page(cases, |arguments| problems(&current, arguments)));
    let cases = json!([{"remove_tools": ["linear"]}]);
    let words = |arguments: &Value| problems(&Toolset::default(), arguments);
    insta::assert_snapshot!(page(cases, words));
}

#[test]
fn the_words_of_warnings() {
    let cases = json!([
        {"remove_mcp_servers": ["linear"]},
        {"remove_tools": ["linear"]},
        {"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
            "default_config": {"permission_policy": {"type": "always_ask"}},
            "configs": [{"name": "bash", "permission_policy": {"type": "always_ask"}}, {"name": "Bash"}]}]},
        {"mode": "merge", "tools": [{"type": "agent_toolset", "configs": [{"name": "bash"}]}]},
        {"mode": "merge", "tools": [{"type": "agent-toolset-20260101"}]},
        {"mode": "merge", "tools": [{"type": "mcp_toolset_20260401", "mcp_server_name": "linear"}]},
        {"mode": "merge", "tools": [{"type": "Custom_Tool", "name": "x"}]},
        {"mode": "merge", "tools": [{"type": "future_toolset"}]},
        {"mode": "merge", "mcp_servers": [{"type": "url", "name": "a \"b\"", "url": "https://x.example"}],
         "remove_tools": ["linear"]},
        {"mode": "replace", "tools": [{"type": "mcp_toolset", "mcp_server_name": "github"}],
         "mcp_servers": [{"type": "url", "name": "github", "url": "https://x.example"}]},
        {"mode": "replace", "tools": [
            {"type": "agent_toolset_20260401", "default_config": {"enabled": false}, "configs": [
                {"name": "bash", "enabled": true}]},
            {"type": "mcp_toolset", "mcp_server_name": "linear"}]},
    ]);
    let words = |arguments: &Value| {
        let warnings = planned(&usual(), arguments).warnings;
        warnings.iter().map(warning).collect()
    };
    insta::assert_snapshot!(page(cases, words));
}

#[test]
fn a_tool_that_stays_off_although_its_permission_changes_is_mentioned() {
    let ask = json!({"type": "always_ask"});
    let built_in = |settings: Value| {
        let mut tool = settings;
        tool["type"] = json!("agent_toolset_20260401");
        tool
    };
    let off = built_in(json!({"configs": [{"name": "bash", "enabled": false}]}));
    let all_off = built_in(json!({"default_config": {"enabled": false}}));
    let asked = built_in(json!({"configs": [{"name": "bash", "permission_policy": ask}]}));
    let turned_on =
        built_in(json!({"configs": [{"name": "bash", "enabled": true, "permission_policy": ask}]}));
    for (has, given, expected) in [
        (&off, &asked, 1),
        (&all_off, &asked, 1),
        (&resolved_builtin(), &asked, 0),
        (&off, &turned_on, 0),
    ] {
        let current = Toolset { tools: vec![has.clone()], mcp_servers: Vec::new() };
        let change = planned(&current, &json!({"mode": "merge", "tools": [given]}));
        let words: Vec<String> = change.warnings.iter().map(warning).collect();
        assert_eq!(words.len(), expected, "{has} {given}: {words:?}");
        assert!(words.iter().all(|word| word.starts_with("tools[0].configs[0]: ")), "{words:?}");
    }
}

#[test]
fn a_default_that_stays_off_although_its_permission_changes_is_mentioned() {
    let tool = |default: Value| json!({"type": "mcp_toolset", "mcp_server_name": "linear", "default_config": default});
    let ask = json!({"type": "always_ask"});
    let auto = json!({"permission_policy": {"type": "auto"}});
    for (has, given, expected) in [
        (json!({"enabled": false, "permission_policy": ask}), auto.clone(), 1),
        (
            json!({"enabled": false, "permission_policy": ask}),
            json!({"permission_policy": ask, "x": 1}),
            0,
        ),
        (json!({"enabled": false}), json!({"enabled": true, "permission_policy": ask}), 0),
        (json!({"enabled": true}), auto, 0),
    ] {
        let current = Toolset { tools: vec![tool(has.clone())], mcp_servers: usual().mcp_servers };
        let change = planned(&current, &json!({"mode": "merge", "tools": [tool(given.clone())]}));
        let words: Vec<String> = change.warnings.iter().map(warning).collect();
        assert_eq!(words.len(), expected, "{has} {given}: {words:?}");
        let is_there = |word: &String| word.starts_with("tools[0].default_config: ");
        assert!(words.iter().all(is_there), "{words:?}");
    }
}

/// What is dropped is named by the names that would remove it; the defaults a service fills in by
/// itself are not dropped.
#[test]
fn what_replace_drops_is_named() {
    let configs = json!([{"name": "list.all", "enabled": false}, {"name": "x", "enabled": true}]);
    let current = Toolset {
        tools: vec![
            resolved_builtin(),
            json!({"type": "mcp_toolset", "mcp_server_name": "linear", "configs": configs,
                   "default_config": {"enabled": false}}),
            custom("get_weather"),
            json!({"type": "future", "name": "hooks"}),
        ],
        mcp_servers: vec![
            linear(),
            json!({"type": "url", "name": "b", "url": "https://b.example"}),
        ],
    };
    let linear_tools = json!({"type": "mcp_toolset", "mcp_server_name": "linear",
                              "configs": [{"name": "x", "enabled": true}]});
    let words = |arguments: Value| {
        let change = planned(&current, &arguments);
        change.warnings.iter().map(warning).collect::<Vec<_>>()
    };
    let replaced = words(json!({
        "mode": "replace", "tools": [{"type": "agent_toolset_20260401"}, linear_tools], "mcp_servers": [linear()],
    }));
    assert_eq!(
        replaced,
        [
            r#"mode replace drops what is not given: tools custom "get_weather", future "hooks"; mcp_servers "b"; configs "linear.list.all"; default_config of mcp_toolset "linear""#
        ]
    );
    let merged =
        words(json!({"mode": "merge", "remove_tools": ["hooks"], "remove_mcp_servers": ["b"]}));
    assert_eq!(merged, Vec::<String>::new());
    let many: Vec<_> = (0..300).map(|n| custom(&format!("a_rather_long_name_{n}"))).collect();
    let current = Toolset { tools: many, mcp_servers: Vec::new() };
    let change = planned(&current, &json!({"mode": "replace", "tools": []}));
    let words: Vec<_> = change.warnings.iter().map(warning).collect();
    assert!(words[0].len() < 1_700 && words[0].ends_with(" more"), "{words:?}");
}

#[test]
fn the_words_of_differences() {
    let disabled = json!({"type": "agent_toolset_20260401", "default_config": {"enabled": false}});
    let mut lookup = custom("lookup");
    lookup["input_schema"]["properties"] = json!({"a": {}, "b": {}});
    let future = json!({"tools": [{"type": "future", "limit": 1.50, "list": [1e2]}]});
    let cases = json!([
        {"asked": {"mode": "merge", "tools": [
             {"type": "agent_toolset_20260401", "configs": [{"name": "bash", "enabled": false}]},
             {"type": "mcp_toolset", "mcp_server_name": "linear", "default_config": {"enabled": false}}]},
         "has": usual().tools, "answered": [resolved_builtin(), resolved_linear(), custom("other")]},
        {"asked": future, "answered": [{"type": "future", "limit": 1.6, "list": [100, 1]}], "has": []},
        {"asked": future, "answered": [{"type": "future", "list": [100]}], "has": []},
        {"asked": {"tools": [{"type": "agent_toolset_20260401"}]}, "answered": [disabled], "has": [disabled]},
        {"asked": {"mode": "merge", "tools": [{"type": "custom", "name": "lookup",
            "input_schema": {"type": "object", "properties": {"a": {}}}}]}, "answered": [lookup], "has": [lookup]},
    ]);
    let toolset =
        |tools: &Value| Toolset { tools: array(tools.clone()), mcp_servers: usual().mcp_servers };
    let words = |case: &Value| {
        let change = planned(&toolset(&case["has"]), &case["asked"]);
        let differences = verify(&change, &toolset(&case["answered"])).unwrap_err();
        differences.iter().map(difference).collect()
    };
    insta::assert_snapshot!(page(cases, words));
}
