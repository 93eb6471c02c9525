//! Expiring tokens: refreshing a login, exchanging an identity token, files that others rotate.

use std::{fs, path::PathBuf, time::Duration};

use managed_sessions_mcp::api::{Acted, ApiErrorKind, Client};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    client_with,
    credentials::{USER, directory, write},
    id, read_error,
    server::{Act, Seen, Server, bytes, http_error, response, session},
};

const LOGIN: &str = r#"{"authentication":{"type":"user_oauth","client_id":"client_1"}}"#;

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A login whose token expires in so many seconds.
fn login(seconds: i64) -> (TempDir, PathBuf) {
    let tokens = json!({
        "access_token": "old-access", "expires_at": now() + seconds,
        "refresh_token": "old-refresh-token", "note": "of another tool",
    });
    let files = directory(&[("default", LOGIN, &tokens.to_string())]);
    let path = files.path().join("credentials/default.json");
    (files, path)
}

const GRANTED: &str = r#"{"token_type":"bearer","access_token":"new-access","refresh_token":"new-refresh","expires_in":3600}"#;

fn granted() -> Act {
    response(200, &[], GRANTED)
}

fn granted_late(milliseconds: u64) -> Act {
    Act::Late(Duration::from_millis(milliseconds), bytes(200, &[], GRANTED))
}

fn client(server: &Server, files: &TempDir) -> Client {
    let place = files.path().to_str().unwrap();
    client_with(server, &[("ANTHROPIC_CONFIG_DIR", place)])
}

/// Endpoint and `authorization` of each request.
fn bearers(seen: &[Seen]) -> Vec<(&str, Option<&str>)> {
    let endpoint = |seen: &Seen| match seen.line.as_str() {
        "POST /v1/oauth/token" => "token",
        _ => "session",
    };
    seen.iter().map(|seen| (endpoint(seen), seen.header("authorization"))).collect()
}

#[tokio::test]
async fn an_expired_login_is_refreshed_and_the_rotation_written_back() {
    let (files, path) = login(-5);
    let server = Server::start([granted(), session(false)]).await;
    let client = client(&server, &files);
    client.get_session(&id()).await.unwrap();
    client.get_session(&id()).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        bearers(&seen),
        [
            ("token", None),
            ("session", Some("Bearer new-access")),
            ("session", Some("Bearer new-access")),
        ]
    );
    assert_eq!(seen[0].header("anthropic-beta"), Some("oauth-2025-04-20"));
    let body: Value = serde_json::from_str(&seen[0].body).unwrap();
    assert_eq!(
        body,
        json!({"grant_type": "refresh_token", "refresh_token": "old-refresh-token", "client_id": "client_1"})
    );

    let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(written["access_token"], "new-access");
    assert_eq!(written["refresh_token"], "new-refresh");
    assert_eq!(written["note"], "of another tool");
    assert!(written["expires_at"].as_i64().unwrap() > now() + 3500);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // No temporary file is left.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_valid_login_is_not_refreshed() {
    let (files, _) = login(3600);
    let server = Server::start([session(false)]).await;
    client(&server, &files).get_session(&id()).await.unwrap();
    assert_eq!(bearers(&server.seen()), [("session", Some("Bearer old-access"))]);
}

#[tokio::test]
async fn concurrent_calls_share_one_refresh() {
    let (files, _) = login(-5);
    let server = Server::start([granted_late(50), session(false)]).await;
    let client = client(&server, &files);
    let calls = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.get_session(&id()).await.map(|_| ()) })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    let seen = server.seen();
    let refreshes = seen.iter().filter(|seen| seen.line.contains("oauth"));
    assert_eq!((refreshes.count(), seen.len()), (1, 9));
}

