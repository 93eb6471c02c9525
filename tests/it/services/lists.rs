//! Lists that cannot be read to their end, and sessions that are written in another form.

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};

use super::{EVENTS, LIST, answering, event, ok, one, warnings};
use crate::{
    reading::allowing,
    support::{Api, ids, in_time, session, with_fields},
};

#[tokio::test]
async fn a_list_that_promises_more_without_a_cursor_is_not_complete() {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let more = |entry: Value| json!({"data": [entry], "has_more": true, "last_id": "x_1"});
    api.answers("GET", LIST, 200, more(session("sesn_1", "idle"))).await;
    api.answers("GET", EVENTS, 200, more(event("evt_1", json!({})))).await;
    let host = api.host().await;
    for (tool, arguments, rows) in [
        ("list_sessions", json!({}), "sessions"),
        ("list_sessions", json!({"limit": 1}), "sessions"),
        ("list_sessions", json!({"title_contains": "Fix"}), "sessions"),
        ("summarize_sessions", json!({}), "by_agent"),
        ("plan_changes", json!({"action": "archive", "statuses": ["idle"]}), "sessions"),
        ("list_session_events", json!({"session_id": "sesn_1"}), "events"),
    ] {
        let answer = host.answer(tool, arguments).await;
        assert_eq!(answer["complete"], false, "{tool}: {answer}");
        assert!(warnings(&answer).contains("has_more"), "{tool}: {answer}");
        assert_eq!(answer.get("next_page"), None, "{tool}");
        assert_eq!(answer[rows].as_array().map(Vec::len), Some(1), "{tool}: {answer}");
    }
}

#[tokio::test]
async fn a_service_that_repeats_a_page_is_noticed_and_nothing_counts_twice() {
    // A cursor that always changes, and always the same page.
    let api = answering(|request| {
        let page = request.url.query_pairs().find(|(name, _)| name == "page");
        let page: u32 = page.map_or(0, |(_, page)| page.parse().expect("a number"));
        let data = [session("sesn_1", "idle"), session("sesn_2", "idle")];
        ok(&json!({"data": data, "next_page": (page + 1).to_string()}))
    })
    .await;
    let host = api.host().await;
    let summary = host.answer("summarize_sessions", json!({})).await;
    assert_eq!(summary["totals"]["sessions"], 2, "{summary}");
    assert_eq!(summary["complete"], false);
    assert!(warnings(&summary).contains("again"), "{summary}");
    assert_eq!(api.asked().await.len(), 2);
    // Two pages that take turns, and one entry that moved to the next page.
    let api = answering(|request| {
        let is_second = request.url.query().unwrap_or_default().contains("page=b");
        let (ids, next) = if is_second { (["2", "3"], "a") } else { (["1", "2"], "b") };
        let data = ids.map(|id| session(&format!("sesn_{id}"), "idle"));
        ok(&json!({"data": data, "next_page": next}))
    })
    .await;
    let list = json!({"title_contains": "Fix", "limit": 100});
    let list = api.host().await.answer("list_sessions", list).await;
    assert_eq!(ids(&list["sessions"]), ["sesn_1", "sesn_2", "sesn_3"]);
    assert_eq!(list["complete"], false, "{list}");
    assert_eq!(api.asked().await.len(), 3);
}

