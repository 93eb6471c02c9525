//! What is refused, what is waited for, and what happens when the API disagrees: every cell of
//! the guard's matrix and every race, through a real MCP client.

mod details;
mod offered;
mod races;
mod voice;
mod words;

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};

use crate::support::{Api, Host, session, with};

/// The guarded calls of one session.
fn calls(id: &str) -> [(&'static str, Value); 6] {
    [
        (
            "update_session_tools",
            json!({"session_id": id, "mcp_servers": [
            {"type": "url", "name": "x", "url": "https://example.com"}]}),
        ),
        ("archive_session", json!({"session_id": id})),
        ("delete_session", json!({"session_id": id})),
        ("interrupt_session", json!({"session_id": id})),
        ("update_session", json!({"session_id": id, "title": "New"})),
        (
            "update_session",
            json!({"session_id": id, "budget": "90.00 USD"}),
        ),
    ]
}

/// An API with one session that does as it is told, whatever the session is doing.
async fn obliging(found: &Value) -> Api {
    let api = Api::new().await;
    let id = found["id"].as_str().expect("an id");
    let path = format!("/v1/sessions/{id}");
    let mut done = found.clone();
    done["title"] = "New".into();
    done["budget"]["max_list_cost"]["amount"] = "9000".into();
    done["agent"]["mcp_servers"] =
        json!([{"type": "url", "name": "x", "url": "https://example.com"}]);
    let archived = with(
        found.clone(),
        json!({"archived_at": "2026-11-03T00:00:00Z"}),
    );
    api.answers("GET", &path, 200, found.clone()).await;
    api.answers("POST", &path, 200, done).await;
    api.answers("POST", &format!("{path}/archive"), 200, archived)
        .await;
    api.answers("POST", &format!("{path}/events"), 200, json!({"data": []}))
        .await;
    api.answers(
        "DELETE",
        &path,
        200,
        json!({"id": id, "type": "session_deleted"}),
    )
    .await;
    api
}

fn found(status: &str, archived: bool) -> Value {
    let at = archived.then_some("2026-11-02T09:30:00Z");
    let budget = json!({"type": "limit", "max_list_cost": {"amount": "5000", "currency": "USD"}});
    with(
        session("sesn_1", status),
        json!({"archived_at": at, "budget": budget}),
    )
}

#[tokio::test]
async fn every_cell_of_the_matrix_holds_and_a_refusal_sends_nothing() {
    // Columns: tools, archive, delete, interrupt, title, budget.
    let mut rows = Vec::new();
    for (status, archived, expected) in [
        (
            "idle",
            false,
            "updated archived deleted nothing_to_do updated updated",
        ),
        (
            "running",
            false,
            "session_running session_running session_running interrupt_sent updated updated",
        ),
        (
            "rescheduling",
            false,
            "session_rescheduling session_rescheduling session_rescheduling interrupt_sent updated updated",
        ),
        (
            "terminated",
            false,
            "session_terminated archived deleted session_terminated updated session_terminated",
        ),
        (
            "hibernating",
            false,
            "status_unrecognized status_unrecognized status_unrecognized interrupt_sent updated updated",
        ),
        (
            "idle",
            true,
            "session_archived already_archived deleted session_archived session_archived session_archived",
        ),
        (
            "running",
            true,
            "session_archived already_archived session_running session_archived session_archived session_archived",
        ),
        (
            "rescheduling",
            true,
            "session_archived already_archived session_rescheduling session_archived session_archived session_archived",
        ),
        (
            "terminated",
            true,
            "session_archived already_archived deleted session_archived session_archived session_archived",
        ),
        (
            "hibernating",
            true,
            "session_archived already_archived deleted session_archived session_archived session_archived",
        ),
    ] {
        rows.push(async move {
            let words = words_of_row(status, archived).await;
            assert_eq!(words.join(" "), expected, "{status}, archived: {archived}");
        });
    }
    futures_util::future::join_all(rows).await;
}

/// What each guarded call comes to on such a session; a call that does nothing sends nothing.
async fn words_of_row(status: &str, archived: bool) -> Vec<String> {
    let api = obliging(&found(status, archived)).await;
    let host = Host::on(&api.0.uri()).await;
    let mut words = Vec::new();
    for (tool, arguments) in calls("sesn_1") {
        let before = api.writes().await.len();
        let word = host.call(tool, arguments).await.word();
        let sent = api.writes().await.len() - before;
        let acted = [
            "updated",
            "archived",
            "deleted",
            "interrupted",
            "interrupt_sent",
        ];
        assert_eq!(
            sent,
            usize::from(acted.contains(&word.as_str())),
            "{tool} on {status}: {word}"
        );
        words.push(word);
    }
    words
}

#[tokio::test]
async fn a_declared_status_is_as_safe_as_idle() {
    let api = obliging(&found("hibernating", false)).await;
    let flags = Flags {
        idle_status: vec!["hibernating".to_owned()],
        ..Flags::default()
    };
    let host = Host::with(flags, &api.0.uri()).await;
    assert_eq!(
        host.call("archive_session", json!({"session_id": "sesn_1"}))
            .await
            .word(),
        "archived"
    );
    let tools = host.tools().await;
    let list = tools
        .iter()
        .find(|tool| tool.name == "list_sessions")
        .expect("it is there");
    let schema = Value::Object(list.input_schema.as_ref().clone());
    let statuses = schema["properties"]["statuses"]["items"]["enum"].to_string();
    assert!(
        statuses.contains("hibernating"),
        "it can be asked for: {statuses}"
    );
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_sends_nothing() {
    for (status, arguments, expected) in [
        ("idle", json!({}), "would_update would_archive would_delete"),
        (
            "running",
            json!({}),
            "session_running session_running session_running",
        ),
        (
            "running",
            json!({"if_busy": "interrupt"}),
            "would_update would_archive would_delete",
        ),
    ] {
        let api = obliging(&found(status, false)).await;
        let host = Host::on(&api.0.uri()).await;
        let mut words = Vec::new();
        for (tool, call) in calls("sesn_1").into_iter().take(3) {
            let call = with(with(call, arguments.clone()), json!({"dry_run": true}));
            words.push(host.call(tool, call).await.word());
        }
        assert_eq!(words.join(" "), expected, "{status} {arguments}");
        assert_eq!(api.writes().await, [""; 0]);
    }
    let api = obliging(&found("running", false)).await;
    let host = Host::on(&api.0.uri()).await;
    for (tool, call) in calls("sesn_1").into_iter().skip(3) {
        let word = host
            .call(tool, with(call, json!({"dry_run": true})))
            .await
            .word();
        assert!(word.starts_with("would_"), "{tool}: {word}");
    }
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn an_expected_updated_at_must_be_the_sessions() {
    for (expected, word) in [
        ("2026-11-02T09:30:00.500Z", "archived"),
        ("2026-11-02T10:30:00.5+01:00", "archived"),
        // As rows show it: to the second.
        ("2026-11-02T09:30:00Z", "archived"),
        ("2026-11-02T09:30:01Z", "session_changed"),
        ("2026-11-02T09:30:00.400Z", "session_changed"),
    ] {
        let api = obliging(&found("idle", false)).await;
        let host = Host::on(&api.0.uri()).await;
        let arguments = json!({"session_id": "sesn_1", "expected_updated_at": expected});
        assert_eq!(
            host.call("archive_session", arguments).await.word(),
            word,
            "{expected}"
        );
        assert_eq!(api.writes().await.len(), usize::from(word == "archived"));
    }
}

#[tokio::test]
async fn a_service_that_ignores_a_write_is_found_out() {
    let plain = found("idle", false);
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions/sesn_1", 200, plain.clone())
        .await;
    api.answers("POST", "/v1/sessions/sesn_1", 200, plain.clone())
        .await;
    api.answers("POST", "/v1/sessions/sesn_1/archive", 200, plain)
        .await;
    let host = Host::on(&api.0.uri()).await;
    let tools = calls("sesn_1");
    for (tool, arguments) in tools
        .into_iter()
        .filter(|(tool, _)| !tool.starts_with("delete"))
    {
        let word = host.call(tool, arguments).await.word();
        assert!(
            ["not_applied", "nothing_to_do"].contains(&word.as_str()),
            "{tool}: {word}"
        );
    }
}

#[tokio::test]
async fn a_deletion_that_nobody_vouches_for_is_looked_at() {
    for (still_there, word) in [(true, "not_applied"), (false, "deleted")] {
        let api = Api::new().await;
        api.answers_once("GET", "/v1/sessions/sesn_1", 200, found("idle", false))
            .await;
        if still_there {
            api.answers("GET", "/v1/sessions/sesn_1", 200, found("idle", false))
                .await;
        }
        api.answers("DELETE", "/v1/sessions/sesn_1", 200, json!({}))
            .await;
        let host = Host::on(&api.0.uri()).await;
        let call = host.call("delete_session", json!({"session_id": "sesn_1"}));
        assert_eq!(call.await.word(), word);
    }
}

#[tokio::test]
async fn an_answer_about_another_session_is_no_reading() {
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions/sesn_2", 200, found("idle", false))
        .await;
    let host = Host::on(&api.0.uri()).await;
    let call = host.call("delete_session", json!({"session_id": "sesn_2"}));
    assert_eq!(call.await.code(), "bad_response");
    assert_eq!(api.writes().await, [""; 0]);
}
