//! Sets the version that the program reports: the package's, and in release builds the commit.
//! Without git the commit is left out; nothing here fails, runs a program or downloads anything.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = variable("CARGO_PKG_VERSION");
    let build = if variable("PROFILE") == "release" {
        packaged_commit().or_else(checked_out_commit)
    } else {
        // With the commit, every commit would cause a rebuild.
        Some("development build".to_owned())
    };
    let build = build.map(|build| format!(" ({build})")).unwrap_or_default();
    println!("cargo::rustc-env=MANAGED_SESSIONS_VERSION={version}{build}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo passes settings to build scripts in the environment"
)]
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// The commit that cargo recorded in a published package.
fn packaged_commit() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    short(rest.split('"').nth(1)?)
}

/// The commit checked out in this clone or git worktree.
fn checked_out_commit() -> Option<String> {
    let mut git = Path::new(".git").to_owned();
    if let Ok(text) = fs::read_to_string(&git) {
        git = text.strip_prefix("gitdir:")?.trim().into();
    }
    let head = read(&git.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ") else {
        return short(&head);
    };
    let common = match read(&git.join("commondir")) {
        Some(path) => git.join(path),
        None => git.clone(),
    };
    for folder in [&git, &common] {
        if let Some(commit) = read(&folder.join(name)) {
            return short(&commit);
        }
    }
    let packed = read(&common.join("packed-refs"))?;
    let ending = format!(" {name}");
    short(packed.lines().find(|line| line.ends_with(&ending))?)
}

/// Reads a file, and rebuilds when it changes.
fn read(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text.trim().to_owned())
}

/// The first twelve hexadecimal digits.
fn short(commit: &str) -> Option<String> {
    let digits = commit.get(..12)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| digits.to_owned())
}
