//! Triage on services that limit, fail, lack routes, or answer in another way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use managed_sessions_mcp::cli::Flags;
use rmcp::{model::ClientRequest, service::PeerRequestOptions};
use serde_json::{Value, json};
use wiremock::{Mock, Request, ResponseTemplate, matchers};

use super::{counts, triage};
use crate::{
    reading::{allowing, sessions},
    support::{
        Api, Host, config, error, ids, in_time, request, serve, session, with_fields, with_timeout,
    },
};

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn limited(seconds: &str) -> ResponseTemplate {
    let body = error("rate_limit_error", "Slow down.");
    ResponseTemplate::new(429).insert_header("retry-after", seconds).set_body_json(body)
}

/// The history of a session that waits for a person, newest first.
fn waiting() -> Value {
    let reason = json!({"type": "requires_action", "event_ids": ["evt_1"]});
    json!({"data": [
        {"id": "evt_2", "type": "session.status_idle", "stop_reason": reason,
         "processed_at": "2026-03-02T00:00:05Z"},
        {"id": "evt_1", "type": "agent.tool_use", "name": "bash", "evaluated_permission": "ask",
         "input": {"command": format!("echo {}", "x".repeat(500))},
         "processed_at": "2026-03-02T00:00:00Z"},
    ]})
}

/// A service that lists `sessions` without filtering them, and answers so for the events of each.
async fn fleet(
    sessions: Vec<Value>,
    events: impl Fn(&str, &Request) -> ResponseTemplate + Send + Sync + 'static,
) -> Api {
    let api = Api::new().await;
    let answer = move |request: &Request| match request.url.path().split('/').nth(3) {
        None => ok(&json!({"data": sessions})),
        Some(id) if request.url.path().ends_with("/events") => events(id, request),
        Some(id) => ok(&session(id, "idle")),
    };
    Mock::given(matchers::any()).respond_with(answer).mount(&api.0).await;
    api
}

fn idle(count: usize) -> Vec<Value> {
    let idle = |mut session: Value| {
        session["status"] = "idle".into();
        session
    };
    sessions(count).into_iter().map(idle).collect()
}

#[tokio::test]
async fn what_waits_is_told_in_short_whatever_the_order_of_its_events() {
    for reversed in [false, true] {
        let mut events = waiting();
        if reversed {
            events["data"].as_array_mut().expect("events").reverse();
        }
        let api = fleet(idle(1), move |_, _| ok(&events)).await;
        let answer = triage(&api.host().await, json!({})).await;
        let row = &answer["attention"][0];
        assert_eq!(row["verdict"], "waiting_for_confirmation", "{answer}");
        assert_eq!(row["event_id"], "evt_1");
        assert_eq!(row["since"], "2026-03-02T00:00:00Z");
        assert_eq!(row["agent"], "A");
        let waiting_for = row["waiting_for"].as_str().expect("a call");
        assert!(waiting_for.starts_with("bash: echo xxx") && waiting_for.ends_with("x…"));
        assert_eq!(waiting_for.chars().count(), 160);
    }
}

#[tokio::test]
async fn an_answer_stays_small_and_counts_what_it_leaves_out() {
    let long = |number: usize| {
        let title = format!("{}{number}", "\u{202e}long ".repeat(40));
        with_fields(session(&format!("sesn_{number:03}"), "idle"), json!({"title": title}))
    };
    let api = fleet((0..300).map(long).collect(), |_, _| ok(&waiting())).await;
    let answer = triage(&api.host().await, json!({})).await;
    let size = answer.to_string().chars().count();
    assert!(size < 12_000, "{size}");
    let shown = ids(&answer["attention"]).len() as u64;
    assert_eq!(answer["counts"]["waiting_for_confirmation"], 300);
    assert_eq!(answer["more"], 300 - shown);
    assert!(shown > 10, "{shown}");
    assert_eq!((&answer["complete"], answer.get("next_page")), (&json!(true), None));
}

#[tokio::test]
async fn filters_and_allowed_agents_hold_where_the_service_ignores_them() {
    let api = fleet(sessions(60), |_, _| ok(&waiting())).await;
    let host = api.host_with(allowing("agent_1")).await;
    let filter = json!({"title_contains": "refund", "statuses": ["idle"]});
    let answer = triage(&host, filter).await;
    assert_eq!(counts(&answer).values().sum::<u64>(), 2, "{answer}");
    assert_eq!(answer["scanned"], 30, "others are not even counted");
    let asked = api.asked().await;
    assert_eq!(asked.len(), 3, "{asked:?}");
}

#[tokio::test]
async fn a_session_that_cannot_be_read_counts_as_unknown() {
    let failing = |status| ResponseTemplate::new(status).set_body_json(error("api_error", "No."));
    for (status, code) in [(500, "api_error"), (403, "forbidden"), (404, "not_found")] {
        let events = move |id: &str, _: &Request| match id {
            "sesn_002" => failing(status),
            _ => ok(&waiting()),
        };
        let api = fleet(idle(5), events).await;
        let answer = triage(&api.host().await, json!({})).await;
        assert_eq!(counts(&answer)["unknown"], 1, "{answer}");
        assert_eq!(ids(&answer["attention"]).len(), 4);
        assert_eq!((&answer["complete"], answer.get("next_page")), (&json!(false), None));
        let warning = answer["warnings"][0].as_str().expect("a warning");
        assert!(warning.contains(&format!("1 session could not be read ({code})")), "{warning}");
    }
    let api = fleet(idle(60), move |_, _| failing(529)).await;
    let failure = api.host().await.failure("triage_sessions", json!({})).await;
    assert!(failure.starts_with("overloaded: "), "{failure}");
}

