//! One export at a time under one name, whatever process makes it.
//!
//! The lock is the system's lock on a hidden file beside the export, so that it ends with its
//! process. The file holds the id of that process, for whoever waits.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::step::blocking;
use crate::app::regular_file::{no_file, without_waiting};

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// Of what a holder wrote.
const LONGEST_ID: u64 = 20;

/// Releases the lock when it is dropped.
#[derive(Debug)]
pub(crate) struct ExportLock {
    #[cfg_attr(not(unix), expect(dead_code, reason = "the file stays there"))]
    path: PathBuf,
    /// Locked for as long as it is open.
    _file: File,
    /// Another export of that name was waited for.
    pub(crate) waited: bool,
}

impl ExportLock {
    /// Waits for the lock until then, at most. Names without case are locked together: on some
    /// file systems they are one.
    pub(crate) async fn acquire(dir: &Path, stem: &str, until: Instant) -> io::Result<Self> {
        let path = dir.join(format!(".{}.lock", stem.to_ascii_lowercase()));
        let mut pause = FIRST_PAUSE;
        let mut waited = false;
        loop {
            let place = path.clone();
            if let Some(file) = blocking(move || try_acquire(&place)).await? {
                return Ok(Self { path, _file: file, waited });
            }
            waited = true;
            if Instant::now() + pause > until {
                let place = path.clone();
                let holder = blocking(move || Ok(holder(&place))).await?;
                return Err(held(&path, holder.as_deref()));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Drop for ExportLock {
    fn drop(&mut self) {
        // Removed while it is locked: whoever locks a file looks whether it still has the name.
        // Elsewhere nobody could, so that it stays.
        #[cfg(unix)]
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the lock of an export was not removed");
        }
    }
}

/// The locked file; `None` if another process has it.
fn try_acquire(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_file() => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return Err(no_file(&name, metadata.file_type()));
        }
        _ => without_waiting(&mut options),
    }
    let mut file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => {
            let cause = format!("its lock cannot be taken: {error}");
            return Err(io::Error::new(error.kind(), cause));
        }
    }
    if !is_at(&file, path) {
        return Ok(None);
    }
    file.set_len(0)?;
    write!(file, "{}", std::process::id())?;
    Ok(Some(file))
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity =
        |metadata: io::Result<std::fs::Metadata>| metadata.map(|of| (of.dev(), of.ino())).ok();
    let open = identity(file.metadata());
    open.is_some() && open == identity(path.symlink_metadata())
}

/// It is never removed there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// The process that has the lock, as far as the file tells.
fn holder(path: &Path) -> Option<String> {
    let mut options = OpenOptions::new();
    options.read(true);
    without_waiting(&mut options);
    let mut text = String::new();
    options.open(path).ok()?.take(LONGEST_ID).read_to_string(&mut text).ok()?;
    let is_id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then_some(text)
}

fn held(path: &Path, holder: Option<&str>) -> io::Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let cause = match holder {
        Some(id) => format!("process {id} still exports it (lock {name})"),
        None => format!("another process still exports it ({name})"),
    };
    io::Error::new(io::ErrorKind::WouldBlock, cause)
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, time::Duration};

    use tokio::time::Instant;

    use super::ExportLock;

    #[tokio::test]
    async fn one_holder_at_a_time_under_names_that_differ_in_case_only() {
        let dir = tempfile::tempdir().unwrap();
        let acquire = |stem: &'static str, wait| {
            ExportLock::acquire(dir.path(), stem, Instant::now() + Duration::from_millis(wait))
        };
        // What a crash left behind is nobody's.
        std::fs::write(dir.path().join(".sesn_a.lock"), "4194305").unwrap();
        let first = acquire("sesn_A", 0).await.unwrap();
        assert!(!first.waited);
        let other = acquire("sesn_B", 0).await.unwrap();
        let error = acquire("sesn_a", 30).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        let process = format!("process {} ", std::process::id());
        assert!(error.to_string().contains(&process), "{error}");
        let (second, ()) = tokio::join!(acquire("sesn_a", 10_000), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(first);
        });
        assert!(second.as_ref().unwrap().waited);
        drop((second, other));
        #[cfg(unix)]
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
