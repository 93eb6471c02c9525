//! What the API fills in by itself, and what that means for a merge, a replacement and a diff.

use serde_json::{Value, json};

use crate::domain::toolset::tests::{changes, linear, planned, resolved_builtin, toolset};

#[test]
fn merging_a_default_keeps_what_was_disabled() {
    let current = toolset(
        json!([{"type": "agent_toolset_20260401",
            "default_config": {"enabled": false, "permission_policy": {"type": "always_allow"}}}]),
        json!([]),
    );
    let plan = planned(
        &current,
        &json!({"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
        "default_config": {"permission_policy": {"type": "always_ask"}}}]}),
    );
    assert_eq!(
        plan.tools.unwrap(),
        [json!({"type": "agent_toolset_20260401",
            "default_config": {"enabled": false, "permission_policy": {"type": "always_ask"}}})]
    );
}

#[test]
fn null_takes_a_setting_away_in_a_merge() {
    let current = toolset(
        json!([{"type": "agent_toolset_20260401",
            "configs": [{"name": "web_fetch", "blocked_domains": ["a.example"], "max_content_tokens": null}]}]),
        json!([]),
    );
    let arguments = json!({"mode": "merge", "tools": [{"type": "agent_toolset_20260401", "configs": [
        {"name": "web_fetch", "blocked_domains": null, "allowed_domains": ["b.example"], "max_content_tokens": null}]}]});
    let plan = planned(&current, &arguments);
    assert_eq!(
        plan.tools.unwrap()[0]["configs"],
        json!([{"name": "web_fetch", "max_content_tokens": null, "allowed_domains": ["b.example"]}])
    );
    assert_eq!(
        changes(&plan.changes)["tools"]["changed"][0]["before"],
        json!({"configs": [{"name": "web_fetch", "blocked_domains": ["a.example"]}]})
    );
}

/// Replacing resets what is left out; the diff says to what.
#[test]
fn replacing_resets_what_is_left_out() {
    let mut strict = resolved_builtin();
    strict["default_config"]["permission_policy"] = json!({"type": "always_ask"});
    strict["configs"] = json!([
        {"type": "bash", "name": "bash", "enabled": false, "permission_policy": {"type": "always_ask"}},
        {"name": "web_fetch", "enabled": true, "permission_policy": {"type": "always_allow"},
         "allowed_domains": ["a.example"]},
    ]);
    let current = toolset(json!([strict]), json!([]));
    let plan = planned(
        &current,
        &json!({"tools": [{"type": "agent_toolset_20260401"}]}),
    );
    assert_eq!(
        changes(&plan.changes),
        json!({"tools": {"changed": [{
            "type": "agent_toolset_20260401",
            "before": {
                "default_config": {"permission_policy": {"type": "always_ask"}},
                "configs": [
                    {"name": "bash", "enabled": false, "permission_policy": {"type": "always_ask"}},
                    {"name": "web_fetch", "allowed_domains": ["a.example"]},
                ],
            },
            "after": {
                "default_config": {"permission_policy": {"type": "always_allow"}},
                "configs": [{"name": "bash", "enabled": true, "permission_policy": {"type": "always_allow"}}],
            },
        }]}})
    );
}

