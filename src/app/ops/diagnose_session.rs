//! Find out what one session is doing or waiting for.

use jiff::Timestamp;

use crate::{
    app::{context::Context, error::Error, recent_events::recent_events, services::Services},
    domain::{
        diagnosis::{self, Diagnosis, Facts},
        events,
        guard::Activity,
        view::row::Row,
    },
    model::{Event, Session, SessionId},
};

const EVENTS: u32 = 100;

pub(crate) async fn diagnose_session(
    services: &Services,
    cx: &Context,
    id: &SessionId,
) -> Result<(Diagnosis, Row), Error> {
    let session = cx.read_session(id).await?;
    let activity = services.statuses.activity(&session.head);
    let events = recent_events(cx, id, &[], EVENTS).await?;
    let events = with_pending_calls(cx, id, activity, events).await?;
    let threads = threads(cx, id, &session, &events).await;
    let record = services.record(&session).await;
    let diagnosis = diagnosis::diagnose(&Facts {
        session: &session,
        activity,
        events: &events,
        threads: &threads,
        console_url: record.console_url.as_deref(),
        now: Timestamp::now(),
    });
    Ok((diagnosis, record.row))
}

/// Adds why an idle session is idle, and the calls it waits for, where newer events hide them.
async fn with_pending_calls(
    cx: &Context,
    id: &SessionId,
    activity: Activity,
    mut events: Vec<Event>,
) -> Result<Vec<Event>, Error> {
    let idle = "session.status_idle";
    let has_more = events.len() >= EVENTS as usize;
    let shows_why = events.iter().any(|each| events::kind(each) == idle);
    if activity == Activity::Idle && has_more && !shows_why {
        events.extend(recent_events(cx, id, &[idle], 1).await?);
    }
    let is_known = |wanted: &str| {
        let mut ids = events.iter().map(|each| events::text(each, "id"));
        ids.any(|id| id == Some(wanted))
    };
    let pending = diagnosis::waited_for(&events);
    if has_more && !pending.into_iter().all(is_known) {
        let calls = ["agent.tool_use", "agent.mcp_tool_use", "agent.custom_tool_use"];
        events.extend(recent_events(cx, id, &calls, EVENTS).await?);
    }
    Ok(events)
}

/// The threads of a multi-agent session; none where the service does not list them.
async fn threads(cx: &Context, id: &SessionId, session: &Session, events: &[Event]) -> Vec<Event> {
    let multiagent = session.agent_field("multiagent");
    let mut kinds = events.iter().map(events::kind);
    let has_threads = multiagent.is_some_and(|value| !value.is_null())
        || kinds.any(|kind| kind.starts_with("session.thread_"));
    if !has_threads {
        return Vec::new();
    }
    match cx.client().list_threads(id).await {
        Ok(threads) => threads.body.data,
        Err(error) => {
            tracing::debug!(%error, "the threads cannot be read");
            Vec::new()
        }
    }
}
