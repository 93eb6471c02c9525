//! No path around a setting: every tool of the registry under every setting, looked at by what
//! the API was asked.

use managed_sessions_mcp::{
    cli::Flags, config::Config, environment::Environment, mcp::server::SessionsServer,
    sandbox::Sandbox,
};
use rmcp::model::Tool;
use serde_json::{Map, Value, json};

use super::{auditing, confirming, exporting, ids, writes};
use crate::support::{Host, sandbox};

/// Arguments with which a tool would act on the session, were nothing in its way.
fn arguments(tool: &Tool, id: &str) -> Value {
    let mut arguments = Map::new();
    let known = tool.input_schema["properties"].as_object();
    for name in known.into_iter().flat_map(Map::keys) {
        let value = match name.as_str() {
            "session_id" => json!(id),
            "session_ids" => json!([id]),
            "if_busy" => json!("interrupt"),
            "wait_seconds" => json!(1),
            "tools" | "mcp_servers" if tool.name == "update_session_tools" => json!([]),
            "title" if tool.name == "update_session" => json!("Another title"),
            "plan_id" => json!("plan_1"),
            "action" => json!("delete"),
            _ => continue,
        };
        arguments.insert(name.clone(), value);
    }
    arguments.into()
}

fn reads(tool: &Tool) -> bool {
    tool.annotations
        .as_ref()
        .is_some_and(|hints| hints.read_only_hint == Some(true))
}

/// Every tool there is, whatever a setting hides.
async fn all_tools() -> Vec<Tool> {
    let tools = Host::on("http://127.0.0.1:9").await.tools().await;
    assert!(tools.len() >= 8, "{}", tools.len());
    tools
}

/// A sandbox with a session that is idle and one that is running.
async fn world() -> (Sandbox, [String; 2]) {
    let sandbox = sandbox().await;
    let (idle, running) = (ids(&sandbox, "idle").await, ids(&sandbox, "running").await);
    let both = [idle[0].clone(), running[0].clone()];
    (sandbox, both)
}

/// Calls every tool on both sessions; gives what each call came to.
async fn call_all(host: &Host, sessions: &[String]) -> Vec<(Tool, String)> {
    let mut came = Vec::new();
    for tool in all_tools().await {
        for id in sessions {
            let result = host.call(&tool.name, arguments(&tool, id)).await;
            came.push((tool.clone(), result.word()));
        }
    }
    came
}

fn deletes(sandbox: &Sandbox) -> Vec<String> {
    let mut writes = writes(sandbox);
    writes.retain(|write| write.starts_with("DELETE "));
    writes
}

#[tokio::test]
async fn without_settings_these_calls_do_change_something() {
    for tool in all_tools().await {
        let (sandbox, sessions) = world().await;
        let host = Host::on(&sandbox.base_url()).await;
        for id in &sessions {
            host.raw(&tool.name, arguments(&tool, id)).await;
        }
        let local = ["export_session", "apply_cleanup"].contains(&tool.name.as_ref());
        let changes = !reads(&tool) && !local;
        assert_eq!(!writes(&sandbox).is_empty(), changes, "{}", tool.name);
    }
}

