//! `update_session_tools`: change the tools and MCP servers of one session, and show the diff.

use std::iter;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::{ops::update_session_tools::update_session_tools, write::conditions::First},
    domain::{
        text,
        toolset::{Changes, Mode, NoUndo, Patch},
        view::{
            brief::Brief,
            fit::CHANGES_BYTES,
            size::{SizeBudget, size},
        },
    },
    explain::toolset::{no_undo, not_shown, warning},
    mcp::{
        args::{conditions::WriteArgs, values::SessionIdArg},
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
        written::UpdateOutcome,
    },
    model::SessionId,
};

/// What an answer may hold but for the smallest fields, in bytes, and what of that may be the undo
/// and the warnings.
const ANSWER_BYTES: usize = 38_000;
const UNDO_BYTES: usize = 24_000;
const WARNINGS_BYTES: usize = 5_000;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// Entries, such as [{"type":"agent_toolset_20260401","configs":[{"name":"bash",
    /// "permission_policy":{"type":"always_ask"}}]}]; also mcp_toolset (mcp_server_name) and custom
    /// (name, description, input_schema).
    #[schemars(with = "Option<Vec<Map<String, Value>>>", extend("x-check" = "entries"))]
    tools: Option<Vec<Value>>,
    /// Entries, such as [{"type":"url","name":"linear","url":"https://mcp.linear.app/mcp"}].
    #[schemars(with = "Option<Vec<Map<String, Value>>>", extend("x-check" = "entries"))]
    mcp_servers: Option<Vec<Value>>,
    /// What a given array means.
    #[serde(default)]
    mode: ModeArg,
    /// Tools to take away: toolset type, MCP server or custom tool name.
    #[serde(default)]
    remove_tools: Vec<String>,
    /// MCP servers to take away, with the toolsets that use them.
    #[serde(default)]
    remove_mcp_servers: Vec<String>,
    /// Tools to put back to their toolset's default: built-in tool, or server.tool.
    #[serde(default)]
    remove_configs: Vec<String>,
    #[serde(flatten)]
    write: WriteArgs,
}

#[derive(Deserialize, Serialize, JsonSchema, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum ModeArg {
    /// entries to add or change
    #[default]
    Merge,
    /// the whole new value: entries not given are lost
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
    /// The arguments of the call that restores what was, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<Map<String, Value>>,
    /// Things worth a second thought.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// The session afterwards.
    session: Brief,
}

impl SessionsTool for Args {
    const OP: Op = Op::UpdateSessionTools;
    const TITLE: &'static str = "Change a session's tools";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Change the tools and MCP servers of one idle session; its \
        agent stays as it is. Give only what to add or change: entries and configs are matched by \
        type or name. Answers the diff, and as undo the arguments of the call that restores what \
        was; dry_run shows both first.",
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
            remove_configs: self.remove_configs,
        };
        let (id, conditions) = (self.session_id.id(), self.write.conditions());
        let (written, undo) =
            update_session_tools(call.services, call.cx, id, &patch, &conditions).await?;
        let first = written.first();
        let (outcome, session, plan) = UpdateOutcome::shown(written);
        let undo = undo.map(|undo| undo.and_then(|patch| fitting(id, &patch))).transpose();
        let warnings = plan.warnings.iter().map(warning);
        let (undo, mut warnings) = match undo {
            Ok(undo) => (undo, within_answer(warnings)),
            Err(reason) => (None, within_answer(iter::once(no_undo(&reason)).chain(warnings))),
        };
        // The diff may be cut, what undoes it may not.
        let others = size(&undo) + size(&warnings) + size(&session);
        let left = ANSWER_BYTES.saturating_sub(others).min(CHANGES_BYTES);
        let (changes, left_out) = plan.changes.fitting(left);
        warnings.extend(not_shown(&left_out));
        Ok(Output { outcome, first, changes, undo, warnings, session })
    }
}

/// The arguments that undo a change, if they fit into an answer whole.
fn fitting(id: &SessionId, patch: &Patch) -> Result<Map<String, Value>, NoUndo> {
    if text::visible(id.as_str()) != id.as_str() {
        return Err(NoUndo::Altered);
    }
    let mut arguments = Map::from_iter([("session_id".to_owned(), id.as_str().into())]);
    arguments.extend(patch.arguments());
    match size(&arguments) {
        bytes if bytes > UNDO_BYTES => Err(NoUndo::TooLarge(bytes)),
        _ => Ok(arguments),
    }
}

/// As many warnings as fit beside a diff and what undoes it.
fn within_answer(warnings: impl Iterator<Item = String>) -> Vec<String> {
    let mut budget = SizeBudget::of(WARNINGS_BYTES);
    let (mut shown, rest): (Vec<_>, Vec<_>) = warnings.partition(|warning| budget.take(warning));
    if !rest.is_empty() {
        shown.push(format!("{} more warnings", rest.len()));
    }
    shown
}
