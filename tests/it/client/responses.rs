//! Unexpected responses: read correctly, or one clear error with the status kept.

use std::io::Write as _;

use managed_sessions_mcp::api::{ApiErrorKind, EventQuery, SessionQuery};
use proptest::prelude::*;
use serde_json::Value;

use super::{
    client, id, read_error,
    server::{Act, Server, bytes, response, session},
};

/// (status, error type, message, request id) of an error with this body.
async fn error_of(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Option<String>, String, Option<String>) {
    let mut headers = headers.to_vec();
    headers.push(("x-should-retry", "false"));
    let server = Server::start([response(status, &headers, body)]).await;
    let error = read_error(&client(&server)).await;
    let ApiErrorKind::Http(http) = error.kind().clone() else { panic!("{body}: {error:?}") };
    let id = error.request_id().map(str::to_owned);
    (http.status, http.error_type, http.message, id)
}

#[tokio::test]
async fn the_message_of_an_error_is_found_wherever_it_is() {
    let api = r#"{"type":"error","error":{"type":"conflict_error","message":"is running"},"request_id":"req_b"}"#;
    let (status, kind, message, request) = error_of(409, &[], api).await;
    assert_eq!((status, message.as_str()), (409, "is running"));
    assert_eq!(kind.as_deref(), Some("conflict_error"));
    assert_eq!(request.as_deref(), Some("req_b"));
    let (.., request) = error_of(409, &[("request-id", "req_h")], api).await;
    assert_eq!(request.as_deref(), Some("req_h"));

    for (status, body, expected) in [
        (400, r#"{"error":"text"}"#, "text"),
        (400, r#"{"detail":"not now"}"#, "not now"),
        (422, r#"{"detail":[{"loc":["body"],"msg":"bad"}]}"#, r#"[{"loc":["body"],"msg":"bad"}]"#),
        (400, r#"{"message":"m"}"#, "m"),
        (400, r#""just a string""#, "just a string"),
        (400, "plain words\n", "plain words"),
        (500, "", "Internal Server Error (the response has no message)"),
        (400, "{}", "Bad Request (the response has no message)"),
        (400, "null", "Bad Request (the response has no message)"),
        (400, "[1,", "[1,"),
        (
            502,
            "<html><head><title>502 Bad Gateway</title><style>a{b:c}</style></head>\n<body><h1>502</h1><hr>nginx</body></html>",
            "502 Bad Gateway 502 nginx",
        ),
        (
            400,
            r#"{"error":{"type":"invalid_request_error","message":"too low","details":{"error_code":"budget_not_raised"}}}"#,
            "too low [budget_not_raised]",
        ),
        (400, r#"{"error":{"message":5}}"#, r#"{"message":5}"#),
    ] {
        let (got, _, message, _) = error_of(status, &[("content-type", "text/html")], body).await;
        assert_eq!((got, message.as_str()), (status, expected), "{body}");
    }

    let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(5000));
    let (.., message, _) = error_of(400, &[], &long).await;
    assert_eq!(message.chars().count(), 501);
}

#[tokio::test]
async fn an_error_keeps_its_status_when_its_body_is_cut_short() {
    let act = response(403, &[("content-length", "9999")], r#"{"error":"half"#);
    let server = Server::start([act]).await;
    let error = read_error(&client(&server)).await;
    assert_eq!(error.http_status(), Some(403));
}

#[tokio::test]
async fn a_success_without_a_session_is_a_bad_response_and_not_retried() {
    for (body, expected) in [
        ("", "empty"),
        ("<html>login</html>", "HTML"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        (r#""text""#, "not a JSON object"),
        ("{nonsense}", "not JSON"),
        (r#"{"error":"but 200"}"#, "no id"),
        (r#"{"id":5}"#, "no id"),
        ("{}", "no id"),
    ] {
        let server = Server::start([response(200, &[("request-id", "req_1")], body)]).await;
        let error = read_error(&client(&server)).await;
        let ApiErrorKind::BadResponse { status: 200, cause } = error.kind() else {
            panic!("{body}: {error:?}")
        };
        assert_eq!(error.request_id(), Some("req_1"));
        assert!(cause.contains(expected), "{body}: {cause}");
        assert_eq!(server.seen().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_session_of_a_compatible_server_is_read() {
    let body = r#" {"id":"ses_1","status":"napping","created_at":5,"updated_at":null,
        "agent":{"id":"a","version":"two","model":"a-string"},"usage":{},"stats":[],
        "metadata":{"n":5},"resources":null,"title":7,"cost":1.50,"mcp_servers":null}"#;
    let server = Server::start([response(200, &[("content-type", "text/plain")], body)]).await;
    let session = client(&server).get_session(&id()).await.unwrap().body;
    assert_eq!(session.head.status, "napping");
    assert_eq!(session.head.title, None);
    assert_eq!(session.head.agent.id.as_deref(), Some("a"));
    assert_eq!(session.head.agent.version, None);
    assert_eq!(session.head.metadata["n"], 5);
    assert_eq!(session.fields["cost"].to_string(), "1.50");
}

#[tokio::test]
async fn a_page_is_read_or_rejected_as_a_whole() {
    for (body, expected) in [
        (r#"{"data":[{"id":"a"}],"next_page":"n"}"#, Some((1, Some("n")))),
        (r#"{"data":[{"id":"a"},{"id":"b"}]}"#, Some((2, None))),
        (r#"{"data":[],"next_page":null,"has_more":true}"#, Some((0, None))),
        (r#"{"data":[],"next_page":""}"#, Some((0, None))),
        (r#"{"data":null}"#, Some((0, None))),
        (r#"{"error":"but 200"}"#, None),
        (r#"{"data":{}}"#, None),
        (r#"{"data":[["a"]]}"#, None),
        (r#"{"data":[null]}"#, None),
        (r#"{"data":[],"next_page":5}"#, None),
        ("[[],null]", None),
    ] {
        let server = Server::start([response(200, &[], body)]).await;
        let client = client(&server);
        match (client.list_sessions(&SessionQuery::default()).await, expected) {
            (Ok(page), Some((count, next))) => {
                assert_eq!(page.body.data.len(), count, "{body}");
                assert_eq!(page.body.next_page.as_deref(), next, "{body}");
            }
            (Err(error), None) => assert_eq!(error.http_status(), Some(200), "{body}"),
            (other, _) => panic!("{body}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn only_the_status_of_a_send_or_delete_counts() {
    let cut_short = response(200, &[("content-length", "50")], "{");
    for act in [
        response(200, &[], r#"{"data":[]}"#),
        response(202, &[], ""),
        Act::Send(b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n".to_vec()),
        response(200, &[], "<html>"),
        cut_short,
    ] {
        let server = Server::start([act.clone()]).await;
        let client = client(&server);
        let message = serde_json::json!({"type": "user.message"});
        client.send_events(&id(), &[message]).await.unwrap();
        client.delete_session(&id()).await.unwrap();
        assert_eq!(server.seen().len(), 2, "{act:?}");
    }
}

/// A response that claims to be compressed.
fn gzip(body: impl AsRef<[u8]>) -> Act {
    response(200, &[("content-encoding", "gzip")], body)
}

fn compressed(body: &[u8]) -> Act {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    gzip(encoder.finish().unwrap())
}

#[tokio::test]
async fn compressed_responses_are_unpacked_and_garbled_ones_reported() {
    let body = r#"{"id":"sesn_1","status":"idle"}"#;
    let server = Server::start([compressed(body.as_bytes())]).await;
    client(&server).get_session(&id()).await.unwrap();

    let server = Server::start([gzip(body)]).await;
    let error = read_error(&client(&server)).await;
    assert_eq!(error.http_status(), Some(200), "{error}");
}

#[tokio::test]
async fn responses_beyond_32_mebibytes_are_rejected_while_reading() {
    let large = 33 << 20;
    let announced = response(200, &[("content-length", &large.to_string())], "");
    for act in [announced, compressed(&vec![b' '; large])] {
        let server = Server::start([act]).await;
        let error = read_error(&client(&server)).await;
        let expected = ApiErrorKind::BadResponse {
            status: 200,
            cause: "the response is larger than 32 MiB".to_owned(),
        };
        assert_eq!(*error.kind(), expected);
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn garbage_instead_of_http_is_unreachable() {
    let server = Server::start([Act::Send(b"SSH-2.0-nope\r\n\r\n".to_vec())]).await;
    let error = read_error(&client(&server)).await;
    assert!(matches!(error.kind(), ApiErrorKind::Unreachable { .. }), "{error:?}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    // Names the client reads, so that every field meets every type.
    let names = "id status agent data next_page usage list_cost metadata resources error \
                 archived_at message details title version";
    let name = prop::sample::select(names.split_whitespace().collect::<Vec<_>>());
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|pairs| pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_json_panics_or_loses_the_status(
        value in any_json(),
        status in prop_oneof![Just(200_u16), Just(400), Just(404), Just(409)],
        cut in any::<prop::sample::Index>(),
    ) {
        let text = value.to_string();
        let whole = bytes(status, &[], &text);
        let part = bytes(status, &[], &text.as_bytes()[..cut.index(text.len() + 1)]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for body in [whole, part] {
                let server = Server::start([Act::Send(body)]).await;
                let client = client(&server);
                let errors = [
                    client.get_session(&id()).await.err(),
                    client.list_sessions(&SessionQuery::default()).await.err(),
                    client.list_events(&id(), &EventQuery::default()).await.err(),
                ];
                for error in errors.into_iter().flatten() {
                    assert_eq!(error.http_status(), Some(status), "{text}: {error}");
                }
            }
        });
    }
}

#[tokio::test]
async fn a_warmed_up_client_works_as_before() {
    let server = Server::start([session(false)]).await;
    let client = client(&server);
    client.warm_up();
    client.get_session(&id()).await.unwrap();
    assert_eq!(client.host().await.as_deref(), Some("127.0.0.1"));
    assert!(!client.is_official().await);
}
