//! Changes of many sessions: plan, then apply.

mod changes;
mod fates;
mod rate;

use managed_sessions_mcp::sandbox::{Effect, Fault, Options, Quirk, Sandbox};
use serde_json::{Value, json};

use crate::support::{Host, all_pages, ids, in_time, sandbox_with, with_fields};

/// A sandbox with so many sessions besides those it always has.
async fn fleet_of(bulk_sessions: usize) -> (Sandbox, Host) {
    let options = Options {
        bulk_sessions,
        small_bulk: true,
        // The session with an open workflow run is like any other one.
        quirks: vec![Quirk::EndsRuns],
        ..Options::default()
    };
    let sandbox = sandbox_with(options).await;
    let host = Host::new(&sandbox.base_url()).await;
    (sandbox, host)
}

/// The arguments of a plan of all sessions.
fn everything(action: &str) -> Value {
    let statuses = ["idle", "running", "rescheduling", "terminated"];
    json!({"action": action, "statuses": statuses, "max_sessions": 1000})
}

async fn plan(host: &Host, arguments: Value) -> Value {
    host.answer("plan_changes", arguments).await
}

/// Applies a plan to its end; the counts of each answer must add up and never go back.
async fn apply_all(host: &Host, plan: &Value) -> Value {
    let mut settled = 0;
    loop {
        let answer = apply(host, plan).await;
        let now = check_counts(&answer);
        assert!(now >= settled, "{answer}");
        settled = now;
        if answer["remaining"] == 0 {
            assert_eq!(answer["outcome"], "completed");
            return answer;
        }
        assert_eq!(answer["outcome"], "in_progress");
    }
}

async fn apply(host: &Host, plan: &Value) -> Value {
    let arguments = json!({"plan_id": plan["plan_id"]});
    host.answer("apply_changes", arguments).await
}

/// Asserts that done + skipped + failed + remaining = matched; returns how many are settled.
#[track_caller]
fn check_counts(answer: &Value) -> u64 {
    let number = |name: &str| answer[name].as_u64().expect("a count");
    let skipped = answer["skipped"].as_object().expect("by code").values();
    let skipped = skipped.map(|reason| reason["count"].as_u64().expect("a count"));
    let settled = number("done") + skipped.sum::<u64>() + number("failed_count");
    assert_eq!(settled + number("remaining"), number("matched"), "{answer}");
    settled
}

/// The rows of all sessions, archived ones too.
async fn all_rows(host: &Host) -> Vec<Value> {
    let arguments = json!({"include_archived": true, "limit": 100});
    let rows = all_pages(host, "list_sessions", arguments, "sessions").await;
    rows.as_array().expect("rows").clone()
}

#[tokio::test]
async fn a_thousand_sessions_are_archived_and_busy_ones_are_left_alone() {
    let (sandbox, host) = fleet_of(1_000).await;
    let busy = json!({"statuses": ["running", "rescheduling"], "limit": 100});
    let busy = host.answer("list_sessions", busy).await;
    // One session ends by itself after a while.
    let without_ending = |mut ids: Vec<String>| {
        ids.retain(|id| id != "sesn_15");
        ids
    };
    let busy = without_ending(ids(&busy["sessions"]));
    assert!(busy.len() > 3, "there is something to leave alone");
    let writes = sandbox.writes();

    let mut done = 0;
    loop {
        let all = with_fields(everything("archive"), json!({"include_waiting": true}));
        let plan = plan(&host, all).await;
        assert_eq!(sandbox.writes(), writes + done, "a plan changes nothing");
        let size = plan.to_string().len();
        assert!(size < 12_000, "{size}");
        if plan["matched"] == 0 {
            break;
        }
        assert!(plan["total_list_cost"].is_string() && plan["estimated_seconds"].is_u64());
        let end = apply_all(&host, &plan).await;
        assert_eq!(end["done"], plan["matched"], "{end}");
        assert_eq!(end["failed_count"], 0, "{end}");
        done += usize::try_from(end["done"].as_u64().expect("a count")).expect("small");
    }
    assert_eq!(sandbox.writes(), writes + done, "one write a session");
    let left = host.answer("list_sessions", json!({"limit": 100})).await;
    assert_eq!(without_ending(ids(&left["sessions"])), busy, "all others are archived");
}

