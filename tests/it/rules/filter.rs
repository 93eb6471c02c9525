use jiff::Timestamp;
use serde_json::{Value, json};

use managed_sessions_mcp::{
    domain::{filter::Filter, money::Money, toolset::Wanted},
    model::{SessionHead, SessionId},
};

fn at(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[test]
fn local_conditions_are_met_or_not() {
    let session = json!({
        "id": "s", "title": "Fix the ÜBER login", "status": "idle",
        "created_at": "2026-03-01T00:00:00Z", "updated_at": "2026-03-02T00:00:00Z",
        "metadata": {"team": "web", "n": 5},
        "usage": {"list_cost": {"amount": "1234.5", "currency": "USD"}},
    });
    let bare = json!({"id": "s"});
    let default = Filter::default;
    let title = |text: &str| Filter { title_contains: Some(text.into()), ..default() };
    let metadata = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|&(key, value)| (key.into(), value.into()));
        Filter { metadata: pairs.collect(), ..default() }
    };
    let after = |text| Filter { updated_after: at(text), ..default() };
    let before = |text| Filter { updated_before: at(text), ..default() };
    let cost = |text| Filter { min_list_cost: Money::parse_major(text).ok(), ..default() };
    let check = |filter: Filter, session: &Value, expected: bool| {
        let session = serde_json::from_value(session.clone()).unwrap();
        assert!(filter.has_local_conditions());
        assert_eq!(filter.matches(&session), expected, "{filter:?}");
    };
    check(title("über"), &session, true);
    check(title("logout"), &session, false);
    check(title("x"), &bare, false);
    check(metadata(&[("team", "web")]), &session, true);
    check(metadata(&[("n", "5")]), &session, true);
    check(metadata(&[("team", "Web")]), &session, false);
    check(metadata(&[("team", "web"), ("x", "y")]), &session, false);
    check(after("2026-03-02T00:00:00Z"), &session, true);
    check(after("2026-03-02T00:00:01Z"), &session, false);
    check(before("2026-03-02T00:00:00Z"), &session, false);
    check(before("2026-03-02T00:00:01Z"), &session, true);
    check(before("2026-03-02T00:00:01Z"), &bare, false);
    check(cost("12.345"), &session, true);
    check(cost("12.35"), &session, false);
    check(cost("1 EUR"), &session, false);
    check(cost("0"), &bare, false);
}

#[test]
fn what_is_named_as_unwanted_is_left_out() {
    let session = json!({
        "id": "s", "title": "Fix the ÜBER login",
        "metadata": {"keep": "", "n": 5, "a=b": "c", "tier": "gold"},
    });
    let bare = json!({"id": "s"});
    let default = Filter::default;
    let title = |text: &str| Filter { not_title_contains: Some(text.into()), ..default() };
    let metadata = |unwanted: &[&str]| Filter {
        not_metadata: unwanted.iter().map(|&each| each.to_owned()).collect(),
        ..default()
    };
    let ids = |ids: &[&str]| Filter {
        excluded: std::sync::Arc::new(ids.iter().map(|id| SessionId::parse(id).unwrap()).collect()),
        ..default()
    };
    for (filter, session, expected) in [
        (title("über"), &session, false),
        (title("logout"), &session, true),
        (title("x"), &bare, true),
        (metadata(&["keep"]), &session, false),
        (metadata(&["keep"]), &bare, true),
        (metadata(&["keep="]), &session, false),
        (metadata(&["Keep"]), &session, true),
        (metadata(&["other", "tier=gold"]), &session, false),
        (metadata(&["tier=silver"]), &session, true),
        (metadata(&["tier=Gold"]), &session, true),
        (metadata(&["gold"]), &session, true),
        (metadata(&["n=5"]), &session, false),
        (metadata(&["n=6"]), &session, true),
        (metadata(&["a=b"]), &session, false),
        (metadata(&["a=b=c"]), &session, false),
        (metadata(&["a"]), &session, true),
        (ids(&["x", "s"]), &session, false),
        (ids(&["S", "s2"]), &session, true),
        (ids(&["x"]), &json!({}), true),
    ] {
        assert!(filter.has_local_conditions());
        let head = serde_json::from_value(session.clone()).unwrap();
        assert_eq!(filter.matches(&head), expected, "{filter:?} {session}");
    }
    assert!(ids(&["s"]).excludes(&SessionId::parse("s").unwrap()));
}

#[test]
fn what_a_session_uses_is_known_from_a_list_that_was_asked_for_it() {
    let filter = Filter { uses: Some(Wanted::of("bash")), ..Filter::default() };
    assert!(filter.has_local_conditions());
    let sent = json!({"id": "s", "agent": {"id": "a", "uses": true}});
    let mut head: SessionHead = serde_json::from_value(sent).unwrap();
    for (uses, expected) in [(None, false), (Some(false), false), (Some(true), true)] {
        head.agent.uses = uses.or(head.agent.uses);
        assert_eq!(filter.matches(&head), expected, "{uses:?}");
    }
}

#[test]
fn a_match_was_created_before_it_was_updated() {
    let filter = Filter {
        created_before: at("2026-03-05T00:00:00Z"),
        updated_before: at("2026-03-02T00:00:00Z"),
        ..Filter::default()
    };
    assert_eq!(filter.latest_creation(), at("2026-03-02T00:00:00Z"));
}

#[test]
fn a_filter_by_time_is_undecided_where_only_a_time_is_missing() {
    let before = Filter { updated_before: at("2026-03-02T00:00:00Z"), ..Filter::default() };
    let created = Filter { created_after: at("2026-03-02T00:00:00Z"), ..Filter::default() };
    let titled = Filter { title_contains: Some("x".into()), ..before.clone() };
    for (filter, session, expected) in [
        (&before, json!({"id": "s"}), true),
        (&before, json!({"id": "s", "updated_at": "soon"}), true),
        (&before, json!({"id": "s", "updated_at": "2026-03-05T00:00:00Z"}), false),
        (&before, json!({"id": "s", "updated_at": "2026-03-01T00:00:00Z"}), false),
        (&before, json!({"id": "s", "archived_at": "2026-03-01T00:00:00Z"}), false),
        (&titled, json!({"id": "s", "title": "y"}), false),
        (&titled, json!({"id": "s", "title": "xy"}), true),
        (&created, json!({"id": "s", "updated_at": "soon"}), true),
        (&created, json!({"id": "s", "created_at": 1_800_000_000}), false),
        (&Filter::default(), json!({"id": "s"}), false),
    ] {
        let head = serde_json::from_value(session.clone()).unwrap();
        assert_eq!(filter.is_undecided(&head), expected, "{filter:?} {session}");
        assert!(!(expected && filter.matches(&head)), "never both: {session}");
    }
}
