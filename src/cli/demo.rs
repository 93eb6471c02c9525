//! `demo`: a real MCP client calls the tools on a sandbox and prints a transcript. Each step is
//! checked.

use std::io::{self, Write};

use rmcp::{
    RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, CallToolResult},
    service::RunningService,
};
use serde_json::{Value, json};

use crate::{
    cli::print::{BAD, BOLD, BUSY, FAINT, GOOD, HEADING, NAME, PLAIN, Printer, Spans},
    explain::explanation::Code,
    mcp::server::Server,
};

/// Why the demo was aborted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("cannot write the transcript: {0}")]
    Io(#[from] io::Error),
    #[error("the MCP client failed: {0}")]
    Client(String),
    #[error("the sandbox has no {0} session")]
    NoSession(&'static str),
}

/// Runs the demo and writes the transcript. Returns whether all checks passed.
pub(crate) async fn run(server: Server, out: &mut Printer<impl Write>) -> Result<bool, DemoError> {
    let (here, there) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(async move { server.serve_on(there).await });
    let client = ().serve(here).await.map_err(|error| DemoError::Client(error.to_string()))?;
    let mut demo = Demo { client, out, failed: false };
    demo.steps().await?;
    let _ = demo.client.cancel().await;
    serving.abort();
    Ok(!demo.failed)
}

struct Demo<'a, W> {
    client: RunningService<RoleClient, ()>,
    out: &'a mut Printer<W>,
    failed: bool,
}

