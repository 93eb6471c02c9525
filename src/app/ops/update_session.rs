//! Change title, metadata or budget of one session.

use crate::{
    api::Client,
    app::{
        context::Context,
        error::{Error, ErrorKind, Mismatch},
        services::Services,
        write::{Conditions, GuardedWrite, Sent, Written, write},
    },
    domain::{
        details::{self, Details, DetailsChange},
        guard::Operation,
    },
    model::{Session, SessionId},
};

pub(crate) async fn update_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    details: Details,
    conditions: &Conditions,
) -> Result<Written<DetailsChange>, Error> {
    write(services, cx, id, conditions, &mut Update(details)).await
}

struct Update(Details);

impl GuardedWrite for Update {
    type Prepared = DetailsChange;

    fn operation(&self) -> Operation {
        if self.0.touches_budget() { Operation::UpdateBudget } else { Operation::UpdateDetails }
    }

    fn prepare(&self, session: &Session) -> Result<Option<DetailsChange>, Error> {
        if let Some(refusal) = details::budget_refusal(&self.0, session) {
            let session = Box::new(session.head.clone());
            return Err(ErrorKind::BudgetRefused { session, refusal }.into());
        }
        let planned = details::plan(&self.0, session);
        Ok((!planned.changes.is_empty()).then_some(planned))
    }

    async fn send(&self, client: &Client, id: &SessionId, planned: &DetailsChange) -> Sent {
        Ok(client.update_session(id, &planned.body).await?.map(Some))
    }

    fn verify(&self, _: &DetailsChange, after: &Session) -> Result<(), Mismatch> {
        let left = details::plan(&self.0, after).changes;
        let fields = || Mismatch::Fields(left.keys().cloned().collect());
        left.is_empty().then_some(()).ok_or_else(fields)
    }
}
