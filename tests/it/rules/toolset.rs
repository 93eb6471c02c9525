//! Patches as tables: what the session has, what is asked, and the change that results.

mod defaults;
mod laws;
mod refusals;
mod removal;
mod undo;
mod verification;
mod wording;

use serde_json::{Value, json};

use managed_sessions_mcp::domain::toolset::{
    BUILT_IN_TOOLS, Changes, Mode, Patch, Toolset, ToolsetChange, Warning, plan,
};

pub(crate) fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(entries) => entries,
        other => panic!("{other} is not an array"),
    }
}

fn toolset(tools: Value, mcp_servers: Value) -> Toolset {
    Toolset { tools: array(tools), mcp_servers: array(mcp_servers) }
}

/// A patch from the arguments of the tool; in these tables the mode is replace unless they say
/// merge, which is what callers get who name none.
pub(crate) fn patch(arguments: &Value) -> Patch {
    let entries = |key: &str| arguments.get(key).cloned().map(array);
    let names = |key: &str| {
        let names = entries(key).unwrap_or_default().into_iter();
        names.map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    Patch {
        mode: match arguments.get("mode") {
            Some(mode) if mode == "merge" => Mode::Merge,
            _ => Mode::Replace,
        },
        tools: entries("tools"),
        mcp_servers: entries("mcp_servers"),
        remove_tools: names("remove_tools"),
        remove_mcp_servers: names("remove_mcp_servers"),
        remove_configs: names("remove_configs"),
    }
}

pub(crate) fn planned(current: &Toolset, arguments: &Value) -> ToolsetChange {
    plan(current, &patch(arguments)).unwrap_or_else(|problems| panic!("{arguments}: {problems:#?}"))
}

fn changes(changes: &Changes) -> Value {
    serde_json::to_value(changes).unwrap()
}

/// Arguments, each with the changes that result.
fn diffs(current: &Toolset, arguments: Value) -> String {
    let diff = |arguments| {
        let changes = changes(&planned(current, &arguments).changes);
        format!("{arguments}\n  {changes}")
    };
    let diffs: Vec<String> = array(arguments).into_iter().map(diff).collect();
    diffs.join("\n")
}

pub(crate) fn custom(name: &str) -> Value {
    json!({"type": "custom", "name": name, "description": "Looks it up.",
           "input_schema": {"type": "object", "properties": {}}})
}

pub(crate) fn linear() -> Value {
    json!({"type": "url", "name": "linear", "url": "https://mcp.linear.app/mcp"})
}

/// A built-in toolset as the API answers it: every tool with a config that repeats the default.
pub(crate) fn resolved_builtin() -> Value {
    let config = |name: &str| {
        json!({"type": name, "name": name, "enabled": true,
               "permission_policy": {"type": "always_allow"}})
    };
    let mut configs = BUILT_IN_TOOLS.map(config);
    configs[6]["url_sources"] = Value::Null;
    json!({
        "type": "agent_toolset_20260401",
        "default_config": {"enabled": true, "permission_policy": {"type": "always_allow"}},
        "configs": configs,
    })
}

pub(crate) fn resolved_linear() -> Value {
    json!({
        "type": "mcp_toolset", "mcp_server_name": "linear", "configs": [],
        "default_config": {"enabled": true, "permission_policy": {"type": "always_ask"}},
    })
}

pub(crate) fn usual() -> Toolset {
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
    let (tools, servers) = (&arguments["tools"], &arguments["mcp_servers"]);
    let change = planned(&Toolset::default(), &arguments);
    assert_eq!(change.tools, Some(array(tools.clone())));
    assert_eq!(change.mcp_servers, Some(array(servers.clone())));
    let added = json!({"tools": {"added": tools}, "mcp_servers": {"added": servers}});
    assert_eq!(changes(&change.changes), added);
    assert_eq!(change.warnings, []);

    let resolved = toolset(json!([resolved_builtin(), resolved_linear()]), json!([linear()]));
    for mode in ["replace", "merge"] {
        let mut again = arguments.clone();
        again["mode"] = json!(mode);
        assert_eq!(planned(&resolved, &again), ToolsetChange::default(), "{mode}");
    }
}

/// One permission policy, one server with its toolset, one custom tool: each one call, and the
/// diff shows nothing else.
#[test]
fn small_changes_have_small_diffs() {
    let ask = json!({"type": "always_ask"});
    let server = json!({"type": "url", "name": "github", "url": "https://mcp.example.com/github"});
    let linear = |settings: Value| {
        let mut tool = settings;
        tool["type"] = json!("mcp_toolset");
        tool["mcp_server_name"] = json!("linear");
        json!({"mode": "merge", "tools": [tool]})
    };
    insta::assert_snapshot!(diffs(
        &usual(),
        json!([
            {"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
                "configs": [{"name": "bash", "permission_policy": ask}]}]},
            {"mode": "merge", "tools": [{"type": "mcp_toolset", "mcp_server_name": "github"}], "mcp_servers": [server]},
            {"remove_tools": ["get_weather"]},
            {"mode": "merge", "tools": [{"type": "custom", "name": "get_weather", "description": "New."}]},
            {"mode": "merge", "mcp_servers": [{"name": "linear", "url": "https://mcp.linear.app/sse"}]},
            linear(json!({"default_config": {"permission_policy": {"type": "auto"}}})),
            linear(json!({"configs": [{"name": "create_issue", "enabled": false}]})),
        ])
    ));
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
    let new = json!({"type": "url", "name": "b", "url": "https://b.example"});
    let same_tools = json!([custom("get_weather"), resolved_builtin(), resolved_linear()]);
    for (arguments, tools, servers) in [
        (json!({"remove_tools": ["get_weather"]}), true, false),
        (json!({"remove_mcp_servers": ["linear"]}), true, true),
        (json!({"mcp_servers": [linear(), new]}), false, true),
        (json!({"tools": []}), true, false),
        (json!({"tools": [], "mcp_servers": []}), true, true),
        (
            json!({"mode": "merge", "tools": [custom("get_weather")], "mcp_servers": [linear()]}),
            false,
            false,
        ),
        (json!({"tools": same_tools}), false, false),
    ] {
        let change = planned(&usual(), &arguments);
        let sent = (change.tools.is_some(), change.mcp_servers.is_some());
        assert_eq!(sent, (tools, servers), "{arguments}");
    }
}

