//! Plans that stop turns or change tools.

use std::{collections::BTreeSet, time::Duration};

use managed_sessions_mcp::{
    cli::Flags,
    sandbox::{Effect, Fault, Options, Sandbox},
};
use serde_json::{Value, json};

use super::{apply, apply_all, check_counts, fleet_of, plan};
use crate::support::{Api, Host, ids, sandbox_with, sandbox_writes, session, with_fields};

async fn restless_sandbox() -> (Sandbox, Host) {
    let options = Options { turn: Duration::from_millis(20), ..Options::default() };
    let sandbox = sandbox_with(options).await;
    let host = Host::new(&sandbox.base_url()).await;
    (sandbox, host)
}

fn linear() -> Value {
    json!({"type": "url", "name": "wiki", "url": "https://mcp.example.com/wiki"})
}

#[tokio::test]
async fn what_runs_is_stopped_and_what_waits_or_rests_is_left_alone() {
    let (sandbox, host) = fleet_of(60).await;
    let running = json!({"statuses": ["running"], "limit": 100});
    let running = ids(&host.answer("list_sessions", running).await["sessions"]);
    let made = plan(
        &host,
        json!({"action": "interrupt", "statuses": ["running", "idle"], "max_sessions": 1000}),
    )
    .await;
    assert_eq!(made["matched"], running.len(), "{made}");
    assert!(made["skipped"]["nothing_to_do"]["count"].as_u64() > Some(5), "{made}");
    let end = apply_all(&host, &made).await;
    assert_eq!(end["done"], made["matched"], "{end}");
    let changed = end["changed"].as_array().expect("ids");
    assert_eq!(changed.len(), running.len(), "{end}");
    let writes = sandbox_writes(&sandbox);
    assert_eq!(writes.len(), running.len(), "one interrupt a session");
    assert!(writes.iter().all(|write| write.ends_with("/events")), "{writes:?}");
    let again = apply(&host, &made).await;
    assert_eq!((&again["done"], &again["changed"]), (&made["matched"], &json!([])), "{again}");
    assert_eq!(sandbox_writes(&sandbox).len(), running.len(), "nothing twice");
}

/// Seeded: `sesn_02` waits for an answer, `sesn_01` does not.
#[tokio::test]
async fn the_waiting_of_an_idle_session_is_stopped_only_if_that_is_asked_for() {
    let (sandbox, host) = fleet_of(0).await;
    for include_waiting in [false, true] {
        let made = plan(
            &host,
            json!({
                "action": "interrupt", "session_ids": ["sesn_01", "sesn_02"],
                "include_waiting": include_waiting,
            }),
        )
        .await;
        assert_eq!(made["matched"], u32::from(include_waiting), "{made}");
        assert_eq!(made["skipped"]["nothing_to_do"]["ids"][0], "sesn_01", "{made}");
        let waits = made["skipped"].get("session_waiting").is_some();
        assert_eq!(waits, !include_waiting, "{made}");
        let end = apply_all(&host, &made).await;
        assert_eq!(end["done"], made["matched"], "{end}");
    }
    assert_eq!(sandbox_writes(&sandbox), ["POST /v1/sessions/sesn_02/events"]);
}

/// The turn that was planned to be stopped has ended, and the session is in the next one.
#[tokio::test]
async fn only_the_turn_that_was_running_when_the_plan_was_made_is_stopped() {
    let path = "/v1/sessions/sesn_1";
    let status = |id: &str, kind: &str| json!({"id": id, "type": format!("session.status_{kind}"), "processed_at": "2026-11-24T10:00:00Z"});
    let first = vec![status("sevt_1", "running")];
    let retried = vec![
        status("sevt_3", "running"),
        status("sevt_2", "rescheduled"),
        status("sevt_1", "running"),
    ];
    let next =
        vec![status("sevt_3", "running"), status("sevt_2", "idle"), status("sevt_1", "running")];
    for (events, done) in [(first.clone(), 1), (retried, 1), (next, 0)] {
        let api = Api::with_session(session("sesn_1", "running")).await;
        let events_path = format!("{path}/events");
        api.answers_once("GET", &events_path, 200, json!({"data": first})).await;
        api.answers("GET", &events_path, 200, json!({"data": events})).await;
        let sent = json!({"id": "sevt_9", "type": "user.interrupt"});
        api.answers("POST", &events_path, 200, json!({"data": [sent]})).await;
        let host = api.host().await;
        let made = plan(&host, json!({"action": "interrupt", "session_ids": ["sesn_1"]})).await;
        assert_eq!(made["matched"], 1, "{made}");
        let end = apply_all(&host, &made).await;
        assert_eq!(end["done"], done, "{end}");
        assert_eq!(end["skipped"].get("session_changed").is_some(), done == 0, "{end}");
        assert_eq!(api.writes().await.len(), done);
    }
}

