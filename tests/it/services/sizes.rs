//! No answer is larger than 40,000 characters, whatever a service sends, and what was left out is
//! said.

use serde_json::{Map, Value, json};
use wiremock::{Request, ResponseTemplate};

use super::{EVENTS, LIST, SESSION, answering, event, ok, one};
use crate::support::{Api, Host, session};

const LARGEST: usize = 40_000;

/// 128 custom tools of about 1.3 KB.
fn tools() -> Vec<Value> {
    let tool = |number: usize| {
        let property =
            |n: usize| (format!("field_{n}"), json!({"type": "string", "x": "y".repeat(80)}));
        let properties: Map<String, Value> = (0..10).map(property).collect();
        json!({
            "type": "custom", "name": format!("tool_{number}"), "description": "Does something.",
            "input_schema": {"type": "object", "properties": properties},
        })
    };
    (0..128).map(tool).collect()
}

fn with_tools(tools: Vec<Value>) -> Value {
    let mut session = session("sesn_1", "idle");
    session["agent"]["tools"] = tools.into();
    session
}

async fn host_of(record: Value) -> (Api, Host) {
    let api = answering(move |request: &Request| match request.url.path() {
        SESSION if request.method.as_str() == "DELETE" => {
            ok(&json!({"id": "sesn_1", "type": "session_deleted"}))
        }
        SESSION => ok(&record),
        LIST | EVENTS => ok(&json!({"data": []})),
        _ => ResponseTemplate::new(404),
    })
    .await;
    let host = api.host().await;
    (api, host)
}

fn length(answer: &Value) -> usize {
    answer.to_string().chars().count()
}

#[tokio::test]
async fn records_of_many_tools_lose_schemas_first_and_say_so() {
    let (_api, host) = host_of(with_tools(tools())).await;
    let get = |detail: &str| json!({"session_id": "sesn_1", "detail": detail});
    for (detail, largest) in [("concise", 20_000), ("full", LARGEST)] {
        let record = host.answer("get_session", get(detail)).await;
        let size = length(&record);
        assert!(size <= largest, "{detail}: {size}");
        assert!(size > largest / 2, "{detail}: no more is left out than has to be: {size}");
        assert_eq!(record["tools"].as_array().map(Vec::len), Some(128), "every tool is named");
        let left_out = record["left_out"]["input_schemas"].as_u64().expect("a number");
        let shown = record["tools"].as_array().into_iter().flatten();
        let shown = shown.filter(|tool| tool.get("input_schema").is_some()).count() as u64;
        assert_eq!(left_out + shown, 128);
        assert!(shown > 0, "{detail}");
        assert_eq!(record["left_out"].get("bytes"), None, "only schemas: {}", record["left_out"]);
    }
    let session = json!({"session_id": "sesn_1", "dry_run": true});
    let deleted = host.answer("delete_session", session).await;
    assert!(length(&deleted) <= LARGEST, "{}", length(&deleted));
    assert!(deleted["snapshot"]["left_out"]["input_schemas"].is_u64());

    let replace = json!({
        "session_id": "sesn_1", "dry_run": true, "mode": "replace", "tools": [],
    });
    let diff = host.answer("update_session_tools", replace).await;
    assert!(length(&diff) <= LARGEST, "{}", length(&diff));
    assert_eq!(diff["changes"]["tools"]["removed"].as_array().map(Vec::len), Some(128));
    let said = diff["warnings"].to_string();
    assert!(said.contains("input_schemas"), "{said}");
}

#[tokio::test]
async fn small_records_are_whole() {
    let (_api, host) = host_of(with_tools(tools()[..5].to_vec())).await;
    let record = host.answer("get_session", json!({"session_id": "sesn_1"})).await;
    assert_eq!(record.get("left_out"), None);
    assert_eq!(record["tools"], json!(tools()[..5]));
}

