//! Patches, and the words for what is wrong with them.

use serde_json::{Value, json};

use crate::{
    domain::toolset::{
        Toolset, plan,
        tests::{array, custom, linear, patch, planned, resolved_builtin, resolved_linear, usual},
        verify,
    },
    explain::toolset::{difference, problem, warning},
};

fn problems(arguments: &Value) -> Vec<String> {
    let problems = plan(&usual(), &patch(arguments)).expect_err(&arguments.to_string());
    problems.iter().map(problem).collect()
}

/// Checks cases of arguments, or what `arguments` makes them of, and the one problem they have.
#[track_caller]
fn check(cases: Value, arguments: impl Fn(&Value) -> Value) {
    for case in array(cases) {
        let found = problems(&arguments(&case[0]));
        assert_eq!(json!(found), json!([case[1]]), "{}", case[0]);
    }
}

#[test]
fn an_invalid_tool_is_named_with_its_path_and_what_is_allowed() {
    let cases = json!([
        ["bash", "tools[0]: found \"bash\"; allowed: an object"],
        [{"name": "x"},
         "tools[0].type: found nothing; allowed: a tool type: \"agent_toolset_20260401\", \"mcp_toolset\", \"custom\""],
        [{"type": 7},
         "tools[0].type: found 7; allowed: a tool type: \"agent_toolset_20260401\", \"mcp_toolset\", \"custom\""],
        [{"type": "custom", "name": "a b", "description": "d", "input_schema": {}},
         "tools[0].name: found \"a b\"; allowed: 1 to 128 of the characters A-Z a-z 0-9 _ -"],
        [{"type": "custom", "name": "x", "input_schema": {}},
         "tools[0].description: found nothing; allowed: a text saying what the tool does"],
        [{"type": "custom", "name": "x", "description": "d"},
         "tools[0].input_schema: found nothing; allowed: a JSON Schema object, such as {\"type\":\"object\"}"],
        [{"type": "custom", "name": "x", "description": "d", "input_schema": {"type": "array"}},
         "tools[0].input_schema.type: found \"array\"; allowed: \"object\""],
        [{"type": "custom", "name": "get_weather", "permission_policy": {"type": "auto"}},
         "tools[0].permission_policy: found {\"type\":\"auto\"}; allowed: no permission_policy: the application itself runs custom tools"],
        [{"type": "mcp_toolset"},
         "tools[0].mcp_server_name: found nothing; allowed: the name of a server in mcp_servers"],
        [{"type": "mcp_toolset", "mcp_server_name": "jira"},
         "tools[0].mcp_server_name: found \"jira\"; allowed: a server of mcp_servers after the change: \"linear\""],
    ]);
    check(cases, |tool| json!({"mode": "merge", "tools": [tool]}));
}

#[test]
fn an_invalid_config_is_named_with_its_path_and_what_is_allowed() {
    let domains: Vec<String> = (0..65).map(|n| format!("d{n}.example")).collect();
    let cases = json!([
        [{"default_config": []},
         "tools[0].default_config: found []; allowed: an object with enabled, permission_policy"],
        [{"default_config": {"permission_policy": {"type": "never"}}},
         "tools[0].default_config.permission_policy.type: found \"never\"; allowed: \"always_allow\", \"always_ask\" or \"auto\""],
        [{"configs": [{"name": "read"}, {"name": "bash", "permission_policy": {"type": "ask"}}]},
         "tools[0].configs[1].permission_policy.type: found \"ask\"; allowed: \"always_allow\", \"always_ask\" or \"auto\""],
        [{"configs": [{"name": "bash", "permission_policy": "auto"}]},
         "tools[0].configs[0].permission_policy: found \"auto\"; allowed: an object whose type is \"always_allow\", \"always_ask\" or \"auto\""],
        [{"configs": [{"enabled": true}]},
         "tools[0].configs[0].name: found nothing; allowed: the name of a tool of this toolset"],
        [{"configs": [7]}, "tools[0].configs[0]: found 7; allowed: an object with the name of a tool"],
        [{"configs": {"bash": {}}},
         "tools[0].configs: found {\"bash\":{}}; allowed: an array of objects, each with the name of a tool"],
        [{"configs": [{"name": "bash", "enabled": "yes"}]},
         "tools[0].configs[0].enabled: found \"yes\"; allowed: true or false"],
        [{"configs": [{"name": "bash"}, {"name": "bash"}]},
         "tools[0].configs[1].name: found \"bash\" a second time, first at tools[0].configs[0]; allowed: each tool once"],
        [{"configs": [{"name": "web_fetch", "allowed_domains": []}]},
         "tools[0].configs[0].allowed_domains: found []; allowed: 1 to 64 host names; leave it out to allow every host"],
        [{"configs": [{"name": "web_fetch", "blocked_domains": domains}]},
         "tools[0].configs[0].blocked_domains: found 65 domains; allowed: 1 to 64 host names; leave it out to allow every host"],
        [{"configs": [{"name": "web_fetch", "allowed_domains": ["a.b"], "blocked_domains": ["c.d"]}]},
         "tools[0].configs[0].blocked_domains: found both allowed_domains and blocked_domains; allowed: one of the two (in mode merge, null removes the other one)"],
    ]);
    check(cases, |settings| {
        let mut tool = settings.clone();
        tool["type"] = json!("agent_toolset_20260401");
        json!({"mode": "merge", "tools": [tool]})
    });
}

