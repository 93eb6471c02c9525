//! The file of one export: its name, its bytes, and the moment it becomes visible.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder, bufread::GzDecoder, write::GzEncoder};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::model::SessionId;

const EXTENSION: &str = "jsonl.gz";
const LONGEST_NAME: usize = 100;
/// Shorter names may be those of devices, `CON` or `LPT1`, with any extension.
const SHORTEST_NAME: usize = 5;

/// An export on its way: a temporary file in the folder, readable by its owner only, which is
/// removed unless it is finished.
#[derive(Debug)]
pub(crate) struct Writer {
    gzip: GzEncoder<NamedTempFile>,
    pub(crate) events: u64,
}

impl Writer {
    pub(crate) fn begin(
        dir: &Path,
        id: &SessionId,
        record: &Map<String, Value>,
    ) -> io::Result<Self> {
        // Mode 0600 where there are modes; elsewhere the folder's own rules hold.
        let file = tempfile::Builder::new().prefix(".export-").suffix(".tmp").tempfile_in(dir)?;
        let gzip = GzBuilder::new().comment(comment(id)).write(file, Compression::default());
        let mut writer = Self { gzip, events: 0 };
        writer.line(record)?;
        Ok(writer)
    }

    pub(crate) fn event(&mut self, event: &Map<String, Value>) -> io::Result<()> {
        self.line(event)?;
        self.events += 1;
        Ok(())
    }

    fn line(&mut self, object: &Map<String, Value>) -> io::Result<()> {
        let mut line = serde_json::to_vec(object)?;
        line.push(b'\n');
        self.gzip.write_all(&line)
    }

    /// Syncs the file and gives it its name. Returns path, number of events and size.
    pub(crate) fn finish(self, dir: &Path, id: &SessionId) -> io::Result<(PathBuf, u64, u64)> {
        let file = self.gzip.finish()?;
        file.as_file().sync_all()?;
        let bytes = file.as_file().metadata()?.len();
        let path = dir.join(free_name(dir, id));
        file.persist(&path).map_err(|error| error.error)?;
        #[cfg(unix)]
        File::open(dir)?.sync_all()?;
        Ok((path, self.events, bytes))
    }
}

/// The name of the file: the id if it is one everywhere, else what can be kept of it and a
/// digest of all of it, after a character that the former never has.
fn name(id: &str) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_plain = id.chars().all(|c| safe(&c))
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && (SHORTEST_NAME..=LONGEST_NAME).contains(&id.len());
    if is_plain { format!("{id}.{EXTENSION}") } else { with_digest(id) }
}

fn with_digest(id: &str) -> String {
    let kept = id.chars().filter(char::is_ascii_alphanumeric);
    let kept: String = kept.take(40).collect();
    let digest: String = digest(id.as_bytes()).chars().take(32).collect();
    format!("{kept}~{digest}.{EXTENSION}")
}

/// [`name`], unless a case-insensitive file system has another session's export under it.
fn free_name(dir: &Path, id: &SessionId) -> String {
    let name = name(id.as_str());
    match owner(&dir.join(&name)) {
        Some(owner) if owner != comment(id).into_bytes() => with_digest(id.as_str()),
        _ => name,
    }
}

/// Whose export a file is, by the comment in its header.
fn owner(path: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    let file = File::open(path).ok()?;
    file.take(8_192).read_to_end(&mut head).ok()?;
    let gzip = GzDecoder::new(head.as_slice());
    gzip.header()?.comment().map(<[u8]>::to_vec)
}

/// The id in the characters a gzip header takes.
fn comment(id: &SessionId) -> String {
    format!("session {}", id.as_str().escape_default())
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
    use serde_json::Map;

    use crate::{
        app::export::file::{Writer, free_name, name, owner},
        model::SessionId,
    };

    #[test]
    fn ordinary_ids_name_their_files_and_others_cannot_leave_the_folder() {
        assert_eq!(name("sesn_01AbC-9"), "sesn_01AbC-9.jsonl.gz");
        let ids = "../../etc/passwd a/b C:evil CON nul -rf .hidden sesn~1 日本 sesn_1.jsonl.gz";
        for id in ids.split(' ') {
            let name = name(id);
            let stem = name.strip_suffix(".jsonl.gz").unwrap();
            let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '~';
            assert!(stem.contains('~') && stem.chars().all(is_safe), "{id}: {name}");
        }
        assert!(name(&"x".repeat(256)).len() < 120);
    }

    #[test]
    fn an_export_of_another_session_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = ("sesn_A", "sesn_a");
        let id = |text| SessionId::parse(text).unwrap();
        let writer = Writer::begin(dir.path(), &id(one), &Map::new()).unwrap();
        let (path, ..) = writer.finish(dir.path(), &id(one)).unwrap();
        assert_eq!(owner(&path), Some(b"session sesn_A".to_vec()));
        assert_eq!(free_name(dir.path(), &id(one)), "sesn_A.jsonl.gz");
        // What a file system without capitals would find.
        std::fs::copy(&path, dir.path().join("sesn_a.jsonl.gz")).unwrap();
        assert!(free_name(dir.path(), &id(other)).starts_with("sesna~"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn two_ids_never_share_a_name(one in "[a-zA-Z~./_-]{1,12}", other in "[a-zA-Z~./_-]{1,12}") {
            prop_assert_eq!(one == other, name(&one) == name(&other));
            prop_assert!(!name(&one).contains('/'));
        }
    }
}
