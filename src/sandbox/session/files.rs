//! The files of a session: copies of mounted ones and those it produced.

use super::Session;
use crate::sandbox::{clock::Timestamp, file::File};

impl Session {
    /// Adds a produced file, which is listed from `created_at` on.
    pub(in crate::sandbox) fn produce(
        &mut self,
        name: &str,
        bytes: Vec<u8>,
        created_at: Timestamp,
    ) {
        self.attachment_number += 1;
        let id = format!("file_{}_{:02}", self.history.id_suffix, self.attachment_number);
        let file = File::uploaded(id, name, bytes.into(), created_at);
        self.produced.push(File { downloadable: true, ..file });
    }

    /// The session's own files as of `now`: copies of mounted ones and those it produced.
    pub(in crate::sandbox) fn files(&self, now: Timestamp) -> impl Iterator<Item = &File> {
        let mounted = self.mounted.iter().map(|mounted| &mounted.copy);
        let produced = self.produced.iter().filter(move |file| file.created_at <= now);
        mounted.chain(produced)
    }
}