impl<W: Write> Demo<'_, W> {
    async fn steps(&mut self) -> Result<(), DemoError> {
        let version = concat!(" ", env!("CARGO_PKG_VERSION"), ", on its sandbox");
        self.out.spans(&[(BOLD, "managed-sessions-mcp"), (PLAIN, version)])?;
        let promise = "A real MCP client calls the tools; nothing leaves this machine.";
        self.out.wrapped(&[], promise, 0)?;

        self.heading("List the sessions")?;
        let list = self.call("list_sessions", json!({})).await?;
        self.table(&list)?;
        let running = list.session("running", None)?;
        let idle = self.session_with_unguarded_bash(&list).await?;
        let other = list.session("idle", Some(&idle))?;

        self.heading("Read one of them in full")?;
        let record = self.call_on("get_session", &idle).await?;
        self.fields(&record, &["title", "status", "model", "list_cost", "operations"])?;
        self.check("the requested session was returned", record.field("id") == Some(&idle))?;

        self.heading("A running session is not archived")?;
        let refused = self.call_on("archive_session", &running).await?;
        self.text(&refused)?;
        self.check("refused before anything was sent", refused.failed_with(Code::SessionRunning))?;

        self.heading("Change one permission policy and keep everything else")?;
        let change = json!({
            "session_id": idle,
            "mode": "merge",
            "tools": [{
                "type": "agent_toolset_20260401",
                "configs": [{"name": "bash", "permission_policy": {"type": "always_ask"}}],
            }],
        });
        let mut dry_run = change.clone();
        if let Some(arguments) = dry_run.as_object_mut() {
            arguments.insert("dry_run".to_owned(), true.into());
        }
        let planned = self.call("update_session_tools", dry_run).await?;
        self.fields(&planned, &["outcome"])?;
        self.check("a dry run changes nothing", planned.field("outcome") == Some("would_update"))?;
        let updated = self.call("update_session_tools", change).await?;
        self.fields(&updated, &["outcome"])?;
        self.diff(&updated)?;
        let changed = updated.items("/changes/tools/changed").count();
        self.check(
            "one tool changed",
            updated.field("outcome") == Some("updated") && changed == 1,
        )?;

        self.heading("Archive an idle session; its history stays")?;
        let archived = self.call_on("archive_session", &idle).await?;
        self.fields(&archived, &["outcome", "session"])?;
        self.check("archived", archived.field("outcome") == Some("archived"))?;

        self.heading("Delete another one; the answer keeps its last record")?;
        let deleted = self.call_on("delete_session", &other).await?;
        self.fields(&deleted, &["outcome", "kept"])?;
        self.check("deleted", deleted.field("outcome") == Some("deleted"))?;
        let gone = self.call_on("get_session", &other).await?;
        self.text(&gone)?;
        self.check("the session is gone", gone.failed_with(Code::NotFound))?;

        self.out.line("")?;
        let (style, verdict) =
            if self.failed { (BAD, "Some steps failed.") } else { (GOOD, "All steps passed.") };
        self.out.spans(&[(style, verdict)])?;
        Ok(())
    }

    /// An idle session whose bash tool runs without asking, so that there is a policy to change.
    async fn session_with_unguarded_bash(&self, list: &Reply) -> Result<String, DemoError> {
        for id in list.ids("idle") {
            let record = self.request("get_session", json!({"session_id": id}));
            if record.await?.items("/tools").any(runs_bash_unasked) {
                return Ok(id.to_owned());
            }
        }
        Err(DemoError::NoSession("idle, unguarded bash"))
    }

    /// Prints and makes a call.
    async fn call(&mut self, tool: &'static str, arguments: Value) -> Result<Reply, DemoError> {
        let start = &[(FAINT, "> "), (NAME, tool), (PLAIN, " ")];
        self.out.wrapped(start, &arguments.to_string(), 4)?;
        self.request(tool, arguments).await
    }

    async fn call_on(&mut self, tool: &'static str, session: &str) -> Result<Reply, DemoError> {
        self.call(tool, json!({"session_id": session})).await
    }

    async fn request(&self, tool: &'static str, arguments: Value) -> Result<Reply, DemoError> {
        let mut request = CallToolRequestParams::new(tool);
        request.arguments = arguments.as_object().cloned();
        match self.client.call_tool(request).await {
            Ok(result) => Ok(Reply::from(result)),
            Err(error) => Err(DemoError::Client(error.to_string())),
        }
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        let rule = "-".repeat(self.out.width().saturating_sub(text.len() + 4));
        self.out.line("")?;
        self.out.spans(&[(HEADING, format!("-- {text} {rule}").trim_end())])
    }

    fn check(&mut self, what: &str, passed: bool) -> io::Result<()> {
        self.failed |= !passed;
        let (style, verdict) = if passed { (GOOD, "  ok: ") } else { (BAD, "  FAILED: ") };
        self.out.wrapped(&[(style, verdict)], what, 6)
    }

    fn table(&mut self, list: &Reply) -> io::Result<()> {
        if let Reply::Failure(_) = list {
            return self.text(list);
        }
        let cells = |row: &Value| {
            ["id", "title", "status", "list_cost"]
                .map(|name| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned())
        };
        let header = ["SESSION", "TITLE", "STATUS", "COST"].map(str::to_owned);
        let rows: Vec<_> =
            std::iter::once(header).chain(list.items("/sessions").map(cells)).collect();
        let (mut ids, mut statuses, mut costs) = (0, 0, 0);
        for [id, _, status, cost] in &rows {
            ids = id.chars().count().max(ids);
            statuses = status.chars().count().max(statuses);
            costs = cost.chars().count().max(costs);
        }
        // The title gets what the other columns and the space before each leave.
        let titles = self.out.width().saturating_sub(4 * 2 + ids + statuses + costs);
        for (number, [id, title, status, cost]) in rows.iter().enumerate() {
            let (style, plain) = match status.as_str() {
                _ if number == 0 => (FAINT, FAINT),
                "idle" => (GOOD, PLAIN),
                "running" | "rescheduling" => (BUSY, PLAIN),
                _ => (FAINT, PLAIN),
            };
            self.out.spans(&[
                (plain, &format!("  {id:<ids$}  {:<titles$}  ", clipped(title, titles))),
                (style, &format!("{status:<statuses$}")),
                (plain, &format!("  {cost:>costs$}")),
            ])?;
        }
        Ok(())
    }

    fn fields(&mut self, reply: &Reply, names: &[&str]) -> io::Result<()> {
        let Reply::Success(answer) = reply else {
            return self.text(reply);
        };
        for name in names {
            let Some(value) = answer.get(*name) else {
                continue;
            };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.out.wrapped(&[(FAINT, &format!("  {name}: "))], &text, 6)?;
        }
        Ok(())
    }

    fn text(&mut self, reply: &Reply) -> io::Result<()> {
        match reply {
            Reply::Failure(text) => {
                let (code, rest) = text.split_once(' ').unwrap_or((text, ""));
                let start: Spans<'_> = &[(PLAIN, "  "), (BAD, code), (PLAIN, " ")];
                self.out.wrapped(start, rest, 2)
            }
            Reply::Success(answer) => self.out.wrapped(&[(PLAIN, "  ")], &answer.to_string(), 2),
        }
    }

    /// The changed tools, before and after.
    fn diff(&mut self, updated: &Reply) -> io::Result<()> {
        for change in updated.items("/changes/tools/changed") {
            let name = change.get("type").and_then(Value::as_str).unwrap_or_default();
            self.out.spans(&[(FAINT, "  tools: "), (PLAIN, name)])?;
            for (style, sign, side) in [(BAD, "    - ", "before"), (GOOD, "    + ", "after")] {
                if let Some(tool) = change.get(side) {
                    self.out.wrapped(&[(style, sign)], &tool.to_string(), 8)?;
                }
            }
        }
        Ok(())
    }
}

