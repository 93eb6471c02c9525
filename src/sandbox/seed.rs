//! The sessions a newcomer finds: every state once at least, with titles people would give.
//!
//! Ids are always the same; times count back from the start.

mod agents;
mod history;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub(super) use self::{
    agents::{Cast, cast},
    history::sketch,
};
use super::{
    clock::Instant,
    session::{Answer, Session, Status, Thread},
    world::World,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Adds the seeded sessions.
pub(super) fn sessions(world: &mut World, cast: &Cast) {
    let now = world.pace.clock.stamp();
    for session in [
        finished(now, cast),
        waiting_for_confirmation(now, cast),
        waiting_for_result(now, cast),
        long_running(now, cast),
        just_started(now, cast),
        rescheduling(now, cast),
        failed(now, cast),
        archived(now, cast),
        archived_long_ago(now, cast),
        large_prompt(now, cast),
        demo(now, cast),
        crew(now, cast),
        out_of_budget(now, cast),
        forgotten(now, cast),
    ] {
        world.add(session);
    }
}

fn end_turn() -> Value {
    json!({"type": "end_turn"})
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn finished(now: Instant, cast: &Cast) -> Session {
    let title = "Fix the flaky checkout test on CI";
    let mut session = sketch("01", title, &cast.release, now, 95 * MINUTE);
    session.spent(184);
    session.metadata = labels(&[("team", "payments"), ("ticket", "4711")]);
    let (created, url) = (session.created_at, "https://github.com/example/shop");
    session.resources = vec![json!({
        "id": "sesrsc_01_01", "type": "github_repository", "url": url,
        "mount_path": "/workspace/shop", "checkout": {"type": "branch", "name": "main"},
        "created_at": created, "updated_at": created,
    })];
    session.asked(
        4,
        "The checkout test fails about one time in five on CI. Find out why.",
    );
    let search = json!({"name": "grep", "input": {"pattern": "checkout", "path": "tests"}});
    session.called(
        40,
        "agent.tool_use",
        search,
        Some("tests/checkout.spec.ts: 14 matches"),
    );
    session.said(
        310,
        "The test races with the price service. I made it wait for the price.",
    );
    session.rested(312, &end_turn());
    session.asked(3_400, "Does it also happen on the release branch?");
    session.said(
        3_590,
        "Yes; the same fix applies there, the branch has it now.",
    );
    session.rested(3_592, &end_turn());
    session
}

fn waiting_for_confirmation(now: Instant, cast: &Cast) -> Session {
    let title = "Roll payments-api back to 2.41.3";
    let mut session = sketch("02", title, &cast.release, now, 26 * MINUTE);
    session.spent(57);
    session.metadata = labels(&[("team", "payments"), ("severity", "2")]);
    session.asked(
        3,
        "payments-api 2.42.0 answers 502 since the deploy. Roll it back.",
    );
    let command = "kubectl rollout undo deployment/payments-api --to-revision=118";
    let call = json!({"name": "bash", "input": {"command": command}});
    let call = session.called(71, "agent.tool_use", call, None);
    session.waits(72, call, Answer::Confirmation);
    session
}

fn waiting_for_result(now: Instant, cast: &Cast) -> Session {
    let title = "Refund request: order 88213 arrived damaged";
    let mut session = sketch("03", title, &cast.triage, now, 3 * HOUR);
    session.spent(12);
    session.metadata = labels(&[("channel", "email"), ("customer", "c-20417")]);
    session.asked(
        2,
        "The customer of order 88213 writes that the lamp arrived broken.",
    );
    let call = json!({"name": "lookup_order", "input": {"order_number": "88213"}});
    let call = session.called(19, "agent.custom_tool_use", call, None);
    session.waits(20, call, Answer::CustomResult);
    session
}

fn long_running(now: Instant, cast: &Cast) -> Session {
    let title = "Backfill the 2024 invoices into the warehouse";
    let mut session = sketch("04", title, &cast.release, now, 9 * HOUR + 20 * MINUTE);
    "env_02".clone_into(&mut session.environment_id);
    session.spent(4_812);
    session.metadata = labels(&[("team", "data"), ("cost-centre", "3300")]);
    session.asked(
        5,
        "Load all invoices of 2024, month by month, and check the sums.",
    );
    let call = json!({"name": "bash", "input": {"command": "make backfill MONTH=2024-01"}});
    session.called(600, "agent.tool_use", call, Some("loaded 48,112 invoices"));
    session
}

fn just_started(now: Instant, cast: &Cast) -> Session {
    let title = "Weekly dependency upgrade";
    let mut session = sketch("05", title, &cast.release, now, 2 * MINUTE);
    session.deployment_id = Some("depl_01".to_owned());
    session.spent(9);
    session.asked(1, "Upgrade what can be upgraded and open one pull request.");
    session
}

fn rescheduling(now: Instant, cast: &Cast) -> Session {
    let mut session = sketch(
        "06",
        "Summarise the alerts of the night",
        &cast.triage,
        now,
        48 * MINUTE,
    );
    session.spent(33);
    session.asked(
        2,
        "Write a summary of last night's alerts for the stand-up.",
    );
    let error = json!({
        "type": "model_overloaded_error",
        "message": "The model is overloaded.",
        "retry_status": {"type": "retrying"},
    });
    session.record(
        "session.error",
        session.after(46 * MINUTE),
        json!({"error": error}),
    );
    let at = session.after(46 * MINUTE + 1);
    session.record("session.status_rescheduled", at, json!({}));
    session.usage.active_seconds = session.active_seconds(at);
    session.running_since = None;
    session.live = Status::Rescheduling;
    session.stored = Status::Rescheduling;
    session.updated_at = at;
    session
}

fn failed(now: Instant, cast: &Cast) -> Session {
    let mut session = sketch(
        "07",
        "Import contacts from the old CRM",
        &cast.triage,
        now,
        2 * DAY + 5 * HOUR,
    );
    session.spent(640);
    session.asked(8, "Import the contacts of the attached export.");
    let error = json!({
        "type": "unknown_error",
        "message": "The session's container was lost and could not be restored.",
        "retry_status": {"type": "terminal"},
    });
    session.record(
        "session.error",
        session.after(2_700),
        json!({"error": error}),
    );
    session.terminated(2_701);
    session
}

fn archived(now: Instant, cast: &Cast) -> Session {
    let title = "Incident review: search outage in October";
    let mut session = sketch("08", title, &cast.research, now, 24 * DAY);
    session.spent(1_275);
    session.asked(
        3,
        "Collect the timeline of the search outage and draft the review.",
    );
    session.said(
        1_840,
        "The draft is written; two questions about the pager are open.",
    );
    session.rested(1_842, &end_turn());
    session.put_away(3 * DAY);
    session
}

fn archived_long_ago(now: Instant, cast: &Cast) -> Session {
    let mut session = sketch(
        "09",
        "Prototype: voice notes to tickets",
        &cast.triage,
        now,
        130 * DAY,
    );
    session.spent(2_090);
    session.asked(
        6,
        "Try out whether voice notes can become tickets by themselves.",
    );
    session.said(
        5_200,
        "They can, in about four of five cases. The prototype is in the repo.",
    );
    session.rested(5_201, &end_turn());
    session.put_away(11 * DAY);
    session
}

fn large_prompt(now: Instant, cast: &Cast) -> Session {
    let title = "Questions about travel expenses";
    let mut session = sketch("10", title, &cast.policy, now, 6 * DAY);
    session.spent(318);
    session.asked(
        2,
        "May I take a taxi from the airport after ten in the evening?",
    );
    session.said(
        9,
        "Yes. Hand the receipt in within a week and name your cost centre.",
    );
    session.rested(10, &end_turn());
    session
}

fn demo(now: Instant, cast: &Cast) -> Session {
    let mut session = sketch(
        "11",
        "Triage new Linear issues",
        &cast.triage,
        now,
        DAY + 3 * HOUR,
    );
    session.spent(421);
    session.budget_cents = Some(5_000);
    session.metadata = labels(&[("team", "support"), ("schedule", "daily")]);
    session.asked(
        2,
        "Sort what came in today and ask me about anything unclear.",
    );
    let call = json!({
        "name": "list_issues", "mcp_server_name": "linear", "input": {"state": "triage"},
    });
    session.called(11, "agent.mcp_tool_use", call, Some("7 issues"));
    session.said(
        95,
        "Seven issues: five are bugs, one is a duplicate, one is a question for you.",
    );
    session.rested(96, &end_turn());
    session
}

fn crew(now: Instant, cast: &Cast) -> Session {
    let title = "Move the monorepo from yarn to pnpm";
    let mut session = sketch("12", title, &cast.crew, now, 5 * HOUR);
    session.spent(2_764);
    session.asked(
        3,
        "Move the monorepo to pnpm, package by package, builds green throughout.",
    );
    for (at, status, agent) in [
        (60, Status::Running, &cast.release),
        (75, Status::Idle, &cast.research),
    ] {
        let id = format!("sthr_12_{:02}", session.threads.len() + 1);
        let fields = json!({"session_thread_id": id, "agent_name": agent.name});
        session.record("session.thread_created", session.after(at), fields);
        session.threads.push(Thread {
            id,
            agent_name: agent.name.clone(),
            agent: agent.as_thread(),
            status,
            created_at: session.after(at),
            updated_at: session.after(at + 30 * MINUTE),
        });
    }
    session
}

fn out_of_budget(now: Instant, cast: &Cast) -> Session {
    let title = "Survey of competitors' prices";
    let mut session = sketch("13", title, &cast.research, now, 17 * DAY);
    session.deployment_id = Some("depl_02".to_owned());
    session.spent(2_503);
    session.usage.web_searches = 61;
    session.budget_cents = Some(2_500);
    session.asked(
        2,
        "Compare our prices with those of the ten largest competitors.",
    );
    session.said(8_000, "Six of ten are done; the table is in prices.xlsx.");
    session.rested(8_001, &json!({"type": "budget_reached"}));
    session
}

/// An untitled session that gave up months ago and that nobody looked at since.
fn forgotten(now: Instant, cast: &Cast) -> Session {
    let mut session = sketch("14", "", &cast.research, now, 96 * DAY);
    session.title = None;
    session.spent(7);
    session.resources = vec![json!({
        "type": "memory_store", "memory_store_id": "memstore_01", "access": "read_only",
        "name": "Reading list", "mount_path": "/mnt/memory/reading-list",
    })];
    session.asked(1, "Read the list and tell me what to read first.");
    let error = json!({
        "type": "model_overloaded_error",
        "message": "The model is overloaded.",
        "retry_status": {"type": "exhausted"},
    });
    session.record("session.error", session.after(900), json!({"error": error}));
    session.rested(901, &json!({"type": "retries_exhausted"}));
    session
}
