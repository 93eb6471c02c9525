//! The audit log: one JSON line for every call of a writing tool, whatever came of it.
//!
//! A line names the call and its end, never content. The file is only ever appended to, a whole
//! line by one write under a lock, so that lines of concurrent calls are never mixed. It belongs
//! to the operator: when another program moves it away, the next line begins a new one.

use std::{
    borrow::Cow,
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use jiff::Timestamp;
use rmcp::model::JsonObject;
use serde::Serialize;
use serde_json::Value;

use crate::model::SessionId;

/// How many lines are kept while the file cannot be written. Beyond it only refused calls come,
/// since nothing else is let through.
const MOST_OWED: usize = 10_000;

/// The audit log of this process, if the operator wants one.
#[derive(Debug)]
pub(crate) struct AuditLog {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    /// Lines of calls that are over and could not be written yet, oldest first.
    owed: VecDeque<Vec<u8>>,
    /// The last write ended within a line.
    torn: bool,
}

/// One line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    tool: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_id: Option<&'a str>,
    #[serde(flatten)]
    end: End,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    milliseconds: u64,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// With an answer whose `outcome` this is.
    Outcome(String),
    /// With a failure of this code.
    Code(&'static str),
}

impl AuditLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            state: Mutex::default(),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins the entry of one call.
    ///
    /// # Errors
    /// When the file cannot be opened, or lines of earlier calls still cannot be written: nothing
    /// may be done that could not be written down.
    pub(crate) fn begin(
        &self,
        tool: impl Into<Cow<'static, str>>,
        args: &JsonObject,
    ) -> io::Result<Entry<'_>> {
        let mut state = self.lock();
        state.settle(&self.path)?;
        drop(state);
        Ok(self.entry(tool, args))
    }

    /// The entry of a call that is refused because the log cannot be written: its line is owed.
    pub(crate) fn entry(&self, tool: impl Into<Cow<'static, str>>, args: &JsonObject) -> Entry<'_> {
        let text = |name: &str| args.get(name).and_then(Value::as_str);
        let id = |name| {
            text(name)
                .filter(|text| SessionId::parse(text).is_ok())
                .map(str::to_owned)
        };
        Entry {
            log: self,
            tool: tool.into(),
            session_id: id("session_id"),
            plan_id: id("plan_id"),
            started: Instant::now(),
            ended: false,
        }
    }

    fn write(&self, line: Vec<u8>) {
        let mut state = self.lock();
        if state.owed.len() < MOST_OWED {
            state.owed.push_back(line);
        }
        if let Err(error) = state.settle(&self.path) {
            let owed = state.owed.len();
            tracing::error!(%error, owed, "the audit log cannot be written; calls of writing tools are refused until it can");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Writes what is owed to the file that has the path's name now.
    fn settle(&mut self, path: &Path) -> io::Result<()> {
        if self.file.as_ref().is_none_or(|file| !is_at(file, path)) {
            self.file = None;
            self.torn = false;
            self.file = Some(open(path)?);
        }
        let Some(file) = self.file.as_mut() else {
            return Ok(());
        };
        while let Some(line) = self.owed.front() {
            let whole = if self.torn {
                [b"\n", line.as_slice()].concat()
            } else {
                line.clone()
            };
            match file.write(&whole) {
                Ok(written) if written == whole.len() => self.torn = false,
                Ok(written) => {
                    self.torn |= written > 0;
                    return Err(io::ErrorKind::StorageFull.into());
                }
                Err(error) => return Err(error),
            }
            self.owed.pop_front();
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

/// Whether the open file is still the one of that name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let same = |one: &std::fs::Metadata, other: &std::fs::Metadata| {
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    };
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => same(&open, &named),
        _ => false,
    }
}

/// Whether a file of that name is still there; an open file has no identity to compare.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// One call on its way to its line. When it is dropped without an end, because the call panicked
/// or the process is going down, that is written.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    log: &'a AuditLog,
    tool: Cow<'static, str>,
    session_id: Option<String>,
    plan_id: Option<String>,
    started: Instant,
    ended: bool,
}

impl Entry<'_> {
    /// Writes the line.
    pub(crate) fn end(mut self, end: End, request_id: Option<&str>) {
        self.write(end, request_id);
    }

    fn write(&mut self, end: End, request_id: Option<&str>) {
        self.ended = true;
        let milliseconds = self.started.elapsed().as_millis();
        let line = Line {
            time: now(),
            tool: &self.tool,
            session_id: self.session_id.as_deref(),
            plan_id: self.plan_id.as_deref(),
            end,
            request_id,
            milliseconds: u64::try_from(milliseconds).unwrap_or(u64::MAX),
        };
        match serde_json::to_vec(&line) {
            Ok(mut line) => {
                line.push(b'\n');
                self.log.write(line);
            }
            Err(error) => tracing::error!(%error, "an audit line could not be made"),
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let code = if std::thread::panicking() {
                "internal"
            } else {
                "cancelled"
            };
            self.write(End::Code(code), None);
        }
    }
}

/// RFC 3339 in UTC, to the millisecond.
fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

#[cfg(test)]
mod tests {
    use std::{
        io::ErrorKind,
        panic::{AssertUnwindSafe, catch_unwind},
    };

    use rmcp::model::JsonObject;

    use crate::app::audit::{AuditLog, End};

    #[test]
    fn a_call_that_never_ends_is_written_down_too() {
        let dir = tempfile::tempdir().unwrap();
        let log = AuditLog::new(dir.path().join("audit"));
        let args = JsonObject::new();
        log.begin("archive_session", &args)
            .unwrap()
            .end(End::Outcome("archived".to_owned()), Some("req_1"));
        drop(log.begin("archive_session", &args).unwrap());
        let panicking = catch_unwind(AssertUnwindSafe(|| {
            let _entry = log.begin("archive_session", &args).unwrap();
            panic!("on purpose");
        }));
        let panicked = panicking.unwrap_err();
        assert_eq!(panicked.downcast_ref(), Some(&"on purpose"));
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
        let entry = log.begin("archive_session", &JsonObject::new()).unwrap();
        entry.end(End::Code("conflict"), None);
        let refused = log.begin("archive_session", &JsonObject::new());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
