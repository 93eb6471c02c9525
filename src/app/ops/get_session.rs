//! Read one session.

use crate::{
    app::{context::Context, error::Error, recent_events::known_pause, services::Services},
    domain::view::record::Record,
    model::SessionId,
};

/// Reads one session; `full` adds the system prompt, why it last went idle, and unknown fields.
pub(crate) async fn get_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    full: bool,
) -> Result<Record, Error> {
    let session = cx.read_session(id).await?;
    if !full {
        return Ok(services.record(&session).await);
    }
    let stop_reason = known_pause(cx, id, &session).await.stop_reason;
    Ok(services.full_record(&session, stop_reason).await)
}