#[tokio::test]
async fn a_cancelled_call_does_not_lose_the_rotated_token() {
    let (files, path) = login(-5);
    let server = Server::start([granted_late(80), session(false)]).await;
    let client = client(&server, &files);
    let call = client.clone();
    let call = tokio::spawn(async move { call.get_session(&id()).await });
    while server.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    call.abort();
    client.get_session(&id()).await.unwrap();
    assert_eq!(server.seen().len(), 2);
    assert!(fs::read_to_string(path).unwrap().contains("new-refresh"));
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once_and_the_request_repeated_once() {
    let (files, _) = login(3600);
    let server = Server::start([http_error(401), granted(), session(false)]).await;
    client(&server, &files).get_session(&id()).await.unwrap();
    assert_eq!(
        bearers(&server.seen()),
        [
            ("session", Some("Bearer old-access")),
            ("token", None),
            ("session", Some("Bearer new-access")),
        ]
    );

    let (files, _) = login(3600);
    let server = Server::start([http_error(401), granted(), http_error(401)]).await;
    let error = read_error(&client(&server, &files)).await;
    assert_eq!(error.http_status(), Some(401));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_write_with_a_rejected_token_is_not_sent_again_by_the_client() {
    let (files, _) = login(3600);
    let server = Server::start([http_error(401), granted(), session(true)]).await;
    let client = client(&server, &files);
    let error = client.delete_session(&id()).await.unwrap_err();
    assert!(error.is_worth_repeating(), "with the new token: {error:?}");
    assert_eq!((error.http_status(), error.acted()), (Some(401), Acted::No));
    client.delete_session(&id()).await.unwrap();
    let seen = server.seen();
    assert_eq!(bearers(&seen).last(), Some(&("session", Some("Bearer new-access"))));
}

#[tokio::test]
async fn a_rejected_refresh_is_a_credentials_error_without_the_token() {
    let (files, path) = login(-5);
    let before = fs::read(&path).unwrap();
    let body = r#"{"error":"invalid_grant","error_description":"old-refresh-token is spent"}"#;
    let server = Server::start([response(400, &[], body)]).await;
    let error = read_error(&client(&server, &files)).await;
    let ApiErrorKind::Credentials { source, cause } = error.kind() else { panic!("{error:?}") };
    assert_eq!(source, "profile \"default\"");
    assert!(cause.contains("invalid_grant: [redacted] is spent"), "{cause}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_refresh_whose_response_is_lost_is_not_repeated() {
    for fault in [Act::ResetAfter, http_error(500)] {
        let (files, _) = login(-5);
        let server = Server::start([fault, granted()]).await;
        let error = read_error(&client(&server, &files)).await;
        assert!(error.is_transient(), "{error:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_expiring_token_is_used_while_its_renewal_fails() {
    let (files, _) = login(30);
    let server = Server::start([http_error(503), session(false), granted(), session(false)]).await;
    let client = client(&server, &files);
    client.get_session(&id()).await.unwrap();
    client.get_session(&id()).await.unwrap();
    assert_eq!(
        bearers(&server.seen()),
        [
            ("token", None),
            ("session", Some("Bearer old-access")),
            ("token", None),
            ("session", Some("Bearer new-access")),
        ]
    );
}

#[tokio::test]
async fn the_token_of_another_process_that_refreshed_first_is_used() {
    let (files, path) = login(-5);
    let spent = bytes(400, &[], r#"{"error":"invalid_grant"}"#);
    let spent = Act::Late(Duration::from_millis(60), spent);
    let server = Server::start([spent, session(false)]).await;
    let client = client(&server, &files);
    let call = tokio::spawn(async move { client.get_session(&id()).await.map(|_| ()) });
    while server.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let theirs = json!({"access_token": "theirs", "expires_at": now() + 600, "refresh_token": "r"});
    write(&path, &theirs.to_string(), 0o600);
    call.await.unwrap().unwrap();
    assert_eq!(bearers(&server.seen())[1], ("session", Some("Bearer theirs")));
}

#[cfg(unix)]
#[tokio::test]
async fn a_refresh_token_is_not_spent_if_its_successor_cannot_be_saved() {
    use std::os::unix::fs::PermissionsExt as _;
    let (files, path) = login(-5);
    let parent = path.parent().unwrap();
    fs::set_permissions(parent, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(parent.join("probe"), "").is_ok() {
        return; // This user may write anywhere.
    }
    let server = Server::start([granted(), session(false)]).await;
    let error = read_error(&client(&server, &files)).await;
    fs::set_permissions(parent, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(error.to_string().contains("would be lost"), "{error}");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_profile_that_others_rotate_is_read_on_each_use() {
    let files = directory(&[("default", USER, r#"{"access_token":"one","expires_at":1}"#)]);
    let path = files.path().join("credentials/default.json");
    let server = Server::start([session(false), session(false), http_error(401)]).await;
    let client = client(&server, &files);
    client.get_session(&id()).await.unwrap();
    write(&path, r#"{"access_token":"two"}"#, 0o600);
    client.get_session(&id()).await.unwrap();
    // Rejected, and nothing new in the file: a retry would change nothing.
    read_error(&client).await;
    let expected = ["Bearer one", "Bearer two", "Bearer two"];
    let seen = server.seen();
    let sent: Vec<_> = seen.iter().filter_map(|seen| seen.header("authorization")).collect();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn an_identity_token_is_exchanged_and_the_result_cached() {
    let files = TempDir::new().unwrap();
    let identity = files.path().join("identity");
    fs::write(&identity, "jwt-1\n").unwrap();
    let variables = [
        ("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_1"),
        ("ANTHROPIC_ORGANIZATION_ID", "org_1"),
        ("ANTHROPIC_SERVICE_ACCOUNT_ID", "svac_1"),
        ("ANTHROPIC_WORKSPACE_ID", "wrkspc_1"),
        ("ANTHROPIC_IDENTITY_TOKEN_FILE", identity.to_str().unwrap()),
    ];
    let soon = response(200, &[], r#"{"access_token":"short","expires_in":30}"#);
    let acts = [Act::ResetAfter, soon, session(false), granted(), session(false)];
    let server = Server::start(acts).await;
    let client = client_with(&server, &variables);
    client.get_session(&id()).await.unwrap();
    // The platform rotates its token; the one of the API is about to expire.
    fs::write(&identity, "jwt-2\n").unwrap();
    client.get_session(&id()).await.unwrap();
    client.get_session(&id()).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        bearers(&seen),
        [
            ("token", None),
            ("token", None),
            ("session", Some("Bearer short")),
            ("token", None),
            ("session", Some("Bearer new-access")),
            ("session", Some("Bearer new-access")),
        ]
    );
    assert_eq!(
        seen[1].header("anthropic-beta"),
        Some("oauth-2025-04-20,oidc-federation-2026-04-01")
    );
    let body = |n: usize| serde_json::from_str::<Value>(&seen[n].body).unwrap();
    assert_eq!(
        body(1),
        json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "jwt-1",
            "federation_rule_id": "fdrl_1", "organization_id": "org_1",
            "service_account_id": "svac_1", "workspace_id": "wrkspc_1",
        })
    );
    assert_eq!(body(3)["assertion"], "jwt-2");
    assert_eq!(seen[2].header("anthropic-workspace-id"), None);
}
