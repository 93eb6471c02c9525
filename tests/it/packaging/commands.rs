//! `doctor`, `config`, `completions` and `--version` of the real program.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::{
    program::{run, utf8},
    support::{Api, error},
};

const KEY: &str = "sk-ant-api03-secret-0123456789wxyz";

/// Runs the program off the async threads, so that a mock server can answer meanwhile.
async fn run_beside(
    arguments: &'static [&str],
    environment: Vec<(&'static str, String)>,
) -> Output {
    let run = move || {
        let pairs = environment.iter().map(|(name, value)| (*name, value.as_str()));
        run(arguments, &pairs.collect::<Vec<_>>())
    };
    tokio::task::spawn_blocking(run).await.expect("it ends")
}

/// The report of `doctor --json`.
#[track_caller]
fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", utf8(&output.stdout)))
}

/// Runs `doctor --json`, which exits with this code.
#[track_caller]
fn doctor(flags: &[&str], environment: &[(&str, &str)], code: i32) -> Value {
    let output = run(&[&["doctor", "--json"], flags].concat(), environment);
    assert_eq!(output.status.code(), Some(code), "{}", utf8(&output.stdout));
    report(&output)
}

/// A check of a report, by its name.
#[track_caller]
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut checks = report["checks"].as_array().expect("checks").iter();
    checks.find(|check| check["check"] == name).unwrap_or_else(|| panic!("no {name}: {report}"))
}

