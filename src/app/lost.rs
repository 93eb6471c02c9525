//! What is gone for good once a session is deleted, counted before it is.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    api::{ApiError, ApiResponse, Client, EventQuery, ThreadQuery},
    app::{
        context::Context,
        export::{self, Exported, produced_files},
        threads::is_child,
    },
    domain::view::lost::{Lost, LostFiles},
    model::{FileHead, Page, Session, SessionId},
};

/// Events and threads a page, the API's largest: one page counts nearly every session.
const PAGE_SIZE: u32 = 1_000;
/// What counting may take; it must not cost the call the time for the write.
const LONGEST: Duration = Duration::from_secs(5);

/// A count of what a deletion takes away: one page of events, of threads and of files, before the
/// session is read for its deletion.
#[derive(Debug, Default)]
pub(crate) struct Count {
    wanted: bool,
    lost: Option<Lost>,
    /// The session when this was counted.
    version: String,
    outdated: bool,
}

impl Count {
    /// A count that is made only if it is `wanted`.
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Counts, once, and never fails. Returns whether the session has to be read again before it
    /// is deleted.
    pub(crate) async fn at(&mut self, cx: &Context, id: &SessionId, session: &Session) -> bool {
        let version = export::version(session);
        if self.lost.is_some() {
            self.outdated |= self.version != version;
            return false;
        }
        if !self.wanted {
            return false;
        }
        self.lost = Some(Box::pin(count(cx, id)).await);
        self.version = version;
        true
    }

    /// What was counted; of a session that has changed since, what was there at least.
    pub(crate) fn found(self) -> Option<Lost> {
        let outdated = self.outdated;
        let lost = self.lost.map(|lost| Lost {
            at_least: lost.events.is_some() && (lost.at_least || outdated),
            files: lost
                .files
                .map(|files| LostFiles { at_least: files.at_least || outdated, ..files }),
            ..lost
        });
        lost.filter(|lost| *lost != Lost::default())
    }
}

/// What is gone, by the copy that was made of it.
pub(crate) fn of_copy(export: &Exported) -> Lost {
    Lost {
        events: Some(export.events),
        at_least: false,
        threads: Some(export.threads),
        files: Some(LostFiles::of(export.files, false, &export.first_files)),
    }
}

async fn count(cx: &Context, id: &SessionId) -> Lost {
    let now = Instant::now();
    let left = cx.deadline().saturating_duration_since(now);
    let client = cx.client().with_deadline(now + LONGEST.min(left / 4));
    let (events, threads, files) =
        tokio::join!(events(&client, id), threads(&client, id), files(&client, id));
    let (events, has_more) = events.unzip();
    // The events of child threads are in their own histories, which nobody reads here.
    let is_whole = has_more == Some(false) && threads == Some(0);
    Lost { events, at_least: events.is_some() && !is_whole, threads, files }
}

/// How many events are on the first page, and whether there are more.
async fn events(client: &Client, id: &SessionId) -> Option<(u64, bool)> {
    let query = EventQuery { limit: Some(PAGE_SIZE), ..EventQuery::default() };
    let page = known(client.list_events(id, &query).await).ok()?;
    Some((number(page.data.len()), has_more(&page)))
}

/// The number of child threads, if it is known; none where the service does not know threads.
async fn threads(client: &Client, id: &SessionId) -> Option<u64> {
    let query = ThreadQuery { limit: Some(PAGE_SIZE), ..ThreadQuery::default() };
    match known(client.list_threads(id, &query).await) {
        Ok(page) if has_more(&page) => None,
        Ok(page) => Some(number(page.data.iter().filter(|thread| is_child(thread)).count())),
        Err(error) => lacks_the_operation(&error).then_some(0),
    }
}

/// The files it produced; none where the service does not know files.
async fn files(client: &Client, id: &SessionId) -> Option<LostFiles> {
    match known(client.list_session_files(id, None).await) {
        Ok(page) => {
            let at_least = has_more(&page);
            let files: Vec<FileHead> = produced_files(id, page.data).collect();
            Some(LostFiles::of(number(files.len()), at_least, &files))
        }
        Err(error) => lacks_the_operation(&error).then(LostFiles::default),
    }
}

fn known<T>(answer: Result<ApiResponse<T>, ApiError>) -> Result<T, ApiError> {
    let answer = answer.inspect_err(|error| tracing::debug!(%error, "a loss cannot be counted"));
    Ok(answer?.body)
}

fn has_more<T>(page: &Page<T>) -> bool {
    page.next_page.is_some() || page.is_incomplete
}

fn lacks_the_operation(error: &ApiError) -> bool {
    matches!(error.http_status(), Some(404 | 405 | 501))
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
