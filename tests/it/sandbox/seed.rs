//! What a new sandbox shows.

use managed_sessions_mcp::sandbox::Options;
use serde_json::{Value, json};

use super::{HttpClient, endless_turns, ids, texts};

#[tokio::test]
async fn the_seed_shows_sessions_in_every_state() {
    let client = HttpClient::start(endless_turns()).await;
    let page = client.ok("/v1/sessions?limit=100&include_archived=true").await;
    let mut seeded = ids(&page);
    seeded.sort_unstable();
    let expected: Vec<_> = (1..=24).map(|number| format!("sesn_{number:02}")).collect();
    assert_eq!(seeded, expected);
    for (id, pointer, expected) in [
        ("sesn_15", "/status", json!("running")),
        ("sesn_16", "/status", json!("idle")),
        ("sesn_17", "/status", json!("running")),
        ("sesn_18", "/status", json!("idle")),
        ("sesn_18", "/agent/multiagent/type", json!("multiagent_20261001")),
        ("sesn_18", "/metadata/keep", json!("true")),
        ("sesn_19", "/agent/mcp_servers/0/name", json!("github")),
        ("sesn_19", "/agent/tools/1/mcp_server_name", json!("github")),
        ("sesn_19", "/resources/0/type", json!("github_repository")),
        ("sesn_24", "/metadata/tier", json!("gold")),
    ] {
        assert_eq!(client.session(id).await.pointer(pointer), Some(&expected), "{id}{pointer}");
    }
    let events = client.ok("/v1/sessions/sesn_16/events").await;
    assert_eq!(events["data"].as_array().unwrap().len(), 500);
    for id in &seeded {
        let events = client.ok(&format!("/v1/sessions/{id}/events")).await;
        assert!(texts(&events, "processed_at").is_sorted(), "{id}");
    }
}

#[tokio::test]
async fn bulk_sessions_that_run_show_signs_of_life_but_for_one_in_fifty() {
    let options =
        Options { bulk_sessions: 1_000, small_bulk: true, seed: false, ..endless_turns() };
    let client = HttpClient::start(options).await;
    let page = client.ok("/v1/sessions?statuses[]=running&limit=100").await;
    let running = page["data"].as_array().unwrap();
    let now = jiff::Timestamp::now();
    let age = |session: &Value| {
        let updated: jiff::Timestamp = session["updated_at"].as_str().unwrap().parse().unwrap();
        now.duration_since(updated).as_secs()
    };
    let silent: Vec<_> = running.iter().filter(|session| age(session) > 70).collect();
    assert_eq!((running.len(), silent.len()), (50, 1));
    let alive = running.iter().find(|session| age(session) <= 70).unwrap();
    let id = alive["id"].as_str().unwrap();
    let events = client.ok(&format!("/v1/sessions/{id}/events")).await;
    assert!(texts(&events, "processed_at").is_sorted());
}
