//! `list_session_events`: how each kind is shown, and paging within the size of an answer.

use serde_json::{Map, Value, json};

use super::{allowing, ignoring_filters};
use crate::support::{Api, Host, all_pages, error, ids, sandbox, session, with_fields};

const EVENTS: &str = "/v1/sessions/sesn_1/events";

fn event(number: usize, kind: &str, fields: Value) -> Value {
    let at = format!("2026-03-01T00:00:{number:02}Z");
    let event = json!({"id": format!("evt_{number:02}"), "type": kind, "processed_at": at});
    with_fields(event, fields)
}

async fn all_events(host: &Host, arguments: Value) -> Value {
    all_pages(host, "list_session_events", arguments, "events").await
}

#[tokio::test]
async fn events_are_short_and_newest_first() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let newest = json!({"session_id": "sesn_02", "limit": 5});
    let newest = host.answer("list_session_events", newest).await;
    let events = &newest["events"];
    assert_eq!(events[0]["type"], "session.status_idle");
    assert_eq!(events[0]["stop_reason"]["type"], "requires_action");
    assert_eq!(events[4]["tool"], "bash");
    assert_eq!(events[4]["permission"], "ask");
    let command = events[4]["input"]["command"].as_str();
    assert!(command.expect("a command").starts_with("kubectl"));
    assert!(newest["next_page"].is_string());
    let messages =
        json!({"session_id": "sesn_01", "order": "asc", "types": ["user.message"], "after": "1d"});
    let messages = host.answer("list_session_events", messages).await;
    let messages = &messages["events"];
    assert_eq!(messages.as_array().map(Vec::len), Some(2));
    let text = messages[0]["text"].as_str().expect("a text");
    assert!(text.starts_with("The checkout test fails"), "{text}");

    let oldest_first = json!({"session_id": "sesn_01", "order": "asc", "limit": 200});
    let mut oldest_first = ids(&all_events(&host, oldest_first).await);
    oldest_first.reverse();
    let paged = json!({"session_id": "sesn_01", "limit": 2});
    assert_eq!(ids(&all_events(&host, paged).await), oldest_first);
}

#[tokio::test]
async fn an_unknown_type_is_refused_with_those_like_it_and_nothing_is_sent() {
    let api = ignoring_filters(
        EVENTS,
        vec![event(1, "agent.message", json!({})), event(2, "acme.note", json!({}))],
    )
    .await;
    let host = api.host().await;
    for (types, parts) in [
        (
            json!(["agent.mesage"]),
            vec!["types[0] is not a type of event; near are agent.message, "],
        ),
        (json!(["user.message", "message"]), vec!["types[1] is", "user.message"]),
        (json!("Agent.Message"), vec!["near are agent.message"]),
        (
            json!(["agent.tool", "sesion.error"]),
            vec!["types[0] is", "agent.tool_use", "types[1] is", "session.error"],
        ),
    ] {
        let arguments = json!({"session_id": "sesn_1", "types": types});
        let failure = host.failure("list_session_events", arguments).await;
        assert!(failure.starts_with("invalid_arguments: "), "{failure}");
        for part in parts {
            assert!(failure.contains(part), "{part}: {failure}");
        }
    }
    assert_eq!(api.asked().await, [""; 0]);
    // One word for an array, and a type of the service's own.
    for (types, found) in [(json!("agent.message"), "evt_01"), (json!(["acme.note"]), "evt_02")] {
        let arguments = json!({"session_id": "sesn_1", "types": types});
        let answer = host.answer("list_session_events", arguments).await;
        assert_eq!(ids(&answer["events"]), [found]);
    }
}

#[tokio::test]
async fn long_events_share_an_answer_and_none_is_skipped() {
    let data = (0..50).map(|n| {
        let text = "\u{200b}x".repeat(300 * (n + 1));
        event(n, "agent.message", json!({"content": [{"type": "text", "text": text}]}))
    });
    let api = ignoring_filters(EVENTS, data.collect()).await;
    let host = api.host().await;
    let expected: Vec<String> = (0..50).map(|n| format!("evt_{n:02}")).collect();
    for limit in [1, 7, 50, 200] {
        let arguments = json!({"session_id": "sesn_1", "limit": limit});
        let found = all_events(&host, arguments).await;
        assert_eq!(ids(&found), expected, "{limit}");
        let cut = found[49]["cut"].as_u64().expect("a number");
        assert!(cut > 20_000, "{cut}");
    }
}

#[tokio::test]
async fn types_and_times_are_filtered_although_the_service_ignores_them() {
    let data = (0..50).map(|n| {
        let is_error = n % 10 == 3;
        let kind = if is_error { "session.error" } else { "span.model_request_start" };
        event(n, kind, json!({}))
    });
    let api = ignoring_filters(EVENTS, data.collect()).await;
    let arguments = json!({
        "session_id": "sesn_1", "types": ["session.error"], "order": "asc", "limit": 2,
        "after": "2026-03-01T00:00:13Z", "before": "2026-03-01T00:00:43Z",
    });
    let found = all_events(&api.host().await, arguments).await;
    assert_eq!(ids(&found), ["evt_13", "evt_23", "evt_33"]);
}

#[tokio::test]
async fn an_enormous_event_is_shown_by_its_type() {
    let fields = (0..5_000).map(|n| (format!("field_{n}"), json!("v")));
    let event = event(1, "galaxy.new", fields.collect::<Map<_, _>>().into());
    let api = ignoring_filters(EVENTS, vec![event]).await;
    let host = api.host().await;
    let answer = host.answer("list_session_events", json!({"session_id": "sesn_1"}));
    let shown = &answer.await["events"][0];
    assert_eq!(shown["type"], "galaxy.new");
    assert!(shown["cut"].as_u64().expect("a number") > 10_000);
}

#[tokio::test]
async fn events_of_missing_sessions_and_other_agents_are_not_shown() {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    api.answers("GET", EVENTS, 200, json!({"data": []})).await;
    let gone = error("not_found_error", "No such session.");
    let path = "/v1/sessions/sesn_2/events";
    api.answers("GET", path, 404, gone).await;
    let (anyone, other) = (api.host().await, api.host_with(allowing("agent_other")).await);
    for (host, arguments, code) in [
        (&anyone, json!({"session_id": "sesn_2"}), "not_found"),
        (&other, json!({"session_id": "sesn_1"}), "agent_not_allowed"),
        (&other, json!({"session_id": "sesn_1", "page": "x", "limit": 201}), "invalid_arguments"),
    ] {
        assert_eq!(host.outcome("list_session_events", arguments).await, code);
    }
}
