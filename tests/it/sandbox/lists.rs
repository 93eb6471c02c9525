//! Lists: filters, orders, limits and cursors.

use std::collections::BTreeSet;

use managed_sessions_mcp::sandbox::{Options, Quirk};
use serde_json::{Value, json};

use super::{HttpClient, fast_turns, ids, texts};

async fn assert_invalid(client: &HttpClient, path: &str) {
    let (status, body) = client.get(path).await;
    assert_eq!(status, 400, "{path}: {body}");
    assert_eq!(body["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn seeded_sessions_cover_every_status_and_stop_reason() {
    let client = HttpClient::start(fast_turns()).await;
    let path = "/v1/sessions?include_archived=true&limit=100";
    let all = client.ok(path).await;
    let sessions = all["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 24);
    let statuses: BTreeSet<_> = texts(&all, "status").into_iter().collect();
    let expected = ["idle", "rescheduling", "running", "terminated"];
    assert_eq!(statuses, expected.map(str::to_owned).into());
    let mut reasons = BTreeSet::new();
    for id in ids(&all) {
        let query = "types[]=session.status_idle&order=desc&limit=1";
        let page = client.ok(&format!("/v1/sessions/{id}/events?{query}")).await;
        let reason = page.pointer("/data/0/stop_reason/type");
        reasons.extend(reason.and_then(Value::as_str).map(str::to_owned));
    }
    let expected = ["budget_reached", "end_turn", "requires_action", "retries_exhausted"];
    assert_eq!(reasons, expected.map(str::to_owned).into());
    let costs = sessions.iter().map(|s| s["usage"]["list_cost"].to_string());
    assert_eq!(costs.collect::<BTreeSet<_>>().len(), sessions.len());
    let system = client.session("sesn_10").await["agent"]["system"].to_string();
    assert!((95_000..=100_000).contains(&system.len()), "{}", system.len());
    for session in sessions {
        assert_ne!(session["agent"]["name"], session["agent"]["id"]);
    }
}

#[tokio::test]
async fn filters_select_matching_sessions() {
    let client = HttpClient::start(fast_turns()).await;
    let cases: [(&str, &[&str]); 9] = [
        ("statuses[]=rescheduling", &["sesn_06"]),
        (
            "statuses[]=rescheduling&statuses[]=running&order=asc",
            &["sesn_04", "sesn_12", "sesn_17", "sesn_06", "sesn_15", "sesn_05"],
        ),
        ("agent_id=agent_04", &["sesn_10"]),
        ("agent_id=agent_05&agent_version=4", &["sesn_17", "sesn_12"]),
        ("agent_id=agent_05&agent_version=3", &[]),
        ("deployment_id=depl_01", &["sesn_05"]),
        ("memory_store_id=memstore_01", &["sesn_14"]),
        ("include_archived=true&agent_id=agent_03&order=asc", &["sesn_14", "sesn_08", "sesn_13"]),
        ("agent_id=nobody", &[]),
    ];
    for (query, expected) in cases {
        let page = client.ok(&format!("/v1/sessions?{query}")).await;
        assert_eq!(ids(&page), expected, "{query}");
    }
    let session = client.session("sesn_10").await;
    let created = session["created_at"].as_str().unwrap();
    for (bound, included) in [("gt", false), ("gte", true), ("lt", false), ("lte", true)] {
        let path = format!("/v1/sessions?limit=100&created_at[{bound}]={created}");
        let found = ids(&client.ok(&path).await);
        assert_eq!(found.contains(&"sesn_10".to_owned()), included, "{bound}");
    }
}

#[tokio::test]
async fn invalid_queries_are_rejected() {
    let client = HttpClient::start(fast_turns()).await;
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
        assert_invalid(&client, &format!("/v1/sessions?{query}")).await;
    }
    for query in ["limit=0", "limit=1001", "types[]=nonsense", "order=up", "page=x"] {
        assert_invalid(&client, &format!("/v1/sessions/sesn_01/events?{query}")).await;
    }
}

#[tokio::test]
async fn cursors_page_both_ways_and_are_bound_to_their_order() {
    let client = HttpClient::start(fast_turns()).await;
    for (order, other) in [("asc", "desc"), ("desc", "asc")] {
        let path = format!("/v1/sessions?include_archived=true&order={order}");
        let whole = ids(&client.ok(&format!("{path}&limit=100")).await);
        let mut pages = vec![client.ok(&format!("{path}&limit=4")).await];
        while let Some(cursor) = pages.last().unwrap()["next_page"].as_str() {
            let page = client.ok(&format!("{path}&limit=4&page={cursor}")).await;
            pages.push(page);
        }
        assert_eq!(pages.iter().flat_map(ids).collect::<Vec<_>>(), whole);
        assert_eq!(pages[0]["prev_page"], Value::Null);
        for pair in pages.windows(2) {
            let cursor = pair[1]["prev_page"].as_str().unwrap();
            let previous = client.ok(&format!("{path}&limit=4&page={cursor}")).await;
            assert_eq!(ids(&previous), ids(&pair[0]));
        }
        let cursor = pages[0]["next_page"].as_str().unwrap();
        assert_invalid(&client, &format!("/v1/sessions?order={other}&page={cursor}")).await;
        let events = "/v1/sessions/sesn_01/events";
        assert_invalid(&client, &format!("{events}?order={order}&page={cursor}")).await;
        // Other filters may change from page to page.
        let filtered = format!("/v1/sessions?order={order}&page={cursor}&statuses[]=idle");
        client.ok(&filtered).await;
    }
}

#[tokio::test]
async fn events_are_paged_and_filtered() {
    let client = HttpClient::start(fast_turns()).await;
    let path = "/v1/sessions/sesn_01/events";
    let whole = client.ok(path).await;
    assert_eq!(whole["next_page"], Value::Null);
    let descending = format!("{path}?limit=3&order=desc");
    let mut page = client.ok(&descending).await;
    let mut found = ids(&page);
    while let Some(cursor) = page["next_page"].as_str() {
        page = client.ok(&format!("{descending}&page={cursor}")).await;
        found.extend(ids(&page));
    }
    found.reverse();
    assert_eq!(found, ids(&whole));
    let filter = "types[]=user.message&types[]=agent.message";
    let messages = client.ok(&format!("{path}?{filter}")).await;
    assert_eq!(ids(&messages).len(), 4);
}

#[tokio::test]
async fn bulk_sessions_are_large_and_have_every_common_status() {
    let client = HttpClient::start(Options { bulk_sessions: 1_000, ..fast_turns() }).await;
    let path = "/v1/sessions?limit=100&include_archived=true";
    let page = client.ok(path).await;
    let sessions = page["data"].as_array().unwrap();
    assert_eq!(sessions.len(), 100);
    let large = sessions.iter().filter(|s| s.to_string().len() > 95_000);
    assert!(large.count() > 80);
    for status in ["idle", "running", "terminated"] {
        let query = format!("limit=100&agent_id=agent_04&statuses[]={status}");
        let page = client.ok(&format!("/v1/sessions?{query}")).await;
        assert!(ids(&page).len() > 40, "{status}");
    }
}

#[tokio::test]
async fn quirks_change_lists_and_the_fields_of_sessions() {
    let quirks = vec![
        Quirk::IgnoresStatuses,
        Quirk::IgnoresCreatedAt,
        Quirk::IgnoresOrder,
        Quirk::ClampsLimit,
    ];
    let options = Options { quirks, ..fast_turns() };
    let client = HttpClient::start(options).await;
    let query = "statuses[]=running&created_at[gt]=2200-01-01T00:00:00Z&order=asc&limit=1000";
    let found = ids(&client.ok(&format!("/v1/sessions?{query}")).await);
    assert_eq!((found.len(), found[0].as_str()), (22, "sesn_05"));
    client.sandbox.set_quirks([
        Quirk::NoBudget,
        Quirk::EmptyUsage,
        Quirk::NullUpdatedAt,
        Quirk::BareModel,
        Quirk::NoMcpServers,
        Quirk::LooseMetadata,
        Quirk::EventsWithoutIds,
    ]);
    let session = client.session("sesn_01").await;
    assert_eq!(session.get("budget"), None);
    assert_eq!(session["usage"], json!({}));
    assert_eq!(session["updated_at"], Value::Null);
    assert_eq!(session["agent"]["model"], "claude-opus-5-5");
    assert_eq!(session["agent"].get("mcp_servers"), None);
    assert_eq!(session["metadata"]["ticket"], 4711);
    assert_eq!(client.last_event("sesn_01").await.get("id"), None);
}
