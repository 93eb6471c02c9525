use serde_json::{Value, json};

use managed_sessions_mcp::{
    domain::events::{EventFilter, shown},
    model::Event,
};

fn event(fields: &Value) -> Event {
    fields.as_object().unwrap().clone()
}

#[test]
fn an_event_is_shown_by_what_matters_of_its_kind() {
    let cases = json!([
        {"id": "e", "type": "agent.message", "processed_at": "2026-01-01T00:00:00.5Z",
         "content": [{"type": "text", "text": "Done."}, {"type": "redacted"}]},
        {"id": "e", "type": "agent.mcp_tool_use", "name": "search", "session_thread_id": null,
         "mcp_server_name": "linear", "input": {"q": "x"}, "evaluated_permission": "ask",
         "evaluation": {"type": "always_ask"}},
        {"type": "agent.tool_result", "tool_use_id": "u", "is_error": true,
         "content": [{"type": "text", "text": "x".repeat(50)}]},
        {"type": "agent.tool_use", "name": "write", "input": {"p": "a", "t": "y".repeat(30)}},
        {"type": "galaxy.new", "shine": [1, {"far": 1.50}], "deep": null},
        {"type": "galaxy.new", "many": (0..30).collect::<Vec<_>>()},
    ]);
    let cases = cases.as_array().unwrap().iter();
    let shown: Vec<_> =
        cases.map(|case| Value::Object(shown(&event(case), 40)).to_string()).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn an_event_that_is_not_processed_yet_matches_any_time() {
    let filter = EventFilter {
        after: "2026-01-02T00:00:00Z".parse().ok(),
        types: vec!["user.message".into()],
        ..EventFilter::default()
    };
    for (kind, processed_at, expected) in [
        ("user.message", None, true),
        ("user.message", Some("2026-01-01T00:00:00Z"), false),
        ("user.message", Some("2026-01-02T00:00:00Z"), true),
        ("agent.message", None, false),
    ] {
        let event = event(&json!({"type": kind, "processed_at": processed_at}));
        assert_eq!(filter.matches(&event), expected, "{event:?}");
    }
}

/// A service's own field may have the name under which a field of the API is shown.
#[test]
fn a_known_field_wins_over_one_of_the_same_name() {
    for (sent, expected) in [
        (
            json!({"type": "agent.tool_use", "name": "bash", "tool": {"kind": "shell"}}),
            json!({"type": "agent.tool_use", "tool": "bash", "tool_": {"kind": "shell"}}),
        ),
        (
            json!({"type": "agent.tool_use", "tool": "other", "name": "bash", "tool_": 5}),
            json!({"type": "agent.tool_use", "tool": "bash", "tool_": 5, "tool__": "other"}),
        ),
        (
            json!({"type": "agent.message", "text": "their own", "at": "later",
                "processed_at": "2026-01-01T00:00:00Z",
                "content": [{"type": "text", "text": "Done."}]}),
            json!({"type": "agent.message", "at": "2026-01-01T00:00:00Z", "text": "Done.",
                "text_": "their own", "at_": "later"}),
        ),
        (
            json!({"type": "agent.tool_result", "result": "ok", "content": "plain text"}),
            json!({"type": "agent.tool_result", "result": "plain text", "result_": "ok"}),
        ),
        (
            json!({"type": "agent.mcp_tool_use", "permission": 1, "evaluated_permission": "ask",
                "mcp_server": 2, "mcp_server_name": "linear", "cut": 9}),
            json!({"type": "agent.mcp_tool_use", "permission": "ask", "mcp_server": "linear",
                "permission_": 1, "mcp_server_": 2, "cut_": 9}),
        ),
        // Where nothing else takes the name, it is the field's own.
        (
            json!({"type": "galaxy.new", "tool": "x", "text": "y"}),
            json!({"type": "galaxy.new", "tool": "x", "text": "y"}),
        ),
    ] {
        assert_eq!(Value::Object(shown(&event(&sent), 100)), expected, "{sent}");
    }
}
