//! `export_session`: record, histories and produced files into the operator's folder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        export::{Contents, file::Format},
        ops::export_session::export_session,
    },
    explain::transcript::TRANSCRIPT,
    mcp::{
        args::values::SessionIdArg,
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// What the file is.
    #[serde(default)]
    format: FormatArg,
    /// Also download the files that the session produced.
    #[serde(default = "yes")]
    files: bool,
}

#[derive(Deserialize, Serialize, JsonSchema, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum FormatArg {
    /// gzip, one JSON object a line, complete
    #[default]
    Jsonl,
    /// a transcript for people
    Markdown,
}

fn yes() -> bool {
    true
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened.
    outcome: Outcome,
    /// The file; downloaded files are beside it, in a folder of its name and .files.
    path: String,
    /// How many events are in it, those of child threads too.
    events: u64,
    /// How many child threads.
    threads: u64,
    /// How many files were downloaded.
    files: u64,
    /// The size of all of it.
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
        "Write one session's record, complete event history and child \
        threads to a file in the folder the operator chose, and the files it produced beside it. \
        The session is not changed. A long history may take several calls: the same call again \
        goes on where the last one stopped.",
    )];
    const GROUP: ToolGroup = ToolGroup::Events;
    const EFFECT: Effect = Effect::Writes;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let id = self.session_id.id();
        let format = match self.format {
            FormatArg::Jsonl => Format::Json,
            FormatArg::Markdown => Format::Transcript(TRANSCRIPT),
        };
        let contents = Contents { format, files: self.files };
        let exported = export_session(call.services, call.cx, id, contents).await?;
        Ok(Output {
            outcome: Outcome::Exported,
            path: exported.path,
            events: exported.events,
            threads: exported.threads,
            files: exported.files,
            bytes: exported.bytes,
        })
    }
}