#[tokio::test]
async fn a_service_without_events_is_unsupported() {
    for lacking in [
        ResponseTemplate::new(405),
        ResponseTemplate::new(404),
        ResponseTemplate::new(404).set_body_json(json!({"detail": "Not Found"})),
    ] {
        let api = fleet(idle(40), move |_, _| lacking.clone()).await;
        let failure = api.host().await.failure("triage_sessions", json!({})).await;
        assert!(failure.starts_with("unsupported: "), "{failure}");
        let asked = api.asked().await.len();
        assert!(asked <= 1 + 2 * 9, "{asked} requests");
    }
}

#[tokio::test]
async fn a_rate_limit_leaves_what_was_found_and_where_to_go_on() {
    let limits = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&limits);
    let number = |id: &str| id.trim_start_matches("sesn_").parse::<u32>();
    let events = move |id: &str, _: &Request| {
        let is_limited = switch.load(Ordering::SeqCst) && number(id).expect("a number") >= 4;
        if is_limited { limited("3600") } else { ok(&waiting()) }
    };
    let api = fleet(idle(20), events).await;
    let host = api.host().await;
    let first = triage(&host, json!({})).await;
    let found = counts(&first)["waiting_for_confirmation"];
    assert!((1..=4).contains(&found), "{first}");
    assert_eq!(first["complete"], false);
    assert_eq!(first["scanned"], found);
    let warning = first["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("rate limit") && warning.contains("next_page"), "{warning}");
    limits.store(false, Ordering::SeqCst);
    // Another server, since this one rests.
    let host = api.host().await;
    let rest = triage(&host, json!({"page": first["next_page"]})).await;
    let mut all = [ids(&first["attention"]), ids(&rest["attention"])].concat();
    all.sort();
    assert_eq!(all, (0..20).map(|number| format!("sesn_{number:03}")).collect::<Vec<_>>());
    assert_eq!(rest["complete"], true);

    let api = fleet(idle(20), |_, _| limited("3600")).await;
    let failure = api.host().await.failure("triage_sessions", json!({})).await;
    assert!(failure.starts_with("rate_limited: "), "{failure}");
    assert!(api.asked().await.len() <= 1 + 8, "nobody waits for an hour");
}

#[tokio::test]
async fn a_session_that_hangs_holds_up_neither_the_others_nor_the_next_page() {
    let events = |id: &str, _: &Request| match id {
        "sesn_000" | "sesn_003" => ok(&waiting()).set_delay(Duration::from_secs(600)),
        _ => ok(&waiting()),
    };
    let api = fleet(idle(6), events).await;
    let config = with_timeout(config(Flags::default(), &api.url()), Duration::from_millis(1_500));
    let host = Host::connect(serve(config)).await;
    let answer = in_time(triage(&host, json!({}))).await;
    assert_eq!(counts(&answer)["unknown"], 2, "{answer}");
    assert_eq!(counts(&answer)["waiting_for_confirmation"], 4, "{answer}");
    assert!(answer["warnings"][0].as_str().expect("a warning").contains("timed_out"));
}

#[tokio::test]
async fn a_list_without_an_end_ends_and_nothing_counts_twice() {
    let api = Api::new().await;
    let answer = |request: &Request| {
        if request.url.path().ends_with("/events") {
            return ok(&waiting());
        }
        let pairs = request.url.query_pairs();
        let page = pairs.into_iter().find(|(name, _)| name == "page");
        let page: u32 = page.map_or(0, |(_, page)| page.parse().expect("a number"));
        let data = [session("sesn_1", "idle"), session("sesn_2", "resting")];
        ok(&json!({"data": data, "next_page": (page + 1).to_string()}))
    };
    Mock::given(matchers::any()).respond_with(answer).mount(&api.0).await;
    let answer = in_time(triage(&api.host().await, json!({}))).await;
    let expected = json!({"waiting_for_confirmation": 1, "unknown": 1});
    assert_eq!(answer["counts"], expected);
    assert_eq!(answer["complete"], false);
    let events = api.asked().await.into_iter().filter(|asked| asked.ends_with("/events"));
    assert_eq!(events.count(), 1, "an unknown status needs no look");
}

#[tokio::test]
async fn a_cancelled_call_asks_no_more() {
    let api = fleet(idle(60), |_, _| ok(&waiting()).set_delay(Duration::from_millis(20))).await;
    let flags = Flags { max_read_rpm: Some("600".to_owned()), ..Flags::default() };
    let host = api.host_with(flags).await;
    let call = ClientRequest::CallToolRequest(rmcp::model::Request::new(request(
        "triage_sessions",
        json!({}),
    )));
    let call = host.client.send_cancellable_request(call, PeerRequestOptions::no_options()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    call.expect("it is sent").cancel(None).await.expect("it is cancelled");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let asked = api.asked().await.len();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(api.asked().await.len(), asked);
}
