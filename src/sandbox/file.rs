//! Files: those that clients upload, their copies in sessions, and those that sessions produce.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::{body::Bytes, http::StatusCode};
use serde_json::{Value, json};

use super::{
    clock::Timestamp,
    page::SortKey,
    rejection::{Rejection, Result},
};

#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) bytes: Bytes,
    /// Files are listed from this time on, which for a produced one is some seconds after the
    /// turn that made it.
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    /// Only what a tool made can be downloaded, not what a client uploaded.
    pub(super) downloadable: bool,
}

/// A session's own copy of a file that was mounted into it. It goes with the resource.
#[derive(Debug)]
pub(super) struct MountedFile {
    pub(super) resource: String,
    pub(super) copy: File,
}

impl File {
    /// A file as a client uploads it. Without a name it is named after its type.
    pub(super) fn uploaded(id: String, name: &str, bytes: Bytes, now: Timestamp) -> Self {
        Self {
            id,
            name: name.to_owned(),
            mime: mime_type(name).to_owned(),
            bytes,
            created_at: now,
            expires_at: None,
            downloadable: false,
        }
    }

    /// The bytes, if they can be downloaded.
    pub(super) fn content(&self) -> Result<Bytes> {
        if self.downloadable {
            return Ok(self.bytes.clone());
        }
        let message = "Only files that a tool made can be downloaded, no uploaded ones.";
        Err(Rejection::invalid(message).with_code("file_not_downloadable"))
    }

    /// An error once the file has expired.
    pub(super) fn check_expiry(&self, now: Timestamp) -> Result<()> {
        if self.expires_at.is_none_or(|at| now < at) {
            return Ok(());
        }
        let message = format!("The file {:?} has expired.", self.id);
        Err(Rejection::new(StatusCode::NOT_FOUND, message).with_code("file_expired"))
    }

    /// The file's metadata; `scope` is the session that it belongs to.
    pub(super) fn view(&self, scope: Option<&str>) -> Value {
        json!({
            "id": self.id,
            "type": "file",
            "filename": self.name,
            "mime_type": self.mime,
            "size_bytes": self.bytes.len(),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "downloadable": self.downloadable,
            "scope": scope.map(|id| json!({"type": "session", "id": id})),
        })
    }

    /// By creation; files of the same time in a fixed order.
    pub(super) fn sort_key(&self) -> SortKey {
        let mut hasher = DefaultHasher::new();
        self.id.hash(&mut hasher);
        (self.created_at.micros(), hasher.finish())
    }
}

/// Extensions and what they stand for.
const MIME_TYPES: [(&str, &str); 15] = [
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("html", "text/html"),
    ("htm", "text/html"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("log", "text/plain"),
    ("webp", "image/webp"),
    ("zip", "application/zip"),
];

/// The MIME type that the extension of a name stands for.
fn mime_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let mut types = MIME_TYPES.iter();
    let known = types.find(|(known, _)| known.eq_ignore_ascii_case(extension));
    known.map_or("application/octet-stream", |(_, mime)| mime)
}

/// The name of a file that was uploaded without one.
pub(super) fn unnamed(mime: &str) -> String {
    let known = MIME_TYPES.iter().find(|(_, known)| *known == mime);
    known.map_or_else(|| "unnamed".to_owned(), |(extension, _)| format!("unnamed.{extension}"))
}