#[tokio::test]
async fn a_server_is_given_to_all_sessions_of_an_agent_and_taken_back() {
    let (sandbox, host) = restless_sandbox().await;
    let before = host.answer("get_session", json!({"session_id": "sesn_01"})).await;
    let toolset = json!({"type": "mcp_toolset", "mcp_server_name": "wiki"});
    let order = json!({"action": "update_tools", "agent": "Release engineer", "mcp_servers": [linear()], "tools": [toolset]});
    let made = plan(&host, order.clone()).await;
    assert!(made["matched"].as_u64() > Some(1), "{made}");
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
    let diffs = made["diffs"].as_array().expect("diffs");
    assert!((1..=3).contains(&diffs.len()), "{made}");
    assert_eq!(diffs[0]["mcp_servers"]["added"][0]["name"], "wiki", "{made}");
    assert!(made.to_string().len() < 12_000);
    assert!(
        made["warnings"][0].as_str().is_some_and(|it| it.contains("session_waiting")),
        "{made}"
    );
    let end = apply_all(&host, &made).await;
    let [done, waiting] = [&end["done"], &end["skipped"]["session_waiting"]["count"]];
    assert!(done.as_u64() > Some(0), "{end}");
    assert_eq!(end["failed_count"], 0, "{end}");
    let sum = done.as_u64().unwrap_or_default() + waiting.as_u64().unwrap_or_default();
    assert_eq!(made["matched"].as_u64(), Some(sum), "{end}");
    let changed = host.answer("get_session", json!({"session_id": "sesn_01"})).await;
    assert_ne!(changed["mcp_servers"], before["mcp_servers"]);
    // What is already so is left alone.
    let again = plan(&host, order).await;
    assert_eq!(again["skipped"]["nothing_to_do"]["count"], *done, "{again}");

    let undo = plan(&host, json!({"plan_id": made["plan_id"], "undo": true})).await;
    assert_eq!((&undo["matched"], &undo["action"]), (done, &json!("update_tools")), "{undo}");
    let end = apply_all(&host, &undo).await;
    assert_eq!(&end["done"], done, "{end}");
    let restored = host.answer("get_session", json!({"session_id": "sesn_01"})).await;
    assert_eq!(restored["tools"], before["tools"]);
    assert_eq!(restored.get("mcp_servers"), before.get("mcp_servers"));
    // And the undoing can be undone.
    let redo = plan(&host, json!({"plan_id": undo["plan_id"], "undo": true})).await;
    assert_eq!(&redo["matched"], done, "{redo}");
}

#[tokio::test]
async fn what_cannot_be_changed_is_left_out_of_the_plan() {
    let (sandbox, host) = fleet_of(0).await;
    // Seeded: sesn_11 has a server of its own, which others lack.
    let toolset = json!({"type": "mcp_toolset", "mcp_server_name": "linear", "default_config": {"enabled": false}});
    let all =
        json!(["sesn_11", "sesn_01", "sesn_05", "sesn_07", "sesn_08", "sesn_02", "sesn_gone"]);
    let made =
        plan(&host, json!({"action": "update_tools", "session_ids": all, "tools": [toolset]}))
            .await;
    assert_eq!(ids(&made["sessions"]), ["sesn_11"], "{made}");
    for (code, id) in [
        ("invalid_toolset", "sesn_01"),
        ("session_running", "sesn_05"),
        ("session_terminated", "sesn_07"),
        ("session_archived", "sesn_08"),
        ("not_found", "sesn_gone"),
    ] {
        assert!(made["skipped"][code]["ids"].to_string().contains(id), "{code}: {made}");
    }
    // Changed since: its own tools are as the plan would have them no more.
    let title = json!({"session_id": "sesn_11", "title": "Changed since"});
    host.answer("update_session", title).await;
    let writes = sandbox_writes(&sandbox).len();
    let end = apply_all(&host, &made).await;
    assert_eq!(end["skipped"]["session_changed"]["count"], 1, "{end}");
    assert_eq!(sandbox_writes(&sandbox).len(), writes);
}

