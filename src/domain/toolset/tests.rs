//! Patches as a table: what the session has, what is asked, what comes of it.

mod defaults;
mod laws;
mod refusals;
mod verification;

use serde_json::{Value, json};

use crate::domain::toolset::{Changes, Mode, Patch, Plan, Toolset, plan};

fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(entries) => entries,
        other => panic!("{other} is not an array"),
    }
}

fn toolset(tools: Value, mcp_servers: Value) -> Toolset {
    Toolset {
        tools: array(tools),
        mcp_servers: array(mcp_servers),
    }
}

/// A patch from the arguments of the tool, the way a caller writes them.
fn patch(arguments: &Value) -> Patch {
    let entries = |key: &str| arguments.get(key).cloned().map(array);
    let names = |key: &str| {
        entries(key)
            .unwrap_or_default()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    Patch {
        mode: if arguments.get("mode") == Some(&json!("merge")) {
            Mode::Merge
        } else {
            Mode::Replace
        },
        tools: entries("tools"),
        mcp_servers: entries("mcp_servers"),
        remove_tools: names("remove_tools"),
        remove_mcp_servers: names("remove_mcp_servers"),
    }
}

fn planned(current: &Toolset, arguments: &Value) -> Plan {
    plan(current, &patch(arguments)).unwrap_or_else(|problems| panic!("{arguments}: {problems:#?}"))
}

fn changes(changes: &Changes) -> Value {
    serde_json::to_value(changes).unwrap()
}

fn custom(name: &str) -> Value {
    json!({"type": "custom", "name": name, "description": "Looks it up.",
           "input_schema": {"type": "object", "properties": {}}})
}

fn linear() -> Value {
    json!({"type": "url", "name": "linear", "url": "https://mcp.linear.app/mcp"})
}

/// A built-in toolset as the API answers it: every tool with a config that repeats the default.
fn resolved_builtin() -> Value {
    let names = [
        "bash",
        "read",
        "write",
        "edit",
        "glob",
        "grep",
        "web_fetch",
        "web_search",
    ];
    let config = |name: &str| {
        json!({"type": name, "name": name, "enabled": true,
               "permission_policy": {"type": "always_allow"}})
    };
    let mut configs: Vec<Value> = names.into_iter().map(config).collect();
    configs[6]["url_sources"] = Value::Null;
    json!({
        "type": "agent_toolset_20260401",
        "default_config": {"enabled": true, "permission_policy": {"type": "always_allow"}},
        "configs": configs,
    })
}

fn resolved_linear() -> Value {
    json!({
        "type": "mcp_toolset", "mcp_server_name": "linear", "configs": [],
        "default_config": {"enabled": true, "permission_policy": {"type": "always_ask"}},
    })
}

fn usual() -> Toolset {
    toolset(
        json!([resolved_builtin(), resolved_linear(), custom("get_weather")]),
        json!([linear()]),
    )
}

#[test]
fn the_example_of_the_documentation_works_word_for_word() {
    let arguments = json!({
        "tools": [
            {"type": "agent_toolset_20260401"},
            {"type": "mcp_toolset", "mcp_server_name": "linear"}
        ],
        "mcp_servers": [{"type": "url", "name": "linear", "url": "https://mcp.linear.app/mcp"}]
    });
    let plan = planned(&Toolset::default(), &arguments);
    assert_eq!(plan.tools, arguments.get("tools").cloned().map(array));
    assert_eq!(
        plan.mcp_servers,
        arguments.get("mcp_servers").cloned().map(array)
    );
    assert_eq!(
        changes(&plan.changes),
        json!({"tools": {"added": arguments["tools"]}, "mcp_servers": {"added": arguments["mcp_servers"]}})
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);

    let resolved = toolset(
        json!([resolved_builtin(), resolved_linear()]),
        json!([linear()]),
    );
    for mode in ["replace", "merge"] {
        let mut again = arguments.clone();
        again["mode"] = json!(mode);
        let plan = planned(&resolved, &again);
        assert!(plan.changes.is_empty(), "{mode}: {:?}", plan.changes);
        assert_eq!((plan.tools, plan.mcp_servers), (None, None), "{mode}");
    }
}

/// One permission policy, one server with its toolset, one custom tool: each one call, and the
/// diff shows just that.
#[test]
fn small_changes_have_small_diffs() {
    let ask = json!({"type": "always_ask"});
    for (arguments, expected) in [
        (
            json!({"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
                "configs": [{"name": "bash", "permission_policy": ask}]}]}),
            json!({"tools": {"changed": [{
                "type": "agent_toolset_20260401",
                "before": {"configs": [{"name": "bash", "permission_policy": {"type": "always_allow"}}]},
                "after": {"configs": [{"name": "bash", "permission_policy": ask}]}
            }]}}),
        ),
        (
            json!({"mode": "merge",
                "tools": [{"type": "mcp_toolset", "mcp_server_name": "github"}],
                "mcp_servers": [{"type": "url", "name": "github", "url": "https://mcp.example.com/github"}]}),
            json!({"tools": {"added": [{"type": "mcp_toolset", "mcp_server_name": "github"}]},
                "mcp_servers": {"added": [
                    {"type": "url", "name": "github", "url": "https://mcp.example.com/github"}]}}),
        ),
        (
            json!({"remove_tools": ["get_weather"]}),
            json!({"tools": {"removed": [custom("get_weather")]}}),
        ),
        (
            json!({"mode": "merge", "tools": [{"type": "custom", "name": "get_weather", "description": "New."}]}),
            json!({"tools": {"changed": [{"type": "custom", "name": "get_weather",
                "before": {"description": "Looks it up."}, "after": {"description": "New."}}]}}),
        ),
        (
            json!({"mode": "merge", "mcp_servers": [{"name": "linear", "url": "https://mcp.linear.app/sse"}]}),
            json!({"mcp_servers": {"changed": [{"name": "linear",
                "before": {"url": "https://mcp.linear.app/mcp"},
                "after": {"url": "https://mcp.linear.app/sse"}}]}}),
        ),
        (
            json!({"mode": "merge", "tools": [{"type": "mcp_toolset", "mcp_server_name": "linear",
                "default_config": {"permission_policy": {"type": "auto"}}}]}),
            json!({"tools": {"changed": [{"type": "mcp_toolset", "mcp_server_name": "linear",
                "before": {"default_config": {"permission_policy": ask}},
                "after": {"default_config": {"permission_policy": {"type": "auto"}}}}]}}),
        ),
        (
            json!({"mode": "merge", "tools": [{"type": "mcp_toolset", "mcp_server_name": "linear",
                "configs": [{"name": "create_issue", "enabled": false}]}]}),
            json!({"tools": {"changed": [{"type": "mcp_toolset", "mcp_server_name": "linear",
                "before": {"configs": [{"name": "create_issue", "enabled": true}]},
                "after": {"configs": [{"name": "create_issue", "enabled": false}]}}]}}),
        ),
    ] {
        assert_eq!(
            changes(&planned(&usual(), &arguments).changes),
            expected,
            "{arguments}"
        );
    }
}

