//! The files shipped with the program match the program: README, manifest, registry entry,
//! versions.
//!
//! The tables of README.md and the lists of manifest.json are generated:
//! `UPDATE_DOCS=1 cargo test --test it documents` rewrites them, all other runs compare.

mod commands;
mod completions;
mod documents;
mod hosts;
mod manifest;
mod registry;
mod transcript;

use std::{fs, path::PathBuf};

use serde_json::Value;

/// A file of the project, by its path from the root.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[track_caller]
fn file(name: &str) -> String {
    let text = fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    // A checkout on Windows may have other line endings.
    text.replace("\r\n", "\n")
}

#[track_caller]
fn json_file(name: &str) -> Value {
    serde_json::from_str(&file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The value of the first line `key = "…"` in Cargo.toml.
#[track_caller]
fn cargo(key: &str) -> String {
    let manifest = file("Cargo.toml");
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{key} = \"")))
        .unwrap_or_else(|| panic!("{key} is not in Cargo.toml"));
    line.trim_end_matches('"').to_owned()
}
