//! `--confirm-deletes token`.

use serde_json::{Value, json};

use super::confirming;
use crate::support::{Host, sandbox, sandbox_ids, sandbox_writes, with_fields};

#[tokio::test]
async fn a_delete_is_answered_with_a_token_and_carried_out_with_it() {
    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "idle").await.remove(0);
    let host = Host::with_flags(confirming("token"), &sandbox.base_url()).await;
    let session = json!({"session_id": id});
    let dry_run = with_fields(session.clone(), json!({"dry_run": true}));
    let dry_run = host.outcome("delete_session", dry_run).await;
    assert_eq!(dry_run, "would_delete");
    let required = host.answer("delete_session", session.clone()).await;
    assert_eq!(required["outcome"], "confirmation_required");
    assert_eq!(required["snapshot"]["id"], *id);
    let expires_at = required["expires_at"].as_str();
    assert!(expires_at.is_some_and(|at| at.ends_with('Z')));
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
    let token = json!({"confirmation_token": required["confirmation_token"]});
    let deleted = host.answer("delete_session", with_fields(session, token));
    let deleted = deleted.await;
    assert_eq!(deleted["outcome"], "deleted");
    assert_eq!(deleted.get("confirmation_token"), None);
    let delete = format!("DELETE /v1/sessions/{id}");
    assert_eq!(sandbox_writes(&sandbox), [delete]);
}

#[tokio::test]
async fn a_token_for_anything_else_is_refused_and_nothing_is_sent() {
    let sandbox = sandbox().await;
    let idle = sandbox_ids(&sandbox, "idle").await;
    let (id, another) = (&idle[0], &idle[1]);
    let host = Host::with_flags(confirming("token"), &sandbox.base_url()).await;
    let other_process = Host::with_flags(confirming("token"), &sandbox.base_url()).await;
    let token = async |host: &Host, id: &str| {
        let required = host.answer("delete_session", json!({"session_id": id}));
        required.await["confirmation_token"].clone()
    };
    let stale = token(&host, id).await;
    let update = json!({"session_id": id, "title": "Changed since"});
    host.answer("update_session", update).await;
    sandbox.forget_requests();
    let wrong: [(&str, Value); 4] = [
        ("made up", json!("yes")),
        ("of another session", token(&host, another).await),
        ("of another process", token(&other_process, id).await),
        ("of an earlier state", stale),
    ];
    for (name, token) in wrong {
        let arguments = json!({"session_id": id, "confirmation_token": token});
        let failure = host.failure("delete_session", arguments).await;
        assert!(failure.starts_with("confirmation_invalid: "), "{name}");
        assert!(failure.contains(id), "{name}: {failure}");
    }
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn no_turn_is_stopped_for_an_unconfirmed_delete() {
    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "running").await.remove(0);
    let host = Host::with_flags(confirming("token"), &sandbox.base_url()).await;
    let plain = host.outcome("delete_session", json!({"session_id": id}));
    let plain = plain.await;
    assert_eq!(plain, "session_running", "a refusal needs no confirmation");
    let arguments = json!({"session_id": id, "if_busy": "interrupt"});
    let required = host.answer("delete_session", arguments.clone()).await;
    assert_eq!(required["outcome"], "confirmation_required");
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
    let token = json!({"confirmation_token": required["confirmation_token"]});
    let confirmed = with_fields(arguments, token);
    let deleted = host.outcome("delete_session", confirmed).await;
    assert_eq!(deleted, "deleted");
    // The delete may be rejected at first, since the status lags, and is then repeated.
    let writes = sandbox_writes(&sandbox);
    let interrupt = format!("POST /v1/sessions/{id}/events");
    assert_eq!(writes.first(), Some(&interrupt));
    let delete = format!("DELETE /v1/sessions/{id}");
    assert_eq!(writes.last(), Some(&delete));
}
