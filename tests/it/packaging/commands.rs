//! `doctor`, `config`, `completions` and `--version`, by the real program.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Api, error};

const KEY: &str = "sk-ant-api03-secret-0123456789wxyz";

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_managed-sessions-mcp"))
        .args(arguments)
        .env_clear()
        .env("HOME", "/nonexistent")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

/// `run` off the async threads, so that a mock server can answer meanwhile.
async fn run_beside(
    arguments: &'static [&str],
    environment: Vec<(&'static str, String)>,
) -> Output {
    tokio::task::spawn_blocking(move || {
        let environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        run(arguments, &environment)
    })
    .await
    .expect("it ends")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// A check of a report in JSON, by its name.
#[track_caller]
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut checks = report["checks"].as_array().expect("checks").iter();
    checks
        .find(|check| check["check"] == name)
        .unwrap_or_else(|| panic!("no {name}: {report}"))
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stdout)))
}

#[test]
fn the_doctor_is_content_with_the_sandbox() {
    // What says where the API is, and who asks it, is none of its business.
    let environment = [
        ("ANTHROPIC_BASE_URL", "nonsense"),
        ("ANTHROPIC_PROFILE", "missing"),
    ];
    let output = run(&["doctor", "--sandbox", "--read-only"], &environment);
    let shown = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{shown}{}",
        text(&output.stderr)
    );
    for line in [
        "Configuration",
        "(the embedded sandbox)",
        "the sandbox's own key is used",
        "read only       yes",
        "ok       api",
        "req_sandbox_",
        "No check failed.",
    ] {
        assert!(shown.contains(line), "{line} is missing:\n{shown}");
    }
    assert!(
        shown.lines().all(|line| line.chars().count() <= 100),
        "{shown}"
    );
    assert_eq!(text(&output.stderr), "");
    assert!(!shown.contains("ANTHROPIC_API_KEY"), "{shown}");
}

