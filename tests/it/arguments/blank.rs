//! Hosts in strict mode fill in every optional argument: null, an empty string and an array of
//! nothing mean "not given", for every argument of every tool.

use managed_sessions_mcp::cli::Flags;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{
    reply::Reply,
    support::{Api, Host, NOWHERE, session, with_fields},
};

/// A service whose answers never change, whatever is written.
async fn unchanging() -> Api {
    let before = session("sesn_1", "idle");
    let archived = with_fields(before.clone(), json!({"archived_at": "2026-11-03T00:00:00Z"}));
    let renamed = with_fields(before.clone(), json!({"title": "New"}));
    let page = |data: Value| json!({"data": data, "next_page": null});
    let event = json!({"id": "sevt_1", "type": "session.status_idle",
        "processed_at": "2026-11-02T09:30:00Z", "stop_reason": {"type": "end_turn"}});
    let agent = json!({"id": "agent_1", "type": "agent", "name": "Fixer"});
    let api = Api::with_session(before.clone()).await;
    for (method, path, answer) in [
        ("GET", "", page(json!([before]))),
        ("POST", "", before.clone()),
        ("GET", "/sesn_1/events", page(json!([event]))),
        ("GET", "/sesn_1/threads", page(json!([]))),
        ("POST", "/sesn_1", renamed),
        ("POST", "/sesn_1/archive", archived),
        ("POST", "/sesn_1/events", json!({"data": []})),
    ] {
        api.answers(method, &format!("/v1/sessions{path}"), 200, answer).await;
    }
    api.accepts_delete("/v1/sessions/sesn_1").await;
    api.answers("GET", "/v1/agents", 200, page(json!([agent]))).await;
    api
}

/// A call of the tool that the service answers, and in which every argument can be left out or
/// added without a mistake.
fn good_calls(tool: &str) -> Vec<Value> {
    let one = json!({"session_id": "sesn_1"});
    match tool {
        "list_sessions" | "summarize_sessions" | "triage_sessions" => vec![
            json!({}),
            json!({"agent": "agent_1", "agent_version": 3, "statuses": ["idle"],
                   "title_contains": "login", "include_archived": true, "order": "asc"}),
        ],
        "list_agents" => vec![json!({"name_contains": "fix", "include_archived": true})],
        "start_session" => vec![
            json!({"agent": "agent_1", "environment": "env_1", "title": "New", "message": "Begin.",
                   "metadata": {"a": "b"}, "budget": "1.00 USD", "vault_ids": ["vlt_1"],
                   "mcp_servers": [{"type": "url", "name": "x", "url": "https://example.com"}],
                   "dry_run": true}),
            json!({"like_session": "sesn_1"}),
        ],
        "plan_changes" => vec![
            json!({"action": "archive", "session_ids": ["sesn_1"]}),
            json!({"action": "archive", "statuses": ["idle"], "title_contains": "login"}),
        ],
        "apply_changes" => vec![json!({"plan_id": "plan_of_nobody"})],
        "update_session" => vec![
            with_fields(one.clone(), json!({"title": "New", "metadata": {}})),
            with_fields(one, json!({"clear": ["title"], "metadata": {"a": "b"}, "dry_run": true})),
        ],
        "update_session_tools" => vec![with_fields(
            one,
            json!({"tools": [{"type": "agent_toolset_20260401"}], "mode": "merge", "dry_run": true,
                   "mcp_servers": [{"type": "url", "name": "x", "url": "https://example.com"}]}),
        )],
        _ => vec![one],
    }
}

/// What a call answers and asks of the service, without what differs from call to call.
async fn effects(api: &Api, host: &Host, tool: &str, arguments: &Value) -> (Value, Vec<String>) {
    let before = api.asked().await.len();
    let answer = match host.call(tool, arguments.clone()).await {
        Reply::Answer(answer) => answer,
        Reply::Failure(text, _) => json!({"failure": text}),
    };
    let mut answer = answer;
    for (name, value) in answer.as_object_mut().expect("an object") {
        if ["plan_id", "expires_at", "waited_seconds"].contains(&name.as_str()) {
            *value = Value::Null;
        }
    }
    (answer, api.asked_whole().await.split_off(before))
}

fn accepts(tool: &str, properties: &Map<String, Value>, call: &Value) -> Value {
    // Both groups of tools that share a call take different arguments.
    let call = call.as_object().expect("an object").clone();
    let known = call.into_iter().filter(|(name, _)| properties.contains_key(name));
    let known: Map<String, Value> = known.collect();
    assert!(!known.is_empty() || tool.ends_with("_sessions"), "{tool} has no call");
    known.into()
}

