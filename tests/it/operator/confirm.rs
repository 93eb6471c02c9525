//! `--confirm-deletes token`.

use serde_json::{Value, json};

use super::{confirming, ids, writes};
use crate::support::{Host, sandbox};

#[tokio::test]
async fn a_delete_is_answered_with_a_token_and_done_with_it() {
    let sandbox = sandbox().await;
    let idle = ids(&sandbox, "idle").await;
    let host = Host::with(confirming("token"), &sandbox.base_url()).await;
    let dry = json!({"session_id": idle[0], "dry_run": true});
    assert_eq!(
        host.call("delete_session", dry).await.word(),
        "would_delete"
    );
    let asked = host.call("delete_session", json!({"session_id": idle[0]}));
    let asked = asked.await.answer();
    assert_eq!(asked["outcome"], "confirmation_required");
    assert_eq!(asked["snapshot"]["id"], idle[0]);
    assert!(
        asked["expires_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z'))
    );
    assert_eq!(writes(&sandbox), [""; 0]);
    let confirmed =
        json!({"session_id": idle[0], "confirmation_token": asked["confirmation_token"]});
    let done = host.call("delete_session", confirmed).await.answer();
    assert_eq!(done["outcome"], "deleted");
    assert_eq!(done.get("confirmation_token"), None);
    assert_eq!(
        writes(&sandbox),
        [format!("DELETE /v1/sessions/{}", idle[0])]
    );
}

#[tokio::test]
async fn a_token_that_is_not_for_this_is_refused_and_nothing_is_sent() {
    let sandbox = sandbox().await;
    let idle = ids(&sandbox, "idle").await;
    let host = Host::with(confirming("token"), &sandbox.base_url()).await;
    let other_process = Host::with(confirming("token"), &sandbox.base_url()).await;
    let token = async |host: &Host, id: &str| {
        let asked = host.call("delete_session", json!({"session_id": id})).await;
        asked.answer()["confirmation_token"].clone()
    };
    let with = async |token: Value| {
        let arguments = json!({"session_id": idle[0], "confirmation_token": token});
        host.call("delete_session", arguments).await.failure()
    };
    let stale = token(&host, &idle[0]).await;
    host.call(
        "update_session",
        json!({"session_id": idle[0], "title": "Changed since"}),
    )
    .await
    .answer();
    sandbox.forget_requests();
    for wrong in [
        json!("yes"),
        json!(""),
        token(&host, &idle[1]).await,
        token(&other_process, &idle[0]).await,
        stale,
    ] {
        let failure = with(wrong).await;
        assert!(failure.starts_with("confirmation_invalid: "), "{failure}");
        assert!(failure.contains(&idle[0]), "{failure}");
    }
    assert_eq!(writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn a_turn_is_not_stopped_for_a_delete_that_nobody_confirmed() {
    let sandbox = sandbox().await;
    let running = ids(&sandbox, "running").await;
    let host = Host::with(confirming("token"), &sandbox.base_url()).await;
    let id = running[0].as_str();
    let plain = host.call("delete_session", json!({"session_id": id})).await;
    assert_eq!(
        plain.word(),
        "session_running",
        "a refusal needs no confirmation"
    );
    let mut arguments = json!({"session_id": id, "if_busy": "interrupt"});
    let asked = host
        .call("delete_session", arguments.clone())
        .await
        .answer();
    assert_eq!(asked["outcome"], "confirmation_required");
    assert_eq!(writes(&sandbox), [""; 0]);
    arguments["confirmation_token"] = asked["confirmation_token"].clone();
    assert_eq!(
        host.call("delete_session", arguments).await.word(),
        "deleted"
    );
    let expected = [
        format!("POST /v1/sessions/{id}/events"),
        format!("DELETE /v1/sessions/{id}"),
    ];
    let writes = writes(&sandbox);
    assert_eq!(writes.first(), expected.first());
    assert_eq!(writes.last(), expected.last());
}
