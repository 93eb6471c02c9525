//! The file of one export: its bytes, and the moment it becomes visible.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use flate2::{Compression, GzBuilder, bufread::GzDecoder, write::GzEncoder};
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use super::{
    history::Part,
    name::{comment, stem, with_digest},
};
use crate::{
    app::regular_file::ensure_replaceable,
    model::{Event, SessionId},
};

/// What the file of an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// gzip, one JSON object a line, from which the session can be rebuilt.
    Json,
    /// A transcript that a person can read, in these words.
    Transcript(Transcript),
}

/// The words of a transcript.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transcript {
    pub(crate) record: fn(&Map<String, Value>) -> String,
    pub(crate) thread: fn(&Event) -> String,
    pub(crate) event: fn(&Event) -> String,
}

/// There is one set of words.
impl PartialEq for Transcript {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Transcript {}

impl Format {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Json => "jsonl.gz",
            Self::Transcript(_) => "md",
        }
    }

    /// The name that an export will have, without its extension.
    pub(crate) fn stem(self, dir: &Path, id: &SessionId) -> String {
        free_stem(dir, id, self.extension())
    }
}

/// An export on its way: a temporary file in the folder, readable by its owner only, which is
/// removed unless it is finished.
#[derive(Debug)]
pub(crate) struct Writer {
    format: Format,
    output: Output,
    pub(crate) events: u64,
}

#[derive(Debug)]
enum Output {
    Gzip(GzEncoder<NamedTempFile>),
    Plain(NamedTempFile),
    /// Taken to be written to elsewhere.
    Taken,
}

impl Writer {
    pub(crate) fn begin(
        dir: &Path,
        id: &SessionId,
        format: Format,
        record: &Map<String, Value>,
    ) -> io::Result<Self> {
        // Mode 0600 where there are modes; elsewhere the folder's own rules hold.
        let file = tempfile::Builder::new().prefix(".export-").suffix(".tmp").tempfile_in(dir)?;
        let output = match format {
            Format::Json => {
                let gzip = GzBuilder::new().comment(comment(id));
                Output::Gzip(gzip.write(file, Compression::default()))
            }
            Format::Transcript(_) => Output::Plain(file),
        };
        let mut writer = Self { format, output, events: 0 };
        match format {
            Format::Json => writer.line(record)?,
            Format::Transcript(words) => writer.text(&(words.record)(record))?,
        }
        Ok(writer)
    }

    /// Leaves an empty writer behind, for as long as this one is written to.
    pub(crate) fn take(&mut self) -> Self {
        let output = std::mem::replace(&mut self.output, Output::Taken);
        Self { output, ..*self }
    }

    pub(crate) fn append(&mut self, part: &Part) -> io::Result<()> {
        match (part, self.format) {
            (Part::Events(events), format) => {
                for event in events {
                    match format {
                        Format::Json => self.line(event)?,
                        Format::Transcript(words) => self.text(&(words.event)(event))?,
                    }
                    self.events += 1;
                }
                Ok(())
            }
            (Part::Thread(thread), Format::Json) => {
                let mut line = thread.clone();
                // What tells a thread from an event; the API always has it.
                line.entry("type").or_insert_with(|| "session_thread".into());
                self.line(&line)
            }
            (Part::Thread(thread), Format::Transcript(words)) => self.text(&(words.thread)(thread)),
        }
    }

    fn line(&mut self, object: &Map<String, Value>) -> io::Result<()> {
        let mut line = serde_json::to_vec(object)?;
        line.push(b'\n');
        self.write(&line)
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        self.write(text.as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.output {
            Output::Gzip(gzip) => gzip.write_all(bytes),
            Output::Plain(file) => file.write_all(bytes),
            Output::Taken => Err(io::Error::other("the file is in use")),
        }
    }

    /// Syncs the file and gives it its name. Returns its path and its size.
    pub(crate) fn finish(self, dir: &Path, stem: &str) -> io::Result<(PathBuf, u64)> {
        let file = match self.output {
            Output::Gzip(gzip) => gzip.finish()?,
            Output::Plain(file) => file,
            Output::Taken => return Err(io::Error::other("the file is in use")),
        };
        file.as_file().sync_all()?;
        let bytes = file.as_file().metadata()?.len();
        let path = dir.join(format!("{stem}.{}", self.format.extension()));
        ensure_replaceable(&path)?;
        file.persist(&path).map_err(|error| error.error)?;
        sync_folder(dir)?;
        Ok((path, bytes))
    }
}

/// Makes the names in a folder last.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

/// The export's name without its extension, unless a case-insensitive file system has another
/// session's export under it.
fn free_stem(dir: &Path, id: &SessionId, extension: &str) -> String {
    let stem = stem(id.as_str());
    match owner(&dir.join(format!("{stem}.{extension}"))) {
        Some(owner) if owner != comment(id).into_bytes() => with_digest(id.as_str()),
        _ => stem,
    }
}

/// Whose export a file is, by the comment in its header.
fn owner(path: &Path) -> Option<Vec<u8>> {
    // Opening a pipe would wait for its other end.
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut head = Vec::new();
    let file = File::open(path).ok()?;
    file.take(8_192).read_to_end(&mut head).ok()?;
    let gzip = GzDecoder::new(head.as_slice());
    gzip.header()?.comment().map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use crate::{
        app::export::file::{Format, Writer, free_stem, owner},
        model::SessionId,
    };

    #[test]
    fn an_export_of_another_session_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = ("sesn_A", "sesn_a");
        let id = |text| SessionId::parse(text).unwrap();
        let writer = Writer::begin(dir.path(), &id(one), Format::Json, &Map::new()).unwrap();
        let stem = Format::Json.stem(dir.path(), &id(one));
        let (path, _) = writer.finish(dir.path(), &stem).unwrap();
        assert_eq!(owner(&path), Some(b"session sesn_A".to_vec()));
        assert_eq!(free_stem(dir.path(), &id(one), "jsonl.gz"), "sesn_A");
        // What a file system without capitals would find.
        std::fs::copy(&path, dir.path().join("sesn_a.jsonl.gz")).unwrap();
        assert!(free_stem(dir.path(), &id(other), "jsonl.gz").starts_with("sesna~"));
    }
}
