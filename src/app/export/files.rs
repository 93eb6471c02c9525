//! The files that a session produced: gone with the session, so a copy of it has them too.

use std::{
    collections::{HashSet, VecDeque},
    fs, io,
    path::Path,
};

use tempfile::TempPath;

use super::{
    download::{Download, Step},
    file::sync_folder,
    step::{Clock, Stop, failed, too_large},
};
use crate::{
    app::{
        error::{About, Error, ErrorKind},
        regular_file::{ensure_folder_or_free, ensure_replaceable},
    },
    model::{FileHead, ObjectId, SessionId},
};

/// What the files of one session may take together.
const MAX_BYTES: u64 = 1 << 30;
const MAX_PAGES: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Still to be downloaded; `None` before they are listed.
    listed: Option<VecDeque<FileHead>>,
    download: Option<Download>,
    /// Downloaded, each with the name it will have.
    done: Vec<(String, TempPath)>,
    bytes: u64,
}

impl Files {
    pub(crate) fn are_listed(&self) -> bool {
        self.listed.is_some()
    }

    /// Lists and downloads what is missing.
    pub(crate) async fn read(
        &mut self,
        clock: &mut Clock<'_>,
        id: &SessionId,
        dir: &Path,
    ) -> Result<(), Stop> {
        if self.listed.is_none() {
            self.listed = Some(list(clock, id, dir).await?);
        }
        loop {
            if self.download.is_none() {
                let next = self.listed.as_mut().and_then(VecDeque::pop_front);
                let Some(file) = next else {
                    return Ok(());
                };
                self.download = Some(Download::of(file));
            }
            let Some(download) = &mut self.download else {
                continue;
            };
            let most = MAX_BYTES.saturating_sub(self.bytes);
            match download.go_on(clock, id, dir, most).await? {
                Step::Unfinished => return Err(Stop::OutOfTime),
                Step::Done { name, path, bytes } => {
                    self.bytes += bytes;
                    self.done.push((name, path));
                    self.download = None;
                }
            }
        }
    }

    /// Gives the files their names in a folder of their own, which keeps what it has from earlier
    /// exports. Returns their number and size.
    pub(crate) fn finish(self, dir: &Path, stem: &str) -> io::Result<(u64, u64)> {
        let count = self.done.len() as u64;
        if count == 0 {
            return Ok((0, 0));
        }
        let folder = dir.join(format!("{stem}.files"));
        make_folder(&folder)?;
        for (name, _) in &self.done {
            ensure_replaceable(&folder.join(name))?;
        }
        for (name, path) in self.done {
            path.persist(folder.join(name)).map_err(|error| error.error)?;
        }
        sync_folder(&folder)?;
        Ok((count, self.bytes))
    }
}

/// A folder that only its owner can enter; a link of that name would lead out of the operator's.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => ensure_folder_or_free(folder),
        made => made,
    }
}

/// The files that the session produced; none where the service does not know files.
async fn list(
    clock: &mut Clock<'_>,
    id: &SessionId,
    dir: &Path,
) -> Result<VecDeque<FileHead>, Stop> {
    let mut files = VecDeque::new();
    let mut cursor: Option<String> = None;
    // Some services repeat pages and cursors.
    let (mut ids, mut cursors) = (HashSet::new(), HashSet::new());
    for _ in 0..MAX_PAGES {
        let client = clock.client().await?;
        let page = match client.list_session_files(id, cursor.as_deref()).await {
            Ok(answer) => answer.body,
            Err(error) => {
                let error = Error::api(About::Files(id.clone()), error);
                let has_none = error.is_unknown_route() && cursor.is_none();
                return if has_none { Ok(files) } else { Err(error.into()) };
            }
        };
        clock.begun = true;
        if page.is_incomplete {
            return Err(Stop::Failed(ErrorKind::IncompleteHistory(id.clone()).into()));
        }
        // Some services ignore the filter; uploaded files stay with their owner.
        let is_of_session = |file: &FileHead| {
            file.scope.id.as_deref().is_none_or(|scope| scope == id.as_str())
                && file.downloadable != Some(false)
        };
        let mut found = page.data;
        found.retain(|file| {
            is_of_session(file) && (file.id.is_empty() || ids.insert(file.id.clone()))
        });
        files.extend(found);
        match page.next_page {
            Some(next) if cursors.insert(next.clone()) => cursor = Some(next),
            Some(_) => return Err(Stop::Failed(ErrorKind::EndlessHistory(id.clone()).into())),
            None => {
                check(&files).map_err(|cause| Stop::Failed(failed(id, dir, cause)))?;
                return Ok(files);
            }
        }
    }
    Err(Stop::Failed(ErrorKind::EndlessHistory(id.clone()).into()))
}

/// Before anything is downloaded: all of it must be possible.
fn check(files: &VecDeque<FileHead>) -> io::Result<()> {
    if files.iter().any(|file| ObjectId::parse(&file.id).is_err()) {
        return Err(io::Error::other("a file has no usable id"));
    }
    let sizes = files.iter().filter_map(|file| file.size_bytes);
    let bytes = sizes.fold(0, u64::saturating_add);
    if bytes > MAX_BYTES {
        return Err(too_large());
    }
    Ok(())
}
