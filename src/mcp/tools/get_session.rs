//! `get_session`: everything worth knowing about one session, in one small answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::ops::get_session::get_session,
    domain::{
        diagnosis::OpenRun,
        view::{record::Record, threads::ChildThread},
        waiting::WaitingCall,
    },
    explain::unknown::warnings,
    mcp::{
        args::values::SessionIdArg,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// How much to show.
    #[serde(default)]
    detail: Detail,
}

#[derive(Deserialize, Serialize, JsonSchema, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Detail {
    /// the record
    #[default]
    Concise,
    /// also the system prompt, unknown fields
    Full,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    #[serde(flatten)]
    record: Record,
    /// The calls that it or a thread waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<WaitingCall>,
    /// Its child threads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    threads: Vec<ChildThread>,
    /// Workflow runs that have not ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workflow_runs: Vec<OpenRun>,
    /// What is not known, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl SessionsTool for Args {
    const OP: Op = Op::GetSession;
    const TITLE: &'static str = "Get a session";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Read one session: status, why it stopped, what it waits for, agent, model, tools, \
        threads, usage, cost, budget, and under `operations` what could be done to it now (\"allowed\", \
        \"nothing_to_do\", or the code of the refusal it would meet).",
    )];
    const GROUP: ToolGroup = ToolGroup::Sessions;
    const EFFECT: Effect = Effect::Reads;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let full = self.detail == Detail::Full;
        let id = self.session_id.id();
        let shown = Box::pin(get_session(call.services, call.cx, id, full)).await?;
        Ok(Output {
            record: shown.record,
            waiting: shown.waiting,
            threads: shown.threads,
            workflow_runs: shown.workflow_runs,
            warnings: warnings(shown.unknown_events, shown.unknown_threads),
        })
    }
}
