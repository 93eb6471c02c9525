//! `interrupt_session`: stop the current turn; the session goes idle and can be talked to again.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    api::{ApiError, ApiResponse, Client},
    app::{
        write,
        write::{Conditions, IfBusy, Outcome, Write},
    },
    config::Toolset,
    domain::{
        guard::{Activity, Operation},
        view::row::Row,
    },
    explain::Failure,
    mcp::{
        args::values::SessionIdArg,
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
    model::{Session, SessionId},
};

pub(crate) struct InterruptSession;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// Only this thread of a multi-agent session.
    #[schemars(length(min = 1, max = 256))]
    session_thread_id: Option<String>,
    /// How long to wait until it is seen to have stopped.
    #[serde(default)]
    #[schemars(range(min = 0, max = 40))]
    wait_seconds: u8,
    /// Check everything, send nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// interrupted = seen to have stopped; interrupt_sent = not seen yet.
    outcome: Word,
    /// The session as last seen.
    session: Row,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Word {
    Interrupted,
    InterruptSent,
    NothingToDo,
    WouldInterrupt,
}

impl SessionsTool for InterruptSession {
    const NAME: &'static str = "interrupt_session";
    const TITLE: &'static str = "Interrupt a session";
    const DESCRIPTION: &'static str = "Stop the current turn of a running or rescheduling \
        session at the next safe point; it goes idle, keeps its history and can go on later.";
    const TOOLSET: Toolset = Toolset::Sessions;
    const EFFECT: Effect = Effect::Writes;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let id = args.session_id.id();
        let conditions = Conditions {
            if_busy: IfBusy::Refuse,
            wait: Duration::ZERO,
            dry_run: args.dry_run,
            expected_updated_at: None,
        };
        let interrupt = Interrupt {
            thread: args.session_thread_id,
        };
        match write::carry_out(server, call, id, &conditions, &interrupt).await? {
            Outcome::NothingToDo(session) => Ok(output(Word::NothingToDo, &session)),
            Outcome::Would { session, .. } => Ok(output(Word::WouldInterrupt, &session)),
            Outcome::Written { before, .. } => {
                let wait = Duration::from_secs(args.wait_seconds.into());
                let seen = write::until_free(server, call, id, wait).await;
                // It is sent: that it cannot be looked at now does not make it a failure.
                let session = seen.unwrap_or(before.clone());
                let stopped = match server.statuses().activity(&session.head) {
                    Activity::Running | Activity::Rescheduling => false,
                    // It may be busy under a name this server does not know.
                    Activity::Unknown => session.head.status != before.head.status,
                    Activity::Idle | Activity::Terminated => true,
                };
                let word = if stopped {
                    Word::Interrupted
                } else {
                    Word::InterruptSent
                };
                Ok(output(word, &session))
            }
        }
    }
}

fn output(outcome: Word, session: &Session) -> Output {
    Output {
        outcome,
        session: Row::of(&session.head),
    }
}

struct Interrupt {
    thread: Option<String>,
}

impl Write for Interrupt {
    type Prepared = ();

    fn operation(&self) -> Operation {
        Operation::Interrupt
    }

    async fn send(
        &self,
        client: &Client,
        id: &SessionId,
        (): &(),
    ) -> Result<ApiResponse<Option<Session>>, ApiError> {
        let mut event = json!({"type": "user.interrupt"});
        if let (Some(thread), Some(event)) = (&self.thread, event.as_object_mut()) {
            event.insert("session_thread_id".to_owned(), json!(thread));
        }
        Ok(client.send_events(id, &[event]).await?.map(|()| None))
    }
}
