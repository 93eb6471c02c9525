//! `archive_session`: no new events from now on, the history stays.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::{error::Error, op::Op, ops::archive_session::archive_session, write::guarded::Written},
    domain::view::row::Row,
    mcp::{
        args::{conditions::WriteArgs, values::SessionIdArg},
        settings::ToolGroup,
        tool::{Effect, SessionsTool, Text, ToolCall, word},
    },
};

pub(crate) struct ArchiveSession;

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
    /// The session afterwards.
    session: Row,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Archived,
    AlreadyArchived,
    WouldArchive,
}

impl SessionsTool for ArchiveSession {
    const OP: Op = Op::ArchiveSession;
    const TITLE: &'static str = "Archive a session";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Archive one session: it takes no new events, its history \
        stays readable. There is no un-archive. Refused while it is running or rescheduling \
        unless if_busy says otherwise. Archiving it again changes nothing.",
    )];
    const GROUP: ToolGroup = ToolGroup::Sessions;
    const EFFECT: Effect = Effect::Destroys;
    type Args = Args;
    type Output = Output;

    async fn call(call: ToolCall<'_>, args: Args) -> Result<Output, Error> {
        let (id, conditions) = (args.session_id.id(), args.write.conditions());
        let written = archive_session(call.services, call.cx, id, &conditions).await?;
        let (outcome, session) = match written {
            Written::Unchanged(session) => (Outcome::AlreadyArchived, session),
            Written::DryRun { session, .. } | Written::NeedsApproval { session, .. } => {
                (Outcome::WouldArchive, session)
            }
            Written::Done { before, after, .. } => {
                (Outcome::Archived, after.map_or(before, |after| *after))
            }
        };
        Ok(Output {
            outcome,
            session: Row::of(&session.head),
        })
    }

    fn outcome(output: &Output) -> Option<String> {
        word(&output.outcome)
    }
}
