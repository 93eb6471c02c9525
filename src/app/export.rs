//! Exports: one session's record and complete event history as gzip JSON lines.
//!
//! The first line is the record as the API sent it, then comes every event, oldest first. The
//! file is written under a temporary name and gets its own only when it is complete and on the
//! disk; it is the operator's folder, and no caller names a path in it. An export that the time
//! of a call does not suffice for is kept, in this process, and the next call goes on with it.

mod file;

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use file::Writer;
use tokio::time::{Instant, timeout_at};

use crate::{
    api::{ApiErrorKind, EventQuery, Order},
    explain::Failure,
    mcp::call::Call,
    model::{Event, Page, Session, SessionId},
};

/// Events asked for in one page, most first: a page of large events may be too large to read.
const PAGE_SIZES: [u32; 4] = [500, 100, 10, 1];
/// What is left of the call's time when no further page is begun.
const KEPT_FOR_THE_END: Duration = Duration::from_secs(4);
/// How many unfinished exports are kept, and how long.
const MOST_UNFINISHED: usize = 16;
const KEPT_UNFINISHED: Duration = Duration::from_secs(30 * 60);

/// A finished export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exported {
    /// The file, absolute.
    pub(crate) path: String,
    /// How many events are in it.
    pub(crate) events: u64,
    /// Its size.
    pub(crate) bytes: u64,
    /// The [`version`] of the record in it.
    pub(crate) version: String,
}

/// What tells two states of a session apart: when it was updated, or everything there is to know
/// of it where a service does not say.
pub(crate) fn version(session: &Session) -> String {
    match &session.head.updated_at {
        Some(at) => at.text().to_owned(),
        None => file::digest(&serde_json::to_vec(&session.fields).unwrap_or_default()),
    }
}

/// Exports sessions into one folder.
#[derive(Debug)]
pub(crate) struct Exporter {
    dir: PathBuf,
    unfinished: Mutex<HashMap<SessionId, Unfinished>>,
}

/// An export that goes on with the next call.
#[derive(Debug)]
struct Unfinished {
    writer: Writer,
    version: String,
    /// The page to go on with; none at the beginning.
    page: Option<String>,
    /// Where in [`PAGE_SIZES`] it got to.
    size: usize,
    since: Instant,
}

impl Exporter {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            unfinished: Mutex::default(),
        }
    }

    /// Exports a session that was just read, or goes on with its unfinished export; its record
    /// is then the one that was read when that began, which [`Exported::version`] tells.
    ///
    /// The caller holds the session's turn, so that no two exports of it run at once.
    ///
    /// # Errors
    /// `export_failed` when the file cannot be written, `timed_out` when the next call has to go
    /// on, and what the API refuses. Nothing has the file's final name then that had not before.
    pub(crate) async fn export(
        &self,
        call: &Call,
        id: &SessionId,
        session: &Session,
    ) -> Result<Exported, Failure> {
        let failed = |error: io::Error| Failure::export_failed(id, &self.dir, &error);
        let mut export = match self.take(id) {
            Some(unfinished) => unfinished,
            None => self.begin(id, session).await.map_err(failed)?,
        };
        // At least one page a call, however short its time is: it must get on.
        let mut begun = false;
        loop {
            let left = call.deadline().saturating_duration_since(Instant::now());
            if begun && left < KEPT_FOR_THE_END {
                return Err(self.keep(call, id, export));
            }
            let query = EventQuery {
                order: Some(Order::Asc),
                limit: PAGE_SIZES.get(export.size).copied(),
                page: export.page.clone(),
                ..EventQuery::default()
            };
            let kept = if begun {
                KEPT_FOR_THE_END
            } else {
                Duration::ZERO
            };
            let last = call.deadline().checked_sub(kept);
            let turn = timeout_at(last.unwrap_or_else(Instant::now), call.paced());
            let Ok(client) = turn.await else {
                return Err(self.keep(call, id, export));
            };
            let Page { data, next_page } = match client.list_events(id, &query).await {
                Ok(answer) => answer.body,
                Err(error)
                    if matches!(error.kind(), ApiErrorKind::BadResponse { .. })
                        && export.size + 1 < PAGE_SIZES.len() =>
                {
                    export.size += 1;
                    continue;
                }
                Err(error) if matches!(error.kind(), ApiErrorKind::TimedOut) => {
                    return Err(self.keep(call, id, export));
                }
                Err(error) => {
                    let failure = Failure::api(&format!("the events of session {id}"), &error);
                    if error.is_transient() {
                        let _ = self.keep(call, id, export);
                    }
                    return Err(failure);
                }
            };
            if next_page.is_some() && next_page == export.page {
                return Err(Failure::history_without_end(id));
            }
            begun = true;
            export.writer = append(export.writer, data).await.map_err(failed)?;
            export.page = next_page;
            let events = export.writer.events();
            let message = format!("{events} events of {id} exported");
            #[expect(
                clippy::cast_precision_loss,
                reason = "a count of events, shown to a person"
            )]
            call.progress(events as f64, None, message).await;
            if export.page.is_none() {
                break;
            }
        }
        let Unfinished {
            writer, version, ..
        } = export;
        let (dir, name) = (self.dir.clone(), id.clone());
        let (path, events, bytes) = blocking(move || writer.finish(&dir, &name))
            .await
            .map_err(failed)?;
        Ok(Exported {
            path: path.display().to_string(),
            events,
            bytes,
            version,
        })
    }

    async fn begin(&self, id: &SessionId, session: &Session) -> io::Result<Unfinished> {
        let (dir, name, record) = (self.dir.clone(), id.clone(), session.fields.clone());
        let writer = blocking(move || Writer::begin(&dir, &name, &record)).await?;
        Ok(Unfinished {
            writer,
            version: version(session),
            page: None,
            size: 0,
            since: Instant::now(),
        })
    }

    fn take(&self, id: &SessionId) -> Option<Unfinished> {
        let mut all = self.unfinished();
        all.retain(|_, each| each.since.elapsed() < KEPT_UNFINISHED);
        all.remove(id)
    }

    /// Puts an export away for the next call, if it has come to anything.
    fn keep(&self, call: &Call, id: &SessionId, export: Unfinished) -> Failure {
        let events = export.writer.events();
        if events == 0 {
            return Failure::export_unfinished(call.tool(), id, events);
        }
        let mut all = self.unfinished();
        all.insert(id.clone(), export);
        if all.len() > MOST_UNFINISHED {
            let oldest = all.iter().min_by_key(|(_, each)| each.since);
            let oldest = oldest.map(|(id, _)| id.clone());
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        Failure::export_unfinished(call.tool(), id, events)
    }

    fn unfinished(&self) -> MutexGuard<'_, HashMap<SessionId, Unfinished>> {
        self.unfinished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn append(mut writer: Writer, events: Vec<Event>) -> io::Result<Writer> {
    blocking(move || {
        events.iter().try_for_each(|event| writer.event(event))?;
        Ok(writer)
    })
    .await
}

/// Runs what waits for the disk where it keeps nobody else waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
