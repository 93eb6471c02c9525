//! Requests as sent: method, path, query, headers, body.

use managed_sessions_mcp::{
    api::{
        ApiErrorKind, Client, EventQuery, SessionQuery, ThreadQuery,
        settings::{AuthHeader, Settings, check_base_url},
    },
    model::{Order, SessionId},
};
use proptest::prelude::*;
use serde_json::{Map, json};

use super::{
    KEY, client, client_with, id, read_error,
    server::{Seen, Server, response, session},
    settings,
};

const PAGE: &str = r#"{"data":[],"next_page":null}"#;

fn one(server: &Server) -> Seen {
    let mut seen = server.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen.remove(0)
}

#[tokio::test]
async fn every_request_carries_the_headers_of_the_official_sdk() {
    let server = Server::start([session(false)]).await;
    client(&server).get_session(&id()).await.unwrap();
    let seen = one(&server);
    assert_eq!(seen.line, "GET /v1/sessions/sesn_1");
    let bearer = format!("Bearer {KEY}");
    for (name, expected) in [
        ("anthropic-version", Some("2026-10-21")),
        ("anthropic-beta", Some("managed-agents-2026-04-01")),
        ("accept", Some("application/json")),
        ("authorization", Some(bearer.as_str())),
        ("x-api-key", None),
        ("content-type", None),
        ("anthropic-workspace-id", None),
    ] {
        assert_eq!(seen.header(name), expected, "{name}");
    }
    let agent = seen.header("user-agent").unwrap();
    assert!(agent.starts_with("managed-sessions-mcp/"), "{agent}");
    let encodings = seen.header("accept-encoding").unwrap();
    let unpacks = encodings.contains("gzip") && encodings.contains("br");
    assert!(unpacks, "{encodings}");
}

#[tokio::test]
async fn settings_change_headers_and_path() {
    let server = Server::start([session(false)]).await;
    let client = Client::new(Settings {
        base_url: Some(format!("{}/gate/way/", server.url()).parse().unwrap()),
        auth_header: AuthHeader::XApiKey,
        api_version: "2023-06-01".to_owned(),
        workspace_id: Some("wrkspc_1".to_owned()),
        ..settings(&server)
    });
    client.get_session(&id()).await.unwrap();
    let seen = one(&server);
    assert_eq!(seen.line, "GET /gate/way/v1/sessions/sesn_1");
    assert_eq!(seen.header("x-api-key"), Some(KEY));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(seen.header("anthropic-workspace-id"), Some("wrkspc_1"));
}

#[tokio::test]
async fn an_oauth_token_is_a_bearer_token_with_its_own_beta() {
    let server = Server::start([session(false)]).await;
    let client = client_with(&server, &[("ANTHROPIC_AUTH_TOKEN", "oauth-token")]);
    client.get_session(&id()).await.unwrap();
    let seen = one(&server);
    assert_eq!(seen.header("authorization"), Some("Bearer oauth-token"));
    assert_eq!(seen.header("anthropic-beta"), Some("managed-agents-2026-04-01,oauth-2025-04-20"));
}