/// Whatever a service sends, in every place where it could.
#[tokio::test]
async fn no_record_is_too_large_for_an_answer() {
    let long = "\u{202e}é".repeat(20_000);
    let many: Map<String, Value> = (0..5_000).map(|n| (format!("k{n}"), json!("v"))).collect();
    let deep = (0..100).fold(json!("end"), |inner, _| json!({"a": [inner, "x".repeat(500)]}));
    let numbers: Value =
        serde_json::from_str(&format!("[1e400, {}, 1.5]", "9".repeat(5_000))).expect("JSON");
    for fields in [
        json!({"extra_text": "x".repeat(200_000)}),
        json!({"extra_list": (0..20_000).collect::<Vec<u32>>()}),
        json!({"extra_fields": many, "deep": deep}),
        json!({"numbers": numbers}),
        many.clone().into(),
        json!({"metadata": many, "title": long}),
        json!({"metadata": {"k": long}, "environment_id": long, "deployment_id": long}),
        json!({"agent": {"id": long, "name": long, "model": long, "tools": deep}}),
        json!({"resources": vec![json!({"id": "r".repeat(300), "type": "file"}); 2_000]}),
        json!({"outcome_evaluations": vec![json!({"description": long, "result": deep}); 5]}),
        json!({"status": long, "archived_at": long}),
        json!({"vault_ids": (0..20_000).map(|n| format!("vlt_{n}")).collect::<Vec<_>>()}),
        json!({"usage": {"list_cost": {"amount": "9".repeat(50_000), "currency": "USD"}}}),
    ] {
        let name = fields.to_string().chars().take(60).collect::<String>();
        let (_api, host) = host_of(one(fields)).await;
        for (tool, arguments, largest) in [
            ("get_session", json!({"session_id": "sesn_1"}), 20_000),
            ("get_session", json!({"session_id": "sesn_1", "detail": "full"}), LARGEST),
            ("diagnose_session", json!({"session_id": "sesn_1"}), LARGEST),
            ("delete_session", json!({"session_id": "sesn_1", "dry_run": true}), LARGEST),
            ("archive_session", json!({"session_id": "sesn_1"}), LARGEST),
        ] {
            let result = host.call_raw(tool, arguments).await;
            let size = serde_json::to_value(&result.content).expect("JSON");
            let text = size[0]["text"].as_str().expect("a text").chars().count();
            assert!(text <= largest, "{tool} {name}: {text}");
        }
    }
}

#[tokio::test]
async fn thirty_one_megabytes_in_one_field_are_cut_and_that_is_said() {
    let (_api, host) = host_of(one(json!({"galaxy": "x".repeat(31 << 20)}))).await;
    let full = json!({"session_id": "sesn_1", "detail": "full"});
    let record = host.answer("get_session", full).await;
    assert!(length(&record) <= LARGEST, "{}", length(&record));
    assert!(record["extra"]["galaxy"].as_str().is_some_and(|text| text.len() > 1_000));
    assert!(record["left_out"]["bytes"].as_u64().is_some_and(|bytes| bytes > 30 << 20));
}

#[tokio::test]
async fn numbers_that_no_host_could_read_are_text_and_that_is_said() {
    let text = format!("{{\"n\": 1e400, \"m\": {}, \"k\": 1.50}}", "9".repeat(60));
    let fields: Value = serde_json::from_str(&text).expect("JSON");
    let (_api, host) = host_of(one(fields)).await;
    let full = json!({"session_id": "sesn_1", "detail": "full"});
    let record = host.answer("get_session", full).await;
    assert!(record["extra"]["n"].is_string() && record["extra"]["m"].is_string(), "{record}");
    assert_eq!(record["extra"]["k"].to_string(), "1.50");
    assert_eq!(record["left_out"]["numbers"], 2);
}

#[tokio::test]
async fn lists_of_ten_thousand_events_and_five_thousand_agents_stay_small() {
    let text = "x".repeat(3_000);
    let events: Vec<Value> = (0..10_000)
        .map(|n| event(&format!("evt_{n}"), json!({"type": if n == 0 { &*text } else { "a.b" }})))
        .collect();
    let sessions: Vec<Value> = (0..5_000)
        .map(|n| {
            one(json!({
                "id": format!("sesn_{n}"), "title": "\u{202e}".repeat(80),
                "agent": {"id": format!("agent_{n}"), "name": "N".repeat(200), "version": n},
            }))
        })
        .collect();
    let api = answering(move |request: &Request| match request.url.path() {
        LIST => ok(&json!({"data": sessions})),
        EVENTS => ok(&json!({"data": events})),
        _ => ResponseTemplate::new(404),
    })
    .await;
    let host = api.host().await;
    for (tool, arguments, largest) in [
        ("list_session_events", json!({"session_id": "sesn_1", "limit": 200}), LARGEST),
        ("list_sessions", json!({"limit": 100}), LARGEST),
        ("summarize_sessions", json!({}), 12_000),
        ("plan_changes", json!({"action": "archive", "statuses": ["idle"]}), 12_000),
    ] {
        let answer = host.answer(tool, arguments).await;
        assert!(length(&answer) <= largest, "{tool}: {}", length(&answer));
    }
}
