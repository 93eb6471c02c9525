//! A private folder that ends with the program.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A new folder for temporary files that only this user can read (0700 on Unix), removed with
/// everything in it when this is dropped.
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// # Errors
    /// When it cannot be created. A folder that is already there is never used: whoever made it
    /// could read or replace what is written into it.
    pub(crate) fn new() -> io::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("managed-sessions-{:032x}", u128::from_ne_bytes(random));
        let path = std::path::absolute(std::env::temp_dir().join(name))?;
        create(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<()> {
    // The folder for temporary files is the user's own.
    fs::create_dir(path)
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "a temporary folder is left behind");
        }
    }
}
