//! What the API fills in by itself, and what that means for a merge, a replacement and a diff.

use serde_json::{Value, json};

use managed_sessions_mcp::domain::toolset::{Toolset, ToolsetChange};

use super::{array, diffs, linear, planned, resolved_builtin, toolset};

const BUILT_IN: &str = "agent_toolset_20260401";

/// A built-in toolset with these settings.
fn built_in(mut settings: Value) -> Value {
    settings["type"] = json!(BUILT_IN);
    settings
}

fn has(tool: &Value) -> Toolset {
    toolset(json!([tool]), json!([]))
}

fn merged(current: &Toolset, settings: Value) -> ToolsetChange {
    planned(current, &json!({"mode": "merge", "tools": [built_in(settings)]}))
}

#[test]
fn merging_a_default_keeps_what_was_disabled() {
    let default = |policy: &str| {
        let policy = json!({"type": policy});
        built_in(json!({"default_config": {"enabled": false, "permission_policy": policy}}))
    };
    let ask = json!({"default_config": {"permission_policy": {"type": "always_ask"}}});
    let change = merged(&has(&default("always_allow")), ask);
    assert_eq!(change.tools, Some(vec![default("always_ask")]));
}

#[test]
fn null_removes_a_setting_in_a_merge() {
    let current = has(&built_in(json!({"configs": [
        {"name": "web_fetch", "blocked_domains": ["a.example"], "max_content_tokens": null}]})));
    let null = json!({"configs": [{"name": "web_fetch", "blocked_domains": null,
        "allowed_domains": ["b.example"], "max_content_tokens": null}]});
    assert_eq!(
        merged(&current, null.clone()).tools.unwrap()[0]["configs"],
        json!([{"name": "web_fetch", "max_content_tokens": null, "allowed_domains": ["b.example"]}])
    );
    let arguments = json!([{"mode": "merge", "tools": [built_in(null)]}]);
    insta::assert_snapshot!(diffs(&current, arguments));
}

/// The diff shows the defaults that settings are reset to.
#[test]
fn replacing_resets_what_is_left_out() {
    let mut strict = resolved_builtin();
    strict["default_config"]["permission_policy"] = json!({"type": "always_ask"});
    strict["configs"] = json!([
        {"type": "bash", "name": "bash", "enabled": false, "permission_policy": {"type": "always_ask"}},
        {"name": "web_fetch", "enabled": true, "permission_policy": {"type": "always_allow"},
         "allowed_domains": ["a.example"]},
    ]);
    insta::assert_snapshot!(diffs(&has(&strict), json!([{"tools": [{"type": BUILT_IN}]}])));
}

#[test]
fn what_is_equal_by_default_is_no_change() {
    let config = |config: Value| built_in(json!({"configs": [config]}));
    let mcp = |settings: Value| json!({"type": "mcp_toolset", "mcp_server_name": "linear", "default_config": settings});
    let pinned = json!({"type": "mcp_toolset", "mcp_server_name": "linear",
        "configs": [{"name": "x", "enabled": true}]});
    let equal = json!([
        [resolved_builtin(), {"type": BUILT_IN, "configs": []}],
        [resolved_builtin(), config(json!({"name": "bash"}))],
        [resolved_builtin(), config(json!({"name": "bash", "enabled": null}))],
        [mcp(json!({"enabled": true, "permission_policy": {"type": "always_ask"}})), mcp(Value::Null)],
        [config(json!({"name": "web_fetch", "max_content_tokens": 5e4, "url_sources": {"user_input": {"type": "none"}}})),
         config(json!({"name": "web_fetch", "max_content_tokens": 50000, "url_sources": {"user_input": "none"}}))],
        [{"type": "future", "x": 1.50}, {"x": 1.5, "type": "future"}],
    ]);
    let different = json!([
        [resolved_builtin(), config(json!({"name": "bash", "enabled": false}))],
        [mcp(json!({"permission_policy": {"type": "always_allow"}})), mcp(Value::Null)],
        [mcp(json!({"enabled": false})), mcp(json!({}))],
        // A config that repeats the default pins its tool, so adding or removing it is reported.
        [pinned, mcp(json!({}))],
        [mcp(json!({})), pinned],
        [{"type": "future", "x": null}, {"type": "future"}],
    ]);
    for (cases, unchanged) in [(equal, true), (different, false)] {
        for case in array(cases) {
            let current = toolset(json!([case[0]]), json!([linear()]));
            let change = planned(&current, &json!({"tools": [case[1]]}));
            assert_eq!(change.changes.is_empty(), unchanged, "{case}: {:?}", change.changes);
        }
    }
}

#[test]
fn a_domain_list_is_a_set_of_host_names() {
    let allow = |domains| json!({"configs": [{"name": "web_search", "allowed_domains": domains}]});
    let current = has(&built_in(allow(json!(["b.example/Docs", "a.example"]))));
    for (domains, unchanged) in [
        (json!(["A.example", "b.example/Docs"]), true),
        (json!(["a.example", "b.example/docs"]), false),
        (json!(["a.example"]), false),
    ] {
        let change = merged(&current, allow(domains.clone()));
        assert_eq!(change.changes.is_empty(), unchanged, "{domains}");
    }
}

#[test]
fn removing_a_key_keeps_the_order_of_the_others() {
    let config = json!({"name": "web_fetch", "blocked_domains": ["a.example"], "enabled": true, "x": 1, "y": 2});
    let current = has(&built_in(json!({"configs": [config]})));
    let null = json!({"configs": [{"name": "web_fetch", "blocked_domains": null}]});
    assert_eq!(
        merged(&current, null).tools.unwrap()[0]["configs"][0].to_string(),
        r#"{"name":"web_fetch","enabled":true,"x":1,"y":2}"#
    );
}

#[test]
fn tools_that_follow_a_changed_default_are_not_listed() {
    let configs = json!([{"name": "bash", "enabled": null}, {"name": "read", "enabled": true}]);
    let disable = built_in(json!({"default_config": {"enabled": false}}));
    insta::assert_snapshot!(diffs(
        &has(&built_in(json!({"configs": configs}))),
        json!([{"mode": "merge", "tools": [disable]}])
    ));
}
