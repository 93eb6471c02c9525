//! What a cautious operator can set, looked at from both ends: by an MCP client, and by what the
//! API was asked.

mod audit;
mod confirm;
mod elicit;
mod export;
mod paths;

use std::path::Path;

use managed_sessions_mcp::{cli::Flags, sandbox::Sandbox};
use serde_json::{Value, json};

use crate::support::Host;

/// The ids of the sandbox's sessions with this status that are not archived.
async fn ids(sandbox: &Sandbox, status: &str) -> Vec<String> {
    let host = Host::on(&sandbox.base_url()).await;
    let arguments = json!({"statuses": [status], "limit": 100});
    let list = host.call("list_sessions", arguments).await.answer();
    let rows = list["sessions"].as_array().expect("rows");
    let ids = rows.iter().map(|row| row["id"].as_str().expect("an id"));
    let ids = ids.map(str::to_owned).collect();
    sandbox.forget_requests();
    ids
}

/// What was asked beside reading.
fn writes(sandbox: &Sandbox) -> Vec<String> {
    let requests = sandbox.requests();
    let writes = requests.iter().filter(|request| request.is_write());
    writes
        .map(|request| format!("{} {}", request.method, request.path))
        .collect()
}

fn confirming(way: &str) -> Flags {
    Flags {
        confirm_deletes: Some(way.to_owned()),
        ..Flags::default()
    }
}

fn exporting(dir: &Path) -> Flags {
    Flags {
        export_dir: Some(dir.to_owned()),
        ..Flags::default()
    }
}

fn auditing(file: &Path) -> Flags {
    Flags {
        audit_log: Some(file.to_owned()),
        ..Flags::default()
    }
}

/// The lines of a file as JSON.
fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    assert!(text.ends_with('\n') || text.is_empty(), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}