#[test]
fn what_the_defaults_make_equal_is_no_change() {
    let web = |config: Value| json!([{"type": "agent_toolset_20260401", "configs": [config]}]);
    let mcp = |settings: Value| json!([{"type": "mcp_toolset", "mcp_server_name": "linear", "default_config": settings}]);
    let pinned = json!([{"type": "mcp_toolset", "mcp_server_name": "linear",
        "configs": [{"name": "x", "enabled": true}]}]);
    for (now, asked, unchanged) in [
        (
            json!([resolved_builtin()]),
            json!([{"type": "agent_toolset_20260401", "configs": []}]),
            true,
        ),
        (
            json!([resolved_builtin()]),
            web(json!({"name": "bash"})),
            true,
        ),
        (
            json!([resolved_builtin()]),
            web(json!({"name": "bash", "enabled": null})),
            true,
        ),
        (
            json!([resolved_builtin()]),
            web(json!({"name": "bash", "enabled": false})),
            false,
        ),
        (
            mcp(json!({"enabled": true, "permission_policy": {"type": "always_ask"}})),
            mcp(Value::Null),
            true,
        ),
        (
            mcp(json!({"permission_policy": {"type": "always_allow"}})),
            mcp(Value::Null),
            false,
        ),
        (mcp(json!({"enabled": false})), mcp(json!({})), false),
        // A config that repeats the default pins its tool: going or coming, it is reported.
        (pinned.clone(), mcp(json!({})), false),
        (mcp(json!({})), pinned, false),
        (
            web(
                json!({"name": "web_fetch", "max_content_tokens": 5e4, "url_sources": {"user_input": {"type": "none"}}}),
            ),
            web(
                json!({"name": "web_fetch", "max_content_tokens": 50000, "url_sources": {"user_input": "none"}}),
            ),
            true,
        ),
        (
            json!([{"type": "future", "x": null}]),
            json!([{"type": "future"}]),
            false,
        ),
        (
            json!([{"type": "future", "x": 1.50}]),
            json!([{"x": 1.5, "type": "future"}]),
            true,
        ),
    ] {
        let current = toolset(now.clone(), json!([linear()]));
        let plan = planned(&current, &json!({"tools": asked}));
        assert_eq!(
            plan.changes.is_empty(),
            unchanged,
            "{now} -> {asked}: {:?}",
            plan.changes
        );
    }
}

#[test]
fn a_domain_list_is_a_set_of_host_names() {
    let current = toolset(
        json!([{"type": "agent_toolset_20260401",
            "configs": [{"name": "web_search", "allowed_domains": ["b.example/Docs", "a.example"]}]}]),
        json!([]),
    );
    for (domains, unchanged) in [
        (json!(["A.example", "b.example/Docs"]), true),
        (json!(["a.example", "b.example/docs"]), false),
        (json!(["a.example"]), false),
    ] {
        let arguments = json!({"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
            "configs": [{"name": "web_search", "allowed_domains": domains}]}]});
        assert_eq!(
            planned(&current, &arguments).changes.is_empty(),
            unchanged,
            "{domains}"
        );
    }
}

#[test]
fn taking_a_key_away_leaves_the_others_in_their_order() {
    let config = json!({"name": "web_fetch", "blocked_domains": ["a.example"], "enabled": true, "x": 1, "y": 2});
    let current = toolset(
        json!([{"type": "agent_toolset_20260401", "configs": [config]}]),
        json!([]),
    );
    let arguments = json!({"mode": "merge", "tools": [{"type": "agent_toolset_20260401",
        "configs": [{"name": "web_fetch", "blocked_domains": null}]}]});
    assert_eq!(
        planned(&current, &arguments).tools.unwrap()[0]["configs"][0].to_string(),
        r#"{"name":"web_fetch","enabled":true,"x":1,"y":2}"#
    );
}

#[test]
fn tools_that_follow_a_changed_default_are_not_listed_one_by_one() {
    let configs = json!([{"name": "bash", "enabled": null}, {"name": "read", "enabled": true}]);
    let current = toolset(
        json!([{"type": "agent_toolset_20260401", "configs": configs}]),
        json!([]),
    );
    let arguments = json!({"mode": "merge", "tools": [
        {"type": "agent_toolset_20260401", "default_config": {"enabled": false}}]});
    assert_eq!(
        changes(&planned(&current, &arguments).changes),
        json!({"tools": {"changed": [{"type": "agent_toolset_20260401",
            "before": {"default_config": {"enabled": true}},
            "after": {"default_config": {"enabled": false}}}]}})
    );
}