#[test]
fn the_doctor_accepts_the_sandbox() {
    // Where the API is and whose key is used does not matter.
    let environment = [("ANTHROPIC_BASE_URL", "nonsense"), ("ANTHROPIC_PROFILE", "missing")];
    let output = run(&["doctor", "--sandbox", "--read-only"], &environment);
    let (shown, stderr) = (utf8(&output.stdout), utf8(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{shown}{stderr}");
    for line in [
        "Configuration",
        "(the embedded sandbox)",
        "the sandbox's own key is used",
        "read only       yes",
        "ok       api",
        "req_sandbox_",
        "All checks passed.",
    ] {
        assert!(shown.contains(line), "{line} is missing:\n{shown}");
    }
    let widest = shown.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{shown}");
    assert_eq!(stderr, "");
    assert!(!shown.contains("ANTHROPIC_API_KEY"), "{shown}");
}

#[test]
fn the_doctor_reports_a_missing_credential() {
    let report = doctor(&[], &[], 1);
    assert_eq!(report["ok"], false);
    let base_url = &report["settings"]["base_url"];
    assert_eq!(base_url, "https://api.anthropic.com (from default)");
    let credential = check(&report, "credential");
    assert_eq!(credential["status"], "failed");
    assert_eq!(credential["code"], "credentials_missing");
    let next = credential["next"].as_str().expect("a next step");
    assert!(next.contains("ANTHROPIC_API_KEY"), "{next}");
    let api = &check(&report, "api")["status"];
    assert_eq!(api, "skipped", "nothing was sent");
}

#[test]
fn the_doctor_reports_an_invalid_variable_as_the_tools_do_and_sends_nothing() {
    let environment = [("MANAGED_SESSIONS_TOOLSETS", "nonsense"), ("ANTHROPIC_API_KEY", KEY)];
    let report = doctor(&[], &environment, 1);
    let configuration = check(&report, "configuration");
    assert_eq!(configuration["code"], "invalid_configuration");
    let detail = configuration["detail"].as_str().expect("text");
    assert!(detail.starts_with("invalid_configuration: the variable MANAGED_SESSIONS_TOOLSETS"));
    assert_eq!(check(&report, "api")["status"], "skipped");
}

#[test]
fn an_invalid_flag_of_the_doctor_exits_with_2() {
    for arguments in [["--toolsets", "x"].as_slice(), &["--nonsense"]] {
        let output = run(&[&["doctor"], arguments].concat(), &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn the_doctor_names_the_credential_in_use_and_never_a_secret() {
    let api = Api::new().await;
    let page = json!({"data": [], "next_page": null});
    api.answers("GET", "/v1/sessions", 200, page).await;
    let token = "oauth-token-0123456789-abcd";
    let proxy = "http://me:hidden@proxy.example:3128";
    let environment = vec![
        ("ANTHROPIC_API_KEY", KEY.to_owned()),
        ("ANTHROPIC_AUTH_TOKEN", token.to_owned()),
        ("ANTHROPIC_BASE_URL", api.0.uri()),
        ("ANTHROPIC_WORKSPACE_ID", "wrkspc_1".to_owned()),
        ("HTTPS_PROXY", proxy.to_owned()),
    ];
    for arguments in [["doctor"].as_slice(), &["doctor", "--json"]] {
        let output = run_beside(arguments, environment.clone()).await;
        let (shown, stderr) = (utf8(&output.stdout), utf8(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{shown}");
        let unwrapped = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        for expected in [
            "ANTHROPIC_API_KEY (…wxyz) is used; ignored: ANTHROPIC_AUTH_TOKEN (…abcd)",
            "wrkspc_1",
            "http://proxy.example:3128 (from HTTPS_PROXY)",
            "req_1",
        ] {
            assert!(unwrapped.contains(expected), "{expected}:\n{shown}");
        }
        for secret in [KEY, token, "hidden", "secret-0123"] {
            assert!(!shown.contains(secret) && !stderr.contains(secret), "{shown}");
        }
    }
    let read = "GET /v1/sessions";
    assert_eq!(api.asked().await, [read, read], "one read each");
}

#[test]
fn the_doctor_says_where_the_base_url_comes_from() {
    let key = ("ANTHROPIC_API_KEY", KEY);
    let (shared, own) = ("ANTHROPIC_BASE_URL", "MANAGED_SESSIONS_BASE_URL");
    // Nothing listens there.
    let nowhere = "http://127.0.0.1:9/v1/";
    for (flags, variables, source) in [
        ([].as_slice(), vec![key, (shared, nowhere)], shared),
        (&[], vec![key, (shared, "https://gateway.example"), (own, nowhere)], own),
        (&["--base-url", nowhere], vec![key, (own, "nonsense")], "--base-url"),
    ] {
        let report = doctor(flags, &variables, 1);
        let shown = &report["settings"]["base_url"];
        assert_eq!(shown, &format!("http://127.0.0.1:9 (from {source})"));
    }
}

#[test]
fn the_doctor_says_that_a_placeholder_was_ignored_without_showing_it() {
    // The beginning and the end of a real key, as consoles show it.
    let placeholder = "sk-ant-api03-0123...wxyz";
    let check_in = |variables: &[(&str, &str)], status, expected: &str| {
        let report = doctor(&["--base-url", "http://127.0.0.1:9"], variables, 1);
        let credential = check(&report, "credential");
        assert_eq!(credential["status"], status);
        let detail = credential["detail"].as_str().expect("text");
        assert!(detail.contains(expected), "{detail}");
        assert!(!report.to_string().contains("0123"), "{report}");
    };
    let key = ("ANTHROPIC_API_KEY", placeholder);
    check_in(&[key], "failed", "ANTHROPIC_API_KEY (a placeholder), ANTHROPIC_AUTH_TOKEN (not set)");
    let token = ("ANTHROPIC_AUTH_TOKEN", "\"oauth-token-9876-abcd\"");
    let used = "ANTHROPIC_AUTH_TOKEN (…abcd) is used; ignored: ANTHROPIC_API_KEY (a placeholder)";
    check_in(&[key, token], "warning", used);
    let two_words = ("ANTHROPIC_AUTH_TOKEN", "sk-ant-0123-4567 890");
    check_in(&[two_words], "failed", "ANTHROPIC_AUTH_TOKEN (…");
}

#[cfg(unix)]
#[test]
fn a_variable_with_other_bytes_than_text_is_reported_and_a_path_is_used() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let folder = tempfile::tempdir().expect("a folder");
    let exports = folder.path().join(OsStr::from_bytes(b"exports\xc2"));
    if std::fs::create_dir(&exports).is_err() {
        // The file system takes text only, as on macOS: then there is no such path.
        assert_eq!(std::env::consts::OS, "macos", "{exports:?}");
        return;
    }
    let mut command = crate::program::command(&["doctor", "--sandbox", "--json"], &[]);
    command.env("MANAGED_SESSIONS_EXPORT_DIR", &exports).stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    assert_eq!(check(&report(&output), "export folder")["status"], "ok");
    command.env("MANAGED_SESSIONS_READ_ONLY", OsStr::from_bytes(b"true\xc2"));
    let output = command.output().expect("the program starts");
    let report = report(&output);
    let configuration = &check(&report, "configuration")["detail"];
    let detail = configuration.as_str().expect("text");
    assert!(detail.contains("MANAGED_SESSIONS_READ_ONLY is not UTF-8"), "{detail}");
}

#[test]
fn a_tilde_from_a_host_is_the_home_folder() {
    let home = tempfile::tempdir().expect("a folder");
    let place = home.path().to_str().expect("UTF-8");
    let variables = [
        ("HOME", place),
        ("USERPROFILE", place),
        ("MANAGED_SESSIONS_EXPORT_DIR", "~"),
        ("MANAGED_SESSIONS_AUDIT_LOG", "~/audit.jsonl"),
    ];
    let report = doctor(&["--sandbox"], &variables, 0);
    assert_eq!(report["settings"]["export_folder"], place);
    let log = home.path().join("audit.jsonl");
    assert_eq!(report["settings"]["audit_log"], log.to_str().expect("UTF-8"));
}

#[tokio::test]
async fn the_doctor_reports_a_refusal_as_the_tools_do() {
    let api = Api::new().await;
    let refusal = error("authentication_error", "invalid x-api-key");
    api.answers("GET", "/v1/sessions", 401, refusal).await;
    let environment =
        vec![("ANTHROPIC_API_KEY", KEY.to_owned()), ("ANTHROPIC_BASE_URL", api.0.uri())];
    let output = run_beside(&["doctor", "--json"], environment).await;
    assert_eq!(output.status.code(), Some(1));
    let report = report(&output);
    let api = check(&report, "api");
    assert_eq!(api["code"], "unauthorized");
    assert_eq!(api["request_id"], "req_1");
    assert!(api["milliseconds"].is_number());
    let detail = api["detail"].as_str().expect("text");
    assert!(detail.starts_with("unauthorized: ") && detail.contains(". Next: "), "{detail}");
}

#[test]
fn the_doctor_reports_an_unreachable_api() {
    let environment = [("ANTHROPIC_API_KEY", KEY), ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")];
    let report = doctor(&[], &environment, 1);
    assert_eq!(check(&report, "api")["code"], "api_unreachable");
}

#[test]
fn the_doctor_checks_that_files_can_be_written_and_leaves_none_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let examine = |export_dir: &Path, audit_log: &Path, code| {
        let (export_dir, audit_log) = (export_dir.to_str(), audit_log.to_str());
        let flags = [
            ("--export-dir", export_dir.expect("UTF-8")),
            ("--audit-log", audit_log.expect("UTF-8")),
        ];
        let flags = flags.map(|(flag, path)| [flag, path]).concat();
        doctor(&[&["--sandbox"], flags.as_slice()].concat(), &[], code)
    };
    let report = examine(folder.path(), &file, 0);
    assert_eq!(check(&report, "export folder")["status"], "ok");
    assert_eq!(check(&report, "audit log")["status"], "ok");
    let left = std::fs::read_dir(folder.path()).expect("readable").count();
    assert_eq!(left, 0);

    // Exports do not create their folder.
    let report = examine(&folder.path().join("missing"), &file, 1);
    let export = check(&report, "export folder");
    assert_eq!(export["code"], "export_failed");
    let next = export["next"].as_str().expect("a next step");
    assert!(next.starts_with("make the folder of --export-dir"), "{next}");

    // A file in place of a folder: nobody, root included, can write into it.
    std::fs::write(&file, "x").expect("writable");
    let report = examine(&file, &file.join("log"), 1);
    assert_eq!(check(&report, "export folder")["code"], "export_failed");
    assert_eq!(check(&report, "audit log")["code"], "audit_failed");
}

#[test]
fn a_printed_entry_starts_this_program() {
    let flags = ["--sandbox", "--toolsets", "sessions"];
    let output = run(&[&["config", "claude-desktop"], &flags[..]].concat(), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(utf8(&output.stderr).contains("claude_desktop_config.json"));
    let entry: Value = serde_json::from_slice(&output.stdout).expect("stdout is only the entry");
    let server = &entry["mcpServers"]["managed-sessions"];
    let program = server["command"].as_str().expect("a program");
    assert!(Path::new(program).is_absolute());
    assert_eq!(server["args"], json!(flags));
    assert!(server.get("env").is_none(), "the sandbox needs no key");
    let started = Command::new(program)
        .args(flags)
        .stdin(Stdio::null())
        .output()
        .expect("the entry's program starts");
    assert_eq!(started.status.code(), Some(0));
}

#[test]
fn every_host_has_an_entry_and_never_a_real_key() {
    for host in ["claude-desktop", "claude-code", "cursor", "vscode", "codex"] {
        let output = run(&["config", host], &[("ANTHROPIC_API_KEY", KEY)]);
        assert_eq!(output.status.code(), Some(0), "{host}");
        let entry = utf8(&output.stdout);
        for expected in ["managed-sessions", "ANTHROPIC_API_KEY"] {
            assert!(entry.contains(expected), "{entry}");
        }
        assert!(!entry.contains(KEY));
        let directions = utf8(&output.stderr);
        assert_eq!(directions.lines().count(), 1, "{directions}");
    }
    let unknown = run(&["config", "netscape"], &[]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(utf8(&unknown.stderr).contains("claude-desktop"));
}

#[test]
fn the_version_is_followed_by_the_commit_or_the_kind_of_build() {
    let output = run(&["--version"], &[]);
    let shown = utf8(&output.stdout).trim();
    let build = shown
        .strip_prefix(concat!("managed-sessions-mcp ", env!("CARGO_PKG_VERSION")))
        .unwrap_or_else(|| panic!("{shown}"));
    let commit = build.trim().trim_start_matches('(').trim_end_matches(')');
    let is_commit = commit.len() == 12 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(build.is_empty() || commit == "development build" || is_commit, "{shown}");
}
