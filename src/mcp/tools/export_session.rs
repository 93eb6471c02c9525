//! `export_session`: record and complete history into a file in the operator's folder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::ops::export_session::export_session,
    mcp::{
        args::values::SessionIdArg,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

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

impl SessionsTool for Args {
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
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let id = self.session_id.id();
        let exported = export_session(call.services, call.cx, id).await?;
        Ok(Output {
            outcome: Outcome::Exported,
            path: exported.path,
            events: exported.events,
            bytes: exported.bytes,
        })
    }
}
