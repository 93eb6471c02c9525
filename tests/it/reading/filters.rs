//! What sessions use, and what is left out of lists, on all tools that take the filters.

use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers};

use super::{allowing, ignoring_filters, sessions};
use crate::support::{Api, Host, all_pages, every_tool, ids, sandbox, session, with_fields};

const LIST: &str = "/v1/sessions";

async fn listed(host: &Host, filter: Value) -> Vec<String> {
    let arguments = with_fields(json!({"include_archived": true, "limit": 100}), filter);
    ids(&host.answer("list_sessions", arguments).await["sessions"])
}

#[tokio::test]
async fn sessions_are_found_by_what_they_use() {
    let sandbox = sandbox().await;
    let host = Host::with_every_tool(&sandbox.base_url()).await;
    let all = listed(&host, json!({})).await;
    let github = listed(&host, json!({"uses": "GitHub"})).await;
    for (id, expected) in [("sesn_15", true), ("sesn_16", true), ("sesn_01", false)] {
        assert_eq!(github.contains(&id.to_owned()), expected, "{id}: {github:?}");
    }
    for (uses, expected) in [
        ("github.list_commits:always_allow", github.clone()),
        ("github.merge_pull_request:always_ask", github.clone()),
        ("github.list_commits:always_ask", vec![]),
        ("githu", vec![]),
    ] {
        assert_eq!(listed(&host, json!({"uses": uses})).await, expected, "{uses}");
    }
    for uses in ["bash", "bash:always_allow", "bash:always_ask", "lookup_order", "linear"] {
        let found = listed(&host, json!({"uses": uses})).await;
        assert!(!found.is_empty() && found.len() < all.len(), "{uses}: {found:?}");
    }
    let asking = listed(&host, json!({"uses": "bash:always_ask"})).await;
    let allowing = listed(&host, json!({"uses": "bash:always_allow"})).await;
    let mut both: Vec<String> = asking.into_iter().chain(allowing).collect();
    both.sort();
    let mut bash = listed(&host, json!({"uses": "bash"})).await;
    bash.sort();
    assert_eq!(both, bash, "a tool has one permission");

    // An update shows at once, though the agent is the same.
    let off = json!({"session_id": "sesn_16", "mode": "replace", "tools": [], "mcp_servers": []});
    host.answer("update_session_tools", off).await;
    let others: Vec<&String> = github.iter().filter(|id| *id != "sesn_16").collect();
    assert_eq!(listed(&host, json!({"uses": "github"})).await.iter().collect::<Vec<_>>(), others);
}

#[tokio::test]
async fn every_tool_on_many_sessions_takes_the_filters() {
    let sandbox = sandbox().await;
    let host = Host::with_every_tool(&sandbox.base_url()).await;
    let all = listed(&host, json!({})).await;
    for filter in [
        json!({"uses": "github"}),
        json!({"not_title_contains": "REFUND"}),
        json!({"not_metadata": ["team=payments", "tier"]}),
        json!({"not_metadata": "team"}),
        json!({"exclude_session_ids": ["sesn_01", "sesn_16"]}),
        json!({"exclude_session_ids": "[\"sesn_01\"]", "uses": "bash"}),
    ] {
        let found = listed(&host, filter.clone()).await;
        assert!(!found.is_empty() && found.len() < all.len(), "{filter}: {found:?}");
        let pages = with_fields(filter.clone(), json!({"include_archived": true, "limit": 2}));
        let all_rows = all_pages(&host, "list_sessions", pages, "sessions").await;
        assert_eq!(ids(&all_rows), found, "{filter}");
        let summary = host.answer("summarize_sessions", filter.clone()).await;
        assert_eq!(summary["totals"]["sessions"], found.len(), "{filter}");
        let whole = with_fields(filter.clone(), json!({"include_archived": true}));
        let triage = host.answer("triage_sessions", whole).await;
        let counts = triage["counts"].as_object().expect("counts").values();
        let sum: u64 = counts.filter_map(Value::as_u64).sum();
        assert_eq!(usize::try_from(sum), Ok(found.len()), "{filter}");
    }
}

