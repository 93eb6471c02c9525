//! The audit log's file: whole lines, appended.
//!
//! A line is written by one call under a lock, also against other processes, and taken back if it
//! could not be written whole. When another program moves the file away (log rotation), the next
//! line starts a new file.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::app::{locks::lock, regular_file::open_append};

/// How many lines are kept while the file cannot be written. Meanwhile every call is refused, so
/// that only lines of refused calls can be lost.
const MAX_PENDING: usize = 10_000;

#[derive(Debug)]
pub(crate) struct AuditFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    pending: VecDeque<Vec<u8>>,
    /// The last write stopped within a line, and that could not be taken back.
    partial_line: bool,
}

impl AuditFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the lines that are still owed.
    pub(super) fn flush(&self) -> io::Result<()> {
        lock(&self.state).flush(&self.path)
    }

    /// Appends a line, or keeps it until it can.
    pub(super) fn append(&self, line: Vec<u8>) {
        let mut state = lock(&self.state);
        if state.pending.len() < MAX_PENDING {
            state.pending.push_back(line);
        }
        if let Err(error) = state.flush(&self.path) {
            let pending = state.pending.len();
            tracing::error!(%error, pending, "the audit log cannot be written; calls of writing tools are refused until it can");
        }
    }

    /// Appends a line now, or not at all.
    pub(super) fn append_now(&self, line: Vec<u8>) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.flush(&self.path)?;
        state.pending.push_back(line);
        let written = state.flush(&self.path);
        if written.is_err() {
            state.pending.pop_back();
        }
        written
    }
}

impl State {
    /// Writes what is owed to the file that has the path's name now.
    fn flush(&mut self, path: &Path) -> io::Result<()> {
        if self.file.as_ref().is_none_or(|file| !is_at(file, path)) {
            self.file = None;
            self.partial_line = false;
            self.file = Some(open_append(path)?);
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        while let Some(line) = self.pending.front() {
            let separator: &[u8] = if self.partial_line { b"\n" } else { b"" };
            let whole = [separator, line].concat();
            // Devices and some network mounts cannot be locked, and nobody waits for a program
            // that holds the lock: a line is appended whole without it too.
            let is_locked = file.try_lock().is_ok();
            let written = write_whole(file, &whole, is_locked);
            if is_locked {
                let _ = file.unlock();
            }
            self.partial_line = *written.as_ref().unwrap_or(&self.partial_line);
            if written? {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.pending.pop_front();
        }
        Ok(())
    }
}

/// Appends all of it. Of a line that is only written in part the rest of it is taken back; returns
/// whether a part of it is left.
fn write_whole(file: &mut File, line: &[u8], is_locked: bool) -> io::Result<bool> {
    let before = file.metadata().ok().filter(|it| it.is_file() && is_locked).map(|it| it.len());
    let written = file.write(line)?;
    if written == line.len() {
        return Ok(false);
    }
    // Unless somebody else has appended something meanwhile.
    let length = file.metadata()?.len();
    if let Some(before) = before
        && length == before + written as u64
        && file.set_len(before).is_ok()
    {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(written > 0)
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity =
        |metadata: io::Result<std::fs::Metadata>| metadata.map(|of| (of.dev(), of.ino())).ok();
    let open = identity(file.metadata());
    open.is_some() && open == identity(std::fs::metadata(path))
}

/// Whether a file of that name is still there; an open file has no identity to compare.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
