//! The guarded write: read -> guard -> (wait | interrupt) -> approve -> write -> verify, the only
//! way in which a session is changed.
//!
//! Nothing is sent that the guard did not allow on a reading made right before; that holds for
//! every repetition too, which begins with a new reading. Nothing is reported as done that was not
//! seen to be done, and nothing as not done that may have been.

pub(crate) mod attempt;
pub(crate) mod conditions;
pub(crate) mod guarded;
pub(crate) mod lost;
pub(crate) mod pending_interrupt;
pub(crate) mod poll;
pub(crate) mod turn_mark;

use std::time::Duration;

use tokio::time::Instant;

pub(crate) use self::{
    conditions::Conditions,
    guarded::{GuardedWrite, Sent, Written},
};

use self::{
    attempt::Attempt,
    conditions::IfBusy,
    pending_interrupt::{InterruptSent, PendingInterrupt},
};
use super::{context::Context, error::Error, op::Op, services::Services};
use crate::model::SessionId;

/// What waiting leaves of the call's time for the write itself.
const RESERVED_FOR_WRITE: Duration = Duration::from_secs(3);

/// Carries out one write on one session.
///
/// Two calls for the same session in this process run one after the other, so that neither
/// computes its change from a reading that the other is about to outdate.
pub(crate) async fn write<W: GuardedWrite>(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    conditions: &Conditions,
    write: &mut W,
) -> Result<Written<W::Prepared>, Error> {
    if conditions.if_busy == IfBusy::Interrupt {
        services.ensure_enabled(Op::InterruptSession)?;
    }
    let _lock = services.lock(cx, id).await?;
    let started = Instant::now();
    let left = cx.deadline().saturating_duration_since(started);
    let latest = cx.deadline().checked_sub(RESERVED_FOR_WRITE.min(left / 4)).unwrap_or(started);
    let mut attempt = Attempt {
        services,
        cx,
        id,
        conditions,
        operation: write.operation(),
        started,
        wait_until: (started + conditions.wait).min(latest),
        interrupt: None,
        pending_interrupt: PendingInterrupt::default(),
    };
    let written = attempt.run(write).await;
    if write.removes() && matches!(written, Ok(Written::Done { .. })) {
        services.deletions.note(id);
    }
    written.map_err(|error| match attempt.interrupt {
        Some(InterruptSent::Accepted) => error.after_interrupt(),
        _ => error,
    })
}
