//! Records and pages as compatible services write them.

use serde_json::{Value, json};

use managed_sessions_mcp::model::{AgentHead, ApiTime, Page, SessionHead};

fn head(fields: &Value) -> SessionHead {
    serde_json::from_value(fields.clone()).unwrap()
}

#[test]
fn a_time_is_read_in_every_form_that_services_write() {
    let exact = "2026-11-24T23:41:03.111001Z";
    let second = "2026-11-24T23:41:03Z";
    for (sent, expected) in [
        (json!(exact), Some(exact)),
        (json!("2026-11-25T00:41:03.111001+01:00"), Some(exact)),
        (json!("2026-11-24T23:41:03.111001"), Some(exact)),
        (json!("2026-11-24 23:41:03.111001"), Some(exact)),
        (json!("2026-11-24 23:41:03.111001+00:00"), Some(exact)),
        (json!("2026-11-24T23:41:03"), Some(second)),
        (json!("2026-11-24 23:41:03"), Some(second)),
        (json!(" 2026-11-24T23:41:03Z "), Some(second)),
        (json!("Tue, 24 Nov 2026 23:41:03 GMT"), Some(second)),
        (json!(1_795_563_663), Some(second)),
        (json!(1_795_563_663.111_001), Some(exact)),
        (json!(1_795_563_663_111_i64), Some("2026-11-24T23:41:03.111Z")),
        (json!("1795563663"), Some(second)),
        (json!("2026-11-24"), Some("2026-11-24T00:00:00Z")),
        (json!("yesterday"), None),
        (json!("2026-13-24T23:41:03"), None),
        (json!(1e300), None),
        (json!({"seconds": 5}), None),
    ] {
        let time = head(&json!({"updated_at": sent})).updated_at.unwrap();
        assert_eq!(time.at(), expected.map(|at| at.parse().unwrap()), "{sent}");
        assert_eq!(time.text(), sent.as_str().map_or(sent.to_string(), str::to_owned));
        if let Some(expected) = expected {
            let shown = ApiTime::from(expected.to_owned());
            assert!(time.shows_as(&shown), "{sent}");
        }
    }
}

#[test]
fn only_a_time_archives_a_session() {
    for unset in [json!(null), json!(""), json!(false), json!(0), json!("0001-01-01T00:00:00Z")] {
        assert!(!head(&json!({"archived_at": unset})).is_archived(), "{unset}");
    }
    for set in [json!(1_795_563_663), json!("long ago"), json!(true), json!({"at": 5})] {
        assert!(head(&json!({"archived_at": set})).is_archived(), "{set}");
    }
}

#[test]
fn an_agent_is_an_object_or_its_id() {
    let agent = |id: Option<&str>, name: Option<&str>, version| AgentHead {
        id: id.map(str::to_owned),
        name: name.map(str::to_owned),
        version,
        uses: None,
    };
    for (sent, expected) in [
        (json!("agent_demo"), agent(Some("agent_demo"), None, None)),
        (json!({"id": "a", "name": "N", "version": 3}), agent(Some("a"), Some("N"), Some(3))),
        (json!({"id": "a", "version": "3"}), agent(Some("a"), None, Some(3))),
        (json!({"id": 5, "name": "N", "version": []}), agent(None, Some("N"), None)),
        (json!({"id": ["agent_demo"]}), agent(None, None, None)),
        (json!(["agent_demo"]), agent(None, None, None)),
        (json!([["agent_demo", "N", 3]]), agent(None, None, None)),
        (json!(""), agent(None, None, None)),
        (json!(5), agent(None, None, None)),
        (json!(null), agent(None, None, None)),
    ] {
        assert_eq!(head(&json!({"agent": sent})).agent, expected, "{sent}");
    }
}

#[test]
fn a_page_that_promises_more_without_a_cursor_is_incomplete() {
    for (fields, next_page, is_incomplete) in [
        (json!({}), None, false),
        (json!({"next_page": null, "has_more": false}), None, false),
        (json!({"next_page": "c", "has_more": true}), Some("c"), false),
        (json!({"has_more": true, "last_id": "sesn_1"}), None, true),
        (json!({"has_more": true, "next_page": ""}), None, true),
        (json!({"has_more": "yes"}), None, true),
        (json!({"has_more": "False"}), None, false),
        (json!({"has_more": 0.0}), None, false),
        (json!({"has_more": {}}), None, false),
    ] {
        let mut page = fields.clone();
        page["data"] = json!([]);
        let page: Page<SessionHead> = serde_json::from_value(page).unwrap();
        assert_eq!(page.next_page.as_deref(), next_page, "{fields}");
        assert_eq!(page.is_incomplete, is_incomplete, "{fields}");
    }
}
