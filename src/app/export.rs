//! Exports: one session's record, complete event history, child threads and produced files.
//!
//! A JSON export is gzip, one JSON object a line, each as the API sent it: the record, every event
//! of the session's history, then for each child thread its record (`"type": "session_thread"`)
//! and every event of its own history. Files that the session produced go into a folder beside
//! it. Everything is written under temporary names and gets its own only when it is complete and
//! synced to disk; it is in the operator's folder, and no caller names a path in it. An export
//! that does not fit into the time of one call is kept in this process, and the next call resumes
//! it.

mod download;
pub(crate) mod file;
mod files;
mod history;
mod name;
mod step;

use std::{
    collections::{HashMap, VecDeque},
    io,
    path::PathBuf,
    sync::Mutex,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use self::{
    file::{Format, Writer},
    files::Files,
    history::{History, Part},
    name::digest,
    step::{Clock, Stop, blocking},
};
use super::{
    caller::Progress,
    context::Context,
    error::{Error, ErrorKind},
    locks::lock,
    threads::threads,
};
use crate::{
    domain::events,
    model::{ApiTime, Event, ObjectId, Session, SessionId},
};

/// How many unfinished exports are kept, and for how long.
const MAX_UNFINISHED: usize = 16;
const UNFINISHED_TTL: Duration = Duration::from_secs(30 * 60);
/// What a turn made appears some seconds after it ended (API documentation of files).
const FILES_APPEAR_WITHIN: Duration = Duration::from_secs(5);

/// What an export is to hold, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contents {
    pub(crate) format: Format,
    /// The files that the session produced.
    pub(crate) files: bool,
}

