//! What goes wrong on the way, and what is said about it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use managed_sessions_mcp::api::{ApiError, Client, Settings};
use serde_json::{Map, json};
use tokio::time::Instant;

use super::{
    client, id,
    server::{Act, Server, answer, bytes, refusal, session},
    settings,
};

async fn get(acts: Vec<Act>) -> (Result<String, ApiError>, usize) {
    let server = Server::start(acts).await;
    let got = client(&server).get_session(&id()).await;
    let got = got.map(|answer| answer.body.head.id);
    (got, server.seen().len())
}

fn cut_short() -> Act {
    answer(200, &[("content-length", "500")], r#"{"id":"sesn_1","#)
}

#[tokio::test]
async fn a_read_survives_two_faults_of_any_kind() {
    let late = Act::Late(Duration::from_millis(30), bytes(500, &[], ""));
    for fault in [
        Act::ResetBefore,
        Act::ResetAfter,
        cut_short(),
        answer(200, &[("connection", "close")], r#"{"id":"sesn_1","#),
        refusal(408),
        refusal(429),
        refusal(500),
        refusal(502),
        refusal(529),
        late,
    ] {
        let (got, _) = get(vec![fault.clone(), fault.clone(), session(false)]).await;
        assert_eq!(got, Ok("sesn_1".to_owned()), "{fault:?}");
    }
}

#[tokio::test]
async fn a_third_fault_is_reported_with_its_status() {
    for (fault, status) in [
        (Act::ResetAfter, None),
        (cut_short(), Some(200)),
        (refusal(503), Some(503)),
    ] {
        let server = Server::start([fault.clone()]).await;
        let error = client(&server).get_session(&id()).await.unwrap_err();
        assert_eq!(error.http_status(), status, "{fault:?}: {error}");
        assert_eq!(server.seen().len(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn refusals_that_will_not_change_are_not_repeated() {
    for status in [400, 401, 402, 403, 404, 409, 413, 422] {
        let (got, tries) = get(vec![refusal(status)]).await;
        let error = got.unwrap_err();
        assert_eq!((error.http_status(), tries), (Some(status), 1), "{error}");
        assert_eq!(error.request_id(), Some("req_body"));
    }
}

#[tokio::test]
async fn a_wait_that_does_not_fit_is_reported_at_once() {
    let hour = (std::time::SystemTime::now()) + Duration::from_secs(3600);
    let date = httpdate::fmt_http_date(hour);
    for (header, value, expected) in [
        ("retry-after", "3600", 3600..=3600),
        ("retry-after-ms", "3600000", 3600..=3600),
        ("retry-after", date.as_str(), 3590..=3600),
    ] {
        let server = Server::start([answer(429, &[(header, value)], "")]).await;
        let begun = Instant::now();
        let error = client(&server).get_session(&id()).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(30));
        let seconds = error.retry_after().unwrap().as_secs();
        assert!(expected.contains(&seconds), "{value}: {seconds}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn every_try_is_counted_once() {
    let refused = |status| answer(status, &[("retry-after-ms", "1")], "");
    let server = Server::start([refused(503), Act::ResetAfter, session(false)]).await;
    let sent = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&sent);
    let client = client(&server).counted_by(Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    client.get_session(&id()).await.unwrap();
    assert_eq!(server.seen().len(), 3);
    assert_eq!(sent.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_wait_that_fits_is_kept() {
    let slow = answer(429, &[("retry-after-ms", "80")], "");
    let server = Server::start([slow, session(false)]).await;
    let begun = Instant::now();
    client(&server).get_session(&id()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn time_is_up_when_it_is_up() {
    let slow = bytes(200, &[], r#"{"id":"sesn_1"}"#);
    for act in [
        Act::Hang,
        Act::Late(Duration::from_secs(60), slow.clone()),
        Act::Trickle(Duration::from_millis(40), slow),
    ] {
        let server = Server::start([act.clone()]).await;
        let begun = Instant::now();
        let bound = client(&server).until(begun + Duration::from_millis(200));
        let error = bound.get_session(&id()).await.unwrap_err();
        assert_eq!(error, ApiError::TimedOut, "{act:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{act:?}");
    }
}

#[tokio::test]
async fn one_slow_try_leaves_time_for_another() {
    let server = Server::start([Act::Hang, session(false)]).await;
    let client = Client::new(Settings {
        request_timeout: Duration::from_millis(100),
        ..settings(&server)
    });
    client.get_session(&id()).await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn nothing_is_sent_when_the_time_was_up_before() {
    let server = Server::start([session(false)]).await;
    let client = client(&server).until(Instant::now());
    let error = client.get_session(&id()).await.unwrap_err();
    assert_eq!(error, ApiError::TimedOut);
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_dropped_call_drops_its_request() {
    let server = Server::start([Act::Hang]).await;
    let client = client(&server);
    let call = tokio::spawn(async move { client.get_session(&id()).await });
    while server.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    call.abort();
    let end = Instant::now() + Duration::from_secs(2);
    while !server.hung_up() {
        assert!(Instant::now() < end, "the connection stayed open");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_redirect_is_reported_and_its_target_left_alone() {
    let other = Server::start([session(false)]).await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/v1/sessions/sesn_1?key=1", other.url());
        let server = Server::start([answer(status, &[("location", &target)], "")]).await;
        let error = client(&server).get_session(&id()).await.unwrap_err();
        let ApiError::Redirected {
            status: got, host, ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(got, status);
        assert_eq!(format!("http://{}", host.unwrap()), other.url());
        assert_eq!(server.seen().len(), 1);
    }
    assert_eq!(other.seen().len(), 0);
}

#[tokio::test]
async fn a_delete_that_was_lost_and_finds_nothing_has_succeeded() {
    for fault in [Act::ResetAfter, refusal(502), cut_short()] {
        let server = Server::start([fault.clone(), refusal(404)]).await;
        let deleted = client(&server).delete_session(&id()).await;
        deleted.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    }
}

#[tokio::test]
async fn a_delete_that_finds_nothing_at_once_is_not_found() {
    for acts in [vec![refusal(404)], vec![refusal(429), refusal(404)]] {
        let server = Server::start(acts).await;
        let error = client(&server).delete_session(&id()).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
    }
}

#[tokio::test]
async fn a_delete_that_was_lost_and_is_then_refused_is_refused() {
    let server = Server::start([Act::ResetAfter, refusal(409)]).await;
    let error = client(&server).delete_session(&id()).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
}

#[tokio::test]
async fn an_archive_whose_repetition_is_refused_is_checked_by_reading() {
    for status in [400, 409] {
        let acts = [Act::ResetAfter, refusal(status), session(true)];
        let server = Server::start(acts).await;
        let archived = client(&server).archive_session(&id()).await.unwrap();
        assert!(archived.body.head.is_archived());
        assert_eq!(
            server.lines(),
            [
                "POST /v1/sessions/sesn_1/archive",
                "POST /v1/sessions/sesn_1/archive",
                "GET /v1/sessions/sesn_1",
            ]
        );
    }
    let acts = [Act::ResetAfter, refusal(409), session(false), refusal(409)];
    let server = Server::start(acts).await;
    let error = client(&server).archive_session(&id()).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
}

#[tokio::test]
async fn an_update_that_may_have_been_carried_out_is_never_called_refused() {
    let body: Map<_, _> = [("title".to_owned(), json!("x"))].into_iter().collect();
    let server = Server::start([Act::ResetAfter, refusal(409)]).await;
    let error = client(&server)
        .update_session(&id(), &body)
        .await
        .unwrap_err();
    assert!(error.may_have_acted(), "{error:?}");
    let ApiError::Unreachable { cause } = error else {
        panic!("{error:?}")
    };
    assert!(cause.contains("may have been carried out"), "{cause}");
    assert!(cause.contains("409"), "{cause}");
}

#[tokio::test]
async fn a_limit_that_a_repetition_meets_says_nothing_about_the_lost_try() {
    for lost in [Act::ResetAfter, refusal(500)] {
        let server = Server::start([lost, refusal(429)]).await;
        let error = client(&server).delete_session(&id()).await.unwrap_err();
        assert!(
            error.http_status() == Some(429) && error.may_have_acted(),
            "{error:?}"
        );
    }
    let server = Server::start([refusal(429)]).await;
    let error = client(&server).delete_session(&id()).await;
    let error = error.unwrap_err().to_string();
    assert!(!error.contains("may have been carried out"), "{error}");
}

#[tokio::test]
async fn an_update_keeps_the_status_of_the_try_that_may_have_been_carried_out() {
    let server = Server::start([refusal(502), refusal(400)]).await;
    let error = client(&server).update_session(&id(), &Map::new()).await;
    let error = error.unwrap_err();
    assert_eq!(error.http_status(), Some(502), "{error}");
    assert!(error.to_string().contains("HTTP 400"), "{error}");
}

#[tokio::test]
async fn a_read_ends_with_its_last_answer() {
    for fault in [refusal(503), Act::ResetAfter] {
        let (got, _) = get(vec![fault, refusal(404)]).await;
        assert!(got.unwrap_err().is_not_found());
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

/// The client for the world, trust store and all, against something that speaks no TLS.
#[tokio::test]
async fn https_to_a_server_without_it_is_unreachable() {
    let server = Server::start([Act::ResetBefore]).await;
    let address = server.url().replace("http://", "https://");
    let client = Client::new(Settings {
        base_url: Some(address.parse().unwrap()),
        ..settings(&server)
    });
    let error = client.get_session(&id()).await.unwrap_err();
    let ApiError::Unreachable { cause } = error else {
        panic!("{error:?}")
    };
    assert!(cause.starts_with("no connection to 127.0.0.1"), "{cause}");
}

#[tokio::test]
async fn an_interrupt_is_repeated_and_a_message_is_not() {
    let interrupt = json!({"type": "user.interrupt"});
    let message = json!({"type": "user.message", "content": []});
    for (events, fault, expected) in [
        (vec![interrupt.clone()], Act::ResetAfter, 2),
        (vec![interrupt.clone()], refusal(500), 2),
        (vec![message.clone()], Act::ResetAfter, 1),
        (vec![message.clone()], refusal(500), 1),
        (vec![message.clone()], refusal(429), 2),
        (vec![interrupt, message], Act::ResetAfter, 1),
    ] {
        let server = Server::start([fault.clone(), answer(202, &[], "")]).await;
        let sent = client(&server).send_events(&id(), &events).await;
        let seen = server.seen().len();
        assert_eq!(seen, expected, "{events:?} {fault:?}");
        assert_eq!(
            sent.map(|_| ()).err().is_none(),
            expected == 2,
            "{events:?}"
        );
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_names_the_host_only() {
    let server = Server::start([session(false)]).await;
    let settings = settings(&server);
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    drop(server);
    tokio::task::yield_now().await;
    let error = Client::new(settings).get_session(&id()).await.unwrap_err();
    let ApiError::Unreachable { cause } = error else {
        panic!("{error:?}")
    };
    assert!(cause.starts_with("no connection to 127.0.0.1"), "{cause}");
    assert!(
        !cause.contains("sesn_1") && !cause.contains(&format!(":{port}/")),
        "{cause}"
    );
}
