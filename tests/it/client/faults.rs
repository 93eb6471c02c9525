//! Faults on the way to the service, and the errors they become.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use managed_sessions_mcp::api::{
    Acted, ApiError, ApiErrorKind, Client, RateLimits, RequestOptions, Settings,
};
use serde_json::Map;
use tokio::time::{Instant, sleep};

use super::{
    client, id, read_error,
    server::{Act, Server, bytes, http_error, response, session},
    settings,
};

async fn get(acts: Vec<Act>) -> (Result<String, ApiError>, usize) {
    let server = Server::start(acts).await;
    let got = client(&server).get_session(&id()).await;
    let got = got.map(|response| response.body.head.id);
    (got, server.seen().len())
}

fn cut_short() -> Act {
    response(200, &[("content-length", "500")], r#"{"id":"sesn_1","#)
}

/// The cause of an `Unreachable`.
fn unreachable(error: &ApiError) -> &str {
    match error.kind() {
        ApiErrorKind::Unreachable { cause } => cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_read_survives_two_faults_of_any_kind() {
    let late = Act::Late(Duration::from_millis(30), bytes(500, &[], ""));
    for fault in [
        Act::ResetBefore,
        Act::ResetAfter,
        cut_short(),
        response(200, &[("connection", "close")], r#"{"id":"sesn_1","#),
        http_error(408),
        http_error(429),
        http_error(500),
        http_error(502),
        http_error(529),
        late,
    ] {
        let (got, _) = get(vec![fault.clone(), fault.clone(), session(false)]).await;
        assert_eq!(got, Ok("sesn_1".to_owned()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_third_fault_is_returned_with_its_status() {
    for (fault, status) in
        [(Act::ResetAfter, None), (cut_short(), Some(200)), (http_error(503), Some(503))]
    {
        let server = Server::start([fault.clone()]).await;
        let error = read_error(&client(&server)).await;
        assert_eq!(error.http_status(), status, "{fault:?}: {error}");
        assert_eq!(server.seen().len(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn permanent_errors_are_not_retried() {
    for status in [400, 401, 402, 403, 404, 409, 413, 422] {
        let (got, attempts) = get(vec![http_error(status)]).await;
        let error = got.unwrap_err();
        assert_eq!((error.http_status(), attempts), (Some(status), 1), "{error}");
        assert_eq!(error.request_id(), Some("req_body"));
    }
}

#[tokio::test]
async fn a_delay_beyond_the_deadline_is_returned_at_once() {
    let hour = SystemTime::now() + Duration::from_secs(3600);
    let date = httpdate::fmt_http_date(hour);
    for (header, value, expected) in [
        ("retry-after", "3600", 3600..=3600),
        ("retry-after-ms", "3600000", 3600..=3600),
        ("retry-after", date.as_str(), 3590..=3600),
    ] {
        let server = Server::start([response(429, &[(header, value)], "")]).await;
        let begun = Instant::now();
        let error = read_error(&client(&server)).await;
        assert!(begun.elapsed() < Duration::from_secs(30));
        let seconds = error.retry_after().unwrap().as_secs();
        assert!(expected.contains(&seconds), "{value}: {seconds}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_delay_before_the_deadline_is_waited_for_unless_rate_limits_are_returned() {
    let limited = response(429, &[("retry-after-ms", "80")], "");
    let server = Server::start([limited.clone(), session(false)]).await;
    let begun = Instant::now();
    client(&server).get_session(&id()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(80));

    let server = Server::start([limited, session(false)]).await;
    let client = client(&server).with_options(RequestOptions {
        rate_limits: RateLimits::Return,
        ..RequestOptions::default()
    });
    let error = read_error(&client).await;
    assert_eq!(error.retry_after(), Some(Duration::from_millis(80)));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn on_request_is_called_once_an_attempt() {
    let failure = |status| response(status, &[("retry-after-ms", "1")], "");
    let server = Server::start([failure(503), Act::ResetAfter, session(false)]).await;
    let count = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&count);
    let client = client(&server).with_options(RequestOptions {
        on_request: Some(Arc::new(move |_: &http::Method| {
            counter.fetch_add(1, Ordering::Relaxed);
        })),
        ..RequestOptions::default()
    });
    client.get_session(&id()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn the_deadline_ends_a_slow_response() {
    let slow = bytes(200, &[], r#"{"id":"sesn_1"}"#);
    for act in [
        Act::Hang,
        Act::Late(Duration::from_secs(60), slow.clone()),
        Act::Trickle(Duration::from_millis(40), slow),
    ] {
        let server = Server::start([act.clone()]).await;
        let begun = Instant::now();
        let client = client(&server).with_deadline(begun + Duration::from_millis(200));
        assert_eq!(read_error(&client).await.kind(), &ApiErrorKind::TimedOut, "{act:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{act:?}");
    }
}

#[tokio::test]
async fn one_slow_attempt_leaves_time_for_another() {
    let server = Server::start([Act::Hang, session(false)]).await;
    let client =
        Client::new(Settings { request_timeout: Duration::from_millis(100), ..settings(&server) });
    client.get_session(&id()).await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let server = Server::start([session(false)]).await;
    let client = client(&server).with_deadline(Instant::now());
    assert_eq!(read_error(&client).await.kind(), &ApiErrorKind::TimedOut);
    let error = client.archive_session(&id()).await.unwrap_err();
    assert_eq!(error.kind(), &ApiErrorKind::TimedOut);
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_dropped_call_drops_its_request() {
    let server = Server::start([Act::Hang]).await;
    let client = client(&server);
    let call = tokio::spawn(async move { client.get_session(&id()).await });
    while server.seen().is_empty() {
        sleep(Duration::from_millis(2)).await;
    }
    call.abort();
    let end = Instant::now() + Duration::from_secs(2);
    while !server.hung_up() {
        assert!(Instant::now() < end, "the connection stayed open");
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let other = Server::start([session(false)]).await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/v1/sessions/sesn_1?key=1", other.url());
        let server = Server::start([response(status, &[("location", &target)], "")]).await;
        let error = read_error(&client(&server)).await;
        let host = other.url().strip_prefix("http://").map(str::to_owned);
        assert_eq!(*error.kind(), ApiErrorKind::Redirected { status, host });
        assert_eq!(server.seen().len(), 1);
    }
    assert_eq!(other.seen().len(), 0);
}

enum Write {
    Update,
    Archive,
    Delete,
}
use Write::{Archive, Delete, Update};

#[tokio::test]
async fn a_write_is_sent_once_and_its_error_tells_whether_it_may_have_been_carried_out() {
    let redirect = || response(307, &[("location", "http://127.0.0.1:1/")], "");
    let urged = || response(503, &[("x-should-retry", "true"), ("retry-after", "0")], "");
    for (act, status, acted) in [
        (http_error(404), Some(404), Acted::No),
        (http_error(409), Some(409), Acted::No),
        (http_error(429), Some(429), Acted::No),
        (redirect(), Some(307), Acted::No),
        (Act::ResetAfter, None, Acted::Unknown),
        (cut_short(), Some(200), Acted::Unknown),
        (http_error(500), Some(500), Acted::Unknown),
        (http_error(504), Some(504), Acted::Unknown),
        (urged(), Some(503), Acted::Unknown),
    ] {
        for write in [Update, Archive, Delete] {
            let ignores_the_body = matches!(write, Delete);
            let server = Server::start([act.clone(), session(false)]).await;
            let client = client(&server);
            let sent = match write {
                Update => client.update_session(&id(), &Map::new()).await.map(drop),
                Archive => client.archive_session(&id()).await.map(drop),
                Delete => client.delete_session(&id()).await.map(drop),
            };
            assert_eq!(server.seen().len(), 1, "{act:?}");
            // Whether it is gone is read afterwards.
            if ignores_the_body && status == Some(200) {
                assert!(sent.is_ok(), "{act:?}");
                continue;
            }
            let error = sent.unwrap_err();
            assert_eq!((error.http_status(), error.acted()), (status, acted), "{act:?}");
        }
    }
}

#[tokio::test]
async fn a_read_ends_with_its_last_error_and_leaves_no_doubt() {
    for fault in [http_error(503), Act::ResetAfter] {
        let (got, _) = get(vec![fault.clone(), http_error(404)]).await;
        assert!(got.unwrap_err().is_not_found());
        let (got, _) = get(vec![fault]).await;
        assert_eq!(got.unwrap_err().acted(), Acted::No);
    }
}

#[tokio::test]
async fn no_time_limit_is_too_long() {
    let server = Server::start([session(false)]).await;
    let client = Client::new(Settings {
        timeout: Duration::MAX,
        request_timeout: Duration::MAX,
        ..settings(&server)
    });
    client.get_session(&id()).await.unwrap();
}

/// The client for other machines, with its trust store, against a server that speaks no TLS.
#[tokio::test]
async fn https_to_a_server_without_tls_is_unreachable() {
    let server = Server::start([Act::ResetBefore]).await;
    let address = server.url().replace("http://", "https://");
    let client =
        Client::new(Settings { base_url: Some(address.parse().unwrap()), ..settings(&server) });
    let error = read_error(&client).await;
    let cause = unreachable(&error);
    assert!(cause.starts_with("no connection to 127.0.0.1"), "{cause}");
}

#[tokio::test]
async fn a_missing_server_is_unreachable_and_only_its_host_is_named() {
    let server = Server::start([session(false)]).await;
    let client = client(&server);
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    drop(server);
    tokio::task::yield_now().await;
    let error = read_error(&client).await;
    let cause = unreachable(&error);
    assert!(cause.starts_with("no connection to 127.0.0.1"), "{cause}");
    let names_more = cause.contains("sesn_1") || cause.contains(&format!(":{port}/"));
    assert!(!names_more, "{cause}");
    let error = client.archive_session(&id()).await.unwrap_err();
    assert_eq!(error.acted(), Acted::No, "{error}");
}
