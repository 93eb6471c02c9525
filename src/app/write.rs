//! read -> guard -> (wait | interrupt) -> write -> verify: the one way in which a session is
//! changed.
//!
//! Nothing is sent that the guard did not allow on a reading made right before, and nothing is
//! reported as done that the answer does not show.

pub mod attempt;
pub mod poll;

use std::time::Duration;

use attempt::Attempt;
pub(crate) use poll::until_free;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    api::{ApiError, ApiResponse, Client},
    domain::guard::Operation,
    explain::Failure,
    mcp::{call::Call, server::SessionsServer},
    model::{ApiTime, Session, SessionId},
};

/// What waiting leaves of the call's time for the write itself.
const KEPT_FOR_THE_WRITE: Duration = Duration::from_secs(3);

/// What to do with a session that is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IfBusy {
    /// change nothing
    #[default]
    Refuse,
    /// wait until its turn ends
    Wait,
    /// stop its turn, then act
    Interrupt,
}

/// When a write may happen.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    /// What to do with a session that is at work.
    pub(crate) if_busy: IfBusy,
    /// How long to wait for it at most.
    pub(crate) wait: Duration,
    /// Everything but the write.
    pub(crate) dry_run: bool,
    /// Act only if the session has not changed since.
    pub(crate) expected_updated_at: Option<ApiTime>,
}

/// One kind of write. What is sent is computed from a fresh reading, each time it is sent.
pub(crate) trait Write: Sync {
    /// What would be sent.
    type Prepared: Default + Send + Sync;

    /// What the guard is asked about.
    fn operation(&self) -> Operation;

    /// Computes what to send for the session as it is now; `None` if it is already so. Writes
    /// that say all by their route have nothing to compute.
    fn prepare(&self, _: &Session) -> Result<Option<Self::Prepared>, Failure> {
        Ok(Some(Self::Prepared::default()))
    }

    /// What has to happen before anything is sent, an interrupt included, for a session that the
    /// guard has looked at. `busy`: its turn is about to be stopped for this write.
    fn leave(
        &self,
        _call: &Call,
        _session: &Session,
        _busy: bool,
    ) -> impl Future<Output = Result<Leave, Failure>> + Send {
        std::future::ready(Ok(Leave::Granted))
    }

    /// Sends it. The answer holds the session afterwards, if the API gives it.
    fn send(
        &self,
        client: &Client,
        id: &SessionId,
        prepared: &Self::Prepared,
    ) -> impl Future<Output = Result<ApiResponse<Option<Session>>, ApiError>> + Send;

    /// Whether the session afterwards is as it was asked to be; if not, in what it differs.
    /// Writes whose answer holds no session have nothing to compare.
    fn verify(&self, _: &Self::Prepared, _: &Session) -> Result<(), Vec<String>> {
        Ok(())
    }
}

/// Whether a write may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Now.
    Granted,
    /// Once the session was read and guarded again: getting leave took its time.
    LookAgain,
    /// Not in this call; the write itself knows why.
    Withheld,
}

/// What came of a write.
pub(crate) enum Outcome<P> {
    /// The session already was as asked: nothing was sent.
    NothingToDo(Session),
    /// A dry run, or leave was withheld: this would have been sent.
    Would { session: Session, prepared: P },
    /// Sent, accepted and verified.
    Written {
        before: Session,
        prepared: P,
        after: Option<Box<Session>>,
    },
}

/// Carries out one write on one session.
///
/// Two calls for the same session in this process run one after the other, so that neither
/// computes its change from a reading the other is about to outdate.
pub(crate) async fn carry_out<W: Write>(
    server: &SessionsServer,
    call: &Call,
    id: &SessionId,
    conditions: &Conditions,
    write: &W,
) -> Result<Outcome<W::Prepared>, Failure> {
    let _turn = call.turn(server, id).await?;
    let started = Instant::now();
    let left = call.deadline().saturating_duration_since(started);
    let latest = call
        .deadline()
        .checked_sub(KEPT_FOR_THE_WRITE.min(left / 4))
        .unwrap_or(started);
    let attempt = Attempt {
        server,
        call,
        id,
        conditions,
        operation: write.operation(),
        started,
        wait_until: (started + conditions.wait).min(latest),
    };
    let mut interrupted = None;
    let came = attempt.run(write, &mut interrupted).await;
    came.map_err(|failure| match interrupted {
        Some(true) => failure.after_an_interrupt(),
        _ => failure,
    })
}