#[test]
fn removing_a_server_removes_its_toolset() {
    let change = planned(&usual(), &json!({"remove_mcp_servers": ["linear"]}));
    let rest = vec![resolved_builtin(), custom("get_weather")];
    assert_eq!(change.tools, Some(rest));
    assert_eq!(change.mcp_servers, Some(vec![]));
    let warning = Warning::RemovedWithServer("linear".to_owned());
    assert_eq!(change.warnings, [warning]);

    let both = json!({"remove_mcp_servers": ["linear"], "remove_tools": ["linear"]});
    assert_eq!(planned(&usual(), &both).warnings, []);
}

#[test]
fn unknown_entries_and_keys_are_carried_through_byte_for_byte() {
    let text = r#"[{"zeta":1.50,"type":"future_toolset","big":123456789012345678901234567890,"configs":[7,{"b":1e+2,"a":null}]},{"x_first":true,"type":"custom","name":"a","description":"d","input_schema":{"type":"object","n":0.10}}]"#;
    let current = Toolset { tools: serde_json::from_str(text).unwrap(), mcp_servers: Vec::new() };
    let sent = |tool: Value| {
        let change = planned(&current, &json!({"mode": "merge", "tools": [tool]}));
        serde_json::to_string(&change.tools.unwrap()).unwrap()
    };
    let added = sent(custom("b"));
    assert!(added.starts_with(text.strip_suffix(']').unwrap()), "{added}");
    let changed = sent(json!({"type": "custom", "name": "a", "description": "e"}));
    assert_eq!(changed, text.replace(r#""description":"d""#, r#""description":"e""#));
}

#[test]
fn unknown_types_are_identified_by_the_names_they_have() {
    let future = |name: &str, v: u8| json!({"type": "future", "name": name, "v": v});
    let tools = json!([future("a", 1), future("b", 1), {"type": "lone", "v": 1}]);
    insta::assert_snapshot!(diffs(
        &toolset(tools, json!([])),
        json!([
            {"mode": "merge", "tools": [future("b", 2), {"type": "lone", "v": 2}]},
            {"remove_tools": ["a", "lone"]},
        ])
    ));
}
