//! Find out what one session is doing or waiting for.

use crate::{
    app::{
        context::Context,
        error::Error,
        examination::{Depth, examine},
        services::Services,
    },
    domain::{
        diagnosis::{self, Diagnosis},
        view::row::Row,
    },
    model::SessionId,
};

pub(crate) async fn diagnose_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
) -> Result<(Diagnosis, Row), Error> {
    let session = cx.read_session(id).await?;
    let examined = examine(services, cx, id, &session, Depth::Evidence).await?;
    let record = services.record(&session).await;
    let facts = examined.facts(&session, record.console_url.as_deref());
    Ok((diagnosis::diagnose(&facts), record.row))
}
