//! What an operator can set as a safeguard, observed from both ends: by an MCP client, and by the
//! requests that the API receives.

mod audit;
mod confirm;
mod copies;
mod disabled;
mod elicit;
#[cfg(unix)]
mod endings;
mod export;
mod histories;
mod lost;
mod paths;
mod shared_folder;

use std::{fs, io::Read as _, path::Path};

use managed_sessions_mcp::cli::Flags;
use serde_json::Value;

fn confirming(mode: &str) -> Flags {
    Flags { confirm_deletes: Some(mode.to_owned()), ..Flags::default() }
}

fn exporting(folder: &Path) -> Flags {
    Flags { export_dir: Some(folder.to_owned()), ..Flags::default() }
}

pub(crate) fn auditing(file: &Path) -> Flags {
    Flags { audit_log: Some(file.to_owned()), ..Flags::default() }
}

/// The lines of a file as JSON.
pub(crate) fn json_lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    assert!(text.ends_with('\n') || text.is_empty(), "{text}");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// The lines of an export.
fn unpacked(path: &Path) -> Vec<String> {
    let file = fs::File::open(path).expect("the file is there");
    let mut text = String::new();
    let read = flate2::read::GzDecoder::new(file).read_to_string(&mut text);
    read.expect("it is gzip");
    text.lines().map(str::to_owned).collect()
}

/// What is in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[cfg(unix)]
fn make_pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo runs").success());
}
