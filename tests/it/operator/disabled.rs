//! `--disable-tools`: what a disabled tool does, nothing else does either.

use managed_sessions_mcp::cli::Flags;
use serde_json::{Value, json};

use super::confirming;
use crate::support::{Host, NOWHERE, every_tool, sandbox, sandbox_ids, sandbox_writes};

fn disabling(tools: &str) -> Flags {
    Flags { disable_tools: Some(tools.to_owned()), ..every_tool() }
}

async fn offered(flags: Flags) -> Vec<String> {
    let tools = Host::with_flags(flags, NOWHERE).await.tools().await;
    tools.iter().map(|tool| tool.name.to_string()).collect()
}

#[tokio::test]
async fn what_is_of_no_use_without_disabled_tools_is_not_offered_either() {
    let all = offered(every_tool()).await;
    for (disabled, missing) in [
        ("delete_session", vec!["delete_session"]),
        (" delete_session, update_session_tools ,", vec!["delete_session", "update_session_tools"]),
        ("plan_changes", vec!["apply_changes", "plan_changes"]),
        ("archive_session,delete_session", vec!["archive_session", "delete_session"]),
        (
            "archive_session,delete_session,interrupt_session,update_session_tools",
            vec![
                "apply_changes",
                "archive_session",
                "delete_session",
                "interrupt_session",
                "plan_changes",
                "update_session_tools",
            ],
        ),
    ] {
        let offered = offered(disabling(disabled)).await;
        let left_out: Vec<_> = all.iter().filter(|name| !offered.contains(name)).collect();
        assert_eq!(left_out, missing, "{disabled}");
    }
    let host = Host::with_flags(disabling(&all.join(",")), NOWHERE).await;
    assert_eq!(host.tools().await.len(), 0);
    let failure = host.failure("get_session", json!({})).await;
    assert!(failure.contains("disables every tool"), "{failure}");
}

#[tokio::test]
async fn nothing_else_does_what_a_disabled_tool_does() {
    for (disabled, calls) in [
        ("delete_session", vec![("plan_changes", json!({"action": "delete"}))]),
        ("archive_session", vec![("plan_changes", json!({"action": "archive"}))]),
        (
            "interrupt_session",
            vec![
                ("archive_session", json!({"if_busy": "interrupt"})),
                ("delete_session", json!({"if_busy": "interrupt"})),
                ("update_session_tools", json!({"if_busy": "interrupt", "tools": []})),
                ("delete_session", json!({"if_busy": "interrupt", "dry_run": true})),
            ],
        ),
    ] {
        let sandbox = sandbox().await;
        let id = sandbox_ids(&sandbox, "running").await.remove(0);
        let host = Host::with_flags(disabling(disabled), &sandbox.base_url()).await;
        for (tool, mut arguments) in calls {
            let session = match tool {
                "plan_changes" => ("session_ids", json!([id])),
                _ => ("session_id", json!(id)),
            };
            arguments[session.0] = session.1;
            let failure = host.failure(tool, arguments).await;
            assert!(failure.starts_with("invalid_arguments: "), "{failure}");
            assert!(failure.contains("the operator of this server disabled"), "{failure}");
        }
        assert_eq!(sandbox_writes(&sandbox), [""; 0], "{disabled}");
        assert!(sandbox.requests().is_empty(), "{disabled}: nothing was even read");
    }
}

#[tokio::test]
async fn disabled_choices_are_neither_published_nor_suggested() {
    let choices = async |disabled: &str, tool: &str, argument: &str| {
        let tools = Host::with_flags(disabling(disabled), NOWHERE).await.tools().await;
        let tool = tools.into_iter().find(|each| each.name == tool).expect("it is offered");
        let argument = &tool.input_schema["properties"][argument];
        let description = argument["description"].as_str().expect("text").to_owned();
        (argument["enum"].clone(), description)
    };
    let (busy, words) = choices("interrupt_session", "delete_session", "if_busy").await;
    assert_eq!(busy, json!(["refuse", "wait"]));
    assert!(words.ends_with("wait: wait until its turn ends"), "{words}");
    let all_but_delete = "archive_session,interrupt_session,update_session_tools";
    let (action, words) = choices(all_but_delete, "plan_changes", "action").await;
    assert_eq!(action, json!(["delete"]));
    assert_eq!(words, "What to do with the sessions. delete: gone for good");
    let (action, words) = choices("delete_session", "plan_changes", "action").await;
    assert_eq!(action, json!(["archive", "interrupt", "update_tools"]));
    assert!(!words.contains("gone for good"), "{words}");

    let sandbox = sandbox().await;
    let id = sandbox_ids(&sandbox, "running").await.remove(0);
    let host = Host::with_flags(disabling("interrupt_session"), &sandbox.base_url()).await;
    for arguments in [json!({}), json!({"if_busy": "wait", "wait_seconds": 1})] {
        let mut arguments = arguments;
        arguments["session_id"] = json!(id);
        let failure = host.failure("archive_session", arguments).await;
        assert!(!failure.contains("interrupt"), "{failure}");
    }
    let host = Host::with_flags(disabling("delete_session"), NOWHERE).await;
    let failure = host.failure("plan_changes", json!({"statuses": ["idle"]})).await;
    assert!(
        failure.contains("it must be one of archive, interrupt, update_tools (or"),
        "{failure}"
    );
}

#[tokio::test]
async fn the_clean_up_prompt_needs_archiving() {
    let prompts = async |flags| {
        let prompts = Host::with_flags(flags, NOWHERE).await.client.list_all_prompts().await;
        let prompts = prompts.expect("prompts are listed");
        prompts.iter().any(|prompt| prompt.name == "cleanup-sessions")
    };
    assert!(prompts(disabling("delete_session")).await);
    assert!(!prompts(disabling("archive_session")).await);
}

#[tokio::test]
async fn without_a_folder_there_is_no_tool_that_exports() {
    assert!(!offered(Flags::default()).await.contains(&"export_session".to_owned()));
    let host = Host::new(NOWHERE).await;
    let failure = host.failure("export_session", json!({"session_id": "sesn_1"})).await;
    assert!(failure.starts_with("export_unavailable: "), "{failure}");
    assert!(failure.contains("--export-dir"), "{failure}");
}

#[tokio::test]
async fn descriptions_say_whether_this_server_asks_for_a_confirmation() {
    let saying = async |flags: Flags| {
        let tools = Host::with_flags(flags, NOWHERE).await.tools().await;
        let says =
            |description: &str| description.contains("This server asks for a confirmation first.");
        let tools = tools.iter().filter(|tool| tool.description.as_deref().is_some_and(says));
        tools.map(|tool| tool.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(saying(Flags::default()).await, [""; 0]);
    assert_eq!(saying(confirming("off")).await, [""; 0]);
    for mode in ["token", "elicit"] {
        assert_eq!(saying(confirming(mode)).await, ["apply_changes", "delete_session"]);
        let no_deletes = Flags { disable_tools: Some("delete_session".into()), ..confirming(mode) };
        assert_eq!(saying(no_deletes).await, [""; 0]);
    }
    let tools = Host::new(NOWHERE).await.tools().await;
    let delete = tools.iter().find(|tool| tool.name == "delete_session").expect("it is offered");
    let text = Value::from(delete.description.as_deref());
    assert!(!text.to_string().contains("confirmation"), "{text}");
}
