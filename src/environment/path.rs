//! Paths, which hosts pass on as they were typed: no shell has expanded them.

use std::path::{Path, PathBuf};

use crate::environment::key::is_variable;

/// A path with the home folder for a `~` at its beginning. Fails with a clause for a path that a
/// shell would have understood in another way than as it stands.
pub(super) fn expand(path: &Path, home: Option<PathBuf>) -> Result<PathBuf, String> {
    if is_blank(path) {
        return Err("is white space alone; give a path".to_owned());
    }
    let shown = path.to_string_lossy();
    let first = path.components().next().map(|first| first.as_os_str().to_string_lossy());
    let first = first.unwrap_or_default();
    if first == "~" {
        let rest = path.strip_prefix("~").unwrap_or(path);
        let home = home.ok_or_else(|| {
            format!("is {shown:?}, but the home folder is unknown; give the whole path")
        })?;
        return Ok(if rest == Path::new("") { home } else { home.join(rest) });
    }
    if first.starts_with('~') || is_variable(&first) {
        return Err(format!(
            "is {shown:?}, which nothing expands here; give the whole path, or one that begins \
             with ~/"
        ));
    }
    Ok(path.to_owned())
}

pub(super) fn is_blank(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.trim().is_empty())
}
