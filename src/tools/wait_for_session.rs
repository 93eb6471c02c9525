//! `wait_for_session`: until it is not busy, or the time is up.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::{Call, Effect, Failure, SessionsTool, Toolset, args::SessionIdArg, newest};
use crate::{domain::summary::Row, server::SessionsServer};

/// The first and the longest pause between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(3));

pub(super) struct WaitForSession;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Args {
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
pub(super) struct Output {
    /// Its status now.
    status: String,
    /// Whether it is still running or rescheduling.
    busy: bool,
    /// How long this call has waited.
    waited_seconds: u64,
    /// Why it stopped, if it did: end_turn, requires_action with event_ids, …
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<Value>,
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
        let until = (started + wait).min(call.soon());
        let (mut pause, longest) = PAUSES;
        let (session, busy) = loop {
            let session = call.session(id).await?;
            let busy = server.statuses().state(&session.head).is_busy();
            let now = Instant::now();
            if !busy || now >= until {
                break (session, busy);
            }
            let message = format!("{id} is {}", session.head.status);
            let waited = started.elapsed().as_secs_f64();
            call.progress(waited, Some(wait.as_secs_f64()), message)
                .await;
            sleep_until((now + pause).min(until)).await;
            pause = (pause * 3 / 2).min(longest);
        };
        let waited_seconds = started.elapsed().as_secs();
        let stop_reason = match busy {
            true => None,
            // What it is now is known; not to know why is no failure of waiting.
            false => newest::stop_reason(call, id).await.unwrap_or_default(),
        };
        Ok(Output {
            status: session.head.status.clone(),
            busy,
            waited_seconds,
            stop_reason,
            session: Row::of(&session.head),
        })
    }
}