/// At most this many characters; an ellipsis stands for what was cut.
fn clipped(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

/// The result of a tool call.
enum Reply {
    Success(Value),
    Failure(String),
}

impl From<CallToolResult> for Reply {
    fn from(result: CallToolResult) -> Self {
        if result.is_error == Some(true) {
            let texts = result.content.iter().filter_map(|block| block.as_text());
            return Self::Failure(texts.map(|text| text.text.as_str()).collect());
        }
        Self::Success(result.structured_content.unwrap_or_default())
    }
}

impl Reply {
    /// A text at the top of the answer.
    fn field(&self, name: &str) -> Option<&str> {
        match self {
            Self::Success(answer) => answer.get(name)?.as_str(),
            Self::Failure(_) => None,
        }
    }

    /// The entries of an array in the answer.
    fn items(&self, pointer: &str) -> impl Iterator<Item = &Value> {
        let array = match self {
            Self::Success(answer) => answer.pointer(pointer).and_then(Value::as_array),
            Self::Failure(_) => None,
        };
        array.into_iter().flatten()
    }

    fn failed_with(&self, code: Code) -> bool {
        matches!(self, Self::Failure(text) if text.starts_with(&format!("{code}:")))
    }

    /// The ids of the listed sessions with this status, in order.
    fn ids(&self, status: &str) -> impl Iterator<Item = &str> {
        self.items("/sessions")
            .filter(move |row| row.get("status").is_some_and(|found| found == status))
            .filter_map(|row| row.get("id")?.as_str())
    }

    /// The first listed session with this status, apart from `except`.
    fn session(&self, status: &'static str, except: Option<&str>) -> Result<String, DemoError> {
        let found = self.ids(status).find(|id| Some(*id) != except);
        found.map(str::to_owned).ok_or(DemoError::NoSession(status))
    }
}

/// Whether this is the built-in toolset with a bash that runs without asking.
fn runs_bash_unasked(toolset: &Value) -> bool {
    let is = |value: &Value, key: &str, text: &str| value.get(key).is_some_and(|it| it == text);
    let configs = toolset.get("configs").and_then(Value::as_array);
    let bash = configs.into_iter().flatten().find(|config| is(config, "name", "bash"));
    let policy = bash.and_then(|bash| bash.get("permission_policy"));
    is(toolset, "type", "agent_toolset_20260401")
        && policy.is_some_and(|policy| is(policy, "type", "always_allow"))
}