#[test]
fn changes_are_described_by_their_schema() {
    let schema = serde_json::to_value(schemars::schema_for!(Changes)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let arguments = json!({"mode": "merge", "tools": [custom("b"),
        {"type": "custom", "name": "get_weather", "description": "New."}], "remove_mcp_servers": ["linear"]});
    let shown = changes(&planned(&usual(), &arguments).changes);
    assert!(shown["tools"]["changed"][0]["after"].is_object(), "{shown}");
    assert!(validator.is_valid(&shown), "{schema}");
    assert_eq!(changes(&Changes::default()), json!({}));
}

#[test]
fn only_the_arrays_that_change_are_sent() {
    for (arguments, tools, servers) in [
        (json!({"remove_tools": ["get_weather"]}), true, false),
        (json!({"remove_mcp_servers": ["linear"]}), true, true),
        (
            json!({"mcp_servers": [linear(), {"type": "url", "name": "b", "url": "https://b.example"}]}),
            false,
            true,
        ),
        (json!({"tools": []}), true, false),
        (json!({"tools": [], "mcp_servers": []}), true, true),
        (
            json!({"mode": "merge", "tools": [custom("get_weather")], "mcp_servers": [linear()]}),
            false,
            false,
        ),
        (
            json!({"tools": [custom("get_weather"), resolved_builtin(), resolved_linear()]}),
            false,
            false,
        ),
    ] {
        let plan = planned(&usual(), &arguments);
        assert_eq!(
            (plan.tools.is_some(), plan.mcp_servers.is_some()),
            (tools, servers),
            "{arguments}"
        );
    }
}

#[test]
fn a_server_takes_its_toolset_along_and_says_so() {
    let plan = planned(&usual(), &json!({"remove_mcp_servers": ["linear"]}));
    assert_eq!(
        plan.tools,
        Some(vec![resolved_builtin(), custom("get_weather")])
    );
    assert_eq!(plan.mcp_servers, Some(vec![]));
    assert_eq!(
        plan.warnings,
        ["the mcp_toolset of \"linear\" is removed together with its server"]
    );

    let both = json!({"remove_mcp_servers": ["linear"], "remove_tools": ["linear"]});
    assert_eq!(planned(&usual(), &both).warnings, Vec::<String>::new());
}

#[test]
fn what_deserves_a_look_is_a_warning() {
    let plan = planned(&usual(), &json!({"remove_tools": ["linear"]}));
    assert_eq!(plan.warnings, ["no toolset uses these servers: \"linear\""]);

    let default = json!({"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
        "default_config": {"permission_policy": {"type": "always_ask"}},
        "configs": [{"name": "bash", "permission_policy": {"type": "always_ask"}}, {"name": "Bash"}]}]});
    assert_eq!(
        planned(&usual(), &default).warnings,
        [
            "tools[0].default_config: configs of their own keep their settings: \"read\", \"write\", \
             \"edit\", \"glob\", \"grep\", \"web_fetch\", \"web_search\"",
            "tools[0].configs[1].name: \"Bash\" is not known; the tools are bash, read, write, edit, \
             glob, grep, web_fetch, web_search",
        ]
    );
}

