//! Archive one session: it takes no new events, its history stays readable.

use crate::{
    api::Client,
    app::{
        context::Context,
        error::{Error, Mismatch},
        services::Services,
        write::{Conditions, GuardedWrite, Sent, Written, write},
    },
    domain::guard::Operation,
    model::{Session, SessionId},
};

pub(crate) async fn archive_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    conditions: &Conditions,
) -> Result<Written<()>, Error> {
    write(services, cx, id, conditions, &mut Archive).await
}

pub(crate) struct Archive;

impl GuardedWrite for Archive {
    type Prepared = ();

    fn operation(&self) -> Operation {
        Operation::Archive
    }

    async fn send(&self, client: &Client, id: &SessionId, (): &()) -> Sent {
        Ok(client.archive_session(id).await?.map(Some))
    }

    fn verify(&self, (): &(), after: &Session) -> Result<(), Mismatch> {
        let is_archived = after.head.is_archived();
        is_archived.then_some(()).ok_or(Mismatch::NotArchived)
    }
}
