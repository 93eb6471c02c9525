//! The threads of a multi-agent session.

use crate::{
    app::{
        context::Context,
        error::{About, Error},
    },
    domain::events,
    model::{Event, SessionId},
};

/// The threads of the session that are neither idle nor ended; none where the service does not
/// know threads.
pub(crate) async fn busy_threads(cx: &Context, id: &SessionId) -> Result<Vec<Event>, Error> {
    let mut threads = match cx.client().list_threads(id).await {
        Ok(threads) => threads.body.data,
        Err(error) if matches!(error.http_status(), Some(400 | 404 | 405 | 501)) => Vec::new(),
        Err(error) => return Err(Error::api(About::Events(id.clone()), error)),
    };
    threads.retain(|thread| {
        let status = events::text(thread, "status").unwrap_or_default();
        !["idle", "terminated"].contains(&status)
    });
    Ok(threads)
}