#[tokio::test]
async fn read_only_changes_nothing() {
    let (sandbox, sessions) = world().await;
    let flags = Flags {
        read_only: true,
        ..Flags::default()
    };
    let host = Host::with(flags, &sandbox.base_url()).await;
    for (tool, word) in call_all(&host, &sessions).await {
        assert_eq!(
            word == "invalid_arguments",
            !reads(&tool),
            "{}: {word}",
            tool.name
        );
    }
    assert_eq!(writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn sessions_of_other_agents_are_neither_shown_nor_touched() {
    let (sandbox, sessions) = world().await;
    let dir = tempfile::tempdir().expect("a folder");
    let flags = Flags {
        allow_agent: vec!["agent_of_nobody".to_owned()],
        ..exporting(dir.path())
    };
    let host = Host::with(flags, &sandbox.base_url()).await;
    for (tool, word) in call_all(&host, &sessions).await {
        let one = tool.input_schema["properties"].get("session_id").is_some();
        assert_eq!(word == "agent_not_allowed", one, "{}: {word}", tool.name);
    }
    assert_eq!(writes(&sandbox), [""; 0]);
    for request in sandbox.requests() {
        let path = request.path.split('?').next().unwrap_or_default();
        assert!(!path.ends_with("/events"), "history was read: {path}");
    }
    let left = std::fs::read_dir(dir.path()).expect("a folder").count();
    assert_eq!(left, 0, "nothing was exported");
    let list = json!({"include_archived": true, "limit": 100});
    let list = host.call("list_sessions", list).await.answer();
    assert_eq!(list["sessions"], json!([]));
}

#[tokio::test]
async fn an_allowed_agent_is_served_as_ever() {
    let (sandbox, [id, _]) = world().await;
    let host = Host::on(&sandbox.base_url()).await;
    let record = host.call("get_session", json!({"session_id": id})).await;
    let agent = record.answer()["agent"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let flags = Flags {
        allow_agent: vec!["agent_of_nobody".to_owned(), agent.clone()],
        ..Flags::default()
    };
    let host = Host::with(flags, &sandbox.base_url()).await;
    let list = host
        .call("list_sessions", json!({"limit": 100}))
        .await
        .answer();
    let rows = list["sessions"].as_array().expect("rows");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["agent"]["id"] == *agent));
    let archived = host
        .call("archive_session", json!({"session_id": id}))
        .await;
    assert_eq!(archived.word(), "archived");
}

#[tokio::test]
async fn nothing_is_deleted_unconfirmed() {
    for way in ["token", "elicit"] {
        let (sandbox, sessions) = world().await;
        let host = Host::with(confirming(way), &sandbox.base_url()).await;
        // Deletes go first, before other tools have changed the sessions.
        for id in &sessions {
            let arguments = json!({"session_id": id, "if_busy": "interrupt"});
            host.raw("delete_session", arguments).await;
        }
        assert_eq!(writes(&sandbox), [""; 0], "{way}: not even an interrupt");
        call_all(&host, &sessions).await;
        assert_eq!(deletes(&sandbox), [""; 0], "{way}");
    }
}

#[tokio::test]
async fn nothing_is_deleted_unexported() {
    let (sandbox, sessions) = world().await;
    let dir = tempfile::tempdir().expect("a folder");
    let host = Host::with(exporting(&dir.path().join("missing")), &sandbox.base_url()).await;
    call_all(&host, &sessions).await;
    assert_eq!(deletes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn nothing_is_written_unaudited() {
    let (sandbox, sessions) = world().await;
    let dir = tempfile::tempdir().expect("a folder");
    let host = Host::with(
        auditing(&dir.path().join("missing/audit")),
        &sandbox.base_url(),
    )
    .await;
    for (tool, word) in call_all(&host, &sessions).await {
        assert_eq!(
            word == "audit_failed",
            !reads(&tool),
            "{}: {word}",
            tool.name
        );
    }
    assert_eq!(writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn a_setting_that_cannot_be_understood_lets_nothing_through() {
    for (variable, value) in [
        ("MANAGED_SESSIONS_READ_ONLY", "maybe"),
        ("MANAGED_SESSIONS_CONFIRM_DELETES", "please"),
        ("MANAGED_SESSIONS_ALLOW_AGENTS", " , "),
        ("MANAGED_SESSIONS_TOOLSETS", "nonsense"),
    ] {
        let (sandbox, sessions) = world().await;
        let environment = Environment::from_iter([(variable, value)]);
        let config = Config::read(&Flags::default(), &environment).expect("it starts");
        let config = config.against_sandbox(&sandbox.base_url(), "sk-test-0123456789");
        let host = Host::of(SessionsServer::new(config)).await;
        for (tool, word) in call_all(&host, &sessions).await {
            assert_eq!(word, "invalid_configuration", "{variable}: {}", tool.name);
        }
        assert!(sandbox.requests().is_empty(), "{variable}");
    }
}

#[tokio::test]
async fn toolsets_are_offered_as_named() {
    for (named, there, absent) in [
        ("sessions", "delete_session", "export_session"),
        ("events", "export_session", "delete_session"),
    ] {
        let (sandbox, sessions) = world().await;
        let flags = Flags {
            toolsets: Some(named.to_owned()),
            ..Flags::default()
        };
        let host = Host::with(flags, &sandbox.base_url()).await;
        let tools = host.tools().await;
        assert!(tools.iter().any(|tool| tool.name == there), "{named}");
        assert!(tools.iter().all(|tool| tool.name != absent), "{named}");
        let arguments = json!({"session_id": sessions[0]});
        let came = host.call(absent, arguments).await;
        assert_eq!(came.code(), "invalid_arguments", "{named}");
        assert!(sandbox.requests().is_empty(), "{named}");
    }
}