#[tokio::test]
async fn a_lost_change_of_tools_is_done_once_and_can_be_taken_back() {
    for effect in [Effect::ResetAfter, Effect::Truncated, Effect::Reset] {
        let (sandbox, host) = restless_sandbox().await;
        let order = json!({"action": "update_tools", "session_ids": ["sesn_01"], "mcp_servers": [linear()]});
        let made = plan(&host, order).await;
        sandbox.fail(Fault::new(effect).on("POST", "/v1/sessions/sesn_01"));
        let end = apply_all(&host, &made).await;
        assert_eq!((&end["done"], &end["changed"]), (&json!(1), &json!(["sesn_01"])), "{end}");
        let undo = plan(&host, json!({"plan_id": made["plan_id"], "undo": true})).await;
        assert_eq!(apply_all(&host, &undo).await["done"], 1);
        let now = host.answer("get_session", json!({"session_id": "sesn_01"})).await;
        assert!(!now["mcp_servers"].to_string().contains("wiki"), "{now}");
    }
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_is_one_failure() {
    let (sandbox, host) = fleet_of(0).await;
    let archive = plan(&host, json!({"action": "archive", "session_ids": ["sesn_01"]})).await;
    let by_id = |fields: Value| with_fields(json!({"session_ids": ["sesn_01"]}), fields);
    for (arguments, part) in [
        (by_id(json!({"action": "update_tools"})), "nothing is given to change"),
        (by_id(json!({"action": "archive", "mcp_servers": [linear()]})), "not with archive"),
        (by_id(json!({"action": "delete", "remove_tools": ["bash"]})), "not with delete"),
        (by_id(json!({"action": "archive", "undo": true})), "belong to plan_id"),
        (json!({"action": "interrupt"}), "neither session_ids nor a filter"),
        (json!({"plan_id": archive["plan_id"], "undo": true}), "does not change tools"),
        (json!({"plan_id": "plan_0", "undo": true}), "there is no plan"),
        (json!({"plan_id": archive["plan_id"], "undo": true, "page": "x"}), "leave page out"),
        (json!({"plan_id": archive["plan_id"], "mcp_servers": [linear()]}), "as it is"),
    ] {
        let shown = arguments.to_string();
        let failure = host.failure("plan_changes", arguments).await;
        assert!(failure.contains(part), "{shown}: {failure}");
    }
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn no_plan_does_what_is_disabled() {
    let sandbox = sandbox_with(Options::default()).await;
    for (tool, action, more) in [
        ("archive_session", "archive", json!({})),
        ("delete_session", "delete", json!({})),
        ("interrupt_session", "interrupt", json!({})),
        ("update_session_tools", "update_tools", json!({"mcp_servers": [linear()]})),
    ] {
        let flags = Flags { disable_tools: Some(tool.to_owned()), ..Flags::default() };
        let host = Host::with_flags(flags, &sandbox.base_url()).await;
        let order = json!({"action": action, "session_ids": ["sesn_01"]});
        let failure = host.failure("plan_changes", with_fields(order, more)).await;
        assert!(failure.starts_with("invalid_arguments: "), "{action}: {failure}");
    }
}

/// The counts of two calls at once add up, and nothing is done twice.
#[tokio::test]
async fn a_plan_applied_twice_at_once_changes_each_session_once() {
    let (sandbox, host) = fleet_of(40).await;
    let order = json!({
        "action": "update_tools", "statuses": ["idle"], "mcp_servers": [linear()],
        "max_sessions": 1000,
    });
    let made = plan(&host, order).await;
    let (one, other) = tokio::join!(apply(&host, &made), apply(&host, &made));
    check_counts(&one);
    check_counts(&other);
    let end = apply_all(&host, &made).await;
    let changed = |answer: &Value| answer["changed"].as_array().expect("ids").len();
    let sum = changed(&one) + changed(&other) + changed(&end);
    assert_eq!(end["done"], sum, "{one} {other} {end}");
    let writes = sandbox_writes(&sandbox);
    let different: BTreeSet<&String> = writes.iter().collect();
    assert_eq!(different.len(), writes.len(), "nothing twice");
}

#[tokio::test]
async fn a_thousand_ids_may_repeat_themselves_and_an_exclusion_leaves_out_what_it_names() {
    let (sandbox, host) = fleet_of(60).await;
    let idle = host.answer("list_sessions", json!({"statuses": ["idle"], "limit": 100})).await;
    let mut named = ids(&idle["sessions"]);
    named.retain(|id| id.starts_with("sesn_bulk"));
    let many: Vec<&String> = named.iter().cycle().take(1_000).collect();
    let order = json!({"action": "archive", "session_ids": many, "max_sessions": 1000});
    let made = plan(&host, order.clone()).await;
    assert_eq!(made["matched"], named.len(), "{made}");
    let (first, second) = (&named[0], &named[1]);
    let but_two = with_fields(order.clone(), json!({"exclude_session_ids": [first, second]}));
    let made = plan(&host, but_two).await;
    assert_eq!(made["matched"], named.len() - 2, "{made}");
    let but_all = with_fields(order, json!({"exclude_session_ids": named}));
    let failure = host.failure("plan_changes", but_all).await;
    assert!(failure.contains("exclude_session_ids"), "{failure}");
    let end = apply_all(&host, &made).await;
    assert_eq!(end["done"], named.len() - 2, "{end}");
    let writes = sandbox_writes(&sandbox);
    for id in [first, second] {
        assert!(writes.iter().all(|write| !write.contains(id.as_str())), "{id} was written");
    }
}

/// Services without `updated_at`, or where it does not move.
#[tokio::test]
async fn a_session_that_changed_without_a_new_time_is_left_alone() {
    let path = "/v1/sessions/sesn_1";
    let pause = |id: &str| json!({"id": id, "type": "session.status_idle", "stop_reason": {"type": "end_turn"}, "processed_at": "2026-11-24T10:00:00Z"});
    let (old, new) = (json!({"data": [pause("sevt_1")]}), json!({"data": [pause("sevt_2")]}));
    let tool = json!([{"type": "custom", "name": "x", "description": "d", "input_schema": {"type": "object"}}]);
    let mut other_tools = session("sesn_1", "idle");
    other_tools["agent"]["tools"] = tool;
    let mut with_tools = other_tools.clone();
    with_tools["agent"]["tools"][0]["name"] = "y".into();
    let other_metadata = with_fields(with_tools.clone(), json!({"metadata": {"keep": "1"}}));
    let by_filter = json!({"statuses": ["idle"]});
    let by_id = json!({"session_ids": ["sesn_1"]});
    for (selection, now, events, is_changed) in [
        (&by_filter, &with_tools, &old, false),
        (&by_filter, &other_tools, &old, true),
        (&by_filter, &other_metadata, &old, true),
        (&by_id, &with_tools, &old, false),
        (&by_id, &with_tools, &new, true),
        (&by_id, &other_metadata, &old, true),
    ] {
        for updated_at in [json!(null), with_tools["updated_at"].clone()] {
            let with_time =
                |session: &Value| with_fields(session.clone(), json!({"updated_at": updated_at}));
            let api = Api::new().await;
            api.answers("GET", "/v1/sessions", 200, json!({"data": [with_time(&with_tools)]}))
                .await;
            if selection == &by_id {
                api.answers_once("GET", path, 200, with_time(&with_tools)).await;
                api.answers_once("GET", &format!("{path}/events"), 200, old.clone()).await;
            }
            api.answers("GET", path, 200, with_time(now)).await;
            api.answers("GET", &format!("{path}/events"), 200, events.clone()).await;
            let archived = json!({"archived_at": "2026-11-24T12:00:00Z"});
            let archived = with_fields(with_time(now), archived);
            api.answers("POST", &format!("{path}/archive"), 200, archived).await;
            let host = api.host().await;
            let order = with_fields(json!({"action": "archive"}), selection.clone());
            let made = plan(&host, order).await;
            assert_eq!(made["matched"], 1, "{made}");
            let end = apply_all(&host, &made).await;
            let shown = format!("{selection} {updated_at}: {end}");
            assert_eq!(end["done"], u32::from(!is_changed), "{shown}");
            assert_eq!(end["skipped"].get("session_changed").is_some(), is_changed, "{shown}");
            assert_eq!(api.writes().await.len(), usize::from(!is_changed), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_change_whose_end_is_not_known_is_named_where_it_is_taken_back() {
    let (sandbox, host) = restless_sandbox().await;
    let order = json!({"action": "update_tools", "session_ids": ["sesn_01", "sesn_11"], "mcp_servers": [linear()]});
    let made = plan(&host, order).await;
    let failing = Effect::Status { status: 500, retry_after: None, should_retry: None };
    sandbox.fail(Fault::new(failing).times(20).on("POST", "/v1/sessions/sesn_01"));
    let end = apply_all(&host, &made).await;
    assert_eq!(end["failed"][0]["in_doubt"], true, "{end}");
    let undo = plan(&host, json!({"plan_id": made["plan_id"], "undo": true})).await;
    assert_eq!(undo["skipped"]["in_doubt"]["ids"], json!(["sesn_01"]), "{undo}");
    assert_eq!(undo["matched"], 1, "{undo}");
}

#[tokio::test]
async fn a_host_that_cannot_ask_is_given_the_question_and_many_failures_are_cut() {
    let (sandbox, _) = fleet_of(60).await;
    let flags = Flags { confirm_deletes: Some("token".to_owned()), ..Flags::default() };
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    let order = json!({"action": "delete", "statuses": ["idle"], "max_sessions": 1000});
    let made = plan(&host, order).await;
    let required = apply(&host, &made).await;
    let question = required["question"].as_str().expect("a question");
    assert!(question.contains("No copies are kept") && question.contains(" more"), "{question}");
    let refused = Effect::Status { status: 403, retry_after: None, should_retry: None };
    sandbox.fail(Fault::new(refused).times(1_000).on("DELETE", "/v1/sessions/"));
    let token =
        json!({"plan_id": made["plan_id"], "confirmation_token": required["confirmation_token"]});
    let end = host.answer("apply_changes", token).await;
    assert!(end["failed_count"].as_u64() > Some(30), "{end}");
    assert!(end.to_string().len() < 12_000, "{}", end.to_string().len());
}
