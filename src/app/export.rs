//! Exports: one session's record, complete event history, child threads and produced files.
//!
//! A JSON export is gzip, one JSON object a line, each as the API sent it: the record, every event
//! of the session's history, then for each child thread its record (`"type": "session_thread"`)
//! and every event of its own history. Files that the session produced go into a folder beside
//! it. Everything is written under temporary names and gets its own only when it is complete and
//! synced to disk; it is in the operator's folder, and no caller names a path in it. An export
//! that does not fit into the time of one call is kept in this process, and the next call resumes
//! it.
//!
//! Several processes may export to one folder. An export is made under the [lock](lock) of its
//! name, and gets the name only if the session is still what was copied and no other export has
//! got the name meanwhile: an older copy never replaces a newer one.

mod download;
pub(crate) mod file;
mod files;
mod history;
mod lock;
mod name;
mod seen;
mod state;
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
    lock::ExportLock,
    name::digest,
    seen::Seen,
    state::{Replaced, State, changed},
    step::{Clock, Stop, blocking},
};
use super::{
    caller::Progress,
    context::Context,
    error::{Error, ErrorKind},
    locks::lock,
    regular_file::{ensure_folder_or_free, ensure_replaceable},
    threads::threads,
};
use crate::{
    api::{ApiError, ApiErrorKind},
    domain::events,
    model::{ApiTime, Event, ObjectId, Session, SessionId},
};

/// How many unfinished exports are kept, and for how long.
const MAX_UNFINISHED: usize = 16;
const UNFINISHED_TTL: Duration = Duration::from_secs(30 * 60);
/// How often an export of a session that changed meanwhile is begun.
const MAX_ATTEMPTS: u32 = 3;
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

/// What tells two states of a session apart: `updated_at` and what can be written, or a digest of
/// all fields where a service sends no time.
pub(crate) fn version(session: &Session) -> String {
    match &session.head.updated_at {
        Some(_) => State::of(session).to_string(),
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
    /// The name it will have, without its extension.
    stem: String,
    replaced: Replaced,
    /// The session when this was begun.
    version: String,
    state: State,
    /// Which attempt this is.
    attempt: u32,
    /// The session's own events, once they are read.
    events: Seen,
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
    /// holds the session's lock, so that no two exports of it run at once in this process; those
    /// of others are waited for. On failure the file with the final name is untouched;
    /// `timed_out` means that the next call has to resume.
    pub(crate) async fn export(
        &self,
        cx: &Context,
        id: &SessionId,
        session: &Session,
        contents: Contents,
    ) -> Result<Exported, Error> {
        let stem = name::stem(id.as_str());
        let lock = ExportLock::acquire(&self.dir, &stem, cx.soft_deadline()).await;
        let lock = lock.map_err(|cause| self.failed(id, cause))?;
        let mut clock = Clock::new(cx);
        let mut unfinished = self.take(id, contents);
        let mut attempt = 1;
        // What was read before another process exported, and maybe deleted, it is out of date.
        let mut newer = if lock.waited { Some(cx.read_session(id).await?) } else { None };
        loop {
            let session = newer.as_ref().unwrap_or(session);
            let mut export = if let Some(unfinished) = unfinished.take() {
                unfinished
            } else {
                let begun = self.begin(id, session, contents, attempt).await;
                begun.map_err(|cause| self.failed(id, cause))?
            };
            let read = match self.read_all(&mut clock, id, session, &mut export).await {
                Ok(()) => self.changed(cx, id, &export).await,
                Err(stop) => Err(stop),
            };
            match read {
                Ok(None) => return self.finish(id, export, lock).await,
                Ok(Some(session)) if export.attempt < MAX_ATTEMPTS => {
                    attempt = export.attempt + 1;
                    newer = Some(session);
                }
                Ok(Some(session)) => {
                    return Err(ErrorKind::ExportOutdated(Box::new(session.head)).into());
                }
                Err(Stop::OutOfTime) => return Err(self.keep(id, export)),
                Err(Stop::Transient(error)) => {
                    let _ = self.keep(id, export);
                    return Err(error);
                }
                Err(Stop::Failed(error)) => return Err(error),
            }
        }
    }

    /// The session as it is now, if the export is not one of it or must not replace what has its
    /// name now.
    async fn changed(
        &self,
        cx: &Context,
        id: &SessionId,
        export: &Unfinished,
    ) -> Result<Option<Session>, Stop> {
        let is_free = export.replaced.is_still_there();
        let is_free = is_free.map_err(|cause| Stop::Failed(self.failed(id, cause)))?;
        let session = match changed(cx, id, &export.state, &export.events).await {
            Err(error) => {
                let kind = error.as_api().map(ApiError::kind);
                let is_late = matches!(kind, Some(ApiErrorKind::TimedOut));
                return Err(if is_late { Stop::OutOfTime } else { error.into() });
            }
            Ok(session) => session,
        };
        match session {
            None if !is_free => Ok(Some(cx.read_session(id).await?)),
            session => Ok(session),
        }
    }

    /// Gives the export its name. The lock is released once that is done, also if the call is
    /// cancelled meanwhile.
    async fn finish(
        &self,
        id: &SessionId,
        export: Unfinished,
        lock: ExportLock,
    ) -> Result<Exported, Error> {
        let Unfinished { writer, version, files, thread_count, stem, .. } = export;
        let dir = self.dir.clone();
        let finished = blocking(move || {
            let (files, file_bytes) = files.finish(&dir, &stem)?;
            let events = writer.events;
            let (path, bytes) = writer.finish(&dir, &stem)?;
            drop(lock);
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
                if is_end && let Some(history) = export.history.take() {
                    // The session's own history comes first.
                    if export.threads.is_none() {
                        export.events = history.into_seen();
                    }
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
        attempt: u32,
    ) -> io::Result<Unfinished> {
        let (dir, name, record) = (self.dir.clone(), id.clone(), session.fields.clone());
        let format = contents.format;
        let begin = move || {
            let stem = format.stem(&dir, &name);
            let path = dir.join(format!("{stem}.{}", format.extension()));
            ensure_replaceable(&path)?;
            if contents.files {
                ensure_folder_or_free(&dir.join(format!("{stem}.files")))?;
            }
            let replaced = Replaced::now(path)?;
            Ok((Writer::begin(&dir, &name, format, &record)?, stem, replaced))
        };
        let (writer, stem, replaced) = blocking(begin).await?;
        Ok(Unfinished {
            contents,
            writer,
            stem,
            replaced,
            version: version(session),
            state: State::of(session),
            attempt,
            events: Seen::default(),
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
