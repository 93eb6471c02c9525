//! Tells a release build which commit it is made from. Outside of git, and in builds for
//! development, there is none; nothing here can fail, and nothing is started or downloaded.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = variable("CARGO_PKG_VERSION");
    let built = if variable("PROFILE") == "release" {
        packaged().or_else(checked_out)
    } else {
        // A commit here would mean to build everything again after each of them.
        Some("development build".to_owned())
    };
    let built = built.map(|built| format!(" ({built})"));
    let built = built.unwrap_or_default();
    println!("cargo::rustc-env=MANAGED_SESSIONS_VERSION={version}{built}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts by the environment"
)]
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// What cargo writes into a package.
fn packaged() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    short(rest.split('"').nth(1)?)
}

/// What git has checked out, in a clone or in a worktree of one.
fn checked_out() -> Option<String> {
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
    for place in [&git, &common] {
        if let Some(commit) = read(&place.join(name)) {
            return short(&commit);
        }
    }
    let packed = read(&common.join("packed-refs"))?;
    let line = packed
        .lines()
        .find(|line| line.ends_with(&format!(" {name}")))?;
    short(line)
}

/// A file's text, and a new look whenever it changes.
fn read(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text.trim().to_owned())
}

/// The first twelve digits, if they are some.
fn short(commit: &str) -> Option<String> {
    let digits = commit.get(..12)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| digits.to_owned())
}
