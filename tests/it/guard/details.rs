//! What an update of a session's details sends, and how it is shown.

use serde_json::{Value, json};

use super::{accepting, record};
use crate::support::{Api, Host, sandbox, with_fields};

#[tokio::test]
async fn an_update_to_what_is_already_there_is_not_sent() {
    let server = json!({"type": "url", "name": "x", "url": "https://example.com"});
    let details = json!({"title": "New", "metadata": {"a": "1"}});
    let mut already = with_fields(record("idle", false), details);
    already["agent"]["mcp_servers"] = json!([server]);
    let api = accepting(&already).await;
    let host = api.host().await;
    for (tool, arguments) in [
        ("update_session_tools", json!({"mcp_servers": [server]})),
        ("update_session_tools", json!({"mode": "merge", "mcp_servers": [server]})),
        ("update_session", json!({"title": "New"})),
        ("update_session", json!({"metadata": {"a": "1", "gone": null}})),
        ("update_session", json!({"budget": "50.00 USD"})),
    ] {
        let arguments = with_fields(arguments, json!({"session_id": "sesn_1"}));
        let shown = arguments.to_string();
        assert_eq!(host.outcome(tool, arguments).await, "unchanged", "{shown}");
    }
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn details_are_sent_as_a_patch_and_shown_before_and_after() {
    let metadata = json!({"metadata": {"keep": "k", "drop": "d", "n": "1"}});
    let before = with_fields(record("idle", false), metadata);
    let budget = json!({"type": "limit", "max_list_cost": {"amount": "7550", "currency": "USD"}});
    let after = json!({"title": null, "metadata": {"keep": "k", "n": "2"}, "budget": budget});
    let after = with_fields(before.clone(), after);
    let api = Api::with_session(before).await;
    api.answers("POST", "/v1/sessions/sesn_1", 200, after).await;
    let arguments = json!({
        "session_id": "sesn_1", "clear": ["title"], "budget": 75.5,
        "metadata": {"keep": "k", "drop": null, "n": 2},
    });
    let answer = api.host().await.answer("update_session", arguments).await;
    let changes = json!({
        "title": {"before": "Fix the login", "after": null},
        "metadata": {"before": {"drop": "d", "n": "1"}, "after": {"drop": null, "n": "2"}},
        "budget": {"before": "50.00 USD", "after": "75.50 USD"},
    });
    assert_eq!(answer["changes"], changes);
    let sent = json!({"title": null, "metadata": {"drop": null, "n": "2"}, "budget": budget});
    assert_eq!(api.last_body().await, sent);
    assert_eq!(answer["session"].get("title"), None);
}

/// Seeded: `sesn_13` is stopped by its budget, `sesn_11` ended its turn.
#[tokio::test]
async fn a_changed_budget_says_whether_work_goes_on_by_itself() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let resumes = async |arguments: Value| {
        let answer = host.answer("update_session", arguments).await;
        answer.get("resumes").cloned()
    };
    let raised = json!({"session_id": "sesn_13", "budget": "60 USD"});
    let dry_run = with_fields(raised.clone(), json!({"dry_run": true}));
    assert_eq!(resumes(dry_run).await, Some(json!(true)));
    let titled = json!({"session_id": "sesn_13", "title": "New"});
    assert_eq!(resumes(titled).await, None);
    let cleared = json!({"session_id": "sesn_13", "clear": ["budget"], "dry_run": true});
    assert_eq!(resumes(cleared).await, Some(json!(true)));
    let of_other = json!({"session_id": "sesn_11", "budget": "60 USD"});
    assert_eq!(resumes(of_other).await, Some(json!(false)));
    assert_eq!(resumes(raised).await, Some(json!(true)));
    let now = host.answer("get_session", json!({"session_id": "sesn_13"})).await;
    assert_eq!(now["status"], "running");
}

/// A budget that was not used up stopped a session of a model without a list price; what cannot be
/// looked at is not known.
#[tokio::test]
async fn whether_work_goes_on_is_said_only_if_it_is_known() {
    let events = "/v1/sessions/sesn_1/events";
    let pause = json!({"id": "sevt_1", "type": "session.status_idle",
        "processed_at": "2026-11-24T10:00:00Z", "stop_reason": {"type": "budget_reached"}});
    let page = json!({"data": [pause], "next_page": null});
    for (status, body) in [(200, page), (500, Value::Null)] {
        let api = Api::with_session(record("idle", false)).await;
        api.answers("GET", events, status, body).await;
        let arguments = json!({"session_id": "sesn_1", "budget": "75 USD", "dry_run": true});
        let answer = api.host().await.answer("update_session", arguments).await;
        assert_eq!((&answer["outcome"], answer.get("resumes")), (&json!("would_update"), None));
    }
}

