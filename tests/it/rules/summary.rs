use serde_json::{Value, json};

use managed_sessions_mcp::{
    domain::view::summary::{Part, Summarized, Summary},
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

fn summary(parts: &[&str], top: usize) -> Summary {
    Summary::new(parts.iter().map(|name| Part::named(name).expect("a part")), top)
}

fn shown(summary: Summary) -> Value {
    serde_json::to_value(summary.fitting(|_| true)).unwrap()
}

#[test]
fn totals_are_exact_and_by_currency() {
    let mut summary = summary(&["by_status", "by_day", "most_expensive", "longest_unchanged"], 10);
    for id in 0..10 {
        summary.add(&session(id, &json!({})));
    }
    let euros = json!({"usage": {"list_cost": {"amount": "99", "currency": "EUR"}}, "status": "x"});
    summary.add(&session(11, &euros));
    summary.add(&session(12, &json!({"usage": {}, "created_at": null})));
    let shown = shown(summary);
    assert_eq!(
        shown["totals"],
        json!({"sessions": 12, "list_cost": {"EUR": "0.99", "USD": "0.46"}, "tokens": 50,
               "active_seconds": 5, "cost_unknown": 1})
    );
    assert_eq!(shown["by_status"][1]["status"], "x", "dollars first");
    assert_eq!(shown["by_status"][1]["list_cost"], json!({"EUR": "0.99"}));
    assert_eq!(shown["by_day"][0]["day"], "2026-03-01");
    assert_eq!(shown["by_day"][1]["day"], "unknown");
    assert_eq!(shown["most_expensive"][0]["id"], "sesn_9", "dollars first");
    assert_eq!(shown["most_expensive"][0]["active_seconds"], 1);
    assert_eq!(shown.get("by_agent"), None, "it was not asked for");
    assert_eq!(shown["longest_unchanged"][0]["id"], "sesn_0");
    assert_eq!(shown["most_expensive"].as_array().map(Vec::len), Some(10));
    assert_eq!(shown.get("more"), None);
}

#[test]
fn every_part_is_shortened_until_all_fit_and_the_rest_is_summed_up() {
    let mut summary = summary(&["by_agent", "by_day", "most_expensive"], 50);
    for id in 0..60 {
        let agent = json!({"id": format!("agent_{id}"), "name": "n".repeat(100)});
        let day = format!("2026-0{}-{:02}T00:00:00Z", id / 28 + 1, id % 28 + 1);
        summary.add(&session(id, &json!({"agent": agent, "created_at": day})));
    }
    let size = |shown: &Summarized| serde_json::to_string(shown).unwrap().len();
    let shown = summary.fitting(|shown| size(shown) < 6_000);
    assert!((5_000..6_000).contains(&size(&shown)), "{}", size(&shown));
    let agents = shown.by_agent.as_ref().expect("agents");
    let first = agents[0].id.as_deref();
    assert_eq!(first, Some("agent_59"), "the dearest");
    let days = shown.by_day.as_ref().expect("days");
    assert_eq!((agents.len(), agents.len()), (days.len(), shown.most_expensive.unwrap().len()));
    assert_eq!(days[0].day.as_deref(), Some("2026-03-04"), "the newest");
    for (part, groups) in [("by_agent", agents), ("by_day", days)] {
        let more = &shown.more[part];
        assert_eq!(more.left_out, 60 - groups.len(), "{part}");
        let rest = more.totals.as_ref().expect("sums");
        let all = groups.iter().map(|group| &group.totals).chain([rest]);
        assert_eq!(all.clone().map(|each| each.sessions).sum::<u64>(), 60, "{part}");
        assert_eq!(all.map(|each| each.tokens).sum::<u64>(), shown.totals.tokens, "{part}");
    }
}

#[test]
fn values_of_metadata_are_told_apart_by_all_of_them() {
    let mut summary = summary(&["by_metadata:team"], 5);
    let long = "x".repeat(200);
    for (id, metadata) in [
        json!({"team": "web"}),
        json!({"team": "web"}),
        json!({"team": ""}),
        json!({}),
        json!({"team": format!("{long}1")}),
        json!({"team": format!("{long}2")}),
    ]
    .iter()
    .enumerate()
    {
        summary.add(&session(id, &json!({"metadata": metadata})));
    }
    let shown = shown(summary);
    let groups = shown["by_metadata"]["team"].as_array().expect("groups");
    let values: Vec<_> = groups.iter().map(|group| group["value"].as_str()).collect();
    assert_eq!(groups.len(), 5, "{groups:?}");
    assert!(values.contains(&None) && values.contains(&Some("")), "{values:?}");
    assert_eq!(
        values.iter().filter(|value| value.is_some_and(|it| it.starts_with('x'))).count(),
        2
    );
}

#[test]
fn more_currencies_than_an_answer_can_hold_are_unknown_costs() {
    let mut summary = summary(&["by_status"], 5);
    for id in 0..26_u8 {
        let currency = format!("XX{}", char::from(b'A' + id));
        let cost = json!({"amount": "100", "currency": currency});
        summary.add(&session(usize::from(id), &json!({"usage": {"list_cost": cost}})));
    }
    let shown = shown(summary);
    let known = shown["totals"]["list_cost"].as_object().expect("sums").len();
    assert_eq!((known, &shown["totals"]["cost_unknown"]), (8, &json!(18)));
}
