//! `update_session_tools`: change the tools and MCP servers of one session, and show the diff.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::{ops::update_session_tools::update_session_tools, write::conditions::First},
    domain::{
        toolset::{Changes, Mode, Patch},
        view::{fit::CHANGES_BYTES, row::Row},
    },
    explain::toolset::{not_shown, warning},
    mcp::{
        args::{conditions::WriteArgs, values::SessionIdArg},
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
        written::UpdateOutcome,
    },
};

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
    /// entries to add or change; the others stay
    #[default]
    Merge,
    /// the whole new value: every entry not given is lost
    Replace,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened; unchanged = it already was so, nothing was sent.
    outcome: UpdateOutcome,
    /// In a dry run on a busy session: what would come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<First>,
    /// What differs, for tools and `mcp_servers`: added, removed, changed (before, after).
    changes: Changes,
    /// Things worth a second thought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// The session afterwards.
    session: Row,
}

impl SessionsTool for Args {
    const OP: Op = Op::UpdateSessionTools;
    const TITLE: &'static str = "Change a session's tools";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Change the tools and MCP servers of one idle session; its \
        agent stays as it is. Give only what is to be added or changed: entries are found by type, \
        an MCP toolset by mcp_server_name, custom tools and servers by name, and configs merge by \
        name. Only mode \"replace\" drops what is not given. Answers the diff; dry_run shows it \
        first.",
    )];
    const GROUP: ToolGroup = ToolGroup::Sessions;
    const EFFECT: Effect = Effect::Destroys;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let patch = Patch {
            mode: match self.mode {
                ModeArg::Replace => Mode::Replace,
                ModeArg::Merge => Mode::Merge,
            },
            tools: self.tools,
            mcp_servers: self.mcp_servers,
            remove_tools: self.remove_tools,
            remove_mcp_servers: self.remove_mcp_servers,
        };
        let (id, conditions) = (self.session_id.id(), self.write.conditions());
        let written = update_session_tools(call.services, call.cx, id, patch, &conditions).await?;
        let first = written.first();
        let (outcome, session, plan) = UpdateOutcome::shown(written);
        let (changes, left_out) = plan.changes.fitting(CHANGES_BYTES);
        Ok(Output {
            outcome,
            first,
            changes,
            warnings: plan.warnings.iter().map(warning).chain(not_shown(&left_out)).collect(),
            session,
        })
    }
}
