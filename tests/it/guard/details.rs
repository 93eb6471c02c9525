//! What a change of a session's details sends, and what it shows of it.

use serde_json::json;

use super::{found, obliging};
use crate::support::{Api, Host, with};

#[tokio::test]
async fn a_change_that_is_already_so_is_not_sent() {
    let server = json!({"type": "url", "name": "x", "url": "https://example.com"});
    let mut already = with(
        found("idle", false),
        json!({"title": "New", "metadata": {"a": "1"}}),
    );
    already["agent"]["mcp_servers"] = json!([server]);
    let api = obliging(&already).await;
    let host = Host::on(&api.0.uri()).await;
    let id = "sesn_1";
    for (tool, arguments) in [
        (
            "update_session_tools",
            json!({"session_id": id, "mcp_servers": [server]}),
        ),
        (
            "update_session_tools",
            json!({"session_id": id, "mode": "merge", "mcp_servers": [server]}),
        ),
        ("update_session", json!({"session_id": id, "title": "New"})),
        (
            "update_session",
            json!({"session_id": id, "metadata": {"a": "1", "gone": null}}),
        ),
        (
            "update_session",
            json!({"session_id": id, "budget": "50.00 USD"}),
        ),
    ] {
        assert_eq!(host.call(tool, arguments).await.word(), "unchanged");
    }
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn details_are_sent_as_a_patch_and_shown_with_before_and_after() {
    let before = with(
        found("idle", false),
        json!({"metadata": {"keep": "k", "drop": "d", "n": "1"}}),
    );
    let after = with(
        before.clone(),
        json!({
            "title": null, "metadata": {"keep": "k", "n": "2"},
            "budget": {"type": "limit", "max_list_cost": {"amount": "7550", "currency": "USD"}},
        }),
    );
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions/sesn_1", 200, before).await;
    api.answers("POST", "/v1/sessions/sesn_1", 200, after).await;
    let host = Host::on(&api.0.uri()).await;
    let arguments = json!({
        "session_id": "sesn_1", "title": null, "budget": 75.5,
        "metadata": {"keep": "k", "drop": null, "n": 2},
    });
    let answer = host.call("update_session", arguments).await.answer();
    assert_eq!(
        answer["changes"],
        json!({
            "title": {"before": "Fix the login", "after": null},
            "metadata": {"before": {"drop": "d", "n": "1"}, "after": {"drop": null, "n": "2"}},
            "budget": {"before": "50.00 USD", "after": "75.50 USD"},
        })
    );
    assert_eq!(
        api.body().await,
        json!({
            "title": null, "metadata": {"drop": null, "n": "2"},
            "budget": {"type": "limit", "max_list_cost": {"amount": "7550", "currency": "USD"}},
        })
    );
    assert_eq!(answer["session"].get("title"), None);
}

#[tokio::test]
async fn bad_details_are_told_all_at_once() {
    let api = Api::new().await;
    let host = Host::on(&api.0.uri()).await;
    let arguments = json!({
        "session_id": "sesn_1", "title": ["no"], "budget": "much",
        "metadata": {"k": {"deep": 1}},
    });
    let failure = host.call("update_session", arguments).await.failure();
    assert!(
        failure.contains(r#"title was ["no"]; give a string, or null"#),
        "{failure}"
    );
    let arguments =
        json!({"session_id": "sesn_1", "budget": "much", "metadata": {"k": {"deep": 1}}});
    let failure = host.call("update_session", arguments).await.failure();
    assert!(
        failure.contains("metadata.k must be a string") && failure.contains("budget "),
        "{failure}"
    );
    let failure = host
        .call("update_session", json!({"session_id": "sesn_1"}))
        .await
        .failure();
    assert!(failure.contains("nothing is given to change"), "{failure}");
    assert_eq!(api.asked().await, [""; 0]);
}
