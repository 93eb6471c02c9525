//! `demo`: a real MCP client in process calls the tools on a sandbox, and a person can read
//! along. Each step says what it shows and is checked for it.

use std::io::{self, Write};

use rmcp::{
    RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, CallToolResult},
    service::RunningService,
};
use serde_json::{Map, Value, json};

use crate::{cli::print::Printer, mcp::server::Server};

/// Widest line of the transcript.
const WIDTH: usize = 88;

/// Why the demo could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The transcript could not be written.
    #[error("cannot write the transcript: {0}")]
    Io(#[from] io::Error),
    /// The MCP client could not speak to the server.
    #[error("the MCP client failed: {0}")]
    Client(String),
    /// The sandbox lacks a session that the demo needs.
    #[error("the sandbox has no {0} session")]
    Missing(&'static str),
}

/// Runs the demo and writes the transcript.
///
/// # Errors
/// When it could not be run to its end. `Ok(false)` means that a step did not do what it says.
pub async fn run(server: Server, out: &mut Printer<impl Write>) -> Result<bool, DemoError> {
    let (here, there) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(async move { server.serve_on(there).await });
    let client = ().serve(here).await.map_err(|error| DemoError::Client(error.to_string()))?;
    let mut demo = Demo {
        client,
        out,
        failed: false,
    };
    demo.steps().await?;
    let Demo { client, failed, .. } = demo;
    let _ = client.cancel().await;
    serving.abort();
    Ok(!failed)
}

struct Demo<'a, W> {
    client: RunningService<RoleClient, ()>,
    out: &'a mut Printer<W>,
    failed: bool,
}

/// What a call came to.
enum Came {
    Answer(Value),
    Failure(String),
}

impl<W: Write> Demo<'_, W> {
    async fn steps(&mut self) -> Result<(), DemoError> {
        self.out.line(&format!(
            "managed-sessions-mcp {}, on its sandbox",
            env!("CARGO_PKG_VERSION")
        ))?;
        self.out
            .line("A real MCP client calls the tools; nothing leaves this machine.")?;

        self.heading("What is there?")?;
        let list = self.call("list_sessions", json!({})).await?;
        self.table(&list)?;
        let running = pick(&list, "running")?;
        let idle = self.pick_unasked(&list).await?;
        let spare = pick_other(&list, "idle", &idle)?;

        self.heading("One of them, in full")?;
        let record = self
            .call("get_session", json!({"session_id": idle}))
            .await?;
        self.fields(
            &record,
            &["title", "status", "model", "list_cost", "operations"],
        )?;
        self.check(
            "it is the session that was asked for",
            said(&record, "id") == Some(&idle),
        )?;

        self.heading("A running session is not archived under its own feet")?;
        let refused = self
            .call("archive_session", json!({"session_id": running}))
            .await?;
        self.failure(&refused)?;
        let code = matches!(&refused, Came::Failure(text) if text.starts_with("session_running:"));
        self.check("refused before anything was sent", code)?;

        self.heading("One permission policy changes, everything else stays")?;
        let change = json!({
            "session_id": idle,
            "mode": "merge",
            "tools": [{
                "type": "agent_toolset_20260401",
                "configs": [{"name": "bash", "permission_policy": {"type": "always_ask"}}],
            }],
        });
        let mut dry_run = change.clone();
        if let Value::Object(arguments) = &mut dry_run {
            arguments.insert("dry_run".to_owned(), true.into());
        }
        let would = self.call("update_session_tools", dry_run).await?;
        self.fields(&would, &["outcome"])?;
        self.check(
            "a dry run changes nothing",
            said(&would, "outcome") == Some("would_update"),
        )?;
        let updated = self.call("update_session_tools", change).await?;
        self.fields(&updated, &["outcome", "changes"])?;
        let one = matches!(&updated, Came::Answer(answer)
            if answer.pointer("/changes/tools/changed").and_then(Value::as_array).is_some_and(|all| all.len() == 1));
        self.check(
            "one tool changed",
            said(&updated, "outcome") == Some("updated") && one,
        )?;

        self.heading("An idle session is archived; its history stays")?;
        let archived = self
            .call("archive_session", json!({"session_id": idle}))
            .await?;
        self.fields(&archived, &["outcome", "session"])?;
        self.check("archived", said(&archived, "outcome") == Some("archived"))?;

        self.heading("Another one is deleted; the answer keeps its last snapshot")?;
        let deleted = self
            .call("delete_session", json!({"session_id": spare}))
            .await?;
        self.fields(&deleted, &["outcome", "kept"])?;
        self.check("deleted", said(&deleted, "outcome") == Some("deleted"))?;
        let gone = self
            .call("get_session", json!({"session_id": spare}))
            .await?;
        self.failure(&gone)?;
        let code = matches!(&gone, Came::Failure(text) if text.starts_with("not_found:"));
        self.check("it is gone", code)?;

        self.out.line("")?;
        let verdict = if self.failed {
            "Some steps did not do what they say."
        } else {
            "All steps did what they say."
        };
        self.out.line(verdict)?;
        Ok(())
    }

    /// An idle session whose bash tool is not asked about yet, so that there is something to
    /// change.
    async fn pick_unasked(&self, list: &Came) -> Result<String, DemoError> {
        for id in ids(list, "idle") {
            if let Came::Answer(record) = self.ask("get_session", json!({"session_id": id})).await?
            {
                let tools = record.get("tools").and_then(Value::as_array);
                if tools.into_iter().flatten().any(bash_is_allowed) {
                    return Ok(id);
                }
            }
        }
        Err(DemoError::Missing("idle, unasked bash"))
    }

    async fn call(&mut self, tool: &'static str, arguments: Value) -> Result<Came, DemoError> {
        self.wrapped(&format!("> {tool} {arguments}"), "    ")?;
        self.ask(tool, arguments).await
    }

    async fn ask(&self, tool: &'static str, arguments: Value) -> Result<Came, DemoError> {
        let arguments: Map<String, Value> = match arguments {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let answer = self.client.call_tool(request).await;
        Ok(came(
            answer.map_err(|error| DemoError::Client(error.to_string()))?,
        ))
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        self.out.line(&format!(
            "\n-- {text} {}",
            "-".repeat(WIDTH.saturating_sub(text.len() + 4))
        ))
    }

    fn check(&mut self, what: &str, holds: bool) -> io::Result<()> {
        self.failed |= !holds;
        self.out.line(&format!(
            "  {} {what}",
            if holds { "ok:" } else { "NOT SO:" }
        ))
    }

    fn table(&mut self, list: &Came) -> io::Result<()> {
        let Came::Answer(answer) = list else {
            return self.failure(list);
        };
        let rows = answer.get("sessions").and_then(Value::as_array);
        for row in rows.into_iter().flatten() {
            let cell = |name| row.get(name).and_then(Value::as_str).unwrap_or_default();
            let title: String = cell("title").chars().take(38).collect();
            self.out.line(&format!(
                "  {:<17} {:<38} {:<12} {:>13}",
                cell("id").chars().take(17).collect::<String>(),
                title,
                cell("status"),
                cell("list_cost"),
            ))?;
        }
        Ok(())
    }

    fn fields(&mut self, came: &Came, names: &[&str]) -> io::Result<()> {
        let Came::Answer(answer) = came else {
            return self.failure(came);
        };
        for name in names {
            let Some(value) = answer.get(*name) else {
                continue;
            };
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            self.wrapped(&format!("  {name}: {text}"), "      ")?;
        }
        Ok(())
    }

    fn failure(&mut self, came: &Came) -> io::Result<()> {
        let text = match came {
            Came::Failure(text) => text.clone(),
            Came::Answer(answer) => answer.to_string(),
        };
        self.wrapped(&format!("  {text}"), "  ")
    }

    /// Writes `text` in lines of at most [`WIDTH`] characters, broken at spaces and commas.
    fn wrapped(&mut self, text: &str, indent: &str) -> io::Result<()> {
        let mut line = String::new();
        for word in text.split_inclusive([' ', ',']) {
            if line.chars().count() + word.trim_end().chars().count() > WIDTH {
                self.out.line(line.trim_end())?;
                indent.clone_into(&mut line);
            }
            line.push_str(word);
        }
        self.out.line(line.trim_end())
    }
}

