//! Change title, metadata or budget of one session.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    api::Client,
    app::{
        context::Context,
        error::{Error, ErrorKind, Mismatch},
        recent_events::{Pause, pause},
        services::Services,
        write::{Conditions, GuardedWrite, Sent, Written, write},
    },
    domain::{
        details::{self, Details, DetailsChange},
        guard::{Activity, Operation},
    },
    model::{Session, SessionId, SessionState},
};

/// Longest look at why a session is idle, which an update of a budget must not fail for.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Changes a session, and tells whether its work goes on by itself afterwards: known only of an
/// idle session whose budget changes.
pub(crate) async fn update_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    details: Details,
    conditions: &Conditions,
) -> Result<(Written<DetailsChange>, Option<bool>), Error> {
    let mut update = Update { services, details, seen: None };
    let written = write(services, cx, id, conditions, &mut update).await?;
    let resumes = match &written {
        Written::Done { before, .. } => update.resumes(before),
        Written::DryRun { session, .. } => update.resumes(session),
        Written::Unchanged(_) | Written::NeedsApproval { .. } => None,
    };
    Ok((written, resumes))
}

struct Update<'a> {
    services: &'a Services,
    details: Details,
    seen: Option<Seen>,
}

/// Why a session was idle, in this state of it.
struct Seen {
    state: SessionState,
    pause: Option<Pause>,
}

impl Update<'_> {
    fn resumes(&self, before: &Session) -> Option<bool> {
        let seen = self.seen.as_ref().filter(|seen| seen.state == before.head.state())?;
        if !seen.pause.as_ref()?.is_budget_reached() {
            return Some(false);
        }
        details::lifts_limit(&self.details, before)
    }
}

impl GuardedWrite for Update<'_> {
    type Prepared = DetailsChange;

    fn operation(&self) -> Operation {
        if self.details.touches_budget() {
            Operation::UpdateBudget
        } else {
            Operation::UpdateDetails
        }
    }

    fn prepare(&self, session: &Session) -> Result<Option<DetailsChange>, Error> {
        if let Some(refusal) = details::budget_refusal(&self.details, session) {
            let session = Box::new(session.head.clone());
            return Err(ErrorKind::BudgetRefused { session, refusal }.into());
        }
        let planned = details::plan(&self.details, session);
        Ok((!planned.changes.is_empty()).then_some(planned))
    }

    async fn inspect(&mut self, cx: &Context, session: &Session) -> Result<bool, Error> {
        let is_idle = self.services.statuses.activity(&session.head) == Activity::Idle;
        if self.seen.is_some() || !is_idle || !self.details.touches_budget() {
            return Ok(false);
        }
        let Ok(id) = SessionId::parse(&session.head.id) else {
            return Ok(false);
        };
        let pause = timeout(LOOK_TIMEOUT, pause(cx, &id, session)).await;
        let pause = pause.ok().and_then(Result::ok);
        self.seen = Some(Seen { state: session.head.state(), pause });
        Ok(true)
    }

    async fn send(&self, client: &Client, id: &SessionId, planned: &DetailsChange) -> Sent {
        Ok(client.update_session(id, &planned.body).await?.map(Some))
    }

    fn verify(&self, _: &DetailsChange, after: &Session) -> Result<(), Mismatch> {
        let left = details::plan(&self.details, after).changes;
        let fields = || Mismatch::Fields(left.keys().cloned().collect());
        left.is_empty().then_some(()).ok_or_else(fields)
    }
}
