//! Wait until one session is not busy, or the time is over.

use std::time::Duration;

use crate::{
    app::{
        context::Context,
        error::Error,
        services::Services,
        turn_end::{Turn, TurnEnd, turn_end},
    },
    model::SessionId,
};

pub(crate) async fn wait_for_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    wait: Duration,
) -> Result<TurnEnd, Error> {
    turn_end(services, cx, id, wait, Turn::Current).await
}
