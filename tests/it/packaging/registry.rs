//! The registry entry: the rules of the published schema (2025-12-11) and of the official
//! registry that concern this file.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{cargo, file, json_file};

fn packages(server: &Value) -> &Vec<Value> {
    server["packages"].as_array().expect("packages")
}

/// Asserts that an object has all of the required keys, and otherwise only optional ones.
#[track_caller]
fn check_keys(value: &Value, required: &[&str], optional: &[&str]) {
    let object = value.as_object().expect("an object");
    for key in required {
        assert!(object.contains_key(*key), "{key} is missing: {value}");
    }
    for key in object.keys().map(String::as_str) {
        let known = required.contains(&key) || optional.contains(&key);
        assert!(known, "{key} is unknown: {value}");
    }
}

#[test]
fn the_version_is_the_same_everywhere() {
    let version = cargo("version");
    let server = json_file("server.json");
    assert_eq!(server["version"], version);
    for found in packages(&server).iter().filter_map(|it| it.get("version")) {
        assert_eq!(found, &version);
    }
    assert_eq!(json_file("manifest.json")["version"], version);
    assert!(file("CHANGELOG.md").contains(&format!("## [{version}]")));
}

#[test]
fn the_entry_is_valid() {
    let server = json_file("server.json");
    check_keys(
        &server,
        &["$schema", "name", "description", "version"],
        &["title", "repository", "websiteUrl", "icons", "packages", "remotes", "_meta"],
    );
    assert_eq!(
        server["$schema"],
        "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    );
    let name = server["name"].as_str().expect("text");
    let (namespace, rest) = name.split_once('/').expect("one slash");
    let is_made_of = |text: &str, punctuation: &str| {
        let mut chars = text.chars();
        !text.is_empty() && chars.all(|c| c.is_ascii_alphanumeric() || punctuation.contains(c))
    };
    let valid = is_made_of(namespace, ".-") && is_made_of(rest, "._-");
    assert!(valid && (3..=200).contains(&name.len()), "{name}");
    for (key, most) in [("description", 100), ("title", 100), ("version", 255)] {
        let length = server[key].as_str().expect("text").chars().count();
        assert!((1..=most).contains(&length), "{key}: {length}");
    }
    let repository = &server["repository"];
    check_keys(repository, &["url", "source"], &["id", "subfolder"]);
    assert_eq!(repository["url"], cargo("repository"));
    assert_eq!(repository["source"], "github");
}

/// The registry looks for this line in the README as crates.io shows it, which leaves comments
/// out.
#[test]
fn the_readme_shows_the_name_of_the_entry() {
    let server = json_file("server.json");
    let name = server["name"].as_str().expect("text");
    let line = format!("mcp-name: {name}");
    let readme = file("README.md");
    assert!(readme.lines().any(|found| found == line), "{line}");
    let path = name.strip_prefix("io.github.").expect("a GitHub name");
    let owner = path.split('/').next().expect("an owner");
    assert!(cargo("repository").starts_with(&format!("https://github.com/{owner}/")));
}

#[test]
fn every_package_is_identified_and_served_over_stdio() {
    let server = json_file("server.json");
    let mut kinds = BTreeSet::new();
    for package in packages(&server) {
        check_keys(
            package,
            &["registryType", "identifier", "transport"],
            &["version", "fileSha256", "environmentVariables"],
        );
        assert_eq!(package["transport"], serde_json::json!({"type": "stdio"}));
        let identifier = package["identifier"].as_str().expect("text");
        assert!(!identifier.contains(char::is_whitespace));
        let kind = package["registryType"].as_str().expect("text");
        kinds.insert(kind);
        match kind {
            "cargo" => {
                assert_eq!(identifier, cargo("name"));
                assert_eq!(package["version"], cargo("version"), "an exact version");
                assert!(package.get("fileSha256").is_none());
            }
            // The checksum is known once the bundle is built: `scripts/registry-entry` adds it.
            "mcpb" => {
                let (repository, version) = (cargo("repository"), cargo("version"));
                let release = format!("{repository}/releases/download/v{version}/");
                assert!(identifier.starts_with(&release), "{identifier}");
                let ending = identifier.rsplit_once('.').expect("an ending").1;
                assert_eq!(ending, "mcpb", "{identifier}");
                let sum = package["fileSha256"].as_str().expect("text");
                let digits = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
                assert!(sum.len() == 64 && sum.chars().all(digits), "{sum}");
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(kinds, ["cargo", "mcpb"].into());
}

#[test]
fn the_entry_has_the_settings_of_the_bundle() {
    let server = json_file("server.json");
    let manifest = json_file("manifest.json");
    let mut found = packages(&server).iter();
    let cargo = found.find(|each| each["registryType"] == "cargo");
    let variables = &cargo.expect("a crate")["environmentVariables"];
    let mut names = BTreeSet::new();
    for variable in variables.as_array().expect("an array") {
        check_keys(
            variable,
            &["name", "description"],
            &["isSecret", "isRequired", "format", "default", "choices", "placeholder"],
        );
        let name = variable["name"].as_str().expect("text");
        names.insert(name);
        let format = variable["format"].as_str().unwrap_or("string");
        let formats = ["string", "number", "boolean", "filepath"];
        assert!(formats.contains(&format), "{name}");
        let is_secret = variable.get("isSecret").is_some();
        assert_eq!(is_secret, name == "ANTHROPIC_API_KEY", "{name}");
        if let Some(default) = variable.get("default") {
            let choices = variable["choices"].as_array();
            assert!(default.is_string(), "{name}");
            let is_choice = choices.is_none_or(|choices| choices.contains(default));
            assert!(is_choice, "{name}");
        }
    }
    let bundle = manifest["server"]["mcp_config"]["env"].as_object();
    let bundle = bundle.expect("env").keys().map(String::as_str);
    assert_eq!(names, bundle.collect());
}

#[test]
fn the_release_builds_every_bundle_with_pinned_actions() {
    let workflow = file(".github/workflows/release.yml");
    let prefix = format!("managed-sessions-mcp-{}-", cargo("version"));
    for package in packages(&json_file("server.json")) {
        let identifier = package["identifier"].as_str().expect("text");
        let bundle = identifier.trim_end_matches(".mcpb");
        if let Some((_, platform)) = bundle.rsplit_once(&prefix) {
            let line = format!("platform: {platform}\n");
            assert!(workflow.contains(&line), "{platform}");
        }
    }
    let lines = workflow.lines();
    for action in lines.filter_map(|line| line.trim().strip_prefix("- uses: ")) {
        let (_, pin) = action.split_once('@').expect("a version");
        let pin = pin.split_whitespace().next().unwrap_or_default();
        let is_commit = pin.len() == 40 && pin.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_commit, "{action}");
    }
}