#[tokio::test]
async fn every_problem_of_bad_details_is_in_one_failure() {
    let api = Api::new().await;
    let host = api.host().await;
    let bad = json!({"session_id": "sesn_1", "budget": "much", "metadata": {"k": {"deep": 1}}});
    let bad_type = with_fields(bad.clone(), json!({"title": ["no"]}));
    for (arguments, expected) in [
        (bad_type, &[r#"title was ["no"]; give a string"#] as &[&str]),
        (bad, &["metadata.k must be a string", "budget "]),
        (json!({"session_id": "sesn_1"}), &["nothing is given to change"]),
    ] {
        let failure = host.failure("update_session", arguments).await;
        for part in expected {
            assert!(failure.contains(part), "{part}: {failure}");
        }
    }
    assert_eq!(api.asked().await, [""; 0]);
}

#[tokio::test]
async fn long_titles_are_cut_in_changes_and_sent_in_full() {
    let (old, new) = ("o".repeat(10_000), "n".repeat(10_000));
    let before = with_fields(record("idle", false), json!({"title": old}));
    let after = with_fields(before.clone(), json!({"title": new}));
    let api = Api::with_session(before).await;
    api.answers("POST", "/v1/sessions/sesn_1", 200, after).await;
    let arguments = json!({"session_id": "sesn_1", "title": new});
    let answer = api.host().await.answer("update_session", arguments).await;
    let cut = |letter: &str| format!("{}… (9700 more characters)", letter.repeat(300));
    let title = json!({"before": cut("o"), "after": cut("n")});
    assert_eq!(answer["changes"]["title"], title);
    assert_eq!(api.last_body().await["title"], new);
}

#[tokio::test]
async fn a_budget_that_the_api_would_refuse_is_refused_before_anything_is_sent() {
    let cost = |amount: &str| json!({"list_cost": {"amount": amount, "currency": "USD"}});
    let with_cost =
        |amount: &str| with_fields(record("idle", false), json!({"usage": cost(amount)}));
    let without = with_fields(record("idle", false), json!({"budget": null}));
    for (session, budget, outcome) in [
        (with_cost("2503"), "20 USD", "budget_not_raised"),
        (with_cost("2503"), "25.03 USD", "budget_not_raised"),
        (with_cost("2503.4"), "25.04 USD", "budget_not_raised"),
        (with_cost("2503"), "25.04 USD", "would_update"),
        // Lower than before is fine, and so is the budget that it has, whatever it has cost.
        (with_cost("9000"), "50.00 USD", "unchanged"),
        // Amounts in different currencies cannot be compared here.
        (with_cost("2503"), "20 EUR", "would_update"),
        (without.clone(), "20 USD", "budget_create_only"),
        (without, "none", "invalid_arguments"),
    ] {
        let api = Api::with_session(session).await;
        let host = api.host().await;
        let arguments = json!({"session_id": "sesn_1", "budget": budget, "dry_run": true});
        assert_eq!(host.outcome("update_session", arguments.clone()).await, outcome, "{budget}");
        if outcome.starts_with("budget_") {
            let write = with_fields(arguments, json!({"dry_run": false}));
            assert_eq!(host.outcome("update_session", write).await, outcome, "{budget}");
        }
        assert_eq!(api.writes().await, [""; 0]);
    }
}

#[tokio::test]
async fn the_apis_own_refusal_of_a_budget_has_the_same_code() {
    for code in ["budget_not_raised", "budget_create_only"] {
        let api = Api::with_session(record("idle", false)).await;
        let details = json!({"error_code": code});
        let body = json!({"type": "error", "error": {"type": "invalid_request_error",
            "message": "The budget is too low.", "details": details}});
        api.answers("POST", "/v1/sessions/sesn_1", 400, body).await;
        let arguments = json!({"session_id": "sesn_1", "budget": "90 USD"});
        assert_eq!(api.host().await.outcome("update_session", arguments).await, code);
    }
}

#[tokio::test]
async fn a_copied_example_changes_one_permission_and_keeps_the_other_tools() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let arguments = json!({"session_id": "sesn_11", "tools": [{
        "type": "agent_toolset_20260401",
        "configs": [{"name": "bash", "permission_policy": {"type": "always_ask"}}],
    }]});
    let before = host.answer("get_session", json!({"session_id": "sesn_11"})).await;
    let updated = host.answer("update_session_tools", arguments).await;
    assert_eq!(updated["changes"]["tools"].get("removed"), None, "{updated}");
    let after = host.answer("get_session", json!({"session_id": "sesn_11"})).await;
    let kinds = |record: &Value| -> Vec<Value> {
        let tools = record["tools"].as_array().expect("tools").iter();
        tools.map(|tool| tool["type"].clone()).collect()
    };
    assert_eq!(kinds(&after), kinds(&before));
    assert!(kinds(&after).len() > 1);
}