#[tokio::test]
async fn a_plan_lists_what_it_leaves_out_and_why() {
    let (_sandbox, host) = fleet_of(0).await;
    let all = all_rows(&host).await;
    let count = |matches: &dyn Fn(&Value) -> bool| all.iter().filter(|row| matches(row)).count();
    let open = |row: &Value, statuses: &[&str]| {
        row["archived"] == false && statuses.iter().any(|status| row["status"] == *status)
    };
    let mut ids = ids(&all.clone().into());
    ids.push("sesn_gone".to_owned());
    let plan = plan(&host, json!({"action": "archive", "session_ids": ids})).await;
    let free = count(&|row| open(row, &["idle", "terminated"]));
    let waiting = plan["skipped"]["session_waiting"]["count"].as_u64().expect("a count");
    assert!(waiting > 1, "{plan}");
    assert_eq!(plan["matched"], free as u64 - waiting);
    let archived = count(&|row| row["archived"] == true);
    assert_eq!(plan["skipped"]["nothing_to_do"]["count"], archived);
    let gone = json!({"count": 1, "ids": ["sesn_gone"]});
    assert_eq!(plan["skipped"]["not_found"], gone);
    let running = count(&|row| open(row, &["running"]));
    assert_eq!(plan["skipped"]["session_running"]["count"], running);
    assert_eq!(plan["complete"], true);
}

#[tokio::test]
async fn sessions_changed_or_deleted_since_the_plan_are_skipped() {
    let (_sandbox, host) = fleet_of(0).await;
    let plan =
        plan(&host, json!({"action": "delete", "statuses": ["idle"], "include_waiting": true}))
            .await;
    let [changed, gone] = [0, 1].map(|at| plan["sessions"][at]["id"].clone());
    let title = json!({"session_id": changed, "title": "still needed"});
    host.answer("update_session", title).await;
    let deleted = json!({"session_id": gone});
    host.answer("delete_session", deleted).await;
    let end = apply_all(&host, &plan).await;
    for (code, id) in [("session_changed", &changed), ("not_found", &gone)] {
        assert_eq!(end["skipped"][code], json!({"count": 1, "ids": [id]}));
    }
    let matched = plan["matched"].as_u64().expect("a count");
    assert_eq!(end["done"], matched - 2);
    let kept = json!({"session_id": changed});
    host.answer("get_session", kept).await;
}

#[tokio::test]
async fn two_concurrent_applies_do_the_work_once() {
    let (sandbox, host) = fleet_of(60).await;
    let plan =
        plan(&host, json!({"action": "delete", "statuses": ["idle"], "include_waiting": true}))
            .await;
    let (writes, matched) = (sandbox.writes(), plan["matched"].as_u64().expect("a count"));
    let (one, other) = tokio::join!(apply(&host, &plan), apply(&host, &plan));
    check_counts(&one);
    check_counts(&other);
    let end = apply_all(&host, &plan).await;
    assert_eq!(end["done"], matched);
    assert_eq!((sandbox.writes() - writes) as u64, matched);
    assert_eq!(apply_all(&host, &plan).await, end, "nothing is left to do");
    assert_eq!((sandbox.writes() - writes) as u64, matched);
}

#[tokio::test]
async fn a_storm_of_429_slows_down_and_loses_nothing() {
    let (sandbox, host) = fleet_of(30).await;
    let arguments = json!({"action": "archive", "statuses": ["idle"], "max_sessions": 20});
    let plan = plan(&host, arguments).await;
    let limit =
        Effect::Status { status: 429, retry_after: Some("0.05".to_owned()), should_retry: None };
    sandbox.fail(Fault::new(limit).times(25));
    let end = in_time(apply_all(&host, &plan)).await;
    assert_eq!(end["done"], plan["matched"], "{end}");
    assert_eq!(end["skipped"], json!({}), "{end}");
}

