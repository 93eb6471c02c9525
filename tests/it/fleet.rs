//! Clean-up of many sessions: plan, then apply.

mod fates;
mod rate;

use std::collections::BTreeSet;

use managed_sessions_mcp::{
    cli::Flags,
    sandbox::{Effect, Fault, Options, Sandbox},
};
use serde_json::{Value, json};

use crate::support::{Host, soon};

/// As fast as this server goes: what is tested here is not the pace.
fn fast() -> Flags {
    Flags {
        max_rpm: Some("60000".to_owned()),
        ..Flags::default()
    }
}

async fn fleet_of(sessions: usize) -> (Sandbox, Host) {
    let options = Options {
        bulk_sessions: sessions,
        status_lag: std::time::Duration::ZERO,
        ..Options::default()
    };
    let sandbox = Sandbox::start("127.0.0.1:0".parse().expect("an address"), options)
        .await
        .expect("the sandbox starts");
    let host = Host::with(fast(), &sandbox.base_url()).await;
    (sandbox, host)
}

/// Applies a plan to its end; each answer's counts must add up and never go back.
async fn apply_all(host: &Host, plan: &Value) -> Value {
    let mut settled = 0;
    loop {
        let arguments = json!({"plan_id": plan["plan_id"]});
        let answer = host.call("apply_cleanup", arguments).await.answer();
        let now = adds_up(&answer);
        assert!(now >= settled, "{answer}");
        settled = now;
        if answer["remaining"] == 0 {
            assert_eq!(answer["outcome"], "completed");
            return answer;
        }
        assert_eq!(answer["outcome"], "in_progress");
    }
}

/// done + skipped + failed + remaining = matched; answers how many are settled.
#[track_caller]
pub(crate) fn adds_up(answer: &Value) -> u64 {
    let number = |name: &str| answer[name].as_u64().expect("a count");
    let skipped: u64 = answer["skipped"]
        .as_object()
        .expect("by code")
        .values()
        .map(|reason| reason["count"].as_u64().expect("a count"))
        .sum();
    let settled = number("done") + skipped + number("failed_count");
    assert_eq!(settled + number("remaining"), number("matched"), "{answer}");
    settled
}

