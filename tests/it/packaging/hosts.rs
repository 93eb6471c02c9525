//! The entries that `config` prints, as a host would read them.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{run, utf8};

/// The entry that `config claude-desktop` prints, and where it goes.
#[track_caller]
fn entry(flags: &[&str], environment: &[(&str, &str)]) -> (Value, String) {
    let output = run(&[&["config", "claude-desktop"], flags].concat(), environment);
    let directions = utf8(&output.stderr).to_owned();
    assert_eq!(output.status.code(), Some(0), "{directions}");
    let entry: Value = serde_json::from_slice(&output.stdout).expect("stdout is only the entry");
    (entry["mcpServers"]["managed-sessions"].clone(), directions)
}

#[test]
fn an_entry_names_the_base_url_where_another_one_is_in_the_environment() {
    let (anthropic, own) = ("ANTHROPIC_BASE_URL", "MANAGED_SESSIONS_BASE_URL");
    let (official, gateway) = ("https://api.anthropic.com", "https://llm.example/anthropic");
    let check = |flags: &[&str], environment: &[(&str, &str)], expected: Option<&str>| {
        let (server, directions) = entry(flags, environment);
        let names = |word: &str| server["args"].as_array()?.iter().position(|arg| arg == word);
        let found = names("--base-url").and_then(|at| server["args"][at + 1].as_str());
        assert_eq!(found, expected, "{environment:?}");
        // Said where it was not asked for.
        let is_said = directions.contains("ANTHROPIC_BASE_URL");
        assert_eq!(is_said, expected.is_some() && flags.is_empty(), "{directions}");
        assert!(!directions.contains("llm.example"), "{directions}");
    };
    check(&[], &[], None);
    check(&[], &[(anthropic, gateway)], Some(official));
    check(&[], &[(anthropic, "${GATEWAY}")], Some(official));
    check(&[], &[(anthropic, " ")], Some(official));
    check(&[], &[(anthropic, "")], None);
    check(&[], &[(anthropic, official)], None);
    check(&[], &[(anthropic, "https://API.anthropic.com/v1/")], None);
    check(&["--base-url", gateway], &[(anthropic, "https://other.example")], Some(gateway));
    check(
        &[],
        &[(anthropic, gateway), (own, "https://own.example/v1")],
        Some("https://own.example"),
    );
    check(&[], &[(anthropic, gateway), (own, gateway)], None);
    check(&["--sandbox"], &[(anthropic, gateway)], None);
}

#[test]
fn paths_in_an_entry_begin_at_the_home_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().to_str().expect("UTF-8");
    let flags = ["--export-dir", "~/exports", "--audit-log=~/a.jsonl"];
    let (server, _) = entry(&flags, &[("HOME", home), ("USERPROFILE", home)]);
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    assert_eq!(
        server["args"],
        json!(["--export-dir", path("exports"), "--audit-log", path("a.jsonl")])
    );
}

#[test]
fn no_word_is_lost_about_a_key_that_an_entry_does_not_need() {
    for host in ["claude-desktop", "claude-code", "cursor", "vscode", "codex"] {
        let output = run(&["config", host, "--sandbox"], &[]);
        let said = format!("{}{}", utf8(&output.stderr), utf8(&output.stdout)).to_lowercase();
        assert!(!said.contains("key") && !said.contains("password"), "{said}");
    }
}

/// As package managers install programs: the folder of a version, and a link to it.
#[cfg(unix)]
#[test]
fn an_entry_keeps_the_link_by_which_the_program_was_started() {
    use std::{
        os::unix::{fs::symlink, process::CommandExt as _},
        process::Command,
    };

    let folder = tempfile::tempdir().expect("a folder");
    // The name of a temporary folder may be a link itself.
    let root = folder.path().canonicalize().expect("a folder");
    let name = "managed-sessions-mcp";
    for folder in ["Cellar/0.1/bin", "bin", "other"] {
        std::fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    let file = root.join("Cellar/0.1/bin").join(name);
    // Not written by this process: a child that another test starts meanwhile would inherit the
    // open file, and a file that is open for writing cannot be started.
    let original = env!("CARGO_BIN_EXE_managed-sessions-mcp");
    let copied = Command::new("cp").args([original.as_ref(), file.as_os_str()]).status();
    assert!(copied.expect("cp starts").success());
    symlink(Path::new("../Cellar/0.1/bin").join(name), root.join("bin").join(name))
        .expect("a link");
    std::fs::write(root.join("other").join(name), "another program").expect("a file");
    let link = root.join("bin").join(name);
    let program = |arg0: &str, path: &str, current: &Path| {
        let output = Command::new(&link)
            .arg0(arg0)
            .args(["config", "cursor"])
            .env_clear()
            .env("PATH", path)
            .current_dir(current)
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{}", utf8(&output.stderr));
        let entry: Value = serde_json::from_slice(&output.stdout).expect("an entry");
        let program = &entry["mcpServers"]["managed-sessions"]["command"];
        Path::new(program.as_str().expect("a path")).to_owned()
    };
    let in_root = |folder: &str| root.join(folder).to_str().expect("UTF-8").to_owned();
    let search = [in_root("other"), in_root("bin"), in_root("Cellar/0.1/bin")].join(":");
    // As found in PATH, past another program of the same name.
    assert_eq!(program(name, &search, &root), link);
    // As typed.
    assert_eq!(program(link.to_str().expect("UTF-8"), "", &root), link);
    assert_eq!(program(&format!("bin/{name}"), "", &root), link);
    assert_eq!(program(&format!("./{name}"), "", &root.join("bin")), link);
    assert_eq!(program(name, "bin", &root), link);
    // Names that lead nowhere, or elsewhere, give way to what the system knows.
    assert_eq!(program("", "", &root), file);
    assert_eq!(program("nonsense", &search, &root), file);
    assert_eq!(program(&format!("other/{name}"), &search, &root), file);
}
