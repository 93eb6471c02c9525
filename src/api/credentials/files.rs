//! Reading and replacing the files of a profile, with the checks that secrets need.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use secrecy::zeroize::Zeroizing;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use crate::api::credentials::secret::Secret;

/// Real ones are a few hundred bytes; more is a wrong path, and must not fill the memory.
const LARGEST: u64 = 1 << 20;

/// Reads a profile's config file, which holds no secrets but names where they are sent. Errors are
/// one clause without the path.
pub(crate) fn read_config(path: &Path) -> Result<Map<String, Value>, String> {
    read_json(path, |metadata| {
        is_open_to_others(metadata, 0o022).then_some("can be written by group or others")
    })
}

/// An access token, and what it takes to renew it.
#[derive(Debug, Clone)]
pub(crate) struct IssuedToken {
    pub(crate) access: Secret,
    /// Unix seconds, if known.
    pub(crate) expires_at: Option<i64>,
    /// Used once, since the service may rotate it.
    pub(crate) refresh: Option<Secret>,
}

/// The credentials file of a profile.
#[derive(Debug, Clone)]
pub(crate) struct TokenFile(pub(crate) PathBuf);

/// The content of a credentials file.
pub(crate) struct Tokens {
    pub(crate) token: IssuedToken,
    /// All of it, so that fields of other tools survive a rotation.
    fields: Map<String, Value>,
}

impl TokenFile {
    /// Reads the tokens; blocking. Errors are one clause with the path, and nothing of the content.
    pub(crate) fn read(&self) -> Result<Tokens, String> {
        let read = self.try_read();
        read.map_err(|problem| format!("{} {problem}", self.0.display()))
    }

    fn try_read(&self) -> Result<Tokens, String> {
        let named = fs::symlink_metadata(&self.0).map_err(unreadable)?;
        if named.is_symlink() {
            return Err("is a symlink, which is not followed".to_owned());
        }
        if !named.is_file() {
            return Err("is not a file".to_owned());
        }
        let fields = read_json(&self.0, |opened| {
            if !is_same_file(&named, opened) {
                return Some("was replaced while it was being opened");
            }
            is_open_to_others(opened, 0o077).then_some("can be read by group or others")
        })?;
        let text = |name| fields.get(name).and_then(Value::as_str);
        // Other kinds may come; sending one as an access token would leak it.
        if text("type").is_some_and(|kind| kind != "oauth_token") {
            return Err("is of a type other than oauth_token".to_owned());
        }
        let access = text("access_token").and_then(Secret::new);
        let access = access.ok_or("has no access_token")?;
        let expires_at = match fields.get("expires_at") {
            None | Some(Value::Null) => None,
            Some(value) => Some(
                unix_seconds(value)
                    .ok_or("has an expires_at that is not a time in Unix seconds")?,
            ),
        };
        let token = IssuedToken {
            access,
            expires_at,
            refresh: text("refresh_token").and_then(Secret::new),
        };
        Ok(Tokens { token, fields })
    }

    /// Opens the file that will replace this one, before a refresh token is spent: a rotated
    /// token that cannot be written is lost, and with it the login.
    pub(crate) fn replacement(&self) -> Result<Replacement, String> {
        let directory = self.0.parent().unwrap_or(Path::new("."));
        // Created with mode 0600, which the rename keeps.
        match NamedTempFile::new_in(directory) {
            Ok(file) => Ok(Replacement { file, target: self.0.clone() }),
            Err(error) => Err(format!(
                "{} cannot be written to, so a refreshed token would be lost: {error}",
                directory.display()
            )),
        }
    }
}

/// The next content of a credentials file, not yet in place. Dropped, it leaves no trace.
pub(crate) struct Replacement {
    file: NamedTempFile,
    target: PathBuf,
}

impl Replacement {
    /// Atomically replaces the file with the token and the other fields of `previous`, whose
    /// refresh token stays if there is no new one; blocking. On an error the old file is unchanged.
    pub(crate) fn save(self, previous: Tokens, token: &IssuedToken) -> Result<(), String> {
        let path = self.target.display().to_string();
        self.write(previous.fields, token)
            .map_err(|error| format!("{path} could not be replaced: {error}"))
    }

    fn write(mut self, mut fields: Map<String, Value>, token: &IssuedToken) -> io::Result<()> {
        fields.insert("version".to_owned(), "1.0".into());
        fields.insert("type".to_owned(), "oauth_token".into());
        fields.insert("access_token".to_owned(), token.access.expose().into());
        fields.insert("expires_at".to_owned(), token.expires_at.into());
        if let Some(refresh) = &token.refresh {
            fields.insert("refresh_token".to_owned(), refresh.expose().into());
        }
        let text = Zeroizing::new(serde_json::to_vec_pretty(&fields)?);
        self.file.write_all(&text)?;
        self.file.as_file().sync_all()?;
        self.file.persist(&self.target)?;
        Ok(())
    }
}

/// A number or a numeric string, whole or not: what the official tools accept.
fn unix_seconds(value: &Value) -> Option<i64> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.split('.').next()?.parse().ok()
}

/// `check` gets the metadata of the open handle, so that the file cannot be replaced between the
/// check and the read.
fn read_json(
    path: &Path,
    check: impl FnOnce(&Metadata) -> Option<&'static str>,
) -> Result<Map<String, Value>, String> {
    let file = File::open(path).map_err(unreadable)?;
    if let Some(problem) = check(&file.metadata().map_err(unreadable)?) {
        return Err(problem.to_owned());
    }
    let mut text = Zeroizing::new(String::new());
    let read = file.take(LARGEST).read_to_string(&mut text);
    read.map_err(unreadable)?;
    // Not serde_json's message, which can quote the text.
    serde_json::from_str(&text)
        .map_err(|error| format!("is not a JSON object (line {})", error.line()))
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unreadable(error: io::Error) -> String {
    format!("cannot be read: {error}")
}

#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata, bits: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & bits != 0
}

#[cfg(unix)]
fn is_same_file(one: &Metadata, two: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (two.dev(), two.ino())
}

/// Windows has no mode bits; `%APPDATA%` is private to its owner.
#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata, _: u32) -> bool {
    false
}

#[cfg(not(unix))]
fn is_same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}
