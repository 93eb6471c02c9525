//! Archive one session: it takes no new events, its history stays readable.

use crate::{
    api::Client,
    app::{
        context::Context,
        error::{Error, Mismatch},
        services::Services,
        waiting::{Found, Look},
        write::{Conditions, GuardedWrite, Sent, Written, write},
    },
    domain::guard::Operation,
    model::{Session, SessionId},
};

/// Archives a session, and reports what it waited for.
pub(crate) async fn archive_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    conditions: &Conditions,
) -> Result<(Written<()>, Found), Error> {
    let mut archive = Archive::new(services, Look::default());
    let written = write(services, cx, id, conditions, &mut archive).await?;
    Ok((written, archive.look.found))
}

pub(crate) struct Archive<'a> {
    services: &'a Services,
    look: Look,
}

impl<'a> Archive<'a> {
    pub(crate) fn new(services: &'a Services, look: Look) -> Self {
        Self { services, look }
    }
}

impl GuardedWrite for Archive<'_> {
    type Prepared = ();

    fn operation(&self) -> Operation {
        Operation::Archive
    }

    async fn inspect(&mut self, cx: &Context, session: &Session) -> Result<bool, Error> {
        self.look.at(self.services, cx, session, Operation::Archive).await
    }

    async fn send(&self, client: &Client, id: &SessionId, (): &()) -> Sent {
        Ok(client.archive_session(id).await?.map(Some))
    }

    fn verify(&self, (): &(), after: &Session) -> Result<(), Mismatch> {
        let is_archived = after.head.is_archived();
        is_archived.then_some(()).ok_or(Mismatch::NotArchived)
    }
}
