//! `interrupt_session`: stop the current turn; the session goes idle and can be talked to again.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    app::ops::interrupt_session::{Interrupted, interrupt_session},
    domain::view::brief::Brief,
    mcp::{
        args::values::{ObjectIdArg, SessionIdArg, number},
        tool::{Effect, Error, Op, SessionsTool, Text, ToolCall, ToolGroup},
    },
};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// Only this thread of a multi-agent session.
    session_thread_id: Option<ObjectIdArg>,
    /// How long to wait until it is seen to have stopped.
    #[serde(default = "number::<10>")]
    #[schemars(range(min = 0, max = 40))]
    wait_seconds: u32,
    /// Check everything, send nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// interrupted = seen to have stopped; interrupt_sent = not seen yet.
    outcome: Outcome,
    /// The session as last seen.
    session: Brief,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Interrupted,
    InterruptSent,
    NothingToDo,
    WouldInterrupt,
}

impl SessionsTool for Args {
    const OP: Op = Op::InterruptSession;
    const TITLE: &'static str = "Interrupt a session";
    const DESCRIPTION: &'static [Text] = &[Text::Always(
        "Stop the current turn of a running or rescheduling \
        session at the next safe point; it goes idle, keeps its history and can go on later. An \
        idle session that waits for an answer stops waiting: its pending calls are closed. \
        Without session_thread_id all threads stop. Workflow runs are paused, not ended.",
    )];
    const GROUP: ToolGroup = ToolGroup::Sessions;
    const EFFECT: Effect = Effect::Writes;
    type Output = Output;

    async fn call(self, call: ToolCall<'_>) -> Result<Output, Error> {
        let id = self.session_id.id();
        let wait = Duration::from_secs(self.wait_seconds.into());
        let thread = self.session_thread_id.map(|arg| arg.0);
        let interrupted =
            interrupt_session(call.services, call.cx, id, thread, wait, self.dry_run).await?;
        let (outcome, session) = match interrupted {
            Interrupted::Stopped(session) => (Outcome::Interrupted, session),
            Interrupted::Sent(session) => (Outcome::InterruptSent, session),
            Interrupted::Unchanged(session) => (Outcome::NothingToDo, session),
            Interrupted::DryRun(session) => (Outcome::WouldInterrupt, session),
        };
        let session = Brief::of(&session.head);
        Ok(Output { outcome, session })
    }
}
