//! Creations whose answer was lost, and sessions that are not the ones asked for.

use managed_sessions_mcp::sandbox::{Effect, Fault};
use serde_json::{Value, json};

use super::CREATE;
use crate::{
    operator::{auditing, json_lines},
    reply::Reply,
    support::{Api, Host, error, sandbox, sandbox_writes, session, with_fields},
};

fn status(status: u16) -> Effect {
    Effect::Status { status, retry_after: None, should_retry: None }
}

fn arguments() -> Value {
    json!({"agent": "agent_03", "environment": "env_01", "title": "Only once"})
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_in_doubt_and_never_repeated() {
    for (effect, code, exists) in [
        (Effect::ResetAfter, "api_unreachable", true),
        (Effect::Truncated, "bad_response", true),
        (Effect::Reset, "api_unreachable", false),
        (Effect::Empty { status: 200 }, "bad_response", false),
        (Effect::Html { status: 200 }, "bad_response", false),
        (status(500), "api_error", false),
        (status(502), "api_error", false),
        (status(503), "overloaded", false),
        (status(529), "overloaded", false),
        (status(408), "timed_out", false),
        (
            Effect::Status { status: 500, retry_after: None, should_retry: Some(true) },
            "api_error",
            false,
        ),
    ] {
        let sandbox = sandbox().await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("audit.jsonl");
        let host = Host::with_flags(auditing(&file), &sandbox.base_url()).await;
        let shown = format!("{effect:?}");
        sandbox.fail(Fault::new(effect).times(1).on("POST", "/v1/sessions"));
        let Reply::Failure(text, parts) = host.call("start_session", arguments()).await else {
            panic!("{shown}: an answer");
        };
        assert_eq!([&parts["code"], &parts["in_doubt"]], [&json!(code), &json!(true)], "{text}");
        assert!(text.contains("; it may have been carried out: "), "{text}");
        assert_eq!(sandbox_writes(&sandbox), [CREATE], "{shown}");
        let line = json_lines(&file).pop().expect("a line");
        assert_eq!([&line["code"], &line["in_doubt"]], [&json!(code), &json!(true)], "{line}");
        let sessions = host.answer("list_sessions", json!({"title_contains": "only once"})).await;
        let found = sessions["sessions"].as_array().expect("rows");
        assert_eq!(found.len(), usize::from(exists), "{shown}");
        match found.first() {
            Some(session) => {
                let id = session["id"].as_str().expect("an id");
                let named = format!("these new sessions: {id} (\"Only once\")");
                assert!(text.contains(&named), "{text}");
                assert!(parts["next"].as_str().expect("a step").contains(id), "{text}");
            }
            None => assert!(text.contains("shows no newer session of agent agent_03"), "{text}"),
        }
    }
}

#[tokio::test]
async fn what_surely_was_not_carried_out_is_tried_again() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    sandbox.fail(Fault::new(status(429)).times(1).on("POST", "/v1/sessions"));
    assert_eq!(host.outcome("start_session", arguments()).await, "started");
    assert_eq!(sandbox_writes(&sandbox), [CREATE, CREATE]);
    let sessions = host.answer("list_sessions", json!({"title_contains": "only once"})).await;
    assert_eq!(sessions["sessions"].as_array().expect("rows").len(), 1);
    sandbox.fail(Fault::new(status(429)).times(u32::MAX).on("POST", "/v1/sessions"));
    let text = host.failure("start_session", arguments()).await;
    assert!(text.starts_with("rate_limited") && !text.contains("may have been"), "{text}");
}

#[tokio::test]
async fn the_audit_log_names_the_session_that_was_created() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let host = Host::with_flags(auditing(&file), &sandbox.base_url()).await;
    let answer = host.answer("start_session", arguments()).await;
    host.failure("start_session", json!({"agent": "nobody", "environment": "env_01"})).await;
    let lines = json_lines(&file).into_iter();
    let lines: Vec<Value> = lines
        .map(|line| json!([line["session_id"], line.get("outcome").or(line.get("code"))]))
        .collect();
    let id = &answer["session"]["id"];
    let expected = json!([[null, "begun"], [id, "started"], [null, "invalid_arguments"]]);
    assert_eq!(json!(lines), expected);
}

/// An API of one agent and one environment whose creations are answered like this.
async fn creating(status: u16, body: Value) -> Api {
    let api = Api::new().await;
    let agent = json!({"id": "agent_1", "name": "Fixer", "version": 3, "tools": [],
                       "mcp_servers": []});
    api.answers("GET", "/v1/agents/agent_1", 200, agent).await;
    api.answers("GET", "/v1/environments/env_1", 200, json!({"id": "env_1", "name": "E"})).await;
    if let Some(id) = body["id"].as_str() {
        api.answers("GET", &format!("/v1/sessions/{id}"), 200, body.clone()).await;
    }
    api.answers("POST", "/v1/sessions", status, body).await;
    api
}