fn came(result: CallToolResult) -> Came {
    if result.is_error == Some(true) {
        let texts = result.content.iter().filter_map(|block| block.as_text());
        return Came::Failure(texts.map(|text| text.text.clone()).collect());
    }
    Came::Answer(result.structured_content.unwrap_or_default())
}

fn said<'a>(came: &'a Came, field: &str) -> Option<&'a str> {
    match came {
        Came::Answer(answer) => answer.get(field)?.as_str(),
        Came::Failure(_) => None,
    }
}

/// Whether this is the built-in toolset and lets bash run without asking.
fn bash_is_allowed(tool: &Value) -> bool {
    let configs = tool
        .get("configs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let bash = configs
        .into_iter()
        .find(|config| config.get("name").is_some_and(|n| n == "bash"));
    let policy = bash.and_then(|config| config.pointer("/permission_policy/type"));
    tool.get("type")
        .is_some_and(|kind| kind == "agent_toolset_20260401")
        && policy.is_some_and(|policy| policy == "always_allow")
}

/// The ids of the listed sessions with this status, in order.
fn ids(list: &Came, status: &str) -> Vec<String> {
    let Came::Answer(answer) = list else {
        return Vec::new();
    };
    let rows = answer.get("sessions").and_then(Value::as_array);
    rows.into_iter()
        .flatten()
        .filter(|row| row.get("status").is_some_and(|found| found == status))
        .filter_map(|row| row.get("id")?.as_str().map(str::to_owned))
        .collect()
}

fn pick(list: &Came, status: &'static str) -> Result<String, DemoError> {
    ids(list, status)
        .into_iter()
        .next()
        .ok_or(DemoError::Missing(status))
}

fn pick_other(list: &Came, status: &'static str, not: &str) -> Result<String, DemoError> {
    ids(list, status)
        .into_iter()
        .find(|id| id != not)
        .ok_or(DemoError::Missing(status))
}
