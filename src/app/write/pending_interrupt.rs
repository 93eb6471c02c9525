//! An interrupt that is sent so that another write can follow.

use serde_json::json;
use tokio::time::sleep;

use super::turn_mark::TurnMark;
use crate::{
    api::Acted,
    app::{
        context::Context,
        error::{About, Error},
    },
    domain::guard::Operation,
    model::SessionId,
};

/// How an interrupt that was sent for another write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InterruptSent {
    Accepted,
    /// The service says that there is nothing to stop.
    Refused,
    /// Its answer was lost, and the turn it meant has ended.
    Unknown,
}

/// An interrupt that is about to be sent, or sent again. Each attempt follows a mark and then a
/// reading of the session.
#[derive(Debug, Default)]
pub(crate) struct PendingInterrupt {
    /// The turn it is meant for.
    mark: Option<TurnMark>,
    /// The mark was read after the last attempt.
    is_current: bool,
    /// An attempt may have been carried out.
    lost: bool,
    repetitions: u32,
}

impl PendingInterrupt {
    pub(crate) fn is_marked(&self) -> bool {
        self.is_current
    }

    /// Whether an attempt may have been carried out whose answer was lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Marks the turn that it is meant for, before the session is read for it. Once an attempt may
    /// have been carried out, only that turn may be interrupted again.
    pub(crate) async fn mark(
        &mut self,
        cx: &Context,
        id: &SessionId,
    ) -> Result<Option<InterruptSent>, Error> {
        self.is_current = true;
        if !self.lost {
            self.mark = Some(TurnMark::before(cx, id, None).await);
            return Ok(None);
        }
        let now = TurnMark::read(cx, id, None).await;
        let now = now.map_err(|error| error.in_doubt(id, Operation::Interrupt))?;
        Ok((self.mark.as_ref() != Some(&now)).then_some(InterruptSent::Unknown))
    }

    /// Sends it; `None` if that failed and is to be tried again on a new reading.
    pub(crate) async fn send(
        &mut self,
        cx: &Context,
        id: &SessionId,
    ) -> Result<Option<InterruptSent>, Error> {
        let outstanding = cx.begin_write()?;
        let error = match cx.client().send_events(id, &[json!({"type": "user.interrupt"})]).await {
            Ok(response) => {
                outstanding.answered(response.request_id.as_deref());
                return Ok(Some(InterruptSent::Accepted));
            }
            Err(error) => error,
        };
        outstanding.answered(error.request_id());
        // It may have gone idle by itself a moment ago: the next reading shows.
        if matches!(error.http_status(), Some(400 | 409)) {
            let unknown = self.lost.then_some(InterruptSent::Unknown);
            return Ok(Some(unknown.unwrap_or(InterruptSent::Refused)));
        }
        self.lost |= error.acted() == Acted::Unknown;
        self.is_current = false;
        let is_repeatable = !self.lost || self.mark.as_ref().is_some_and(TurnMark::is_known);
        let pause = cx.pause_before_repetition(&error, self.repetitions);
        self.repetitions += 1;
        if let Some(pause) = pause.filter(|_| is_repeatable) {
            sleep(pause).await;
            return Ok(None);
        }
        if self.lost && is_repeatable && self.mark(cx, id).await?.is_some() {
            return Ok(Some(InterruptSent::Unknown));
        }
        let error = cx.clarified_by_session(About::Session(id.clone()), id, error).await;
        Err(if self.lost { error.in_doubt(id, Operation::Interrupt) } else { error })
    }
}
