//! Files: those that clients upload, and those that sessions produce.

use super::{clock::Timestamp, session::Session};

/// A file that a session produced. It goes with the session.
#[derive(Debug, Clone)]
pub(super) struct ProducedFile {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) mime: String,
    pub(super) bytes: Vec<u8>,
    /// Files are listed from this time on, which is some seconds after the turn that made them.
    pub(super) created_at: Timestamp,
}

impl Session {
    /// Adds a produced file, which is listed from `created_at` on.
    pub(super) fn produce(&mut self, name: &str, bytes: Vec<u8>, created_at: Timestamp) {
        let number = self.produced.len() + 1;
        self.produced.push(ProducedFile {
            id: format!("file_{}_{number:02}", self.history.id_suffix),
            name: name.to_owned(),
            mime: mime_type(name).to_owned(),
            bytes,
            created_at,
        });
    }
}

/// The MIME type that the extension of a name stands for.
pub(super) fn mime_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "csv" => "text/csv",
        "gif" => "image/gif",
        "htm" | "html" => "text/html",
        "jpeg" | "jpg" => "image/jpeg",
        "json" => "application/json",
        "md" => "text/markdown",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "log" | "txt" => "text/plain",
        "webp" => "image/webp",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}
