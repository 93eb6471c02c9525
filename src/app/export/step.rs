//! What the steps of an export share: the time of the call, and why they stop.

use std::{io, path::Path, time::Duration};

use tokio::time::{Instant, timeout};

use crate::{
    api::Client,
    app::{
        context::Context,
        error::{Error, ErrorKind},
    },
    model::SessionId,
};

/// Nothing further is requested when less than this is left of the call's time.
const RESERVED_FOR_FINISH: Duration = Duration::from_secs(4);

/// Why an export stops before its end.
pub(crate) enum Stop {
    /// The time is up: the next call resumes.
    OutOfTime,
    /// The next call may resume.
    Transient(Error),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if error.is_transient() { Self::Transient(error) } else { Self::Failed(error) }
    }
}

/// The time of one call. At least one request is made in each, however short its time: repeated
/// calls must make progress.
pub(crate) struct Clock<'a> {
    pub(crate) cx: &'a Context,
    /// Whether a request was made.
    pub(crate) begun: bool,
}

impl<'a> Clock<'a> {
    pub(crate) fn new(cx: &'a Context) -> Self {
        Self { cx, begun: false }
    }

    /// What is left for requests.
    pub(crate) fn left(&self) -> Option<Duration> {
        let left = self.cx.deadline().saturating_duration_since(Instant::now());
        let reserved = if self.begun { RESERVED_FOR_FINISH } else { Duration::ZERO };
        left.checked_sub(reserved)
    }

    /// A client for one more request, once the rate allows it.
    pub(crate) async fn client(&self) -> Result<Client, Stop> {
        self.in_time(self.cx.paced_client()).await
    }

    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let left = self.left().ok_or(Stop::OutOfTime)?;
        timeout(left, work).await.map_err(|_| Stop::OutOfTime)
    }
}

pub(crate) fn failed(id: &SessionId, dir: &Path, cause: io::Error) -> Error {
    ErrorKind::ExportFailed { session: id.clone(), dir: dir.to_owned(), cause: cause.into() }.into()
}

pub(crate) fn too_large() -> io::Error {
    io::Error::other("more than 1 GiB of produced files")
}

/// Runs blocking I/O on the blocking pool.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
