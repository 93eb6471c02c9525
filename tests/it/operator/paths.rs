//! No way around a setting: every tool under every setting, judged by the requests that the API
//! receives.

use futures_util::future::join_all;
use managed_sessions_mcp::{cli::Flags, sandbox::Sandbox};
use rmcp::model::Tool;
use serde_json::{Map, Value, json};

use super::{auditing, confirming, exporting};
use crate::support::{
    Host, NOWHERE, config_from, every_tool, sandbox, sandbox_ids, sandbox_writes, serve,
};

/// Arguments with which a tool would act on the session if nothing prevented it.
fn arguments(tool: &Tool, id: &str) -> Value {
    let mut arguments = Map::new();
    let properties = tool.input_schema["properties"].as_object();
    for name in properties.expect("properties").keys() {
        let value = match name.as_str() {
            "session_id" | "like_session" => json!(id),
            "session_ids" if tool.name == "plan_changes" => json!([id]),
            "if_busy" => json!("interrupt"),
            "wait_seconds" => json!(1),
            "tools" | "mcp_servers" if tool.name == "update_session_tools" => json!([]),
            "mode" => json!("replace"),
            "title" if tool.name == "update_session" => json!("Another title"),
            "plan_id" if tool.name == "apply_changes" => json!("plan_1"),
            "action" => json!("delete"),
            "text" => json!("Go on."),
            "decision" => json!("deny"),
            _ => continue,
        };
        arguments.insert(name.clone(), value);
    }
    arguments.into()
}

fn reads(tool: &Tool) -> bool {
    let hints = tool.annotations.as_ref();
    hints.is_some_and(|hints| hints.read_only_hint == Some(true))
}

/// Every tool there is, whatever a setting disables.
async fn all_tools() -> Vec<Tool> {
    let tools = Host::with_every_tool(NOWHERE).await.tools().await;
    assert!(tools.len() >= 8, "{}", tools.len());
    tools
}

/// A sandbox, and the ids of an idle and a running session.
async fn two_sessions() -> (Sandbox, [String; 2]) {
    let sandbox = sandbox().await;
    let idle = sandbox_ids(&sandbox, "idle").await.remove(0);
    let running = sandbox_ids(&sandbox, "running").await.remove(0);
    (sandbox, [idle, running])
}

/// Calls every tool on both sessions; returns the outcome of each call.
async fn call_all(host: &Host, sessions: &[String]) -> Vec<(Tool, String)> {
    let mut outcomes = Vec::new();
    for tool in all_tools().await {
        for id in sessions {
            let outcome = host.outcome(&tool.name, arguments(&tool, id)).await;
            outcomes.push((tool.clone(), outcome));
        }
    }
    outcomes
}

fn deletes(sandbox: &Sandbox) -> Vec<String> {
    let mut writes = sandbox_writes(sandbox);
    writes.retain(|write| write.starts_with("DELETE "));
    writes
}

/// That the calls of the other tests would show a way around.
#[tokio::test]
async fn without_settings_every_writing_tool_writes() {
    let checks = all_tools().await.into_iter().map(async |tool| {
        let (sandbox, sessions) = two_sessions().await;
        let host = Host::new(&sandbox.base_url()).await;
        for id in &sessions {
            host.call_raw(&tool.name, arguments(&tool, id)).await;
        }
        // An export writes a file, and this plan does not exist.
        let local = ["export_session", "apply_changes"].contains(&tool.name.as_ref());
        let writes = !sandbox_writes(&sandbox).is_empty();
        assert_eq!(writes, !reads(&tool) && !local, "{}", tool.name);
    });
    join_all(checks).await;
}

#[tokio::test]
async fn read_only_mode_writes_nothing() {
    let (sandbox, sessions) = two_sessions().await;
    let flags = Flags { read_only: true, ..Flags::default() };
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    for (tool, outcome) in call_all(&host, &sessions).await {
        let refused = outcome == "invalid_arguments";
        assert_eq!(refused, !reads(&tool), "{}: {outcome}", tool.name);
    }
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn sessions_of_other_agents_are_neither_shown_nor_touched() {
    let (sandbox, sessions) = two_sessions().await;
    let folder = tempfile::tempdir().expect("a folder");
    let flags =
        Flags { allow_agent: vec!["agent_of_nobody".to_owned()], ..exporting(folder.path()) };
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    for (tool, outcome) in call_all(&host, &sessions).await {
        let has = |name| tool.input_schema["properties"].get(name).is_some();
        let of_one = has("session_id") || has("like_session");
        let refused = outcome == "agent_not_allowed";
        assert_eq!(refused, of_one, "{}: {outcome}", tool.name);
    }
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
    for request in sandbox.requests() {
        let path = request.path.split('?').next().unwrap_or_default();
        assert!(!path.ends_with("/events"), "history was read: {path}");
    }
    let files = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(files, 0, "nothing was exported");
    let list = json!({"include_archived": true, "limit": 100});
    let list = host.answer("list_sessions", list).await;
    assert_eq!(list["sessions"], json!([]));
}

#[tokio::test]
async fn sessions_of_an_allowed_agent_are_shown_and_changed() {
    let (sandbox, [id, _]) = two_sessions().await;
    let host = Host::new(&sandbox.base_url()).await;
    let session = json!({"session_id": id});
    let record = host.answer("get_session", session.clone()).await;
    let agent = record["agent"]["id"].as_str().expect("an id").to_owned();
    let flags = Flags {
        allow_agent: vec!["agent_of_nobody".to_owned(), agent.clone()],
        ..Flags::default()
    };
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    let list = host.answer("list_sessions", json!({"limit": 100})).await;
    let rows = list["sessions"].as_array().expect("rows");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["agent"]["id"] == *agent));
    assert_eq!(host.outcome("archive_session", session).await, "archived");
}

