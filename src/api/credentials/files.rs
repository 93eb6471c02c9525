//! Reading and replacing the files of a profile, with the checks that secrets deserve.

use std::{
    fs::{self, File, Metadata},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use secrecy::zeroize::Zeroizing;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use crate::api::credentials::Secret;

/// Real ones are a few hundred bytes; more is a wrong path, and must not fill the memory.
const LARGEST: u64 = 1 << 20;

/// Reads a profile's config file, which holds no secrets but says where they are sent.
///
/// # Errors
/// One clause with the path: not readable, writable by others, not a JSON object.
pub(crate) fn read_config(path: &Path) -> Result<Map<String, Value>, String> {
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    // On the open handle, so that the file cannot be exchanged between the check and the read.
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if others_may(&metadata, 0o022) {
        let path = path.display();
        return Err(format!(
            "{path} can be written by group or others; run `chmod go-w {path}`"
        ));
    }
    parse(path, &read(path, &mut file)?)
}

/// The credentials file of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFile(PathBuf);

/// What a credentials file holds.
pub struct Tokens {
    /// Sent as Bearer.
    pub access: Secret,
    /// When `access` ends, in Unix seconds; `None` when the file does not say.
    pub expires_at: Option<i64>,
    /// Buys the next access token; used once, since the service may rotate it.
    pub refresh: Option<Secret>,
    /// The file as it was, so that fields of other tools survive a rotation.
    fields: Map<String, Value>,
}

impl TokenFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the tokens; blocking.
    ///
    /// # Errors
    /// One clause with the path: missing, a symlink, readable by others, not the shape expected.
    /// Never a part of the content.
    pub fn read(&self) -> Result<Tokens, String> {
        let (path, shown) = (self.path(), self.path().display());
        let named = fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?;
        if named.is_symlink() {
            return Err(format!("{shown} is a symlink, which is not followed"));
        }
        if !named.is_file() {
            return Err(format!("{shown} is not a file"));
        }
        let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let opened = file.metadata().map_err(|error| unreadable(path, &error))?;
        if !same_file(&named, &opened) {
            return Err(format!("{shown} was exchanged while it was opened"));
        }
        if others_may(&opened, 0o077) {
            return Err(format!(
                "{shown} can be read by group or others; run `chmod 600 {shown}`"
            ));
        }
        let fields = parse(path, &read(path, &mut file)?)?;
        // Other kinds of credentials may come; sending one as an access token would leak it.
        if let Some(kind) = fields.get("type").and_then(Value::as_str)
            && kind != "oauth_token"
        {
            return Err(format!("{shown} is of a type other than oauth_token"));
        }
        let text = |name| fields.get(name).and_then(Value::as_str);
        let access = text("access_token")
            .and_then(Secret::new)
            .ok_or_else(|| format!("{shown} has no access_token"))?;
        let expires_at = match fields.get("expires_at") {
            None | Some(Value::Null) => None,
            Some(value) => Some(unix_seconds(value).ok_or_else(|| {
                format!("{shown} has an expires_at that is not a time in Unix seconds")
            })?),
        };
        let refresh = text("refresh_token").and_then(Secret::new);
        Ok(Tokens {
            access,
            expires_at,
            refresh,
            fields,
        })
    }

    /// Opens the file that will replace this one, before a refresh token is spent: a rotated
    /// token that cannot be written is lost, and with it the login.
    ///
    /// # Errors
    /// One clause with the directory when nothing can be created there.
    pub fn replacement(&self) -> Result<Replacement, String> {
        let directory = self.0.parent().unwrap_or(Path::new("."));
        // tempfile creates with mode 0600; the rename keeps it.
        NamedTempFile::new_in(directory)
            .map(|file| Replacement {
                file,
                target: self.0.clone(),
            })
            .map_err(|error| {
                let directory = directory.display();
                format!("nothing can be written in {directory}, so a refreshed token would be lost: {error}")
            })
    }
}

/// The next content of a credentials file, not yet in place. Dropped, it leaves no trace.
pub struct Replacement {
    file: NamedTempFile,
    target: PathBuf,
}

impl Replacement {
    /// Writes the tokens and puts them in place in one step; blocking.
    ///
    /// # Errors
    /// One clause with the path; the old file is then still there, unchanged.
    pub fn save(mut self, tokens: &Tokens) -> Result<(), String> {
        let mut fields = tokens.fields.clone();
        fields.insert("version".to_owned(), "1.0".into());
        fields.insert("type".to_owned(), "oauth_token".into());
        fields.insert("access_token".to_owned(), tokens.access.expose().into());
        fields.insert("expires_at".to_owned(), tokens.expires_at.into());
        if let Some(refresh) = &tokens.refresh {
            fields.insert("refresh_token".to_owned(), refresh.expose().into());
        }
        let failed = |error: &dyn std::fmt::Display| {
            let path = self.target.display();
            format!("{path} could not be replaced: {error}")
        };
        let text = Zeroizing::new(serde_json::to_vec_pretty(&fields).map_err(|e| failed(&e))?);
        let written = self.file.write_all(&text);
        written
            .and_then(|()| self.file.as_file().sync_all())
            .map_err(|e| failed(&e))?;
        let target = self.target.clone();
        self.file.persist(&target).map_err(|error| {
            let path = target.display();
            format!("{path} could not be replaced: {}", error.error)
        })?;
        Ok(())
    }
}

impl Tokens {
    /// The tokens that follow these after a refresh; without a new refresh token the old stays.
    #[must_use]
    pub fn followed_by(self, access: Secret, expires_at: i64, refresh: Option<Secret>) -> Self {
        Self {
            access,
            expires_at: Some(expires_at),
            refresh: refresh.or(self.refresh),
            fields: self.fields,
        }
    }
}

fn unix_seconds(value: &Value) -> Option<i64> {
    // Numbers and numeric strings, whole or not: whatever the official tools accept.
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.split('.').next()?.parse().ok()
}

fn read(path: &Path, file: &mut File) -> Result<Zeroizing<String>, String> {
    let mut text = Zeroizing::new(String::new());
    file.take(LARGEST)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(path, &error))?;
    Ok(text)
}

fn parse(path: &Path, text: &str) -> Result<Map<String, Value>, String> {
    // serde_json's message can quote the text, so only the position is passed on.
    serde_json::from_str(text).map_err(|error| {
        let (path, line) = (path.display(), error.line());
        format!("{path} is not a JSON object (line {line})")
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

#[cfg(unix)]
fn others_may(metadata: &Metadata, bits: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & bits != 0
}

#[cfg(unix)]
fn same_file(one: &Metadata, two: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (two.dev(), two.ino())
}

/// Windows has no mode bits; `%APPDATA%` is private to its owner.
#[cfg(not(unix))]
fn others_may(_: &Metadata, _: u32) -> bool {
    false
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}