#[tokio::test]
async fn a_session_that_is_not_as_asked_for_is_not_applied_and_named() {
    let created = session("sesn_new", "idle");
    let tools = json!([{"type": "agent_toolset_20260401"}]);
    let ok = json!({"agent": "agent_1", "environment": "env_1"});
    for (asked, answered, part) in [
        (json!({}), json!({"agent": {"id": "agent_2"}}), "agent is not as asked for"),
        (json!({}), json!({"environment_id": "env_9"}), "environment_id is not"),
        (json!({"title": "New"}), json!({"title": null}), "title is not"),
        (json!({"metadata": {"a": "b"}}), json!({}), "metadata is not"),
        // It would run without a limit.
        (json!({"budget": "1.00 USD"}), json!({}), "budget is not"),
        (json!({"vault_ids": ["vlt_1"]}), json!({}), "vault_ids is not"),
        (json!({"tools": tools}), json!({}), "tools: agent_toolset_20260401 is missing"),
    ] {
        let api = creating(200, with_fields(created.clone(), answered)).await;
        let host = api.host().await;
        let reply = host.call("start_session", with_fields(ok.clone(), asked)).await;
        let Reply::Failure(text, parts) = reply else { panic!("{part}: {reply}") };
        assert_eq!(parts["code"], "not_applied", "{text}");
        assert!(text.contains("session sesn_new") && text.contains(part), "{text}");
        assert_eq!(api.writes().await, [CREATE]);
    }
    // What a service leaves out is no difference.
    let bare = json!({"id": "sesn_new", "type": "session", "status": "idle"});
    let api = creating(200, bare).await;
    let answer = api.host().await.answer("start_session", ok).await;
    assert_eq!(answer["session"]["id"], "sesn_new");
}

#[tokio::test]
async fn an_answer_that_is_no_session_is_in_doubt() {
    let ok = json!({"agent": "agent_1", "environment": "env_1"});
    for body in [json!({"ok": true}), json!({"id": "a b"}), json!({"data": []})] {
        // The sessions cannot be listed here.
        let api = creating(200, body).await;
        let Reply::Failure(text, parts) = api.host().await.call("start_session", ok.clone()).await
        else {
            panic!("an answer")
        };
        assert_eq!([&parts["code"], &parts["in_doubt"]], [&json!("bad_response"), &json!(true)]);
        assert!(text.contains("the sessions of agent agent_1 cannot be listed"), "{text}");
        assert_eq!(api.writes().await, [CREATE]);
    }
}

#[tokio::test]
async fn a_service_without_agents_takes_ids_as_they_are() {
    let api = Api::new().await;
    api.answers("POST", "/v1/sessions", 200, session("sesn_new", "idle")).await;
    api.answers("GET", "/v1/sessions/sesn_1", 200, session("sesn_1", "idle")).await;
    let host = api.host().await;
    let ids = json!({"agent": "agent_1", "environment": "env_1"});
    assert_eq!(host.outcome("start_session", ids.clone()).await, "started");
    assert_eq!(api.last_body().await, json!({"agent": "agent_1", "environment_id": "env_1"}));
    let answer = host.answer("start_session", json!({"like_session": "sesn_1"})).await;
    let expected = json!({"agent": {"type": "agent", "id": "agent_1", "version": 3},
                          "environment_id": "env_1"});
    assert_eq!(api.last_body().await, expected);
    assert!(answer["warnings"].to_string().contains("the agent cannot be read here"), "{answer}");
    // What tools would be added to cannot be known.
    let tools = json!({"tools": [{"type": "agent_toolset_20260401"}]});
    assert_eq!(host.outcome("start_session", with_fields(ids, tools)).await, "unsupported");
    // A service without creations.
    let api = Api::new().await;
    api.answers("GET", "/v1/sessions", 200, json!({"data": []})).await;
    api.answers("POST", "/v1/sessions", 405, error("x", "Method Not Allowed")).await;
    let ids = json!({"agent": "agent_1", "environment": "env_1"});
    assert_eq!(api.host().await.outcome("start_session", ids).await, "unsupported");
}

#[tokio::test]
async fn a_reply_that_cannot_be_waited_for_is_a_warning() {
    let sandbox = sandbox().await;
    let host = Host::new(&sandbox.base_url()).await;
    sandbox.fail(Fault::new(status(403)).on("GET", "/v1/sessions/"));
    let with = with_fields(arguments(), json!({"message": "Go on.", "wait_seconds": 5}));
    let answer = host.answer("start_session", with).await;
    assert_eq!(answer["outcome"], "started");
    let warning = answer["warnings"][0].as_str().expect("a warning");
    assert!(warning.starts_with("the session is started, but its reply could not"), "{warning}");
}