#[tokio::test]
async fn nothing_is_deleted_unconfirmed() {
    for mode in ["token", "elicit"] {
        let (sandbox, sessions) = two_sessions().await;
        let host = Host::with_flags(confirming(mode), &sandbox.base_url()).await;
        // Deletes go first, before other tools have changed the sessions.
        for id in &sessions {
            let arguments = json!({"session_id": id, "if_busy": "interrupt"});
            host.call_raw("delete_session", arguments).await;
        }
        let writes = sandbox_writes(&sandbox);
        assert_eq!(writes, [""; 0], "{mode}: not even an interrupt");
        call_all(&host, &sessions).await;
        assert_eq!(deletes(&sandbox), [""; 0], "{mode}");
    }
}

#[tokio::test]
async fn nothing_is_deleted_unexported() {
    let (sandbox, sessions) = two_sessions().await;
    let folder = tempfile::tempdir().expect("a folder");
    let flags = exporting(&folder.path().join("missing"));
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    call_all(&host, &sessions).await;
    assert_eq!(deletes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn nothing_is_written_unaudited() {
    let (sandbox, sessions) = two_sessions().await;
    let folder = tempfile::tempdir().expect("a folder");
    let flags = Flags {
        export_dir: Some(folder.path().to_owned()),
        ..auditing(&folder.path().join("missing/audit"))
    };
    let host = Host::with_flags(flags, &sandbox.base_url()).await;
    for (tool, outcome) in call_all(&host, &sessions).await {
        let refused = outcome == "audit_failed";
        assert_eq!(refused, !reads(&tool), "{}: {outcome}", tool.name);
    }
    assert_eq!(sandbox_writes(&sandbox), [""; 0]);
}

#[tokio::test]
async fn a_setting_that_cannot_be_parsed_stops_every_call() {
    for (variable, value) in [
        ("MANAGED_SESSIONS_READ_ONLY", "maybe"),
        ("MANAGED_SESSIONS_CONFIRM_DELETES", "please"),
        ("MANAGED_SESSIONS_CONFIRM_APPROVALS", "please"),
        ("MANAGED_SESSIONS_DISABLED_TOOLS", "delete_session,nonsense"),
        ("MANAGED_SESSIONS_ALLOW_AGENTS", " , "),
        ("MANAGED_SESSIONS_TOOLSETS", "nonsense"),
    ] {
        let (sandbox, sessions) = two_sessions().await;
        let url = sandbox.base_url();
        let config = config_from(Flags::default(), &[(variable, value)], &url);
        let host = Host::connect(serve(config)).await;
        for (tool, outcome) in call_all(&host, &sessions).await {
            let name = tool.name;
            assert_eq!(outcome, "invalid_configuration", "{variable}: {name}");
        }
        assert!(sandbox.requests().is_empty(), "{variable}");
    }
}

#[tokio::test]
async fn only_the_tools_of_the_named_toolsets_are_offered() {
    for (toolset, offered, disabled) in [
        ("sessions", "delete_session", "export_session"),
        ("events", "export_session", "delete_session"),
    ] {
        let (sandbox, sessions) = two_sessions().await;
        let flags = Flags { toolsets: Some(toolset.to_owned()), ..every_tool() };
        let host = Host::with_flags(flags, &sandbox.base_url()).await;
        let tools = host.tools().await;
        assert!(tools.iter().any(|tool| tool.name == offered), "{toolset}");
        assert!(tools.iter().all(|tool| tool.name != disabled), "{toolset}");
        let arguments = json!({"session_id": sessions[0]});
        let code = host.outcome(disabled, arguments).await;
        assert_eq!(code, "invalid_arguments", "{toolset}");
        assert!(sandbox.requests().is_empty(), "{toolset}");
    }
}