#[tokio::test]
async fn a_blank_argument_is_the_same_as_none() {
    let folder = TempDir::new().expect("a folder");
    let flags = || Flags { export_dir: Some(folder.path().to_owned()), ..Flags::default() };
    let mut checked = 0;
    for tool in Host::with_flags(flags(), NOWHERE).await.tools().await {
        let api = unchanging().await;
        let host = api.host_with(flags()).await;
        let schema = Value::Object(tool.input_schema.as_ref().clone());
        let properties = schema["properties"].as_object().expect("properties");
        for call in good_calls(&tool.name) {
            let call = accepts(&tool.name, properties, &call);
            for (name, property) in properties {
                let mut without = call.clone();
                without.as_object_mut().expect("an object").shift_remove(name);
                let expected = effects(&api, &host, &tool.name, &without).await;
                let mut blanks = vec![json!(null), json!("")];
                // An array that chooses what is acted on needs an entry.
                let chooses = property.get("minItems").is_some();
                if property["type"] == "array" && !chooses {
                    blanks.push(json!([]));
                }
                for blank in blanks {
                    let mut given = without.clone();
                    given[name] = blank;
                    let found = effects(&api, &host, &tool.name, &given).await;
                    assert_eq!(found, expected, "{} {given}", tool.name);
                    checked += 1;
                }
                if chooses {
                    let mut given = without;
                    given[name] = json!([]);
                    let code = host.outcome(&tool.name, given).await;
                    assert_eq!(code, "invalid_arguments", "{} {name}", tool.name);
                }
            }
        }
    }
    assert!(checked > 200, "{checked}");
}

#[tokio::test]
async fn blanks_never_clear_a_title_or_a_budget() {
    let budget = json!({"type": "limit", "max_list_cost": {"amount": "5000", "currency": "USD"}});
    let before = with_fields(session("sesn_1", "idle"), json!({"budget": budget}));
    let after = with_fields(before.clone(), json!({"metadata": {"team": "x"}}));
    let api = Api::with_session(before).await;
    api.answers("POST", "/v1/sessions/sesn_1", 200, after).await;
    let host = api.host().await;
    for (title, budget) in
        [(json!(null), json!(null)), (json!(""), json!("")), (json!(" "), json!("null"))]
    {
        let filled = json!({"session_id": "sesn_1", "metadata": {"team": "x"}, "title": title,
            "budget": if budget == "null" { json!(null) } else { budget }, "clear": [],
            "dry_run": null, "expected_updated_at": ""});
        assert_eq!(host.outcome("update_session", filled).await, "updated");
        assert_eq!(api.last_body().await, json!({"metadata": {"team": "x"}}));
    }
}

#[tokio::test]
async fn what_clears_says_so_and_contradictions_are_refused() {
    let budget = json!({"type": "limit", "max_list_cost": {"amount": "5000", "currency": "USD"}});
    let before = with_fields(session("sesn_1", "idle"), json!({"budget": budget}));
    let after = with_fields(before.clone(), json!({"title": null, "budget": null}));
    let api = Api::with_session(before).await;
    api.answers("POST", "/v1/sessions/sesn_1", 200, after).await;
    let host = api.host().await;
    for (arguments, expected) in [
        (json!({"clear": ["title"], "title": "New"}), "title is given and named in clear"),
        (json!({"clear": "budget", "budget": "9 USD"}), "budget is given and named in clear"),
        (
            json!({"clear": ["metadata"]}),
            "clear[0] was \"metadata\"; give one of \"title\", \"budget\"",
        ),
        (json!({"budget": "none"}), "(clear takes it away), was \"none\""),
        (json!({"clear": []}), "give title, metadata, budget or clear"),
    ] {
        let arguments = with_fields(arguments, json!({"session_id": "sesn_1"}));
        let failure = host.failure("update_session", arguments).await;
        assert!(failure.starts_with("invalid_arguments: "), "{failure}");
        assert!(failure.contains(expected.trim_end_matches(", was \"none\"")), "{failure}");
    }
    assert_eq!(api.asked().await, [""; 0]);
    let both =
        json!({"session_id": "sesn_1", "clear": ["title", "budget"], "title": "", "budget": null});
    let answer = host.answer("update_session", both).await;
    assert_eq!(api.last_body().await, json!({"title": null, "budget": null}));
    assert_eq!(answer["changes"]["budget"], json!({"before": "50.00 USD", "after": null}));
}

#[tokio::test]
async fn a_plan_of_blanks_is_not_a_plan_of_everything() {
    let api = unchanging().await;
    let host = api.host().await;
    for blanks in [
        json!({}),
        json!({"agent": "", "statuses": [], "metadata": {}, "title_contains": null,
               "include_archived": true, "session_ids": null, "max_sessions": 1000}),
        json!({"statuses": [""], "created_before": " "}),
    ] {
        let plan = with_fields(blanks, json!({"action": "delete"}));
        let failure = host.failure("plan_changes", plan).await;
        assert!(failure.contains("neither session_ids nor a filter is given"), "{failure}");
    }
    let none = json!({"action": "delete", "session_ids": [], "statuses": ["idle"]});
    assert_eq!(host.outcome("plan_changes", none).await, "invalid_arguments");
    assert_eq!(api.asked().await, [""; 0]);
}