impl Default for Contents {
    /// Everything, so that the session can be rebuilt from it.
    fn default() -> Self {
        Self { format: Format::Json, files: true }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exported {
    pub(crate) path: String,
    /// Of the session and of its child threads.
    pub(crate) events: u64,
    /// Child threads.
    pub(crate) threads: u64,
    /// Downloaded files.
    pub(crate) files: u64,
    /// Of the file and of the downloaded files.
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

/// An export on its way.
#[derive(Debug)]
struct Unfinished {
    contents: Contents,
    writer: Writer,
    version: String,
    /// What is being read; `None` once every history is.
    history: Option<History>,
    /// The child threads still to be read; `None` before they are listed.
    threads: Option<VecDeque<Event>>,
    thread_count: u64,
    files: Files,
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
        contents: Contents,
    ) -> Result<Exported, Error> {
        let mut export = match self.take(id, contents) {
            Some(unfinished) => unfinished,
            None => {
                self.begin(id, session, contents).await.map_err(|cause| self.failed(id, cause))?
            }
        };
        let mut clock = Clock::new(cx);
        let read = self.read_all(&mut clock, id, session, &mut export).await;
        match read {
            Ok(()) => {}
            Err(Stop::OutOfTime) => return Err(self.keep(id, export)),
            Err(Stop::Transient(error)) => {
                let _ = self.keep(id, export);
                return Err(error);
            }
            Err(Stop::Failed(error)) => return Err(error),
        }
        let Unfinished { writer, version, files, thread_count, .. } = export;
        let (dir, name) = (self.dir.clone(), id.clone());
        let finished = blocking(move || {
            let stem = writer.stem(&dir, &name);
            let (files, file_bytes) = files.finish(&dir, &stem)?;
            let events = writer.events;
            let (path, bytes) = writer.finish(&dir, &stem)?;
            Ok((path, events, files, bytes + file_bytes))
        });
        let (path, events, files, bytes) =
            finished.await.map_err(|cause| self.failed(id, cause))?;
        let path = path.display().to_string();
        Ok(Exported { path, events, threads: thread_count, files, bytes, version })
    }

    async fn read_all(
        &self,
        clock: &mut Clock<'_>,
        id: &SessionId,
        session: &Session,
        export: &mut Unfinished,
    ) -> Result<(), Stop> {
        loop {
            while let Some(history) = &mut export.history {
                let (events, is_end) = history.next_page(clock, id).await?;
                export.writer = self.append(id, export.writer.take(), Part::Events(events)).await?;
                let (events, session) = (export.writer.events, id.clone());
                clock.cx.progress(Progress::Exported { events, session }).await;
                if is_end {
                    export.history = None;
                }
            }
            if export.threads.is_none() {
                export.threads = Some(child_threads(clock, id).await?);
            }
            let Some(thread) = export.threads.as_mut().and_then(VecDeque::pop_front) else {
                break;
            };
            let thread_id = events::text(&thread, "id").map(ObjectId::parse);
            let Some(Ok(thread_id)) = thread_id else {
                return Err(Stop::Failed(self.failed(id, io::Error::other("a thread has no id"))));
            };
            export.writer = self.append(id, export.writer.take(), Part::Thread(thread)).await?;
            export.thread_count += 1;
            export.history = Some(History::of_thread(thread_id));
        }
        if export.contents.files {
            if !export.files.are_listed() {
                wait_for_files(clock.cx, session).await;
            }
            export.files.read(clock, id, &self.dir).await?;
        }
        Ok(())
    }

    async fn append(&self, id: &SessionId, writer: Writer, part: Part) -> Result<Writer, Stop> {
        let mut writer = writer;
        let append = move || writer.append(&part).map(|()| writer);
        blocking(append).await.map_err(|cause| Stop::Failed(self.failed(id, cause)))
    }

    async fn begin(
        &self,
        id: &SessionId,
        session: &Session,
        contents: Contents,
    ) -> io::Result<Unfinished> {
        let (dir, name, record) = (self.dir.clone(), id.clone(), session.fields.clone());
        let format = contents.format;
        let writer = blocking(move || Writer::begin(&dir, &name, format, &record)).await?;
        Ok(Unfinished {
            contents,
            writer,
            version: version(session),
            history: Some(History::of_session()),
            threads: None,
            thread_count: 0,
            files: Files::default(),
            since: Instant::now(),
        })
    }

    fn failed(&self, id: &SessionId, cause: io::Error) -> Error {
        step::failed(id, &self.dir, cause)
    }

    /// The unfinished export of the same contents.
    fn take(&self, id: &SessionId, contents: Contents) -> Option<Unfinished> {
        let mut all = lock(&self.unfinished);
        all.retain(|_, each| each.since.elapsed() < UNFINISHED_TTL);
        let unfinished = all.remove(id)?;
        let found = unfinished.contents;
        (found.format == contents.format && found.files == contents.files).then_some(unfinished)
    }

    /// Keeps an export for the next call, unless it is empty; returns the failure of this one.
    fn keep(&self, id: &SessionId, export: Unfinished) -> Error {
        let events = export.writer.events;
        if events > 0 || export.threads.is_some() {
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

/// The session's threads but for its own, whose events are those of the session.
async fn child_threads(clock: &mut Clock<'_>, id: &SessionId) -> Result<VecDeque<Event>, Stop> {
    let listed = clock.in_time(threads(clock.cx, id, &[])).await?;
    clock.begun = true;
    let is_own = |thread: &Event| thread.get("parent_thread_id").is_some_and(Value::is_null);
    Ok(listed?.into_iter().filter(|thread| !is_own(thread)).collect())
}

/// Waits until the files of a turn that has just ended can be listed.
async fn wait_for_files(cx: &Context, session: &Session) {
    let changed = session.head.updated_at.as_ref().and_then(ApiTime::at);
    let age = changed.map(|at| Timestamp::now().duration_since(at).unsigned_abs());
    if let Some(wait) = age.and_then(|age| FILES_APPEAR_WITHIN.checked_sub(age)) {
        let left = cx.soft_deadline().saturating_duration_since(Instant::now());
        sleep(wait.min(left)).await;
    }
}