/// All sessions, archived ones too, by id.
async fn everything(host: &Host) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut page = Value::Null;
    loop {
        let arguments = json!({"include_archived": true, "limit": 100, "page": page});
        let answer = host.call("list_sessions", arguments).await.answer();
        rows.extend(answer["sessions"].as_array().expect("rows").clone());
        match answer.get("next_page") {
            Some(next) => page = next.clone(),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn a_thousand_sessions_are_archived_and_busy_ones_are_left_alone() {
    let (sandbox, host) = fleet_of(1_000).await;
    let before = everything(&host).await;
    let busy = |row: &&Value| row["status"] == "running" || row["status"] == "rescheduling";
    let busy: BTreeSet<String> = before
        .iter()
        .filter(busy)
        .map(|row| row["id"].to_string())
        .collect();
    assert!(busy.len() > 3, "there is something to leave alone");
    let writes = sandbox.writes();

    let mut done = 0;
    loop {
        let arguments = json!({"action": "archive", "max_sessions": 1000});
        let plan = host.call("plan_cleanup", arguments).await.answer();
        assert_eq!(sandbox.writes(), writes + done, "a plan changes nothing");
        assert!(
            plan.to_string().len() < 12_000,
            "{}",
            plan.to_string().len()
        );
        if plan["matched"] == 0 {
            break;
        }
        assert!(plan["total_list_cost"].is_string() && plan["estimated_seconds"].is_u64());
        let end = apply_all(&host, &plan).await;
        assert_eq!(
            (&end["done"], &end["failed_count"]),
            (&plan["matched"], &json!(0)),
            "{end}"
        );
        done += usize::try_from(end["done"].as_u64().expect("a count")).expect("small");
    }
    assert_eq!(
        sandbox.writes(),
        writes + done,
        "one write a session, none for busy ones"
    );
    for row in everything(&host).await {
        assert_eq!(
            row["archived"] == false,
            busy.contains(&row["id"].to_string()),
            "{row}"
        );
    }
}

#[tokio::test]
async fn a_plan_says_what_is_left_out_and_why() {
    let (_sandbox, host) = fleet_of(0).await;
    let all = everything(&host).await;
    let ids: Vec<Value> = all
        .iter()
        .map(|row| row["id"].clone())
        .chain([json!("sesn_gone")])
        .collect();
    let arguments = json!({"action": "archive", "session_ids": ids});
    let plan = host.call("plan_cleanup", arguments).await.answer();
    let count = |wanted: &dyn Fn(&Value) -> bool| all.iter().filter(|row| wanted(row)).count();
    let free = count(&|row| {
        row["archived"] == false && (row["status"] == "idle" || row["status"] == "terminated")
    });
    assert_eq!(plan["matched"], free);
    assert_eq!(
        plan["skipped"]["nothing_to_do"]["count"],
        count(&|row| row["archived"] == true)
    );
    assert_eq!(
        plan["skipped"]["not_found"],
        json!({"count": 1, "ids": ["sesn_gone"]})
    );
    let running = count(&|row| row["archived"] == false && row["status"] == "running");
    assert_eq!(plan["skipped"]["session_running"]["count"], running);
    assert_eq!(plan["complete"], true);
}

#[tokio::test]
async fn what_changed_since_the_plan_is_skipped() {
    let (_sandbox, host) = fleet_of(0).await;
    let arguments = json!({"action": "delete", "statuses": ["idle"]});
    let plan = host.call("plan_cleanup", arguments).await.answer();
    let touched = plan["sessions"][0]["id"].clone();
    let title = json!({"session_id": touched, "title": "still needed"});
    host.call("update_session", title).await.answer();
    let gone = plan["sessions"][1]["id"].clone();
    host.call("delete_session", json!({"session_id": gone}))
        .await
        .answer();
    let end = apply_all(&host, &plan).await;
    assert_eq!(
        end["skipped"]["session_changed"],
        json!({"count": 1, "ids": [touched]})
    );
    assert_eq!(
        end["skipped"]["not_found"],
        json!({"count": 1, "ids": [gone]})
    );
    assert_eq!(
        end["done"].as_u64(),
        plan["matched"].as_u64().map(|all| all - 2)
    );
    host.call("get_session", json!({"session_id": touched}))
        .await
        .answer();
}

#[tokio::test]
async fn two_applies_at_once_do_the_work_once() {
    let (sandbox, host) = fleet_of(60).await;
    let arguments = json!({"action": "delete", "statuses": ["idle"]});
    let plan = host.call("plan_cleanup", arguments).await.answer();
    let (writes, matched) = (sandbox.writes(), plan["matched"].as_u64().expect("a count"));
    let apply = || host.call("apply_cleanup", json!({"plan_id": plan["plan_id"]}));
    let (one, other) = tokio::join!(apply(), apply());
    adds_up(&one.answer());
    adds_up(&other.answer());
    let end = apply_all(&host, &plan).await;
    assert_eq!(end["done"], matched);
    assert_eq!((sandbox.writes() - writes) as u64, matched);
    // Once more is nothing more.
    assert_eq!(apply_all(&host, &plan).await, end);
    assert_eq!((sandbox.writes() - writes) as u64, matched);
}

#[tokio::test]
async fn a_storm_of_429_slows_down_and_loses_nothing() {
    let (sandbox, host) = fleet_of(30).await;
    let arguments = json!({"action": "archive", "statuses": ["idle"], "max_sessions": 20});
    let plan = host.call("plan_cleanup", arguments).await.answer();
    let storm = Effect::Status {
        status: 429,
        retry_after: Some("0.05".to_owned()),
        should_retry: None,
    };
    sandbox.fail(Fault::new(storm).times(25));
    let end = soon(apply_all(&host, &plan)).await;
    assert_eq!(
        (&end["done"], &end["skipped"]),
        (&plan["matched"], &json!({})),
        "{end}"
    );
}

#[tokio::test]
async fn connections_that_break_after_the_service_acted_are_no_double_work_and_no_loss() {
    let (sandbox, host) = fleet_of(30).await;
    for action in ["archive", "delete"] {
        let arguments = json!({"action": action, "statuses": ["idle"], "max_sessions": 10});
        let plan = host.call("plan_cleanup", arguments).await.answer();
        sandbox.fail(Fault::new(Effect::ResetAfter).times(7));
        let end = soon(apply_all(&host, &plan)).await;
        assert_eq!(
            (&end["done"], &end["failed"]),
            (&plan["matched"], &json!([])),
            "{end}"
        );
    }
}

#[tokio::test]
async fn a_plan_that_does_not_exist_is_said_so() {
    let (sandbox, host) = fleet_of(0).await;
    let failure = host
        .call("apply_cleanup", json!({"plan_id": "plan_0"}))
        .await
        .failure();
    assert!(failure.starts_with("plan_not_found: "), "{failure}");
    assert!(failure.contains("Next: call plan_cleanup"), "{failure}");
    let both = json!({"action": "archive", "session_ids": ["sesn_01"], "statuses": ["idle"]});
    assert_eq!(
        host.call("plan_cleanup", both).await.code(),
        "invalid_arguments"
    );
    assert_eq!(
        host.call("plan_cleanup", json!({"action": "burn"}))
            .await
            .code(),
        "invalid_arguments"
    );
    assert_eq!(sandbox.writes(), 0);
}

#[tokio::test]
async fn a_session_that_cannot_be_read_leaves_the_plan_incomplete() {
    let (sandbox, host) = fleet_of(0).await;
    sandbox.fail(Fault::new(Effect::Html { status: 200 }).on("GET", "/sesn_01"));
    let ids = ["sesn_01", "sesn_02", "sesn_nobody"];
    let arguments = json!({"action": "archive", "session_ids": ids});
    let plan = host.call("plan_cleanup", arguments.clone()).await.answer();
    assert_eq!(
        (&plan["matched"], &plan["complete"]),
        (&json!(1), &json!(false)),
        "{plan}"
    );
    assert_eq!(plan["skipped"]["bad_response"]["ids"], json!(["sesn_01"]));
    // Now it can be; that one is gone is known.
    let plan = host.call("plan_cleanup", arguments).await.answer();
    assert_eq!(
        (&plan["matched"], &plan["complete"]),
        (&json!(2), &json!(true)),
        "{plan}"
    );
}
