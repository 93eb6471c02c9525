//! Exports: one session's record and complete event history as gzip JSON lines.
//!
//! The first line is the record as the API sent it, then comes every event, oldest first. The
//! file is written under a temporary name and gets its own only when it is complete and synced
//! to disk; it is in the operator's folder, and no caller names a path in it. An export that
//! does not fit into the time of one call is kept in this process, and the next call resumes it.

pub(crate) mod file;

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use self::file::{Writer, digest};
use super::{
    caller::Progress,
    context::Context,
    error::{About, Error, ErrorKind},
    locks::lock,
};
use crate::{
    api::{ApiErrorKind, EventQuery},
    model::{Order, Page, Session, SessionId},
};

/// Events asked for in one page, largest first: a page of large events may exceed the limit.
const PAGE_SIZES: [u32; 4] = [500, 100, 10, 1];
/// No further page is requested when less than this is left of the call's time.
const RESERVED_FOR_FINISH: Duration = Duration::from_secs(4);
/// How many unfinished exports are kept, and for how long.
const MAX_UNFINISHED: usize = 16;
const UNFINISHED_TTL: Duration = Duration::from_secs(30 * 60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exported {
    pub(crate) path: String,
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    pub(crate) version: String,
}

/// What tells two states of a session apart: `updated_at`, or a digest of all fields where a
/// service does not send it.
pub(crate) fn version(session: &Session) -> String {
    match &session.head.updated_at {
        Some(at) => at.text().to_owned(),
        None => digest(&serde_json::to_vec(&session.fields).unwrap_or_default()),
    }
}

#[derive(Debug)]
pub(crate) struct Exporter {
    dir: PathBuf,
    unfinished: Mutex<HashMap<SessionId, Unfinished>>,
}

#[derive(Debug)]
struct Unfinished {
    writer: Writer,
    version: String,
    page: Option<String>,
    size: usize,
    since: Instant,
}

impl Exporter {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, unfinished: Mutex::default() }
    }

    /// Exports a session that was just read, or resumes its unfinished export; the record in the
    /// file is then the one that was read when that began, see [`Exported::version`]. The caller
    /// holds the session's lock, so that no two exports of it run at once. On failure the file
    /// with the final name is untouched; `timed_out` means that the next call has to resume.
    pub(crate) async fn export(
        &self,
        cx: &Context,
        id: &SessionId,
        session: &Session,
    ) -> Result<Exported, Error> {
        let failed = |cause: io::Error| {
            Error::new(ErrorKind::ExportFailed {
                session: id.clone(),
                dir: self.dir.clone(),
                cause: Arc::new(cause),
            })
        };
        let mut export = match self.take(id) {
            Some(unfinished) => unfinished,
            None => self.begin(id, session).await.map_err(failed)?,
        };
        // At least one page a call, however short its time: repeated calls must make progress.
        let mut begun = false;
        loop {
            let query = EventQuery {
                order: Some(Order::Asc),
                limit: PAGE_SIZES.get(export.size).copied(),
                page: export.page.clone(),
                ..EventQuery::default()
            };
            let left = cx.deadline().saturating_duration_since(Instant::now());
            let reserved = if begun { RESERVED_FOR_FINISH } else { Duration::ZERO };
            let Some(left) = left.checked_sub(reserved) else {
                return Err(self.keep(id, export));
            };
            let Ok(client) = timeout(left, cx.paced_client()).await else {
                return Err(self.keep(id, export));
            };
            let Page { data, next_page, .. } = match client.list_events(id, &query).await {
                Ok(answer) => answer.body,
                Err(error)
                    if matches!(error.kind(), ApiErrorKind::BadResponse { .. })
                        && export.size + 1 < PAGE_SIZES.len() =>
                {
                    export.size += 1;
                    continue;
                }
                Err(error) if matches!(error.kind(), ApiErrorKind::TimedOut) => {
                    return Err(self.keep(id, export));
                }
                Err(error) => {
                    if error.is_transient() {
                        let _ = self.keep(id, export);
                    }
                    return Err(Error::api(About::Events(id.clone()), error));
                }
            };
            if next_page.is_some() && next_page == export.page {
                return Err(ErrorKind::EndlessHistory(id.clone()).into());
            }
            begun = true;
            let mut writer = export.writer;
            let append =
                move || data.iter().try_for_each(|event| writer.event(event)).map(|()| writer);
            export.writer = blocking(append).await.map_err(failed)?;
            export.page = next_page;
            let (events, session) = (export.writer.events, id.clone());
            cx.progress(Progress::Exported { events, session }).await;
            if export.page.is_none() {
                break;
            }
        }
        let Unfinished { writer, version, .. } = export;
        let (dir, name) = (self.dir.clone(), id.clone());
        let finished = blocking(move || writer.finish(&dir, &name)).await;
        let (path, events, bytes) = finished.map_err(failed)?;
        Ok(Exported { path: path.display().to_string(), events, bytes, version })
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
        let mut all = lock(&self.unfinished);
        all.retain(|_, each| each.since.elapsed() < UNFINISHED_TTL);
        all.remove(id)
    }

    /// Keeps an export for the next call, unless it is empty; returns the failure of this one.
    fn keep(&self, id: &SessionId, export: Unfinished) -> Error {
        let events = export.writer.events;
        if events > 0 {
            let mut all = lock(&self.unfinished);
            all.insert(id.clone(), export);
            if all.len() > MAX_UNFINISHED {
                let oldest = all.iter().min_by_key(|(_, each)| each.since);
                let oldest = oldest.map(|(id, _)| id.clone());
                oldest.and_then(|oldest| all.remove(&oldest));
            }
        }
        let session = id.clone();
        ErrorKind::ExportUnfinished { session, events }.into()
    }
}

/// Runs blocking I/O on the blocking pool.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
