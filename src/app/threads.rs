//! The threads of a multi-agent session.

use std::collections::HashSet;

use serde_json::Value;

use crate::{
    api::{ApiErrorKind, ThreadQuery},
    app::{
        context::Context,
        error::{About, Error, ErrorKind},
    },
    domain::events,
    model::{Event, ObjectId, Session, SessionId},
};

const PAGE_SIZE: u32 = 1_000;
/// Threads a page, where more are too large.
const SMALL_PAGE: u32 = 20;
const MAX_PAGES: usize = 100;

/// The threads of the session that are neither idle nor ended; none where the service does not
/// know threads.
pub(crate) async fn busy_threads(cx: &Context, id: &SessionId) -> Result<Vec<Event>, Error> {
    let (mut threads, _) = read(cx, id, &["running", "rescheduling"]).await?;
    // Some services ignore the filter.
    threads.retain(|thread| {
        let status = events::text(thread, "status").unwrap_or_default();
        !["idle", "terminated"].contains(&status)
    });
    Ok(threads)
}

/// Every thread of the session, or those of these statuses; none where the service does not know
/// threads. Fails if the service lists only some of them.
pub(crate) async fn threads(
    cx: &Context,
    id: &SessionId,
    statuses: &[&str],
) -> Result<Vec<Event>, Error> {
    match read(cx, id, statuses).await? {
        (threads, true) => Ok(threads),
        (_, false) => Err(ErrorKind::IncompleteHistory(id.clone()).into()),
    }
}

/// The same, and whether those are all.
async fn read(
    cx: &Context,
    id: &SessionId,
    statuses: &[&str],
) -> Result<(Vec<Event>, bool), Error> {
    let mut query = ThreadQuery {
        statuses: statuses.iter().map(|&status| status.to_owned()).collect(),
        ..ThreadQuery::default()
    };
    let mut threads = Vec::new();
    // Some services repeat pages and cursors.
    let (mut ids, mut cursors) = (HashSet::new(), HashSet::new());
    for _ in 0..MAX_PAGES {
        let page = match cx.client().list_threads(id, &query).await {
            Ok(page) => page.body,
            // Many threads, each with its agent, may be too large for one answer.
            Err(error)
                if matches!(error.kind(), ApiErrorKind::BadResponse { .. })
                    && query.limit != Some(SMALL_PAGE) =>
            {
                query.limit = Some(SMALL_PAGE);
                continue;
            }
            Err(error) => {
                let error = Error::api(About::Threads(id.clone()), error);
                let has_none = error.is_unknown_route() && query.page.is_none();
                return if has_none { Ok((threads, true)) } else { Err(error) };
            }
        };
        let is_new = |thread: &Event| {
            events::text(thread, "id").is_none_or(|id| id.is_empty() || ids.insert(id.to_owned()))
        };
        threads.extend(page.data.into_iter().filter(is_new));
        match page.next_page {
            Some(next) if cursors.insert(next.clone()) => query.page = Some(next),
            Some(_) => break,
            None => return Ok((threads, !page.is_incomplete)),
        }
    }
    Err(ErrorKind::EndlessHistory(id.clone()).into())
}

/// Whether the session's agent may call others.
pub(crate) fn is_multiagent(session: &Session) -> bool {
    session.agent_field("multiagent").is_some_and(|value| !value.is_null())
}

/// Whether it is another thread than the session's own, whose events are those of the session.
pub(crate) fn is_child(thread: &Event) -> bool {
    !thread.get("parent_thread_id").is_some_and(Value::is_null)
}

/// At most `count` of the newest events of one thread's own history, newest first. That list has
/// no order but oldest first, so it is read to its end.
pub(crate) async fn recent_thread_events(
    cx: &Context,
    id: &SessionId,
    thread: &ObjectId,
    count: usize,
) -> Result<Vec<Event>, Error> {
    let mut newest: Vec<Event> = Vec::new();
    let mut cursor: Option<String> = None;
    let mut cursors = HashSet::new();
    for _ in 0..MAX_PAGES {
        let client = cx.client();
        let page = client.list_thread_events(id, thread, Some(PAGE_SIZE), cursor.as_deref());
        let page = page.await.map_err(|error| Error::api(About::Events(id.clone()), error))?.body;
        newest.extend(page.data);
        let surplus = newest.len().saturating_sub(count);
        newest.drain(..surplus);
        match page.next_page {
            Some(next) if cursors.insert(next.clone()) => cursor = Some(next),
            Some(_) => break,
            None => {
                newest.reverse();
                return Ok(newest);
            }
        }
    }
    Err(ErrorKind::EndlessHistory(id.clone()).into())
}