#[test]
fn the_doctor_says_that_there_is_no_credential_and_ends_with_1() {
    let output = run(&["doctor", "--json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let report = report(&output);
    assert_eq!(report["ok"], false);
    assert_eq!(
        report["settings"]["base_url"],
        "https://api.anthropic.com (from default)"
    );
    let credential = check(&report, "credential");
    assert_eq!(credential["status"], "failed");
    assert_eq!(credential["code"], "credentials_missing");
    assert!(
        credential["next"]
            .as_str()
            .is_some_and(|next| next.contains("ANTHROPIC_API_KEY"))
    );
    assert_eq!(
        check(&report, "api")["status"],
        "skipped",
        "nothing was sent"
    );
}

#[test]
fn the_doctor_reports_a_bad_variable_in_the_words_of_the_tools_and_sends_nothing() {
    let environment = [
        ("MANAGED_SESSIONS_TOOLSETS", "nonsense"),
        ("ANTHROPIC_API_KEY", KEY),
    ];
    let output = run(&["doctor", "--json"], &environment);
    assert_eq!(output.status.code(), Some(1));
    let report = report(&output);
    let configuration = check(&report, "configuration");
    assert_eq!(configuration["code"], "invalid_configuration");
    let detail = configuration["detail"].as_str().expect("text");
    assert!(detail.starts_with("invalid_configuration: the variable MANAGED_SESSIONS_TOOLSETS"));
    assert_eq!(check(&report, "api")["status"], "skipped");
}

#[test]
fn a_bad_flag_of_the_doctor_ends_with_2() {
    for arguments in [
        ["doctor", "--toolsets", "x"].as_slice(),
        &["doctor", "--nonsense"],
    ] {
        assert_eq!(run(arguments, &[]).status.code(), Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn the_doctor_names_the_source_that_won_and_never_a_secret() {
    let api = Api::new().await;
    api.answers(
        "GET",
        "/v1/sessions",
        200,
        json!({"data": [], "next_page": null}),
    )
    .await;
    let token = "oauth-token-0123456789-abcd";
    let environment = vec![
        ("ANTHROPIC_API_KEY", KEY.to_owned()),
        ("ANTHROPIC_AUTH_TOKEN", token.to_owned()),
        ("ANTHROPIC_BASE_URL", api.0.uri()),
        ("ANTHROPIC_WORKSPACE_ID", "wrkspc_1".to_owned()),
        (
            "HTTPS_PROXY",
            "http://me:hidden@proxy.example:3128".to_owned(),
        ),
    ];
    for arguments in [["doctor"].as_slice(), &["doctor", "--json"]] {
        let output = run_beside(arguments, environment.clone()).await;
        let shown = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{shown}");
        for expected in [
            "ANTHROPIC_API_KEY (…wxyz) is used; passed over: ANTHROPIC_AUTH_TOKEN (…abcd)",
            "wrkspc_1",
            "http://proxy.example:3128 (from HTTPS_PROXY)",
            "req_1",
        ] {
            let lines = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(lines.contains(expected), "{expected} is missing:\n{shown}");
        }
        for secret in [KEY, token, "hidden", "secret-0123"] {
            assert!(
                !shown.contains(secret) && !text(&output.stderr).contains(secret),
                "{shown}"
            );
        }
    }
    assert_eq!(
        api.asked().await,
        ["GET /v1/sessions", "GET /v1/sessions"],
        "one read each"
    );
}

#[tokio::test]
async fn a_refusal_is_worded_as_a_tool_would_word_it() {
    let api = Api::new().await;
    api.answers(
        "GET",
        "/v1/sessions",
        401,
        error("authentication_error", "invalid x-api-key"),
    )
    .await;
    let environment = vec![
        ("ANTHROPIC_API_KEY", KEY.to_owned()),
        ("ANTHROPIC_BASE_URL", api.0.uri()),
    ];
    let output = run_beside(&["doctor", "--json"], environment).await;
    assert_eq!(output.status.code(), Some(1));
    let report = report(&output);
    let api = check(&report, "api");
    assert_eq!(api["code"], "unauthorized");
    assert_eq!(api["request_id"], "req_1");
    let detail = api["detail"].as_str().expect("text");
    assert!(
        detail.starts_with("unauthorized: ") && detail.contains(". Next: "),
        "{detail}"
    );
    assert!(api["milliseconds"].is_number());
}

#[test]
fn an_api_that_is_not_there_is_told_as_such() {
    let environment = [
        ("ANTHROPIC_API_KEY", KEY),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9"),
    ];
    let output = run(&["doctor", "--json"], &environment);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(check(&report(&output), "api")["code"], "api_unreachable");
}

#[test]
fn the_doctor_tries_the_places_that_are_written_to_and_leaves_nothing_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let (folder_name, file_name) = (folder.path().to_str(), file.to_str());
    let (folder_name, file_name) = (folder_name.expect("UTF-8"), file_name.expect("UTF-8"));
    let flags = ["--export-dir", folder_name, "--audit-log", file_name];
    let arguments = [["doctor", "--sandbox", "--json"].as_slice(), &flags].concat();
    let output = run(&arguments, &[]);
    assert_eq!(output.status.code(), Some(0));
    let found = report(&output);
    assert_eq!(check(&found, "export folder")["status"], "ok");
    assert_eq!(check(&found, "audit log")["status"], "ok");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("readable").count(),
        0
    );

    // A folder that is not there: exports do not make it.
    let missing = folder.path().join("missing");
    let flags = ["--export-dir", missing.to_str().expect("UTF-8")];
    let output = run(
        &[["doctor", "--sandbox", "--json"].as_slice(), &flags].concat(),
        &[],
    );
    assert_eq!(output.status.code(), Some(1));
    let found = report(&output);
    let export = check(&found, "export folder");
    assert_eq!(export["code"], "export_failed");
    let next = export["next"].as_str().expect("a next step");
    assert!(
        next.starts_with("make the folder of --export-dir"),
        "{next}"
    );

    // A file where a folder is needed: nothing can be written into it, by anybody.
    std::fs::write(&file, "x").expect("writable");
    let below = format!("{file_name}/log");
    let flags = ["--export-dir", file_name, "--audit-log", &below];
    let output = run(
        &[["doctor", "--sandbox", "--json"].as_slice(), &flags].concat(),
        &[],
    );
    assert_eq!(output.status.code(), Some(1));
    let found = report(&output);
    assert_eq!(check(&found, "export folder")["code"], "export_failed");
    assert_eq!(check(&found, "audit log")["code"], "audit_failed");
}

/// What `config` prints starts a server, once its placeholder is replaced.
#[test]
fn the_entry_for_a_host_starts_this_program() {
    let output = run(
        &[
            "config",
            "claude-desktop",
            "--sandbox",
            "--toolsets",
            "sessions",
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(0));
    let entry: Value = serde_json::from_slice(&output.stdout).expect("stdout is only the entry");
    let server = &entry["mcpServers"]["managed-sessions"];
    let program = server["command"].as_str().expect("a program");
    assert!(std::path::Path::new(program).is_absolute());
    assert_eq!(
        server["args"],
        json!(["--sandbox", "--toolsets", "sessions"])
    );
    assert!(server.get("env").is_none(), "the sandbox needs no key");
    let arguments: Vec<_> = server["args"]
        .as_array()
        .expect("args")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the entry's program starts");
    assert_eq!(started.status.code(), Some(0));
    assert!(text(&output.stderr).contains("claude_desktop_config.json"));
}

#[test]
fn every_host_has_an_entry_and_a_key_is_never_in_it() {
    for host in ["claude-desktop", "claude-code", "cursor", "vscode", "codex"] {
        let output = run(&["config", host], &[("ANTHROPIC_API_KEY", KEY)]);
        assert_eq!(output.status.code(), Some(0), "{host}");
        let entry = text(&output.stdout);
        assert!(
            entry.contains("managed-sessions") && entry.contains("ANTHROPIC_API_KEY"),
            "{entry}"
        );
        assert!(!entry.contains(KEY));
        let directions = text(&output.stderr);
        assert_eq!(directions.lines().count(), 1, "{directions}");
    }
    let unknown = run(&["config", "netscape"], &[]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("claude-desktop"));
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell], &[]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = text(&output.stdout);
        assert!(
            script.contains("managed-sessions-mcp") && script.contains("read-only"),
            "{shell}"
        );
    }
}

#[test]
fn the_version_comes_first_and_then_what_was_built() {
    let output = run(&["--version"], &[]);
    let shown = text(&output.stdout).trim();
    let rest = shown
        .strip_prefix(concat!("managed-sessions-mcp ", env!("CARGO_PKG_VERSION")))
        .unwrap_or_else(|| panic!("{shown}"));
    let commit = rest.trim().trim_start_matches('(').trim_end_matches(')');
    let is_commit = commit.len() == 12 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(
        rest.is_empty() || commit == "development build" || is_commit,
        "{shown}"
    );
}