#[tokio::test]
async fn writes_carry_a_content_type_and_a_length() {
    let server = Server::start([session(true)]).await;
    let client = client(&server);
    let body: Map<_, _> = [("title".to_owned(), json!(null))].into_iter().collect();
    client.archive_session(&id()).await.unwrap();
    client.delete_session(&id()).await.unwrap();
    client.update_session(&id(), &body).await.unwrap();
    let events = [json!({"type": "user.interrupt"})];
    client.send_events(&id(), &events).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        server.lines(),
        [
            "POST /v1/sessions/sesn_1/archive",
            "DELETE /v1/sessions/sesn_1",
            "POST /v1/sessions/sesn_1",
            "POST /v1/sessions/sesn_1/events",
        ]
    );
    for seen in &seen {
        let content_type = seen.header("content-type");
        assert_eq!(content_type, Some("application/json"), "{seen:?}");
    }
    assert_eq!(seen[0].header("content-length"), Some("0"));
    assert_eq!((seen[0].body.as_str(), seen[1].body.as_str()), ("", ""));
    assert_eq!(seen[2].body, r#"{"title":null}"#);
    assert_eq!(seen[3].body, r#"{"events":[{"type":"user.interrupt"}]}"#);
}

#[tokio::test]
async fn queries_contain_only_the_parameters_that_are_set() {
    let server = Server::start([response(200, &[], PAGE)]).await;
    let client = client(&server);
    let time = "2026-01-02T03:04:05Z".parse().unwrap();
    client.list_sessions(&SessionQuery::default()).await.unwrap();
    let query = SessionQuery {
        agent_id: Some("agent_1".to_owned()),
        agent_version: Some(3),
        deployment_id: Some("depl&=1".to_owned()),
        memory_store_id: Some("memstore_1".to_owned()),
        statuses: vec!["idle".to_owned(), "running".to_owned()],
        include_archived: true,
        created_gte: Some(time),
        created_lt: Some(time),
        order: Some(Order::Asc),
        limit: Some(5),
        page: Some("cur/+=".to_owned()),
        ..SessionQuery::default()
    };
    client.list_sessions(&query).await.unwrap();
    let events = EventQuery {
        types: vec!["session.status_idle".to_owned()],
        order: Some(Order::Desc),
        limit: Some(1),
        ..EventQuery::default()
    };
    client.list_events(&id(), &events).await.unwrap();
    client.list_threads(&id(), &ThreadQuery::default()).await.unwrap();
    assert_eq!(
        server.lines(),
        [
            "GET /v1/sessions",
            "GET /v1/sessions?agent_id=agent_1&agent_version=3\
             &created_at%5Bgte%5D=2026-01-02T03%3A04%3A05Z&created_at%5Blt%5D=2026-01-02T03%3A04%3A05Z\
             &deployment_id=depl%26%3D1&include_archived=true&limit=5&memory_store_id=memstore_1\
             &order=asc&page=cur%2F%2B%3D&statuses%5B%5D=idle&statuses%5B%5D=running",
            "GET /v1/sessions/sesn_1/events?limit=1&order=desc&types%5B%5D=session.status_idle",
            "GET /v1/sessions/sesn_1/threads",
        ]
    );
}

#[tokio::test]
async fn ids_that_look_like_paths_stay_one_segment() {
    for (id, segment) in [
        ("../x", "..%2Fx"),
        ("a/b", "a%2Fb"),
        ("a?b", "a%3Fb"),
        ("a#b", "a%23b"),
        ("%2e", "%252e"),
        ("%2e%2e", "%252e%252e"),
        (".%2E", ".%252E"),
        ("..\\x", "..%5Cx"),
        ("a;b", "a;b"),
        ("ü", "%C3%BC"),
    ] {
        let server = Server::start([session(true)]).await;
        let id = SessionId::parse(id).unwrap();
        client(&server).archive_session(&id).await.unwrap();
        let expected = format!("POST /v1/sessions/{segment}/archive");
        assert_eq!(server.lines(), [expected]);
    }
    for id in ["", ".", "..", "..;x", ".;", ";x", "a b", "a\nb", "a\u{0}"] {
        assert_eq!(SessionId::parse(id).ok(), None, "{id:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_id_changes_the_route(text in "[.%/\\\\?#;:@&=+a-zA-Z0-9é\u{202e}-]{1,12}") {
        let Ok(id) = SessionId::parse(&text) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let line = runtime.block_on(async {
            let server = Server::start([session(true)]).await;
            client(&server).archive_session(&id).await.unwrap();
            one(&server).line
        });
        let path = line.strip_prefix("POST /v1/sessions/").unwrap();
        let segment = path.strip_suffix("/archive").unwrap();
        prop_assert!(!segment.contains(['/', '?', '#', '\\']), "{}", line);
        let url = url::Url::parse(&format!("http://h/v1/sessions/{segment}/archive")).unwrap();
        prop_assert_eq!(url.path_segments().unwrap().count(), 4);
        prop_assert_eq!(url.path(), format!("/v1/sessions/{segment}/archive"));
    }
}

#[test]
fn base_urls_are_https_or_loopback() {
    for (url, good) in [
        ("https://api.anthropic.com", true),
        ("https://gate.example/path/", true),
        ("http://localhost:4010", true),
        ("http://127.0.0.1:1", true),
        ("http://127.9.9.9", true),
        ("http://[::1]:1", true),
        ("http://example.com", false),
        ("http://localhost.example.com", false),
        ("http://x.localhost", false),
        ("http://127.0.0.1.example.com", false),
        ("http://10.0.0.1", false),
        ("ftp://localhost", false),
        ("https://user@host", false),
        ("https://user:password@host", false),
        ("https://host/?a=b", false),
        ("https://host/#a", false),
    ] {
        let checked = check_base_url(&url.parse().unwrap());
        assert_eq!(checked.is_ok(), good, "{url}: {checked:?}");
        let words = checked.err().unwrap_or_default();
        assert!(!words.contains("password@"), "{words}");
    }
}

#[tokio::test]
async fn an_unsafe_base_url_is_a_configuration_error() {
    let server = Server::start([session(true)]).await;
    let client = Client::new(Settings {
        base_url: Some("http://example.com".parse().unwrap()),
        base_url_source: "ANTHROPIC_BASE_URL",
        ..settings(&server)
    });
    let error = read_error(&client).await;
    let ApiErrorKind::InvalidConfiguration { variable, cause } = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!(variable, "ANTHROPIC_BASE_URL");
    assert!(cause.contains("https"), "{cause}");
    assert_eq!(client.host().await, None);
}