#[tokio::test]
async fn times_without_an_offset_are_utc_and_a_copied_one_is_recognized() {
    for time in [
        json!("2026-11-02T09:30:00.111001"),
        json!("2026-11-02 09:30:00"),
        json!(1_793_611_800),
        json!(1_793_611_800.5),
    ] {
        let session = one(json!({"updated_at": time, "created_at": "2026-11-01 08:00:00.5"}));
        let api = Api::with_session(session.clone()).await;
        api.answers("GET", LIST, 200, json!({"data": [session]})).await;
        let host = api.host().await;
        for (filter, expected) in [
            (json!({"updated_before": "2026-11-02T09:30:01Z"}), 1),
            (json!({"updated_before": "2026-11-02T09:30:00Z"}), 0),
            (json!({"updated_after": "2026-11-02T10:30:00+01:00"}), 1),
            (json!({"created_after": "2026-11-01T08:00:00Z", "created_before": "1h"}), 1),
            (json!({"created_before": "2026-11-01T08:00:00Z"}), 0),
        ] {
            let found = host.answer("list_sessions", filter.clone()).await;
            let count = found["sessions"].as_array().map(Vec::len);
            assert_eq!(count, Some(expected), "{time} {filter}: {found}");
            assert_ne!(found.get("complete"), Some(&json!(false)), "{found}");
        }
        let record = host.answer("get_session", json!({"session_id": "sesn_1"})).await;
        assert_eq!(record["updated_at"], "2026-11-02T09:30:00Z");
        let update = json!({
            "session_id": "sesn_1", "title": "New", "dry_run": true,
            "expected_updated_at": record["updated_at"],
        });
        assert_eq!(host.outcome("update_session", update).await, "would_update", "{time}");
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_read_leaves_a_filter_by_time_undecided() {
    for (updated_at, processed_at) in [(json!("last week"), "last week"), (json!({}), "??")] {
        let session = one(json!({"updated_at": updated_at}));
        let api = Api::with_session(session.clone()).await;
        api.answers("GET", LIST, 200, json!({"data": [session]})).await;
        let event = event("evt_1", json!({"processed_at": processed_at}));
        api.answers("GET", EVENTS, 200, json!({"data": [event]})).await;
        let host = api.host().await;
        let week = json!({"updated_before": "7d"});
        for (tool, arguments) in [
            ("list_sessions", week.clone()),
            ("summarize_sessions", week),
            ("plan_changes", json!({"action": "archive", "updated_before": "7d"})),
            ("list_session_events", json!({"session_id": "sesn_1", "after": "7d"})),
        ] {
            let answer = host.answer(tool, arguments).await;
            assert_eq!(answer["complete"], false, "{tool}: {answer}");
            assert!(warnings(&answer).contains("cannot be read"), "{tool}: {answer}");
        }
        // Where something else keeps it from matching, nothing is undecided.
        let other = json!({"updated_before": "7d", "title_contains": "Other"});
        assert_eq!(host.answer("list_sessions", other).await["complete"], true);
    }
}

#[tokio::test]
async fn an_agent_that_is_a_string_is_the_agents_id() {
    let api = Api::with_session(one(json!({"agent": "agent_demo"}))).await;
    let broken = json!({"data": [
        one(json!({"agent": "agent_demo"})),
        one(json!({"id": "sesn_2", "agent": ["agent_demo"]})),
        one(json!({"id": "sesn_3", "agent": {"id": ["agent_demo"]}})),
    ]});
    api.answers("GET", LIST, 200, broken).await;
    let second = one(json!({"id": "sesn_2", "agent": ["agent_demo"]}));
    api.answers("GET", "/v1/sessions/sesn_2", 200, second).await;
    let host = api.host_with(allowing("agent_demo")).await;
    let list = host.answer("list_sessions", json!({})).await;
    assert_eq!(ids(&list["sessions"]), ["sesn_1"]);
    assert_eq!(list["sessions"][0]["agent"], json!({"id": "agent_demo"}));
    let record = host.answer("get_session", json!({"session_id": "sesn_1"})).await;
    assert_eq!(record["agent"], json!({"id": "agent_demo"}));
    let other = host.outcome("get_session", json!({"session_id": "sesn_2"})).await;
    assert_eq!(other, "agent_not_allowed");
    let found = json!({"agent_id": "agent_demo"});
    let found = api.host().await.answer("list_sessions", found).await;
    assert_eq!(ids(&found["sessions"]), ["sesn_1"]);
}

#[tokio::test]
async fn a_history_that_cannot_be_read_to_its_end_is_never_exported_nor_its_session_deleted() {
    let api = Api::with_session(session("sesn_1", "idle")).await;
    let more = json!({"data": [event("evt_1", json!({}))], "has_more": true});
    api.answers("GET", EVENTS, 200, more).await;
    let folder = tempfile::tempdir().expect("a folder");

    let flags = Flags { export_dir: Some(folder.path().to_owned()), ..Flags::default() };
    let host = api.host_with(flags).await;
    for (tool, code) in [("delete_session", "export_failed"), ("export_session", "bad_response")] {
        let failure = host.failure(tool, json!({"session_id": "sesn_1"})).await;
        assert!(failure.starts_with(&format!("{code}: ")), "{failure}");
        assert!(failure.contains("has_more"), "{failure}");
    }
    assert_eq!(api.writes().await, [""; 0]);
}

#[tokio::test]
async fn a_list_that_leads_back_ends_there_and_counts_nothing_twice() {
    type Pages = fn(u32) -> (Value, String);
    let cases: [(&str, Pages); 6] = [
        ("the same page under new cursors", |page| {
            (json!([session("sesn_1", "idle"), session("sesn_2", "idle")]), (page + 1).to_string())
        }),
        ("cursors A-B-A", |page| match page {
            0 | 2 => (json!([session("sesn_1", "idle")]), "1".to_owned()),
            _ => (json!([session("sesn_2", "idle")]), "2".to_owned()),
        }),
        ("cursors A-B-A with a page of new entries", |page| match page {
            0 => (json!([session("sesn_1", "idle")]), "1".to_owned()),
            1 => (json!([session("sesn_2", "idle")]), "2".to_owned()),
            _ => (json!([]), "1".to_owned()),
        }),
        ("the same page without ids", |page| {
            let one = |title: &str| with_fields(session("", "idle"), json!({"title": title}));
            (json!([one("Fix 1"), one("Fix 2")]), (page + 1).to_string())
        }),
        ("the same page in another order", |page| {
            let mut both = [session("sesn_1", "idle"), session("sesn_2", "idle")];
            both.rotate_left((page % 2) as usize);
            (json!(both), (page + 1).to_string())
        }),
        ("empty pages for ever", |page| match page {
            0 => (json!([session("sesn_1", "idle"), session("sesn_2", "idle")]), "1".to_owned()),
            _ => (json!([]), (page + 1).to_string()),
        }),
    ];
    for (name, pages) in cases {
        let api = answering(move |request| {
            let page = request.url.query_pairs().find(|(name, _)| name == "page");
            let page: u32 = page.map_or(0, |(_, page)| page.parse().expect("a number"));
            let (data, next) = pages(page);
            ok(&json!({"data": data, "next_page": next}))
        })
        .await;
        let host = api.host().await;
        let summary = in_time(host.answer("summarize_sessions", json!({}))).await;
        assert_eq!(summary["totals"]["sessions"], 2, "{name}: {summary}");
        assert_eq!(summary["complete"], false, "{name}");
        assert!(warnings(&summary).contains("again"), "{name}: {summary}");
        let filter = json!({"title_contains": "Fix", "limit": 100});
        let list = in_time(host.answer("list_sessions", filter)).await;
        assert_eq!(list["sessions"].as_array().map(Vec::len), Some(2), "{name}: {list}");
        assert_eq!(list["complete"], false, "{name}: {list}");
        assert!(api.asked().await.len() < 250, "{name}");
    }
}
