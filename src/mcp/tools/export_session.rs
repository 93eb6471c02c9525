//! `export_session`: record and complete history into a file in the operator's folder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::export::Exported,
    config::Toolset,
    explain::Failure,
    mcp::{
        args::values::SessionIdArg,
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
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
    outcome: Word,
    /// The file: gzip, one JSON object a line, the record first and then every event.
    path: String,
    /// How many events are in it.
    events: u64,
    /// Its size in bytes.
    bytes: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    Exported,
}

impl SessionsTool for ExportSession {
    const NAME: &'static str = "export_session";
    const TITLE: &'static str = "Export a session";
    const DESCRIPTION: &'static str = "Write one session's record and complete event history to a \
        file in the folder the operator chose (gzip JSON lines). The session is not changed. A \
        long history may take several calls: the same call again goes on where the last one \
        stopped.";
    const TOOLSET: Toolset = Toolset::Events;
    const EFFECT: Effect = Effect::Writes;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let id = args.session_id.id();
        let exporter = server.exporter().ok_or_else(Failure::export_unavailable)?;
        let _turn = call.turn(server, id).await?;
        let session = call.session(id).await?;
        let Exported {
            path,
            events,
            bytes,
            ..
        } = exporter.export(call, id, &session).await?;
        Ok(Output {
            outcome: Word::Exported,
            path,
            events,
            bytes,
        })
    }
}
