//! One file on its way from the service to the operator's folder. It is never whole in memory.

use std::{
    io::{self, Write as _},
    path::Path,
};

use tempfile::{NamedTempFile, TempPath};
use tokio::time::Instant;

use super::{
    name,
    step::{Clock, Stop, blocking, failed, too_large},
};
use crate::{
    api,
    api::{ApiError, ApiErrorKind},
    app::error::{About, Error},
    model::{FileHead, ObjectId, SessionId},
};

/// What is collected before it is written.
const BUFFER_BYTES: usize = 1 << 20;
/// How often a download that breaks off is begun again.
const MAX_ATTEMPTS: u32 = 3;

#[derive(Debug)]
pub(crate) struct Download {
    file: FileHead,
    attempts: u32,
    open: Option<OpenDownload>,
}

#[derive(Debug)]
struct OpenDownload {
    content: api::Download,
    temporary: NamedTempFile,
    bytes: u64,
}

/// How far a download is.
pub(crate) enum Step {
    /// The time is up; the next call goes on.
    Unfinished,
    Done {
        name: String,
        path: TempPath,
        bytes: u64,
    },
}

impl Download {
    pub(crate) fn of(file: FileHead) -> Self {
        Self { file, attempts: 0, open: None }
    }

    /// Goes on until the file is complete or the time is up. It may have at most `most` bytes.
    pub(crate) async fn go_on(
        &mut self,
        clock: &mut Clock<'_>,
        session: &SessionId,
        dir: &Path,
        most: u64,
    ) -> Result<Step, Stop> {
        let local = |cause| Stop::Failed(failed(session, dir, cause));
        let Ok(id) = ObjectId::parse(&self.file.id) else {
            return Err(local(io::Error::other("a file has no usable id")));
        };
        loop {
            let mut open = match self.open.take() {
                Some(open) => open,
                None => self.begin(clock, &id, session, dir).await?,
            };
            match open.read(clock, most).await {
                Ok(true) => {}
                Ok(false) => {
                    self.open = Some(open);
                    return Ok(Step::Unfinished);
                }
                // It broke off: from the beginning.
                Err(ReadError::Lost(error)) if self.attempts < MAX_ATTEMPTS => {
                    tracing::debug!(%error, "a download broke off");
                    continue;
                }
                Err(ReadError::Lost(error)) => {
                    return Err(Error::api(About::File(self.file.id.clone()), error).into());
                }
                Err(ReadError::Local(cause)) => return Err(local(cause)),
            }
            let bytes = open.bytes;
            if let Some(size) = self.file.size_bytes.filter(|size| *size != bytes) {
                if self.attempts < MAX_ATTEMPTS {
                    continue;
                }
                let cause = format!("file {} has {bytes} bytes instead of {size}", id.as_str());
                return Err(local(io::Error::other(cause)));
            }
            let sync = move || {
                open.temporary.as_file().sync_all()?;
                Ok(open.temporary.into_temp_path())
            };
            let path = blocking(sync).await.map_err(local)?;
            let name = self.file.filename.as_deref().unwrap_or_default();
            return Ok(Step::Done { name: name::of_download(&id, name), path, bytes });
        }
    }

    async fn begin(
        &mut self,
        clock: &mut Clock<'_>,
        id: &ObjectId,
        session: &SessionId,
        dir: &Path,
    ) -> Result<OpenDownload, Stop> {
        let client = clock.client().await?;
        self.attempts += 1;
        let opened = client.open_file(id).await;
        let content = match opened {
            Ok(answer) => answer.body,
            Err(error) if matches!(error.kind(), ApiErrorKind::TimedOut) => {
                return Err(Stop::OutOfTime);
            }
            Err(error) => {
                return Err(Error::api(About::File(self.file.id.clone()), error).into());
            }
        };
        clock.begun = true;
        let folder = dir.to_owned();
        let make =
            move || tempfile::Builder::new().prefix(".export-").suffix(".tmp").tempfile_in(folder);
        let temporary = blocking(make).await;
        let temporary = temporary.map_err(|cause| Stop::Failed(failed(session, dir, cause)))?;
        Ok(OpenDownload { content, temporary, bytes: 0 })
    }
}

enum ReadError {
    /// The connection was lost.
    Lost(ApiError),
    Local(io::Error),
}

impl OpenDownload {
    /// Reads on; false if the time is up before the end.
    async fn read(&mut self, clock: &Clock<'_>, most: u64) -> Result<bool, ReadError> {
        let mut buffer = Vec::new();
        let complete = loop {
            let Some(left) = clock.left() else {
                break Ok(false);
            };
            match self.content.chunk(Instant::now() + left).await {
                Ok(Some(chunk)) => {
                    self.bytes += chunk.len() as u64;
                    if self.bytes > most {
                        return Err(ReadError::Local(too_large()));
                    }
                    buffer.extend_from_slice(&chunk);
                    if buffer.len() >= BUFFER_BYTES {
                        self.write(std::mem::take(&mut buffer)).await?;
                    }
                }
                Ok(None) => break Ok(true),
                Err(error) if matches!(error.kind(), ApiErrorKind::TimedOut) => break Ok(false),
                Err(error) => return Err(ReadError::Lost(error)),
            }
        };
        self.write(buffer).await?;
        complete
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), ReadError> {
        let mut file = self.temporary.as_file().try_clone().map_err(ReadError::Local)?;
        blocking(move || file.write_all(&bytes)).await.map_err(ReadError::Local)
    }
}
