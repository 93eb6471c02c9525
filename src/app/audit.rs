//! The audit log: one JSON line for every call of a writing operation, whatever came of it.
//!
//! A line names the call and its end, never content. The file is only appended to, a whole line
//! by one write under a lock, so that lines of concurrent calls never mix. When another program
//! moves it away (log rotation), the next line starts a new file.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Mutex,
    time::Instant,
};

use jiff::Timestamp;
use serde::Serialize;

use super::{locks::lock, op::Op, regular_file::open_append};
use crate::{domain::code::Code, model::SessionId};

/// How many lines are kept while the file cannot be written. Meanwhile every call is refused, so
/// that only lines of refused calls can be lost.
const MAX_PENDING: usize = 10_000;

#[derive(Debug)]
pub(crate) struct AuditLog {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    pending: VecDeque<Vec<u8>>,
    /// The last write stopped within a line.
    partial_line: bool,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    tool: &'a str,
    #[serde(flatten)]
    target: &'a Target,
    #[serde(flatten)]
    end: End,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    milliseconds: u64,
}

/// What a call is about, as the caller gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Target {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<String>,
}

impl Target {
    /// What of it can be written down: content that was given as an id is not.
    fn checked(&self) -> Self {
        let id = |text: &Option<String>| text.clone().filter(|id| SessionId::parse(id).is_ok());
        Self { session_id: id(&self.session_id), plan_id: id(&self.plan_id) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// With an answer whose `outcome` this is.
    Outcome(String),
    Code(Code),
}

impl AuditLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails if the file cannot be opened or earlier lines still cannot be written: nothing may be
    /// done that could not be logged.
    pub(crate) fn begin(&self, op: Op, target: &Target) -> io::Result<Entry<'_>> {
        lock(&self.state).flush(&self.path)?;
        Ok(self.entry(op, target))
    }

    /// The entry of a call that is refused because the log cannot be written: its line is kept
    /// until it can.
    pub(crate) fn entry(&self, op: Op, target: &Target) -> Entry<'_> {
        Entry { log: self, op, target: target.checked(), started: Instant::now(), ended: false }
    }

    fn write(&self, line: Vec<u8>) {
        let mut state = lock(&self.state);
        if state.pending.len() < MAX_PENDING {
            state.pending.push_back(line);
        }
        if let Err(error) = state.flush(&self.path) {
            let pending = state.pending.len();
            tracing::error!(%error, pending, "the audit log cannot be written; calls of writing tools are refused until it can");
        }
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
            let written = file.write(&whole)?;
            if written < whole.len() {
                self.partial_line |= written > 0;
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.partial_line = false;
            self.pending.pop_front();
        }
        Ok(())
    }
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

/// A call under way. Dropped without an end, because the call panicked or the process is going
/// down, it writes that.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    log: &'a AuditLog,
    op: Op,
    target: Target,
    started: Instant,
    ended: bool,
}

impl Entry<'_> {
    pub(crate) fn end(mut self, end: End, request_id: Option<&str>) {
        self.write(end, request_id);
    }

    fn write(&mut self, end: End, request_id: Option<&str>) {
        self.ended = true;
        let milliseconds = self.started.elapsed().as_millis();
        let line = Line {
            time: format!("{:.3}", Timestamp::now()),
            tool: self.op.name(),
            target: &self.target,
            end,
            request_id,
            milliseconds: u64::try_from(milliseconds).unwrap_or(u64::MAX),
        };
        match serde_json::to_string(&line) {
            Ok(line) => self.log.write((line + "\n").into_bytes()),
            Err(error) => tracing::error!(%error, "an audit line could not be serialized"),
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let code = if std::thread::panicking() { Code::Internal } else { Code::Cancelled };
            self.write(End::Code(code), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::ErrorKind,
        panic::{AssertUnwindSafe, catch_unwind},
    };

    use super::{AuditLog, End, Target};
    use crate::{app::op::Op, domain::code::Code};

    #[test]
    fn a_call_that_never_ends_is_logged_too() {
        let dir = tempfile::tempdir().unwrap();
        let log = AuditLog::new(dir.path().join("audit"));
        let begin = || log.begin(Op::ArchiveSession, &Target::default()).unwrap();
        begin().end(End::Outcome("archived".to_owned()), Some("req_1"));
        drop(begin());
        let panicking = catch_unwind(AssertUnwindSafe(|| {
            let _entry = begin();
            panic!("on purpose");
        }));
        assert_eq!(panicking.unwrap_err().downcast_ref(), Some(&"on purpose"));
        let text = std::fs::read_to_string(log.path()).unwrap();
        let ends: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| line.get("code").or(line.get("outcome")).cloned().unwrap())
            .collect();
        assert_eq!(ends, ["archived", "cancelled", "internal"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_stops_the_next_call_not_the_process() {
        let log = AuditLog::new("/dev/full".into());
        let entry = log.begin(Op::ArchiveSession, &Target::default()).unwrap();
        entry.end(End::Code(Code::Conflict), None);
        let refused = log.begin(Op::ArchiveSession, &Target::default());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
