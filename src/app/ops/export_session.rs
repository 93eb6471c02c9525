//! Export one session to a file.

use crate::{
    app::{
        context::Context,
        error::{Error, ErrorKind},
        export::Exported,
        services::Services,
    },
    model::SessionId,
};

/// Exports record and events of a session, or resumes an export that another call began.
pub(crate) async fn export_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
) -> Result<Exported, Error> {
    let exporter = services
        .exporter
        .as_ref()
        .ok_or(ErrorKind::ExportUnavailable)?;
    let _lock = services.lock(cx, id).await?;
    let session = cx.read_session(id).await?;
    exporter.export(cx, id, &session).await
}
