//! Strange answers: a good read, or one clear failure with the status kept.

use std::io::Write as _;

use managed_sessions_mcp::api::{ApiError, EventQuery, SessionQuery};
use proptest::prelude::*;
use serde_json::Value;

use super::{
    client, id,
    server::{Act, Server, answer, bytes, session},
};

/// (status, error type, message, request id) of a refusal with this body.
async fn refused(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Option<String>, String, Option<String>) {
    let mut headers = headers.to_vec();
    headers.push(("x-should-retry", "false"));
    let server = Server::start([answer(status, &headers, body)]).await;
    match client(&server).get_session(&id()).await {
        Err(ApiError::Refused {
            status,
            error_type,
            message,
            request_id,
            ..
        }) => (status, error_type, message, request_id),
        other => panic!("{body}: {other:?}"),
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_are_found_wherever_they_are() {
    let api = r#"{"type":"error","error":{"type":"conflict_error","message":"is running"},"request_id":"req_b"}"#;
    let (status, kind, message, request) = refused(409, &[], api).await;
    assert_eq!((status, message.as_str()), (409, "is running"));
    assert_eq!(kind.as_deref(), Some("conflict_error"));
    assert_eq!(request.as_deref(), Some("req_b"));
    let (.., request) = refused(409, &[("request-id", "req_h")], api).await;
    assert_eq!(request.as_deref(), Some("req_h"));

    for (status, body, expected) in [
        (400, r#"{"error":"text"}"#, "text"),
        (400, r#"{"detail":"not now"}"#, "not now"),
        (
            422,
            r#"{"detail":[{"loc":["body"],"msg":"bad"}]}"#,
            r#"[{"loc":["body"],"msg":"bad"}]"#,
        ),
        (400, r#"{"message":"m"}"#, "m"),
        (400, r#""just a string""#, "just a string"),
        (400, "plain words\n", "plain words"),
        (500, "", "Internal Server Error (the answer has no message)"),
        (400, "{}", "Bad Request (the answer has no message)"),
        (400, "null", "Bad Request (the answer has no message)"),
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
        let (got, _, message, _) = refused(status, &[("content-type", "text/html")], body).await;
        assert_eq!((got, message.as_str()), (status, expected), "{body}");
    }

    let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(5000));
    let (.., message, _) = refused(400, &[], &long).await;
    assert_eq!(message.chars().count(), 501);
}

#[tokio::test]
async fn a_refusal_keeps_its_status_when_its_body_breaks_off() {
    let act = answer(403, &[("content-length", "9999")], r#"{"error":"half"#);
    let server = Server::start([act]).await;
    let error = client(&server).get_session(&id()).await.unwrap_err();
    assert_eq!(error.http_status(), Some(403));
}

#[tokio::test]
async fn a_success_that_is_none_is_a_bad_response_and_asked_for_once() {
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
        let server = Server::start([answer(200, &[("request-id", "req_1")], body)]).await;
        let error = client(&server).get_session(&id()).await.unwrap_err();
        let ApiError::BadResponse {
            status,
            cause,
            request_id,
        } = error
        else {
            panic!("{body}: {error:?}")
        };
        assert_eq!(status, 200);
        assert_eq!(request_id.as_deref(), Some("req_1"));
        assert!(cause.contains(expected), "{body}: {cause}");
        assert_eq!(server.seen().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_session_of_a_compatible_server_is_read() {
    let body = r#" {"id":"ses_1","status":"napping","created_at":5,"updated_at":null,
        "agent":{"id":"a","version":"two","model":"a-string"},"usage":{},"stats":[],
        "metadata":{"n":5},"resources":null,"title":7,"cost":1.50,"mcp_servers":null}"#;
    let server = Server::start([answer(200, &[("content-type", "text/plain")], body)]).await;
    let session = client(&server).get_session(&id()).await.unwrap().body;
    assert_eq!(session.head.status, "napping");
    assert_eq!(session.head.title, None);
    assert_eq!(session.head.agent.id.as_deref(), Some("a"));
    assert_eq!(session.head.agent.version, None);
    assert_eq!(session.head.metadata["n"], 5);
    assert_eq!(session.fields["cost"].to_string(), "1.50");
}

#[tokio::test]
async fn pages_are_read_or_refused_as_a_whole() {
    for (body, expected) in [
        (
            r#"{"data":[{"id":"a"}],"next_page":"n"}"#,
            Some((1, Some("n"))),
        ),
        (r#"{"data":[{"id":"a"},{"id":"b"}]}"#, Some((2, None))),
        (
            r#"{"data":[],"next_page":null,"has_more":true}"#,
            Some((0, None)),
        ),
        (r#"{"data":[],"next_page":""}"#, Some((0, None))),
        (r#"{"data":null}"#, Some((0, None))),
        (r#"{"error":"but 200"}"#, None),
        (r#"{"data":{}}"#, None),
        (r#"{"data":[["a"]]}"#, None),
        (r#"{"data":[null]}"#, None),
        (r#"{"data":[],"next_page":5}"#, None),
        ("[[],null]", None),
    ] {
        let server = Server::start([answer(200, &[], body)]).await;
        let page = client(&server)
            .list_sessions(&SessionQuery::default())
            .await;
        match (page, expected) {
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
async fn success_of_a_send_or_delete_is_the_status_alone() {
    let broken = answer(200, &[("content-length", "50")], "{");
    for act in [
        answer(200, &[], r#"{"data":[]}"#),
        answer(202, &[], ""),
        Act::Send(b"HTTP/1.1 204 X\r\nconnection: close\r\n\r\n".to_vec()),
        answer(200, &[], "<html>"),
        broken,
    ] {
        let server = Server::start([act.clone()]).await;
        let client = client(&server);
        let message = serde_json::json!({"type": "user.message"});
        client.send_events(&id(), &[message]).await.unwrap();
        client.delete_session(&id()).await.unwrap();
        assert_eq!(server.seen().len(), 2, "{act:?}");
    }
}

#[tokio::test]
async fn compressed_answers_are_unpacked_and_garbled_ones_reported() {
    let body = r#"{"id":"sesn_1","status":"idle"}"#;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let server = Server::start([answer(200, &[("content-encoding", "gzip")], gzip)]).await;
    client(&server).get_session(&id()).await.unwrap();

    let server = Server::start([answer(200, &[("content-encoding", "gzip")], body)]).await;
    let error = client(&server).get_session(&id()).await.unwrap_err();
    assert_eq!(error.http_status(), Some(200), "{error}");
}

#[tokio::test]
async fn answers_beyond_32_mebibytes_are_refused_while_reading() {
    let large = 33 << 20;
    // By what it announces; nothing of it is read.
    let length = large.to_string();
    let announced = answer(200, &[("content-length", &length)], "");
    // By what comes, packed small.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&vec![b' '; large]).unwrap();
    let gzip = gzip.finish().unwrap();
    let bomb = answer(200, &[("content-encoding", "gzip")], gzip);
    for act in [announced, bomb] {
        let server = Server::start([act]).await;
        let error = client(&server).get_session(&id()).await.unwrap_err();
        let ApiError::BadResponse { status, cause, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(
            (status, cause.as_str()),
            (200, "the answer is larger than 32 MiB")
        );
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn garbage_instead_of_http_is_unreachable() {
    let server = Server::start([Act::Send(b"SSH-2.0-nope\r\n\r\n".to_vec())]).await;
    let error = client(&server).get_session(&id()).await.unwrap_err();
    assert!(matches!(error, ApiError::Unreachable { .. }), "{error:?}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    // Names that mean something, so that every field meets every type.
    let name = prop_oneof![
        Just("id"),
        Just("status"),
        Just("agent"),
        Just("data"),
        Just("next_page"),
        Just("usage"),
        Just("list_cost"),
        Just("metadata"),
        Just("resources"),
        Just("error"),
        Just("archived_at"),
        Just("message"),
        Just("details"),
        Just("title"),
        Just("version"),
    ];
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
    fn no_json_makes_it_panic_or_lose_the_status(
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
async fn a_client_that_was_warmed_up_answers_as_before() {
    let server = Server::start([session(false)]).await;
    let client = client(&server);
    client.warm_up();
    client.get_session(&id()).await.unwrap();
    assert_eq!(client.host().await.as_deref(), Some("127.0.0.1"));
    assert!(!client.is_official().await);
}