#[test]
fn an_invalid_server_is_named_with_its_path_and_what_is_allowed() {
    let (long, shown) = ("n".repeat(256), "n".repeat(79));
    let cases = json!([
        [{"name": "linear", "url": "http://mcp.linear.app"},
         "mcp_servers[0].url: found \"http://mcp.linear.app\"; allowed: an address that begins with https://"],
        [{"name": "b", "url": "https://b.example"},
         "mcp_servers[0].type: found nothing; allowed: \"url\""],
        [{"type": "url", "name": "b"},
         "mcp_servers[0].url: found nothing; allowed: an address that begins with https://"],
        [{"type": "url", "name": "b", "url": "https://"},
         "mcp_servers[0].url: found \"https://\"; allowed: an address that begins with https://"],
        [{"type": "url", "name": long, "url": "https://b.example"},
         format!("mcp_servers[0].name: found \"{shown}… (178 more characters); allowed: a name of 1 to 255 characters")],
    ]);
    check(
        cases,
        |server| json!({"mode": "merge", "mcp_servers": [server]}),
    );
}

#[test]
fn a_contradictory_patch_is_refused() {
    let cases = json!([
        [{}, "tools: found nothing to change; allowed: at least one of tools, mcp_servers, remove_tools, remove_mcp_servers"],
        [{"mode": "merge", "tools": []},
         "tools: found an empty array, which changes nothing in mode merge; allowed: at least one entry; mode replace to clear it"],
        [{"tools": (0..129).map(|n| custom(&n.to_string())).collect::<Vec<_>>()},
         "tools: found 129 entries after the change; allowed: at most 128"],
        [{"mode": "merge", "tools": [custom("a"), custom("a")]},
         "tools[1]: found custom \"a\" a second time, first at tools[0]; allowed: each one once"],
        [{"mcp_servers": [linear(), linear()]},
         "mcp_servers[1]: found server \"linear\" a second time, first at mcp_servers[0]; allowed: each one once"],
        [{"mcp_servers": []},
         "session.tools[1].mcp_server_name: found \"linear\", whose server this change removes; allowed: a server of mcp_servers after the change: none"],
        [{"mode": "merge", "tools": [{"type": "mcp_toolset", "mcp_server_name": "linear"}], "remove_mcp_servers": ["linear"]},
         "tools[0].mcp_server_name: found \"linear\", whose server this change removes; allowed: a server of mcp_servers after the change: none"],
        [{"remove_tools": ["get_wether"]},
         "remove_tools[0]: found \"get_wether\"; allowed: \"agent_toolset_20260401\", \"linear\", \"get_weather\""],
        [{"remove_mcp_servers": ["x"]}, "remove_mcp_servers[0]: found \"x\"; allowed: \"linear\""],
        [{"tools": [], "remove_tools": ["linear"]},
         "remove_tools: found 1 name beside tools, which is already the whole new value; allowed: either tools or remove_tools, or mode merge"],
        [{"mode": "merge", "tools": [custom("get_weather")], "remove_tools": ["get_weather"]},
         "remove_tools[0]: found \"get_weather\", which is also given as tools[0]; allowed: each name once: to remove it or to change it"],
    ]);
    check(cases, Value::clone);
    let mut current = usual();
    current.tools.push(custom("linear"));
    for (current, expected) in [
        (
            current,
            "\"linear\", which is several entries: custom \"linear\", mcp_toolset \"linear\"; \
                   allowed: a name of one entry; or tools without it, with mode replace",
        ),
        (
            Toolset::default(),
            "\"linear\"; allowed: nothing: the session has no tools",
        ),
    ] {
        let problems = plan(&current, &patch(&json!({"remove_tools": ["linear"]}))).unwrap_err();
        assert_eq!(
            problem(&problems[0]),
            format!("remove_tools[0]: found {expected}")
        );
    }
}

