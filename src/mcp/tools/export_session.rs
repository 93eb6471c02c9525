//! `export_session`: record and complete history into a file in the operator's folder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{error::Error, op::Op, ops::export_session::export_session},
    mcp::{
        args::values::SessionIdArg,
        settings::ToolGroup,
        tool::{Effect, SessionsTool, Text, ToolCall, word},
    },
};

pub(crate) struct ExportSession;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened.
    outcome: Outcome,
    /// The file: gzip, one JSON object a line, the record first and then every event.
    path: String,
    /// How many events are in it.
    events: u64,
    /// Its size in bytes.
    bytes: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Exported,
}

impl SessionsTool for ExportSession {
    const OP: Op = Op::ExportSession;
    const TITLE: &'static str = "Export a session";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Write one session's record and complete event history to a \
        file in the folder the operator chose (gzip JSON lines). The session is not changed. A \
        long history may take several calls: the same call again goes on where the last one \
        stopped.",
    )];
    const GROUP: ToolGroup = ToolGroup::Events;
    const EFFECT: Effect = Effect::Writes;
    type Args = Args;
    type Output = Output;

    async fn call(call: ToolCall<'_>, args: Args) -> Result<Output, Error> {
        let id = args.session_id.id();
        let exported = export_session(call.services, call.cx, id).await?;
        Ok(Output {
            outcome: Outcome::Exported,
            path: exported.path,
            events: exported.events,
            bytes: exported.bytes,
        })
    }

    fn outcome(output: &Output) -> Option<String> {
        word(&output.outcome)
    }
}
