//! What takes a change back: the smallest patch that restores the old arrays exactly.

use serde_json::{Value, json};

use managed_sessions_mcp::domain::toolset::{NoUndo, Toolset, plan, undo};

use super::{custom, linear, planned, resolved_builtin, toolset, usual};

/// What undoes a change of `current`, which it is shown to do.
fn undone(current: &Toolset, arguments: &Value) -> Result<Value, NoUndo> {
    let after = planned(current, arguments).applied_to(current);
    let undo = undo(current, &after).unwrap_or_else(|| panic!("nothing changes: {arguments}"))?;
    let change = plan(&after, &undo).unwrap_or_else(|wrong| panic!("{arguments}: {wrong:?}"));
    assert_eq!(&change.applied_to(&after), current, "{arguments}");
    Ok(undo.arguments().into())
}

#[test]
fn the_smallest_merge_undoes_a_change() {
    let ask = json!({"type": "always_ask"});
    let built_in = |settings: Value| {
        let mut tool = settings;
        tool["type"] = json!("agent_toolset_20260401");
        tool
    };
    let linear_tools = |settings: Value| {
        let mut tool = settings;
        tool["type"] = json!("mcp_toolset");
        tool["mcp_server_name"] = json!("linear");
        tool
    };
    let github = json!({"type": "url", "name": "github", "url": "https://mcp.example.com/github"});
    let github_tools = json!({"type": "mcp_toolset", "mcp_server_name": "github"});
    let allow = json!({"type": "always_allow"});
    for (arguments, expected) in [
        (
            json!({"mode": "merge", "tools": [built_in(json!({"configs": [{"name": "bash", "permission_policy": ask}]}))]}),
            json!({"tools": [built_in(json!({"configs": [{"name": "bash", "permission_policy": allow}]}))]}),
        ),
        (
            json!({"mode": "merge", "tools": [built_in(json!({"default_config": {"enabled": false}, "x": 1}))]}),
            json!({"tools": [built_in(json!({"default_config": {"enabled": true}, "x": null}))]}),
        ),
        (
            json!({"mode": "merge", "tools": [linear_tools(json!({"configs": [{"name": "a.b", "enabled": false}]}))]}),
            json!({"remove_configs": ["linear.a.b"]}),
        ),
        (
            json!({"mode": "merge", "mcp_servers": [github], "tools": [github_tools, custom("b")]}),
            json!({"remove_mcp_servers": ["github"], "remove_tools": ["b"]}),
        ),
        (json!({"remove_tools": ["get_weather"]}), json!({"tools": [custom("get_weather")]})),
        (
            json!({"mode": "merge", "mcp_servers": [{"name": "linear", "url": "https://mcp.linear.app/sse"}]}),
            json!({"mcp_servers": [{"name": "linear", "url": "https://mcp.linear.app/mcp"}]}),
        ),
        (
            json!({"mode": "replace", "tools": [resolved_builtin(), linear_tools(json!({})), custom("new")]}),
            json!({"tools": [
                linear_tools(json!({"configs": [], "default_config": {"enabled": true, "permission_policy": ask}})),
                custom("get_weather"),
            ], "remove_tools": ["new"]}),
        ),
    ] {
        assert_eq!(undone(&usual(), &arguments), Ok(expected), "{arguments}");
    }
}

#[test]
fn what_a_merge_cannot_restore_is_given_whole() {
    let tools = json!(usual().tools);
    let servers = json!([linear()]);
    for (arguments, expected) in [
        // The old place of an entry, and of a server with its toolset.
        (json!({"remove_tools": ["linear"]}), json!({"mode": "replace", "tools": tools})),
        (
            json!({"remove_mcp_servers": ["linear"]}),
            json!({"mode": "replace", "tools": tools, "mcp_servers": servers}),
        ),
        // The old place of a config.
        (json!({"remove_configs": ["bash"]}), json!({"mode": "replace", "tools": tools})),
        // A setting that was null.
        (
            json!({"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
                "configs": [{"name": "web_fetch", "url_sources": {"user_input": "all"}}]}]}),
            json!({"mode": "replace", "tools": tools}),
        ),
        // A name that would be ambiguous.
        (
            json!({"mode": "merge", "tools": [custom("linear")]}),
            json!({"mode": "replace", "tools": tools}),
        ),
    ] {
        assert_eq!(undone(&usual(), &arguments), Ok(expected), "{arguments}");
    }
}

/// Leaving out a config that repeats the default of a built-in toolset is no change by itself.
#[test]
fn a_config_that_repeats_the_default_is_removed_even_where_the_array_is_given() {
    let builtin = |configs: Value| json!({"type": "agent_toolset_20260401", "configs": configs});
    let current = toolset(json!([custom("a"), builtin(json!([]))]), json!([]));
    let arguments = json!({"mode": "replace", "tools": [builtin(json!([{"name": "read", "enabled": true}])), custom("a")]});
    let expected = json!({
        "mode": "replace", "tools": current.tools, "remove_configs": ["read"],
    });
    assert_eq!(undone(&current, &arguments), Ok(expected));
}

#[test]
fn what_would_be_refused_or_altered_has_no_undo() {
    let plain = json!({"type": "url", "name": "plain", "url": "http://mcp.example.com"});
    let dangling = json!({"type": "mcp_toolset", "mcp_server_name": "nowhere"});
    let with = |key: &str, value: Value| {
        let mut tool = custom("odd");
        tool[key] = value;
        toolset(json!([tool]), json!([]))
    };
    let number: Value = serde_json::from_str("9223372036854775807").expect("a number");
    let replace = |tools: Value| json!({"mode": "replace", "tools": tools});
    for (current, arguments, refused) in [
        (toolset(json!([]), json!([plain])), json!({"mode": "replace", "mcp_servers": []}), true),
        (toolset(json!([dangling]), json!([])), replace(json!([])), true),
        (toolset(json!([custom("so many words")]), json!([])), replace(json!([])), true),
        (with("description", json!("zero\u{200b}width")), replace(json!([])), false),
        (with("input_schema", json!({"type": "object", "x": number})), replace(json!([])), false),
        (
            toolset(
                json!([]),
                json!([{"type": "url", "name": "a\u{202e}b", "url": "https://x.example"}]),
            ),
            json!({"mode": "replace", "mcp_servers": []}),
            false,
        ),
    ] {
        match undone(&current, &arguments) {
            Err(NoUndo::Refused(_)) if refused => {}
            Err(NoUndo::Altered) if !refused => {}
            other => panic!("{arguments}: {other:?}"),
        }
    }
    // What stays is neither given nor altered.
    let current = with("description", json!("zero\u{200b}width"));
    let arguments = json!({"mode": "merge", "tools": [custom("new")]});
    assert_eq!(undone(&current, &arguments), Ok(json!({"remove_tools": ["new"]})));
    // A name of blanks alone would count as not given.
    let blank = json!({"type": "url", "name": " ", "url": "https://x.example"});
    let none = toolset(json!([]), json!([]));
    assert_eq!(
        undone(&none, &json!({"mode": "merge", "mcp_servers": [blank]})),
        Ok(json!({"mode": "replace", "mcp_servers": []}))
    );
}
