//! `update_session_tools`: change the tools and MCP servers of one session, and show the diff.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    api::{ApiError, ApiResponse, Client},
    app::{
        write,
        write::{Outcome, Write},
    },
    config::Toolset,
    domain::{
        guard::Operation,
        toolset,
        toolset::{Changes, Mode, Patch, Toolset as SessionTools, ToolsetChange},
        view::row::Row,
    },
    explain,
    explain::Failure,
    mcp::{
        args::{conditions::WriteArgs, values::SessionIdArg},
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
    model::{Session, SessionId},
};

pub(crate) struct UpdateSessionTools;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// Tool entries, such as {"type":"agent_toolset_20260401","configs":[{"name":"bash",
    /// "permission_policy":{"type":"always_ask"}}]}, {"type":"mcp_toolset","mcp_server_name":"x"}
    /// or {"type":"custom","name","description","input_schema"}.
    #[schemars(with = "Option<Vec<Map<String, Value>>>", extend("x-check" = "entries"))]
    tools: Option<Vec<Value>>,
    /// Server entries: {"type":"url","name":"x","url":"https://…"}.
    #[schemars(with = "Option<Vec<Map<String, Value>>>", extend("x-check" = "entries"))]
    mcp_servers: Option<Vec<Value>>,
    /// What an array given means.
    #[serde(default)]
    mode: ModeArg,
    /// Tools to take away: toolset type, MCP server name or custom tool name.
    #[serde(default)]
    remove_tools: Vec<String>,
    /// MCP servers to take away by name, with the toolsets that use them.
    #[serde(default)]
    remove_mcp_servers: Vec<String>,
    #[serde(flatten)]
    write: WriteArgs,
}

#[derive(Deserialize, Serialize, JsonSchema, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum ModeArg {
    /// the whole new value
    #[default]
    Replace,
    /// entries to add or change
    Merge,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened; unchanged = it already was so, nothing was sent.
    outcome: Word,
    /// What differs, for tools and `mcp_servers`: added, removed, changed (before, after).
    changes: Changes,
    /// Things worth a second thought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// The session afterwards.
    session: Row,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    Updated,
    Unchanged,
    WouldUpdate,
}

impl SessionsTool for UpdateSessionTools {
    const NAME: &'static str = "update_session_tools";
    const TITLE: &'static str = "Change a session's tools";
    const DESCRIPTION: &'static str = "Change the tools and MCP servers of one idle session; its \
        agent stays as it is. An array not given stays. mode \"merge\" adds or changes only the \
        entries given, found by type, an MCP toolset by mcp_server_name, custom tools and servers \
        by name; configs merge by name. mode \"replace\" drops every entry not given. Answers the \
        diff; dry_run shows it first.";
    const TOOLSET: Toolset = Toolset::Sessions;
    const EFFECT: Effect = Effect::Destroys;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let id = args.session_id.id();
        let change = Change(Patch {
            mode: match args.mode {
                ModeArg::Replace => Mode::Replace,
                ModeArg::Merge => Mode::Merge,
            },
            tools: args.tools,
            mcp_servers: args.mcp_servers,
            remove_tools: args.remove_tools,
            remove_mcp_servers: args.remove_mcp_servers,
        });
        let conditions = args.write.conditions();
        let (outcome, session, plan) =
            match write::carry_out(server, call, id, &conditions, &change).await? {
                Outcome::NothingToDo(session) => (Word::Unchanged, session, None),
                Outcome::Would { session, prepared } => {
                    (Word::WouldUpdate, session, Some(prepared))
                }
                Outcome::Written {
                    before,
                    prepared,
                    after,
                } => (
                    Word::Updated,
                    after.map_or(before, |after| *after),
                    Some(prepared),
                ),
            };
        let (changes, warnings) = plan
            .map(|plan| {
                let warnings = plan.warnings.iter().map(explain::toolset::warning);
                (plan.changes, warnings.collect())
            })
            .unwrap_or_default();
        Ok(Output {
            outcome,
            changes,
            warnings,
            session: Row::of(&session.head),
        })
    }
}

struct Change(Patch);

impl Write for Change {
    type Prepared = ToolsetChange;

    fn operation(&self) -> Operation {
        Operation::UpdateTools
    }

    fn prepare(&self, session: &Session) -> Result<Option<ToolsetChange>, Failure> {
        let plan = toolset::plan(&SessionTools::of(session), &self.0).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(explain::toolset::problem).collect();
            Failure::invalid_toolset(&session.head, &problems)
        })?;
        Ok((!plan.changes.is_empty()).then_some(plan))
    }

    async fn send(
        &self,
        client: &Client,
        id: &SessionId,
        plan: &ToolsetChange,
    ) -> Result<ApiResponse<Option<Session>>, ApiError> {
        let mut agent = Map::new();
        for (field, value) in [("tools", &plan.tools), ("mcp_servers", &plan.mcp_servers)] {
            if let Some(value) = value {
                agent.insert(field.to_owned(), Value::Array(value.clone()));
            }
        }
        let body = Map::from_iter([("agent".to_owned(), json!(agent))]);
        Ok(client.update_session(id, &body).await?.map(Some))
    }

    fn verify(&self, plan: &ToolsetChange, after: &Session) -> Result<(), Vec<String>> {
        let differences = toolset::verify(plan, &SessionTools::of(after));
        differences.map_err(|all| all.iter().map(explain::toolset::difference).collect())
    }
}
