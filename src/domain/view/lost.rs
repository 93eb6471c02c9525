//! What is gone for good once a session is deleted.

use schemars::JsonSchema;
use serde::Serialize;

use super::{row::short, size::SizeBudget};
use crate::{domain::text, model::FileHead};

/// How many files are named.
pub(crate) const NAMED_FILES: usize = 50;
/// What naming them may take, in bytes.
const FILES_BYTES: usize = 9_000;
/// Longest name of a file shown, in characters.
const NAME_CHARACTERS: usize = 120;

/// What is gone with a session; what could not be counted is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lost {
    /// How many events, those that only its child threads have included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// true: events is a lower bound, as not all of them were read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    /// How many child threads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u64>,
    /// The files it produced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<LostFiles>,
}

/// Files that a session produced.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LostFiles {
    /// How many.
    pub count: u64,
    /// true: count is a lower bound, as not all of them were listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    /// The first of them, at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<LostFile>,
}

/// A file that a session produced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LostFile {
    /// Its id.
    pub id: String,
    /// Its name, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl LostFiles {
    /// `count` files, of which these are the first.
    pub(crate) fn of(count: u64, at_least: bool, files: &[FileHead]) -> Self {
        let mut budget = SizeBudget::of(FILES_BYTES);
        let first = files.iter().take(NAMED_FILES).map(LostFile::of);
        Self { count, at_least, first: first.take_while(|file| budget.take(file)).collect() }
    }
}

impl LostFile {
    fn of(file: &FileHead) -> Self {
        let name = file.filename.as_deref().filter(|name| !name.is_empty());
        Self {
            id: short(&file.id),
            name: name.map(|name| text::shortened(name, NAME_CHARACTERS)),
            bytes: file.size_bytes,
        }
    }
}