#[tokio::test]
async fn a_plan_holds_no_session_that_is_left_out() {
    let sandbox = sandbox().await;
    let host = Host::with_every_tool(&sandbox.base_url()).await;
    let plan = async |more: Value| {
        let arguments = with_fields(json!({"action": "archive", "include_waiting": true}), more);
        ids(&host.answer("plan_changes", arguments).await["sessions"])
    };
    let all = plan(json!({"uses": "github"})).await;
    let (first, rest) = all.split_first().expect("a session");
    let without = json!({"uses": "github", "exclude_session_ids": first});
    assert_eq!(plan(without).await, rest);
    let named = json!({"session_ids": all, "exclude_session_ids": [first, "sesn_01"]});
    assert_eq!(plan(named).await, rest);
    let update = json!({"action": "update_tools", "uses": "github", "exclude_session_ids": first,
                        "remove_mcp_servers": ["github"], "max_scan": 10_000});
    assert_eq!(ids(&host.answer("plan_changes", update).await["sessions"]), rest);
    let own = json!({"action": "archive", "uses": "githb"});
    let warnings = host.answer("plan_changes", own).await["warnings"].to_string();
    assert!(warnings.contains("they use"), "{warnings}");
    for (refused, expected) in [
        (json!({"exclude_session_ids": "sesn_01"}), "neither session_ids nor a filter"),
        (json!({"session_ids": "sesn_1", "exclude_session_ids": ["sesn_1"]}), "leaves none of"),
        (json!({"session_ids": "sesn_1", "uses": "bash"}), "give one of them"),
    ] {
        let refused = with_fields(json!({"action": "archive"}), refused);
        let failure = host.failure("plan_changes", refused).await;
        assert!(failure.contains(expected), "{failure}");
    }
    let earlier = json!({"plan_id": "plan_1", "exclude_session_ids": ["sesn_1"]});
    let failure = host.failure("plan_changes", earlier).await;
    assert!(failure.contains("as it is"), "{failure}");
}

#[tokio::test]
async fn an_empty_answer_says_what_is_used_instead() {
    let sandbox = sandbox().await;
    let host = Host::with_every_tool(&sandbox.base_url()).await;
    for (tool, expected) in [
        ("list_sessions", "\"github\""),
        ("summarize_sessions", "\"github\""),
        ("triage_sessions", "\"github\""),
    ] {
        let answer = host.answer(tool, json!({"uses": "githb"})).await;
        let warning = answer["warnings"][0].as_str().expect("a warning");
        assert!(warning.contains("uses \"githb\"; they use \"github"), "{tool}: {warning}");
        assert!(warning.contains(expected), "{tool}: {warning}");
    }
    let warnings = async |filter: Value| {
        host.answer("list_sessions", filter).await.get("warnings").cloned().unwrap_or_default()
    };
    let permission = warnings(json!({"uses": "github:auto"})).await;
    assert!(permission.to_string().contains("under another permission"), "{permission}");
    // Another condition is to blame, or nothing is empty.
    for filter in [json!({"uses": "x", "title_contains": "of nobody"}), json!({"uses": "bash"})] {
        assert_eq!(warnings(filter).await, Value::Null);
    }
    let bare = ignoring_filters(LIST, sessions(5)).await;
    let answer = bare.host().await.answer("list_sessions", json!({"uses": "bash"})).await;
    let warning = answer["warnings"][0].as_str().expect("a warning");
    assert!(warning.ends_with("the list names no tool or server of theirs"), "{warning}");
}

#[tokio::test]
async fn strange_records_are_read_with_the_others() {
    let agents = [
        json!("agent_1"),
        json!(null),
        json!({"id": "agent_1"}),
        json!({"id": "agent_1", "tools": null, "mcp_servers": null}),
        json!({"id": "agent_1", "tools": ["bash"], "mcp_servers": ["github"]}),
        json!({"id": "agent_1", "tools": [{"type": "agent_toolset_20260401"}]}),
    ];
    let records = agents.iter().enumerate().map(|(index, agent)| {
        with_fields(session(&format!("sesn_{index}"), "idle"), json!({"agent": agent}))
    });
    let api = ignoring_filters(LIST, records.collect()).await;
    let host = api.host().await;
    assert_eq!(listed(&host, json!({"uses": "bash"})).await, ["sesn_4", "sesn_5"]);
    assert_eq!(listed(&host, json!({"uses": "github"})).await, ["sesn_4"]);
    let answer = host.answer("list_sessions", json!({"uses": "grep"})).await;
    assert_eq!((&answer["scanned"], &answer["complete"]), (&json!(6), &json!(true)));
}