#[test]
fn what_is_not_known_is_carried_through_byte_for_byte() {
    let text = r#"[{"zeta":1.50,"type":"future_toolset","big":123456789012345678901234567890,"configs":[7,{"b":1e+2,"a":null}]},{"x_first":true,"type":"custom","name":"a","description":"d","input_schema":{"type":"object","n":0.10}}]"#;
    let current = Toolset {
        tools: serde_json::from_str(text).unwrap(),
        mcp_servers: Vec::new(),
    };
    let plan = planned(&current, &json!({"mode": "merge", "tools": [custom("b")]}));
    let sent = serde_json::to_string(&plan.tools.unwrap()).unwrap();
    assert!(sent.starts_with(text.strip_suffix(']').unwrap()), "{sent}");

    let plan = planned(
        &current,
        &json!({"mode": "merge", "tools": [{"type": "custom", "name": "a", "description": "e"}]}),
    );
    let sent = serde_json::to_string(&plan.tools.unwrap()).unwrap();
    assert_eq!(
        sent,
        text.replace(r#""description":"d""#, r#""description":"e""#)
    );
}

#[test]
fn unknown_types_are_recognised_by_the_names_they_have() {
    let current = toolset(
        json!([{"type": "future", "name": "a", "v": 1}, {"type": "future", "name": "b", "v": 1},
               {"type": "lone", "v": 1}]),
        json!([]),
    );
    let plan = planned(
        &current,
        &json!({"mode": "merge", "tools": [
        {"type": "future", "name": "b", "v": 2}, {"type": "lone", "v": 2}]}),
    );
    assert_eq!(
        changes(&plan.changes),
        json!({"tools": {"changed": [
            {"type": "future", "name": "b", "before": {"v": 1}, "after": {"v": 2}},
            {"type": "lone", "before": {"v": 1}, "after": {"v": 2}}]}})
    );
    let plan = planned(&current, &json!({"remove_tools": ["a", "lone"]}));
    assert_eq!(
        plan.tools.unwrap(),
        [json!({"type": "future", "name": "b", "v": 1})]
    );
}
