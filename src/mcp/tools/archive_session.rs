//! `archive_session`: no new events from now on, the history stays.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{ApiError, ApiResponse, Client},
    app::{
        write,
        write::{Outcome, Write},
    },
    config::Toolset,
    domain::{guard::Operation, view::row::Row},
    explain::Failure,
    mcp::{
        args::{conditions::WriteArgs, values::SessionIdArg},
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
    model::{Session, SessionId},
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
    outcome: Word,
    /// The session afterwards.
    session: Row,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    Archived,
    AlreadyArchived,
    WouldArchive,
}

impl SessionsTool for ArchiveSession {
    const NAME: &'static str = "archive_session";
    const TITLE: &'static str = "Archive a session";
    const DESCRIPTION: &'static str = "Archive one session: it takes no new events, its history \
        stays readable. There is no un-archive. Refused while it is running or rescheduling \
        unless if_busy says otherwise. Archiving it again changes nothing.";
    const TOOLSET: Toolset = Toolset::Sessions;
    const EFFECT: Effect = Effect::Destroys;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let id = args.session_id.id();
        let conditions = args.write.conditions();
        Ok(
            match write::carry_out(server, call, id, &conditions, &Archive).await? {
                Outcome::NothingToDo(session) => output(Word::AlreadyArchived, &session),
                Outcome::Would { session, .. } => output(Word::WouldArchive, &session),
                Outcome::Written { before, after, .. } => {
                    output(Word::Archived, after.as_deref().unwrap_or(&before))
                }
            },
        )
    }
}

fn output(outcome: Word, session: &Session) -> Output {
    Output {
        outcome,
        session: Row::of(&session.head),
    }
}

/// Archives one session.
pub(crate) struct Archive;

impl Write for Archive {
    type Prepared = ();

    fn operation(&self) -> Operation {
        Operation::Archive
    }

    async fn send(
        &self,
        client: &Client,
        id: &SessionId,
        (): &(),
    ) -> Result<ApiResponse<Option<Session>>, ApiError> {
        Ok(client.archive_session(id).await?.map(Some))
    }

    fn verify(&self, (): &(), after: &Session) -> Result<(), Vec<String>> {
        if after.head.is_archived() {
            return Ok(());
        }
        Err(vec!["it has no archived_at".to_owned()])
    }
}
