//! The call that takes a change of tools back, through the server.

mod law;

use serde_json::{Value, json};

use crate::support::{Api, error, session, with_fields};

const BUILT_IN: &str = "agent_toolset_20260401";

/// So many custom tools of about 1.3 KB.
fn large(count: usize) -> Vec<Value> {
    let schema = json!({"type": "object", "description": "y".repeat(1_200)});
    let tool = |n: usize| json!({"type": "custom", "name": format!("tool_{n}"), "description": "d", "input_schema": schema});
    (0..count).map(tool).collect()
}

#[tokio::test]
async fn an_undo_is_whole_or_left_out_and_that_is_said() {
    for (tools, is_there) in [(15, true), (30, false), (128, false)] {
        let mut before = session("sesn_1", "idle");
        before["agent"]["tools"] = large(tools).into();
        let api = Api::with_session(before.clone()).await;
        let host = api.host().await;
        let arguments =
            json!({"session_id": "sesn_1", "mode": "replace", "tools": [], "dry_run": true});
        let answer = host.answer("update_session_tools", arguments).await;
        let size = answer.to_string().chars().count();
        assert!(size < 40_000, "{tools}: {size}");
        assert_eq!(answer.get("cut"), None);
        let warnings = answer["warnings"].to_string();
        if is_there {
            let expected =
                json!({"session_id": "sesn_1", "mode": "replace", "tools": large(tools)});
            let merge = json!({"session_id": "sesn_1", "tools": large(tools)});
            assert!(answer["undo"] == expected || answer["undo"] == merge, "{}", answer["undo"]);
        } else {
            assert_eq!(answer.get("undo"), None);
            assert!(warnings.contains("bytes do not fit into an answer"), "{warnings}");
        }
        assert!(
            warnings.contains(r#"drops what is not given: tools custom \"tool_0\""#),
            "{warnings}"
        );
    }
}

/// A long list of warnings, a large diff and a large undo share one answer.
#[tokio::test]
async fn the_undo_is_never_cut_for_the_sake_of_the_rest() {
    let configs: Vec<Value> =
        (0..400).map(|n| json!({"name": format!("tool_{n}"), "enabled": false})).collect();
    let mut before = session("sesn_1", "idle");
    before["title"] = "\u{202e}".repeat(5_000).into();
    before["agent"]["tools"] = json!([{"type": BUILT_IN, "configs": configs}]);
    let api = Api::with_session(before.clone()).await;
    let host = api.host().await;
    let asked: Vec<Value> = (0..400)
        .map(|n| json!({"name": format!("tool_{n}"), "permission_policy": {"type": "always_ask"}}))
        .collect();
    let arguments = json!({"session_id": "sesn_1", "dry_run": true,
        "tools": [{"type": BUILT_IN, "configs": asked}]});
    let answer = host.answer("update_session_tools", arguments).await;
    let size = answer.to_string().chars().count();
    assert!(size < 40_000, "{size}");
    assert_eq!(answer.get("cut"), None, "{answer}");
    let undone = answer["undo"]["tools"][0]["configs"].as_array().map(Vec::len);
    assert_eq!(undone, Some(400), "{answer}");
    assert!(answer["warnings"].to_string().contains("more warnings"), "{answer}");
}

#[tokio::test]
async fn servers_without_credentials_or_tools_are_mentioned() {
    let name = "s".repeat(200);
    for (vaults, expected) in
        [(json!([]), Some("no vault")), (json!(["vlt_1"]), None), (Value::Null, None)]
    {
        let before = with_fields(session("sesn_1", "idle"), json!({"vault_ids": vaults}));
        let api = Api::with_session(before).await;
        let host = api.host().await;
        let server = json!({"type": "url", "name": name, "url": "https://x.example"});
        let arguments = json!({"session_id": "sesn_1", "dry_run": true, "mcp_servers": [server]});
        let answer = host.answer("update_session_tools", arguments.clone()).await;
        let warnings: Vec<&str> = answer["warnings"]
            .as_array()
            .expect("warnings")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let vault = warnings.iter().any(|text| text.contains("no vault"));
        assert_eq!(vault, expected.is_some(), "{warnings:?}");
        let toolset = warnings.iter().find(|text| text.contains("add this to tools: "));
        let (_, entry) = toolset.expect("a warning").split_once("tools: ").expect("an entry");
        let entry: Value = serde_json::from_str(entry).expect("it is JSON, and whole");
        let both = with_fields(arguments, json!({"tools": [entry]}));
        let both = host.answer("update_session_tools", both).await;
        assert!(!both["warnings"].to_string().contains("no toolset"), "{both}");
    }
}

#[tokio::test]
async fn what_would_be_refused_or_arrive_altered_has_no_undo_and_that_is_said() {
    let plain =
        |n: usize| json!({"type": "url", "name": format!("s{n}"), "url": "https://x.example"});
    let twice = vec![large(1)[0].clone(); 2];
    for (id, agent, arguments, expected) in [
        (
            "sesn_1",
            json!({"tools": [], "mcp_servers": [{"type": "url", "name": "old", "url": "http://x.example"}]}),
            json!({"mode": "replace", "mcp_servers": []}),
            "mcp_servers[0].url: found \"http://x.example\"",
        ),
        (
            "sesn_1",
            json!({"tools": [], "mcp_servers": (0..22).map(plain).collect::<Vec<_>>()}),
            json!({"remove_mcp_servers": ["s0", "s1"]}),
            "found 22 entries after the change",
        ),
        (
            "sesn_1",
            json!({"tools": twice, "mcp_servers": []}),
            json!({"remove_tools": ["tool_0"]}),
            "a second time",
        ),
        (
            "sesn_1",
            json!({"tools": ["odd"], "mcp_servers": []}),
            json!({"mode": "replace", "tools": []}),
            "tools[0]: found \"odd\"",
        ),
        (
            "sesn_1",
            json!({"tools": [{"type": "future", "text": "soft\u{ad}hyphen"}], "mcp_servers": []}),
            json!({"remove_tools": ["future"]}),
            "invisible characters",
        ),
        (
            "sesn\u{200b}_1",
            json!({"tools": large(1), "mcp_servers": []}),
            json!({"remove_tools": ["tool_0"]}),
            "invisible characters",
        ),
    ] {
        let mut before = session(id, "idle");
        for (field, value) in agent.as_object().expect("fields") {
            before["agent"][field] = value.clone();
        }
        let api = Api::new().await;
        let answer = wiremock::ResponseTemplate::new(200).set_body_json(before);
        let any = wiremock::Mock::given(wiremock::matchers::method("GET"));
        any.respond_with(answer).mount(&api.0).await;
        let host = api.host().await;
        let given = json!({"session_id": id, "dry_run": true});
        let arguments = with_fields(arguments, given);
        let answer = host.answer("update_session_tools", arguments).await;
        assert_eq!(answer["outcome"], "would_update");
        assert_eq!(answer.get("undo"), None, "{answer}");
        let warnings = answer["warnings"].as_array().expect("warnings");
        let said = warnings[0].as_str().expect("a text");
        assert!(said.starts_with("undo is left out: ") && said.contains(expected), "{said}");
    }
}

/// The answer to the change is lost; the next reading shows that it took effect.
#[tokio::test]
async fn a_change_whose_answer_was_lost_is_undone_to_what_was_before_it() {
    let before = session("sesn_1", "idle");
    let mut after = before.clone();
    after["agent"]["tools"] = large(1).into();
    let api = Api::new().await;
    let path = "/v1/sessions/sesn_1";
    api.answers_once("GET", path, 200, before).await;
    api.answers("GET", path, 200, after).await;
    api.answers("POST", path, 500, error("api_error", "lost")).await;
    let host = api.host().await;
    let arguments = json!({"session_id": "sesn_1", "tools": large(1)});
    let answer = host.answer("update_session_tools", arguments).await;
    assert_eq!(answer["outcome"], "updated");
    let undo = json!({"session_id": "sesn_1", "remove_tools": ["tool_0"]});
    assert_eq!(answer["undo"], undo);
}