#[tokio::test]
async fn agents_that_are_not_allowed_lend_no_names() {
    let of = |id: &str, agent: &str, server: &str| {
        let agent = json!({"id": agent, "mcp_servers": [{"type": "url", "name": server}]});
        with_fields(session(id, "idle"), json!({"agent": agent}))
    };
    let records = vec![of("sesn_1", "agent_1", "linear"), of("sesn_2", "agent_2", "secret")];
    let api = ignoring_filters(LIST, records).await;
    let host = api.host_with(allowing("agent_1")).await;
    for uses in ["secret", "linearr"] {
        let answer = host.answer("list_sessions", json!({"uses": uses})).await.to_string();
        assert!(answer.contains("they use \\\"linear\\\""), "{answer}");
        assert!(!answer.contains("use \\\"secret") && !answer.contains(", \\\"secret"), "{answer}");
    }
}

#[tokio::test]
async fn a_cursor_is_bound_to_every_filter() {
    let api = ignoring_filters(LIST, sessions(60)).await;
    let host = api.host().await;
    let filter =
        json!({"exclude_session_ids": ["sesn_none"], "not_metadata": ["none"], "limit": 3});
    let answer = host.answer("list_sessions", filter.clone()).await;
    let resumed = with_fields(filter, json!({"page": answer["next_page"]}));
    assert_eq!(
        host.answer("list_sessions", resumed.clone()).await["sessions"][0]["id"],
        "sesn_003"
    );
    for other in [
        json!({"uses": "bash"}),
        json!({"not_title_contains": "x"}),
        json!({"not_metadata": ["none", "other"]}),
        json!({"not_metadata": []}),
        json!({"exclude_session_ids": ["sesn_other"]}),
        json!({"exclude_session_ids": null}),
    ] {
        let failure = host.failure("list_sessions", with_fields(resumed.clone(), other)).await;
        assert!(failure.starts_with("invalid_arguments: "), "{failure}");
        assert!(failure.contains("page"), "{failure}");
    }
}

#[tokio::test]
async fn every_bad_value_is_named() {
    let api = Api::new().await;
    let host = api.host_with(every_tool()).await;
    let many: Vec<String> = (0..1_001).map(|index| format!("sesn_{index}")).collect();
    for (arguments, expected) in [
        (json!({"exclude_session_ids": ["sesn_1", "..", "a b"]}), "exclude_session_ids[1]"),
        (json!({"exclude_session_ids": ["sesn_1", "..", "a b"]}), "exclude_session_ids[2]"),
        (json!({"exclude_session_ids": many}), "exclude_session_ids has 1001 entries"),
        (json!({"not_metadata": {"a": "b"}}), "not_metadata was"),
        (json!({"not_metadata": [{"a": "b"}]}), "not_metadata[0]"),
        (json!({"uses": ["bash"]}), "uses was"),
        (json!({"uses": "x".repeat(1_001)}), "uses was"),
    ] {
        for tool in ["list_sessions", "summarize_sessions", "triage_sessions"] {
            let failure = host.failure(tool, arguments.clone()).await;
            assert!(failure.starts_with("invalid_arguments: "), "{tool}: {failure}");
            assert!(failure.contains(expected), "{tool}: {failure}");
        }
    }
    assert_eq!(api.asked().await, [""; 0]);
}

#[tokio::test]
async fn a_list_that_is_no_list_fails_as_it_does_without_the_filter() {
    for body in ["{\"error\": \"x\"}", "{\"data\": [5]}", "{\"data\": [[1]]}", "<html>"] {
        let api = Api::new().await;
        let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json");
        Mock::given(matchers::any()).respond_with(answer).mount(&api.0).await;
        let host = api.host().await;
        let failure = host.failure("list_sessions", json!({"uses": "bash"})).await;
        assert_eq!(failure, host.failure("list_sessions", json!({})).await, "{body}");
    }
}
