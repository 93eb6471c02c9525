//! Delete one session.

pub(crate) mod deletion;

use self::deletion::Deletion;
use crate::{
    app::{
        context::Context,
        error::Error,
        services::Services,
        write::{Conditions, Written, write},
    },
    model::SessionId,
};

pub(crate) struct Deleted {
    pub written: Written<()>,
    pub exported_to: Option<String>,
}

/// Deletes a session for good: record, event history and sandbox. `token` is the approval token
/// of an earlier answer.
pub(crate) async fn delete_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    conditions: &Conditions,
    token: Option<String>,
) -> Result<Deleted, Error> {
    let mut deletion = Deletion::new(services, id, token);
    let written = write(services, cx, id, conditions, &mut deletion).await?;
    Ok(Deleted {
        written,
        exported_to: deletion.exported_to(),
    })
}
