//! Archive one session.

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

/// Archives a session: it takes no new events, its history stays readable.
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
        if after.head.is_archived() {
            return Ok(());
        }
        Err(Mismatch::NotArchived)
    }
}
