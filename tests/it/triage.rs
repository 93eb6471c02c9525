//! `triage_sessions`: the verdicts of a fleet, in few requests and one small answer.

mod services;

use std::collections::{BTreeMap, BTreeSet};

use managed_sessions_mcp::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use crate::support::{Host, NOWHERE, all_pages, ids, sandbox, sandbox_with, with_fields};

async fn triage(host: &Host, arguments: Value) -> Value {
    host.answer("triage_sessions", arguments).await
}

/// Every session of the sandbox, the newest first.
async fn everyone(host: &Host) -> Vec<String> {
    let all = json!({"include_archived": true, "limit": 100});
    ids(&all_pages(host, "list_sessions", all, "sessions").await)
}

fn counts(answer: &Value) -> BTreeMap<String, u64> {
    let counts = answer["counts"].as_object().expect("counts");
    let number =
        |(verdict, count): (&String, &Value)| (verdict.clone(), count.as_u64().expect("a number"));
    counts.iter().map(number).collect()
}

#[tokio::test]
async fn every_session_has_the_verdict_of_its_diagnosis() {
    let sandbox = sandbox_with(Options { bulk_sessions: 200, ..Options::default() }).await;
    let host = Host::new(&sandbox.base_url()).await;
    let whole = triage(&host, json!({"include_archived": true})).await;
    assert_eq!((&whole["complete"], &whole["more"]), (&json!(true), &Value::Null));
    let rows = whole["attention"].as_array().expect("rows");
    let rows: BTreeMap<&str, &Value> =
        rows.iter().map(|row| (row["id"].as_str().expect("an id"), row)).collect();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for id in everyone(&host).await {
        let diagnosis = host.answer("diagnose_session", json!({"session_id": id})).await;
        let verdict = diagnosis["verdict"].as_str().expect("a verdict");
        *expected.entry(verdict.to_owned()).or_default() += 1;
        let quiet = [
            "working",
            "tool_running",
            "workflow_running",
            "finished",
            "archived",
            "waiting_for_message",
            "terminated",
            "unknown",
        ];
        assert_eq!(rows.contains_key(id.as_str()), !quiet.contains(&verdict), "{id}: {verdict}");
        let Some(row) = rows.get(id.as_str()) else { continue };
        assert_eq!(row["verdict"], verdict, "{id}");
        assert!(row["since"].is_string(), "{row}");
        if verdict.starts_with("waiting_for") {
            let next = diagnosis["next"].as_str().expect("a step");
            assert!(next.contains(row["event_id"].as_str().expect("an event")), "{row}: {next}");
            assert!(row["waiting_for"].is_string(), "{row}");
        }
    }
    assert_eq!(counts(&whole), expected);
    let since: Vec<&str> = whole["attention"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["since"].as_str())
        .collect();
    assert!(since.is_sorted(), "the longest waiting first: {since:?}");
}

/// The requests for events or threads since they were last forgotten.
fn looks(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests().into_iter().map(|request| request.path);
    requests.filter(|path| path.starts_with("/v1/sessions/")).collect()
}

#[tokio::test]
async fn a_fleet_is_one_call_one_small_answer_and_one_request_a_session() {
    let sandbox = sandbox_with(Options { bulk_sessions: 200, ..Options::default() }).await;
    let host = Host::new(&sandbox.base_url()).await;
    let answer = triage(&host, json!({})).await;
    let sessions: u64 = counts(&answer).values().sum();
    let size = answer.to_string().len();
    let looks = looks(&sandbox);
    println!("{sessions} sessions: {size} bytes, {} requests beside the list", looks.len());
    assert!(sessions > 200 && size < 3_000, "{sessions}, {size}");
    assert_eq!(answer["complete"], true);
    assert_eq!(answer["warnings"], Value::Null);
    let looked: BTreeSet<&str> = looks.iter().map(|path| path.split('/').nth(3).unwrap()).collect();
    assert_eq!(looked.len() as u64, sessions, "no session is asked for in vain");
    let further = looks.len() - looked.len();
    assert!(further <= 40, "{further} further requests");
    sandbox.forget_requests();
    let archived = triage(&host, json!({"include_archived": true, "max_sessions": 1_000})).await;
    assert!(counts(&archived)["archived"] > 0);
    assert_eq!(self::looks(&sandbox).len(), looks.len(), "the record of an archived one tells");
}

#[tokio::test]
async fn pages_count_every_session_once() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    for filter in [json!({}), json!({"include_archived": true}), json!({"title_contains": "e"})] {
        let whole = triage(&host, filter.clone()).await;
        for most in [1, 5, 21] {
            let (mut summed, mut rows, mut page) = (BTreeMap::new(), Vec::new(), Value::Null);
            loop {
                let arguments = json!({"max_sessions": most, "page": page});
                let answer = triage(&host, with_fields(filter.clone(), arguments)).await;
                let counts = counts(&answer);
                assert!(counts.values().sum::<u64>() <= most, "{answer}");
                for (verdict, count) in counts {
                    *summed.entry(verdict).or_insert(0) += count;
                }
                rows.extend(ids(&answer["attention"]));
                let Some(next) = answer.get("next_page") else { break };
                assert_eq!(answer["complete"], false);
                page = next.clone();
            }
            assert_eq!(summed, counts(&whole), "{filter} by {most}");
            let mut expected = ids(&whole["attention"]);
            rows.sort();
            expected.sort();
            assert_eq!(rows, expected);
        }
    }
}

#[tokio::test]
async fn wrong_arguments_are_refused_before_anything_is_sent() {
    let host = Host::new(NOWHERE).await;
    for (arguments, said) in [
        (json!({"max_sessions": 0}), "a whole number from 1 to 1000"),
        (json!({"max_sessions": 1_001}), "a whole number from 1 to 1000"),
        (json!({"statuses": ["asleep"]}), "statuses"),
        (json!({"updated_before": "soon"}), "updated_before"),
        (json!({"agent_version": 1}), "agent_version needs agent"),
        (json!({"order": "asc"}), "\"order\" is not an argument"),
        (json!({"page": "nonsense"}), "page"),
    ] {
        let failure = host.failure("triage_sessions", arguments).await;
        assert!(failure.starts_with("invalid_arguments: ") && failure.contains(said), "{failure}");
    }
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    let list = host.answer("list_sessions", json!({"limit": 3})).await["next_page"].clone();
    let page = triage(&host, json!({"max_sessions": 3})).await["next_page"].clone();
    for wrong in
        [json!({"page": list}), json!({"page": page, "statuses": ["idle"], "max_sessions": 3})]
    {
        let failure = host.failure("triage_sessions", wrong).await;
        assert!(failure.starts_with("invalid_arguments: "), "{failure}");
    }
    let other_size = triage(&host, json!({"page": page, "max_sessions": 5})).await;
    assert_eq!(counts(&other_size).values().sum::<u64>(), 5, "how many may change");
}
