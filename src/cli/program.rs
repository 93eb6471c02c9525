//! Where this program is, as the person knows it.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

/// The absolute path by which the program was started. Systems report the file behind all
/// symlinks, which package managers put into a folder of its version: an entry with that path
/// breaks with the next update.
///
/// `typed` is the program's name in the command, `search` the value of `PATH`, and `file` what
/// the system reports, which is the answer where nothing else leads to it.
pub(crate) fn path(
    typed: Option<&OsStr>,
    search: Option<&OsStr>,
    file: &Path,
) -> io::Result<PathBuf> {
    let is_this = |candidate: &PathBuf| match (fs::canonicalize(candidate), fs::canonicalize(file))
    {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    };
    let typed = typed.map(Path::new);
    let found = match typed {
        Some(path) if path.components().count() > 1 => Some(path.to_owned()).filter(is_this),
        Some(name) => {
            let folders = search.into_iter().flat_map(std::env::split_paths);
            // Windows lets people leave the extension out.
            let names = [name.to_owned(), name.with_extension(std::env::consts::EXE_EXTENSION)];
            let mut candidates =
                folders.flat_map(|folder| names.clone().map(|name| folder.join(name)));
            candidates.find(is_this)
        }
        None => None,
    };
    std::path::absolute(found.as_deref().unwrap_or(file))
}
