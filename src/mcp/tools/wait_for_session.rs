//! `wait_for_session`: until it is not busy, or the time is up.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    app::{recent, write::poll::until_free},
    config::Toolset,
    domain::view::row::Row,
    explain::Failure,
    mcp::{
        args::values::SessionIdArg,
        call::Call,
        server::SessionsServer,
        tools::{Effect, SessionsTool},
    },
};

pub(crate) struct WaitForSession;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Args {
    /// Id of the session.
    session_id: SessionIdArg,
    /// How long at most.
    #[serde(default = "default_wait")]
    #[schemars(range(min = 1, max = 40))]
    wait_seconds: u32,
}

fn default_wait() -> u32 {
    30
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
    /// The session as lists show it.
    session: Row,
}

impl SessionsTool for WaitForSession {
    const NAME: &'static str = "wait_for_session";
    const TITLE: &'static str = "Wait for a session";
    const DESCRIPTION: &'static str = "Wait until a session is not busy and say why it stopped. \
        If it still is when the time is up, the answer says busy: call again, or diagnose_session.";
    const TOOLSET: Toolset = Toolset::Events;
    const EFFECT: Effect = Effect::Reads;
    type Args = Args;
    type Output = Output;

    async fn call(server: &SessionsServer, args: Args, call: &Call) -> Result<Output, Failure> {
        let id = args.session_id.id();
        let started = Instant::now();
        let wait = Duration::from_secs(args.wait_seconds.into());
        let session = until_free(server, call, id, wait).await?;
        let busy = server.statuses().activity(&session.head).is_busy();
        let waited_seconds = started.elapsed().as_secs();
        let stop_reason = if busy {
            None
        } else {
            recent::stop_reason(call, id).await
        };
        let session = Row::of(&session.head);
        Ok(Output {
            status: session.status.clone(),
            busy,
            waited_seconds,
            stop_reason,
            session,
        })
    }
}
