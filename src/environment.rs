//! The process environment, read once: text, paths and keys, and what is wrong with them.

mod key;
mod path;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
};

pub use key::{Key, YOUR_API_KEY};
use path::is_blank;

/// The environment variables that are set.
///
/// Empty values count as unset, and so do literal `${user_config.…}` placeholders: MCP bundles
/// pass optional settings that were left blank that way. Any other placeholder (`${input:…}`)
/// counts as unset for a [`Key`] only; elsewhere it is an error, since ignoring it could loosen a
/// restriction. For the same reason white space alone, and text that is not UTF-8, are errors.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Reads the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        let named = |(name, value): (OsString, _)| Some((name.into_string().ok()?, value));
        std::env::vars_os().filter_map(named).collect()
    }

    /// The text of `name` without surrounding white space, if it has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.text(name).ok().flatten()
    }

    /// As [`Self::get`]; fails for a value that says nothing, with a clause that follows the name.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, &'static str> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        match value.to_str().map(str::trim) {
            None => Err("is not UTF-8; give text, or unset it"),
            Some("") => Err("is white space alone; give a value, or unset it"),
            text => Ok(text),
        }
    }

    /// The path in the variable `name`, which need not be UTF-8; see [`Self::expand`].
    pub(crate) fn path(&self, name: &str) -> Result<Option<PathBuf>, String> {
        self.raw(name).map(|value| self.expand(Path::new(value))).transpose()
    }

    /// `path` with the home folder for a `~` at its beginning. Fails with a clause that follows the
    /// setting's name.
    pub(crate) fn expand(&self, path: &Path) -> Result<PathBuf, String> {
        path::expand(path, self.home())
    }

    /// The person's home folder.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        // Unix shells on Windows set HOME as well, in a form of their own.
        let [first, second] =
            if cfg!(windows) { ["USERPROFILE", "HOME"] } else { ["HOME", "USERPROFILE"] };
        let folder = |name| self.raw(name).map(PathBuf::from).filter(|path| !is_blank(path));
        folder(first).or_else(|| folder(second))
    }

    /// The key or token in the variable `name`.
    pub fn key(&self, name: &str) -> Key<'_> {
        self.get(name).map_or(Key::Unset, |text| Key::read(name, text))
    }

    /// The value of `name` as it is.
    pub(crate) fn raw(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(variables.filter(|(_, value)| is_set(value)).collect())
    }
}

fn is_set(value: &OsStr) -> bool {
    let text = value.to_str().map(str::trim);
    let is_left_blank =
        text.is_some_and(|text| text.starts_with("${user_config.") && text.ends_with('}'));
    !value.is_empty() && !is_left_blank
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
