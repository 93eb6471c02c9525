//! Bytes to the running server, over an in-memory pipe, with the sandbox behind it.
//!
//! Whatever comes in: it writes only JSON-RPC, answers the next good request, and ends when the
//! host closes. The first byte says what the rest is: raw bytes, raw bytes after a handshake, or
//! the arguments of a tool.

#![no_main]

use std::{sync::OnceLock, time::Duration};

use libfuzzer_sys::fuzz_target;
use managed_sessions_mcp::{
    cli::{Flags, commands},
    config::Config,
    environment::Environment,
    mcp::server::Server,
    sandbox::{Options, Sandbox},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    runtime::Runtime,
    time::timeout,
};

const TOOLS: &[&str] = &[
    "get_session",
    "list_sessions",
    "update_session_tools",
    "archive_session",
    "delete_session",
    "interrupt_session",
    "update_session",
    "list_session_events",
    "wait_for_session",
    "diagnose_session",
    "export_session",
    "summarize_sessions",
    "triage_sessions",
    "plan_changes",
    "apply_changes",
];

/// Every argument that a tool takes. Those that the tool at hand does not take are worth a try,
/// too.
const ARGUMENTS: &[&str] = &[
    "session_id",
    "tools",
    "mcp_servers",
    "mode",
    "remove_tools",
    "remove_mcp_servers",
    "if_busy",
    "wait_seconds",
    "dry_run",
    "expected_updated_at",
    "confirmation_token",
    "title",
    "metadata",
    "budget",
    "session_thread_id",
    "detail",
    "types",
    "order",
    "after",
    "before",
    "limit",
    "page",
    "agent",
    "agent_id",
    "clear",
    "agent_version",
    "deployment_id",
    "memory_store_id",
    "statuses",
    "include_archived",
    "created_after",
    "created_before",
    "updated_after",
    "updated_before",
    "title_contains",
    "min_list_cost",
    "max_scan",
    "action",
    "session_ids",
    "max_sessions",
    "plan_id",
];

struct World {
    runtime: Runtime,
    sandbox: Sandbox,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        let address = "127.0.0.1:0".parse().expect("an address");
        let sandbox = runtime
            .block_on(Sandbox::start(address, Options::default()))
            .expect("the sandbox starts");
        World { runtime, sandbox }
    })
}

fn server(sandbox: &Sandbox) -> Server {
    let flags = Flags {
        timeout_seconds: Some("1".to_owned()),
        ..Flags::default()
    };
    let config = Config::read(&flags, &Environment::default()).expect("valid flags");
    commands::server(config.against_sandbox(&sandbox.base_url(), sandbox.api_key()))
}

fn line(message: &Value) -> Vec<u8> {
    format!("{message}\n").into_bytes()
}

/// What is sent, and whether a session is open then.
fn script(data: &[u8]) -> (Vec<u8>, bool) {
    let Some((&kind, rest)) = data.split_first() else {
        return (Vec::new(), false);
    };
    let hello = line(&json!({
        "jsonrpc": "2.0", "id": "hello", "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                   "clientInfo": {"name": "fuzz", "version": "1"}},
    }));
    let tool = TOOLS[usize::from(kind >> 2) % TOOLS.len()];
    match kind % 4 {
        0 => ([rest, b"\n"].concat(), false),
        1 => ([&hello, rest, b"\n"].concat(), true),
        2 => {
            // Raw text in the place of the arguments.
            let head = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":"#
            );
            ([&hello, head.as_bytes(), rest, b"}}\n"].concat(), true)
        }
        _ => {
            // Pieces of the input as arguments: the first byte names one, the rest is its value.
            let mut arguments = serde_json::Map::new();
            for piece in rest.split(|byte| *byte == 0x1f) {
                let Some((name, value)) = piece.split_first() else {
                    continue;
                };
                let name = ARGUMENTS[usize::from(*name) % ARGUMENTS.len()];
                let text = String::from_utf8_lossy(value);
                let value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text));
                arguments.insert(name.to_owned(), value);
            }
            // Most tools do nothing without one.
            if kind & 0x80 == 0 {
                arguments.entry("session_id").or_insert(json!("sesn_01"));
            }
            let call = line(&json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": tool, "arguments": arguments},
            }));
            ([hello, call].concat(), true)
        }
    }
}

async fn play(server: Server, data: &[u8]) {
    let (sent, open) = script(data);
    let (here, there) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(server.serve_on(there));
    let (answers, mut requests) = tokio::io::split(here);
    let reading = tokio::spawn(async move {
        let mut lines = BufReader::new(answers).lines();
        let mut answered = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let message: Value = serde_json::from_str(&line).expect("it writes JSON");
            assert_eq!(message["jsonrpc"], "2.0", "{line}");
            answered |= message["id"] == "last";
            if answered {
                break;
            }
        }
        (answered, lines)
    });
    let last = line(&json!({"jsonrpc": "2.0", "id": "last", "method": "ping"}));
    // The server may have ended already; then there is nobody to write to.
    let _ = requests.write_all(&sent).await;
    let _ = requests.write_all(&last).await;
    if !open {
        let _ = requests.shutdown().await;
    }
    let (answered, mut lines) = timeout(Duration::from_secs(20), reading)
        .await
        .expect("it goes on answering")
        .expect("it writes only JSON-RPC");
    assert!(answered || !open, "the next good request was not answered");
    let _ = requests.shutdown().await;
    let drained = async { while let Ok(Some(_)) = lines.next_line().await {} };
    timeout(Duration::from_secs(20), drained)
        .await
        .expect("it closes");
    // How it ends is not looked at: a first message that opens no session is an error.
    let ended = timeout(Duration::from_secs(20), serving).await;
    let _ = ended.expect("it ends").expect("it does not panic");
}

fuzz_target!(|data: &[u8]| {
    let world = world();
    world.runtime.block_on(play(server(&world.sandbox), data));
});
