//! `wait_for_session`: until it is not busy, or the time is up.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    app::ops::wait_for_session::wait_for_session,
    domain::{diagnosis::OpenRun, reply::Reply, view::row::Row},
    mcp::{
        args::values::{SessionIdArg, number},
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// How long at most.
    #[serde(default = "number::<30>")]
    #[schemars(range(min = 1, max = 40))]
    wait_seconds: u32,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// Its status now.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// Whether it is still running or rescheduling.
    busy: bool,
    /// How long this call has waited.
    waited_seconds: u64,
    /// Why it stopped, if it did: end_turn, requires_action with event_ids, …
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<Map<String, Value>>,
    /// Workflow runs that have not ended: an idle session with any of them is not done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workflow_runs: Vec<OpenRun>,
    /// What its agent said last.
    #[serde(flatten)]
    reply: Option<Reply>,
    /// The session as lists show it.
    session: Row,
}

impl SessionsTool for Args {
    const OP: Op = Op::WaitForSession;
    const TITLE: &'static str = "Wait for a session";
    const DESCRIPTION: &'static [Text] = &[
        Text::Always("Wait until a session is not busy and say why it stopped."),
        Text::Where(
            Op::DiagnoseSession,
            "If it still is when the time is up, the answer says busy: call again, or \
             diagnose_session.",
        ),
    ];
    const GROUP: ToolGroup = ToolGroup::Events;
    const EFFECT: Effect = Effect::Reads;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let wait = Duration::from_secs(self.wait_seconds.into());
        let id = self.session_id.id();
        let waited = wait_for_session(call.services, call.cx, id, wait).await?;
        let session = Row::of(&waited.session.head);
        Ok(Output {
            status: session.status.clone(),
            busy: waited.busy,
            waited_seconds: waited.waited.as_secs(),
            stop_reason: waited.pause.stop_reason,
            workflow_runs: waited.pause.open_runs,
            reply: waited.reply,
            session,
        })
    }
}
