//! `archive_session`: no new events from now on, the history stays.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{ops::archive_session::archive_session, write::conditions::First},
    domain::view::brief::Brief,
    explain::waiting::warnings,
    mcp::{
        args::{conditions::WriteArgs, values::SessionIdArg},
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
        written::shown,
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    #[serde(flatten)]
    write: WriteArgs,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// What happened.
    outcome: Outcome,
    /// In a dry run on a busy session: what would come first.
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<First>,
    /// What it waited for, and its open workflow runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// The session afterwards.
    session: Brief,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Archived,
    AlreadyArchived,
    WouldArchive,
}

impl SessionsTool for Args {
    const OP: Op = Op::ArchiveSession;
    const TITLE: &'static str = "Archive a session";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Archive one session: it takes no new events, its history \
        stays readable. There is no un-archive. Refused while it is running or rescheduling \
        unless if_busy says otherwise. Archiving it again changes nothing.",
    )];
    const GROUP: ToolGroup = ToolGroup::Sessions;
    const EFFECT: Effect = Effect::Destroys;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let (id, conditions) = (self.session_id.id(), self.write.conditions());
        let (written, waiting) = archive_session(call.services, call.cx, id, &conditions).await?;
        let first = written.first();
        let (outcome, session, ()) =
            shown(written, Outcome::Archived, Outcome::AlreadyArchived, Outcome::WouldArchive);
        let warnings = warnings(&waiting, matches!(outcome, Outcome::Archived));
        Ok(Output { outcome, first, warnings, session })
    }
}
