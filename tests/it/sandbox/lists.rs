//! Lists: filters, orders, limits and cursors.

use std::collections::BTreeSet;

use managed_sessions_mcp::sandbox::{Options, Quirk};
use serde_json::{Value, json};

use super::{Wire, brisk, ids};

async fn refused(wire: &Wire, path: &str) {
    let (status, body) = wire.get(path).await;
    assert_eq!(status.as_u16(), 400, "{path}: {body}");
    assert_eq!(body["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn the_seed_shows_every_state() {
    let wire = Wire::start(brisk()).await;
    let all = wire
        .ok("/v1/sessions?include_archived=true&limit=100")
        .await;
    let sessions = all["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 14);
    let states: BTreeSet<_> = sessions
        .iter()
        .map(|s| s["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        states,
        ["idle", "rescheduling", "running", "terminated"].into()
    );
    let mut reasons = BTreeSet::new();
    for id in ids(&all) {
        let path =
            format!("/v1/sessions/{id}/events?types[]=session.status_idle&order=desc&limit=1");
        let last = wire.ok(&path).await;
        reasons.extend(
            last.pointer("/data/0/stop_reason/type")
                .map(ToString::to_string),
        );
    }
    let all_reasons = [
        "budget_reached",
        "end_turn",
        "requires_action",
        "retries_exhausted",
    ]
    .map(|r| format!("{r:?}"));
    assert_eq!(reasons, all_reasons.into());
    let costs: BTreeSet<_> = sessions
        .iter()
        .map(|s| s["usage"]["list_cost"].to_string())
        .collect();
    assert_eq!(costs.len(), sessions.len());
    let system = wire.ok("/v1/sessions/sesn_10").await["agent"]["system"]
        .to_string()
        .len();
    assert!((95_000..=100_000).contains(&system), "{system}");
    // Every agent of the cast came through its own checks, none is the blank one.
    assert!(
        sessions
            .iter()
            .all(|s| s["agent"]["name"] != s["agent"]["id"])
    );
}

#[tokio::test]
async fn filters_select_what_they_say() {
    let wire = Wire::start(brisk()).await;
    let cases = [
        ("statuses[]=rescheduling", vec!["sesn_06"]),
        (
            "statuses[]=rescheduling&statuses[]=running&order=asc",
            vec!["sesn_04", "sesn_12", "sesn_06", "sesn_05"],
        ),
        ("agent_id=agent_04", vec!["sesn_10"]),
        ("agent_id=agent_05&agent_version=4", vec!["sesn_12"]),
        ("agent_id=agent_05&agent_version=3", vec![]),
        ("deployment_id=depl_01", vec!["sesn_05"]),
        ("memory_store_id=memstore_01", vec!["sesn_14"]),
        (
            "include_archived=true&agent_id=agent_03&order=asc",
            vec!["sesn_14", "sesn_08", "sesn_13"],
        ),
        ("agent_id=nobody", vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(
            ids(&wire.ok(&format!("/v1/sessions?{query}")).await),
            expected,
            "{query}"
        );
    }
    let created = wire.ok("/v1/sessions/sesn_10").await["created_at"]
        .as_str()
        .unwrap()
        .to_owned();
    for (bound, included) in [("gt", false), ("gte", true), ("lt", false), ("lte", true)] {
        let page = wire
            .ok(&format!(
                "/v1/sessions?limit=100&created_at[{bound}]={created}"
            ))
            .await;
        assert_eq!(
            ids(&page).contains(&"sesn_10".to_owned()),
            included,
            "{bound}"
        );
    }
}

#[tokio::test]
async fn impossible_queries_are_refused() {
    let wire = Wire::start(brisk()).await;
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=ten",
        "limit=1&limit=2",
        "order=up",
        "statuses[]=asleep",
        "created_at[gt]=yesterday",
        "include_archived=maybe",
        "page=x",
        "agent_id=a&agent_version=new",
    ] {
        refused(&wire, &format!("/v1/sessions?{query}")).await;
    }
    for query in [
        "limit=0",
        "limit=1001",
        "types[]=nonsense",
        "order=up",
        "page=x",
    ] {
        refused(&wire, &format!("/v1/sessions/sesn_01/events?{query}")).await;
    }
}

#[tokio::test]
async fn cursors_walk_both_ways_and_belong_to_their_order() {
    let wire = Wire::start(brisk()).await;
    for order in ["asc", "desc"] {
        let path = format!("/v1/sessions?include_archived=true&order={order}");
        let whole = ids(&wire.ok(&format!("{path}&limit=100")).await);
        let mut pages = vec![wire.ok(&format!("{path}&limit=4")).await];
        while let Some(cursor) = pages.last().unwrap()["next_page"].as_str() {
            let page = wire.ok(&format!("{path}&limit=4&page={cursor}")).await;
            pages.push(page);
        }
        assert_eq!(pages.iter().flat_map(ids).collect::<Vec<_>>(), whole);
        assert_eq!(pages[0]["prev_page"], Value::Null);
        for pair in pages.windows(2) {
            let cursor = pair[1]["prev_page"].as_str().unwrap();
            assert_eq!(
                ids(&wire.ok(&format!("{path}&limit=4&page={cursor}")).await),
                ids(&pair[0])
            );
        }
        let cursor = pages[0]["next_page"].as_str().unwrap();
        let other = if order == "asc" { "desc" } else { "asc" };
        refused(&wire, &format!("/v1/sessions?order={other}&page={cursor}")).await;
        // Other filters may change under a cursor.
        wire.ok(&format!(
            "/v1/sessions?order={order}&page={cursor}&statuses[]=idle"
        ))
        .await;
        refused(
            &wire,
            &format!("/v1/sessions/sesn_01/events?order={order}&page={cursor}"),
        )
        .await;
    }
}

#[tokio::test]
async fn events_are_paged_and_filtered() {
    let wire = Wire::start(brisk()).await;
    let path = "/v1/sessions/sesn_01/events";
    let whole = wire.ok(path).await;
    assert_eq!(whole["next_page"], Value::Null);
    let mut found = Vec::new();
    let mut page = wire.ok(&format!("{path}?limit=3&order=desc")).await;
    loop {
        found.extend(ids(&page));
        let Some(cursor) = page["next_page"].as_str() else {
            break;
        };
        page = wire
            .ok(&format!("{path}?limit=3&order=desc&page={cursor}"))
            .await;
    }
    found.reverse();
    assert_eq!(found, ids(&whole));
    let some = wire
        .ok(&format!(
            "{path}?types[]=user.message&types[]=agent.message"
        ))
        .await;
    assert_eq!(some["data"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_thousand_large_sessions_are_there_at_once() {
    let wire = Wire::start(Options {
        bulk_sessions: 1_000,
        ..brisk()
    })
    .await;
    let page = wire
        .ok("/v1/sessions?limit=100&include_archived=true")
        .await;
    assert_eq!(page["data"].as_array().unwrap().len(), 100);
    let large = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s.to_string().len() > 95_000);
    assert!(large.count() > 80);
    for status in ["idle", "running", "terminated"] {
        let path = format!("/v1/sessions?limit=100&agent_id=agent_04&statuses[]={status}");
        assert!(
            wire.ok(&path).await["data"].as_array().unwrap().len() > 40,
            "{status}"
        );
    }
}

#[tokio::test]
async fn compatible_services_ignore_filters() {
    let quirks = vec![
        Quirk::IgnoresStatuses,
        Quirk::IgnoresCreatedAt,
        Quirk::IgnoresOrder,
        Quirk::ClampsLimit,
    ];
    let wire = Wire::start(Options { quirks, ..brisk() }).await;
    let query = "statuses[]=running&created_at[gt]=2200-01-01T00:00:00Z&order=asc&limit=1000";
    let page = wire.ok(&format!("/v1/sessions?{query}")).await;
    assert_eq!(page["data"].as_array().unwrap().len(), 12);
    assert_eq!(page["data"][0]["id"], "sesn_05");
    let odd = vec![
        Quirk::NoBudget,
        Quirk::EmptyUsage,
        Quirk::NullUpdatedAt,
        Quirk::BareModel,
        Quirk::NoMcpServers,
        Quirk::LooseMetadata,
        Quirk::EventsWithoutIds,
    ];
    wire.sandbox.set_quirks(odd);
    let session = wire.ok("/v1/sessions/sesn_01").await;
    assert_eq!(session.get("budget"), None);
    assert_eq!(session["usage"], json!({}));
    assert_eq!(session["updated_at"], Value::Null);
    assert_eq!(session["agent"]["model"], "claude-opus-5-5");
    assert_eq!(session["agent"].get("mcp_servers"), None);
    assert_eq!(session["metadata"]["ticket"], 4711);
    let events = wire.ok("/v1/sessions/sesn_01/events").await;
    assert_eq!(events["data"][0].get("id"), None);
}