#[tokio::test]
async fn connections_lost_after_the_write_cause_no_second_write_and_no_loss() {
    let (sandbox, host) = fleet_of(30).await;
    for action in ["archive", "delete"] {
        let arguments = json!({"action": action, "statuses": ["idle"], "max_sessions": 10});
        let plan = plan(&host, arguments).await;
        sandbox.fail(Fault::new(Effect::ResetAfter).times(7));
        let end = in_time(apply_all(&host, &plan)).await;
        assert_eq!(end["done"], plan["matched"], "{end}");
        assert_eq!(end["failed"], json!([]), "{end}");
    }
}

#[tokio::test]
async fn an_unknown_plan_and_a_bad_one_are_failures() {
    let (sandbox, host) = fleet_of(0).await;
    let unknown = json!({"plan_id": "plan_0"});
    let failure = host.failure("apply_changes", unknown).await;
    assert!(failure.starts_with("plan_not_found: "), "{failure}");
    assert!(failure.contains("Next: call plan_changes"), "{failure}");
    for arguments in [
        json!({"action": "archive", "session_ids": ["sesn_01"], "statuses": ["idle"]}),
        json!({"action": "burn"}),
    ] {
        let code = host.outcome("plan_changes", arguments).await;
        assert_eq!(code, "invalid_arguments");
    }
    assert_eq!(sandbox.writes(), 0);
}

#[tokio::test]
async fn a_session_that_cannot_be_read_leaves_the_plan_incomplete() {
    let (sandbox, host) = fleet_of(0).await;
    sandbox.fail(Fault::new(Effect::Html { status: 200 }).on("GET", "/sesn_01"));
    let ids = ["sesn_01", "sesn_13", "sesn_nobody"];
    let arguments = json!({"action": "archive", "session_ids": ids});
    let first = plan(&host, arguments.clone()).await;
    assert_eq!(first["matched"], 1, "{first}");
    assert_eq!(first["complete"], false, "{first}");
    assert_eq!(first["skipped"]["bad_response"]["ids"], json!(["sesn_01"]));
    // Now it can; a session that does not exist leaves nothing open.
    let second = plan(&host, arguments).await;
    assert_eq!(second["matched"], 2, "{second}");
    assert_eq!(second["complete"], true, "{second}");
}

#[tokio::test]
async fn sessions_that_wait_for_somebody_are_left_alone_unless_they_are_included() {
    let (sandbox, host) = fleet_of(0).await;
    let named = json!(["sesn_01", "sesn_02", "sesn_03"]);
    for action in ["archive", "delete"] {
        let by_ids = plan(&host, json!({"action": action, "session_ids": named})).await;
        assert_eq!(by_ids["matched"], 1, "{by_ids}");
        let waiting = json!({"count": 2, "ids": ["sesn_02", "sesn_03"]});
        assert_eq!(by_ids["skipped"]["session_waiting"], waiting, "{by_ids}");
    }
    let found = plan(&host, json!({"action": "archive", "statuses": ["idle"]})).await;
    let end = apply_all(&host, &found).await;
    let waiting = &end["skipped"]["session_waiting"]["ids"];
    for id in ["sesn_02", "sesn_03"] {
        assert!(waiting.as_array().expect("ids").contains(&json!(id)), "{end}");
    }
    let all = json!({"action": "archive", "session_ids": ["sesn_02"], "include_waiting": true});
    let all = plan(&host, all).await;
    assert_eq!(apply_all(&host, &all).await["done"], 1);
    drop(sandbox);
}

#[tokio::test]
async fn what_a_session_waits_for_is_a_warning_of_a_single_write() {
    let (_sandbox, host) = fleet_of(0).await;
    for (tool, id, dry_run) in [
        ("archive_session", "sesn_02", true),
        ("delete_session", "sesn_02", true),
        ("archive_session", "sesn_02", false),
        ("delete_session", "sesn_03", false),
    ] {
        let arguments = json!({"session_id": id, "dry_run": dry_run});
        let answer = host.answer(tool, arguments).await;
        let warning = answer["warnings"][0].as_str().unwrap_or_default();
        assert!(warning.starts_with("it waits for an answer"), "{tool}: {answer}");
    }
    let answer = host.answer("archive_session", json!({"session_id": "sesn_01"})).await;
    assert_eq!(answer.get("warnings"), None, "{answer}");
}