#[test]
fn warnings_are_worded() {
    let cases = json!([
        [{"remove_mcp_servers": ["linear"]},
         ["the mcp_toolset of \"linear\" is removed together with its server"]],
        [{"remove_tools": ["linear"]}, ["no toolset uses these servers: \"linear\""]],
        [{"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
            "default_config": {"permission_policy": {"type": "always_ask"}},
            "configs": [{"name": "bash", "permission_policy": {"type": "always_ask"}}, {"name": "Bash"}]}]},
         ["tools[0].default_config: the configs of these tools keep their own settings: \"read\", \"write\", \"edit\", \"glob\", \"grep\", \"web_fetch\", \"web_search\"",
          "tools[0].configs[1].name: \"Bash\" is not known; the tools are bash, read, write, edit, glob, grep, web_fetch, web_search"]],
    ]);
    for case in array(cases) {
        let warnings = planned(&usual(), &case[0]).warnings;
        let warnings: Vec<_> = warnings.iter().map(warning).collect();
        assert_eq!(json!(warnings), case[1]);
    }
}

#[test]
fn differences_are_worded() {
    let disabled = json!({"type": "agent_toolset_20260401", "default_config": {"enabled": false}});
    let mut lookup = custom("lookup");
    lookup["input_schema"]["properties"] = json!({"a": {}, "b": {}});
    let future = json!({"tools": [{"type": "future", "limit": 1.50, "list": [1e2]}]});
    // What the session has, what is asked, what is answered, and the differences.
    let cases = json!([
        {"has": usual().tools, "asked": {"mode": "merge", "tools": [
             {"type": "agent_toolset_20260401", "configs": [{"name": "bash", "enabled": false}]},
             {"type": "custom", "name": "get_weather", "description": "New."}]},
         "answered": [resolved_builtin(), resolved_linear(), custom("other")], "differences": [
             "tools[0].configs[0].enabled is true, expected false",
             "tools: custom \"get_weather\" is missing (asked for as entry 2)",
             "tools[2]: custom \"other\" is there, but was not asked for"]},
        {"has": usual().tools, "asked": {"mode": "merge", "tools": [
             {"type": "mcp_toolset", "mcp_server_name": "linear", "default_config": {"enabled": false}}]},
         "answered": usual().tools,
         "differences": ["tools[1].default_config.enabled is true, expected false"]},
        {"has": [], "asked": future, "answered": [{"type": "future", "limit": 1.6, "list": [100, 1]}],
         "differences": ["tools[0].limit is 1.6, expected 1.5", "tools[0].list is [100,1], expected [100.0]"]},
        {"has": [], "asked": future, "answered": [{"type": "future", "list": [100]}],
         "differences": ["tools[0].limit is missing, expected 1.5"]},
        {"has": [disabled], "asked": {"tools": [{"type": "agent_toolset_20260401"}]}, "answered": [disabled],
         "differences": ["tools[0].default_config.enabled is false, expected its default"]},
        {"has": [lookup], "asked": {"mode": "merge", "tools": [{"type": "custom", "name": "lookup",
             "input_schema": {"type": "object", "properties": {"a": {}}}}]}, "answered": [lookup],
         "differences": ["tools[0].input_schema.properties.b is there, but was not asked for"]},
    ]);
    for case in array(cases) {
        let has = |tools: &Value| Toolset {
            tools: array(tools.clone()),
            mcp_servers: usual().mcp_servers,
        };
        let change = planned(&has(&case["has"]), &case["asked"]);
        let differences = verify(&change, &has(&case["answered"])).unwrap_err();
        let differences: Vec<_> = differences.iter().map(difference).collect();
        assert_eq!(json!(differences), case["differences"]);
    }
}
