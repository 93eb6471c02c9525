//! Export record and events of one session, or resume an export that another call began.

use crate::{
    app::{
        context::Context,
        error::{Error, ErrorKind},
        export::{Contents, Exported},
        services::Services,
    },
    model::SessionId,
};

pub(crate) async fn export_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    contents: Contents,
) -> Result<Exported, Error> {
    let exporter = services.exporter.as_ref().ok_or(ErrorKind::ExportUnavailable)?;
    let _lock = services.lock(cx, id).await?;
    let session = cx.read_session(id).await?;
    Box::pin(exporter.export(cx, id, &session, contents)).await
}
