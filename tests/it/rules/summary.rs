use serde_json::{Value, json};

use managed_sessions_mcp::{
    domain::view::summary::{Summarized, Summary},
    model::SessionHead,
};

fn session(id: usize, fields: &Value) -> SessionHead {
    let mut session = json!({
        "id": format!("sesn_{id}"), "status": "idle", "agent": {"id": "agent_1", "name": "A"},
        "created_at": "2026-03-01T10:00:00Z", "updated_at": format!("2026-03-02T10:00:{id:02}Z"),
        "usage": {"input_tokens": 5, "active_seconds": 0.5,
                  "list_cost": {"amount": format!("{id}.1"), "currency": "USD"}},
    });
    let fields = fields.as_object().unwrap().clone();
    session.as_object_mut().unwrap().extend(fields);
    serde_json::from_str(&session.to_string()).unwrap()
}

#[test]
fn totals_are_exact_and_by_currency() {
    let mut summary = Summary::default();
    for id in 0..10 {
        summary.add(&session(id, &json!({})));
    }
    let euros = json!({"usage": {"list_cost": {"amount": "99", "currency": "EUR"}}, "status": "x"});
    summary.add(&session(11, &euros));
    summary.add(&session(12, &json!({"usage": {}, "created_at": null})));
    let shown = serde_json::to_value(summary.fitting(|_| true)).unwrap();
    assert_eq!(
        shown["totals"],
        json!({"sessions": 12, "list_cost": {"EUR": "0.99", "USD": "0.46"}, "tokens": 50,
               "active_seconds": 5, "cost_unknown": 1})
    );
    assert_eq!(shown["by_status"]["x"]["list_cost"], json!({"EUR": "0.99"}));
    assert_eq!(shown["by_day"][1]["day"], "2026-03-01");
    assert_eq!(shown["dearest"][0]["id"], "sesn_9", "dollars first");
    assert_eq!(shown["longest_unchanged"][0]["id"], "sesn_0");
    assert_eq!(shown["dearest"].as_array().map(Vec::len), Some(10));
    assert_eq!(shown.get("left_out"), None);
}

#[test]
fn lists_are_shortened_until_they_fit_and_count_what_is_left_out() {
    let mut summary = Summary::default();
    for id in 0..60 {
        let agent = json!({"id": format!("agent_{id}"), "name": "n".repeat(100)});
        let day = format!("2026-0{}-{:02}T00:00:00Z", id / 28 + 1, id % 28 + 1);
        summary.add(&session(id, &json!({"agent": agent, "created_at": day})));
    }
    let size = |shown: &Summarized| serde_json::to_string(shown).unwrap().len();
    let shown = summary.fitting(|shown| size(shown) < 6_000);
    assert!((5_000..6_000).contains(&size(&shown)), "{}", size(&shown));
    let (agents, dearest) = (shown.by_agent.len(), shown.dearest.len());
    assert!(agents > 3 && dearest > 3, "{shown:?}");
    assert_eq!(shown.left_out["by_agent"], 60 - agents);
    let first = shown.by_agent[0].id.as_deref();
    assert_eq!(first, Some("agent_59"), "the dearest");
}
