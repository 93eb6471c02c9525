//! Whose problem something is. The problems themselves are covered by the tests of their words, in
//! `explain`.

use serde_json::{Value, json};

use managed_sessions_mcp::domain::toolset::{Problem, ProblemKind, Section, Toolset};

use super::{custom, linear, patch, plan, planned, toolset};

fn problems(current: &Toolset, arguments: &Value) -> Vec<Problem> {
    plan(current, &patch(arguments)).expect_err(&arguments.to_string())
}

fn tool(entry: Value) -> Value {
    json!({"mode": "merge", "tools": Value::Array(vec![entry])})
}

fn at(path: &str, kind: ProblemKind) -> Problem {
    let path = path.to_owned();
    Problem { path, kind }
}

#[test]
fn limits_do_not_apply_to_what_shrinks() {
    let server = |n: i32| json!({"type": "url", "name": n.to_string(), "url": "https://x.example"});
    let servers: Vec<_> = (0..22).map(server).collect();
    let over = toolset(json!([]), Value::Array(servers));
    let left = planned(&over, &json!({"remove_mcp_servers": ["0"]})).mcp_servers;
    assert_eq!(left.map(|servers| servers.len()), Some(21));
    let more = json!({"mode": "merge", "mcp_servers": [server(22)]});
    let expected = at("mcp_servers", ProblemKind::TooManyEntries(23, 20));
    assert_eq!(problems(&over, &more), [expected]);
}

#[test]
fn the_number_of_tools_is_left_to_the_service() {
    let tools: Vec<_> = (0..299).map(|n| custom(&n.to_string())).collect();
    let many = toolset(Value::Array(tools), json!([]));
    let more = planned(&many, &tool(custom("more"))).tools;
    assert_eq!(more.map(|tools| tools.len()), Some(300));
}

/// A compatible service may have what the API would refuse; that is not the caller's fault.
#[test]
fn what_was_already_there_is_not_reported() {
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
    let current = toolset(odd.clone(), json!([{"name": "plain", "url": "http://localhost:1"}]));
    let mut everything = odd;
    everything[8] = custom("new");
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
        let change = planned(&current, &arguments);
        assert!(!change.changes.is_empty(), "{arguments}");
    }
    let touched = tool(json!({"type": "agent_toolset_20260401",
        "configs": [{"name": "web_fetch", "blocked_domains": []}]}));
    assert_eq!(problems(&current, &touched).len(), 2);

    let repeated = |entry: Value| {
        let identity = Section::Tools.identity(&entry).unwrap();
        let first = "tools[0]".to_owned();
        ProblemKind::RepeatedEntry(identity, first)
    };
    let ambiguous = json!({"type": "custom", "name": "twice", "description": "e"});
    let expected = at("session.tools[8]", repeated(ambiguous.clone()));
    assert_eq!(problems(&current, &tool(ambiguous)), [expected]);
    let vague = json!({"type": "future", "v": 3});
    let expected = at("session.tools[6]", repeated(vague.clone()));
    assert_eq!(problems(&current, &tool(vague))[0], expected);
}

#[test]
fn a_problem_in_a_merged_entry_is_reported_where_it_came_from() {
    let current = toolset(
        json!([custom("first"), {"type": "agent_toolset_20260401", "configs": [
            {"name": "read"}, {"name": "web_fetch", "blocked_domains": ["x.example"]}]}]),
        json!([]),
    );
    let arguments = tool(json!({"type": "agent_toolset_20260401",
        "configs": [{"name": "web_fetch", "allowed_domains": ["y.example"]}]}));
    let path = "tools[0].configs[0].allowed_domains";
    assert_eq!(problems(&current, &arguments), [at(path, ProblemKind::BothDomainLists)]);
}
