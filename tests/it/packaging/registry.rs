//! The registry entry, by the rules of the published schema (2025-12-11) and of the official
//! registry, as far as they concern this file.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{cargo, file, json_file};

#[test]
fn the_version_is_the_same_everywhere() {
    let version = cargo("version");
    let server = json_file("server.json");
    assert_eq!(server["version"], version);
    for package in packages(&server) {
        if let Some(found) = package.get("version") {
            assert_eq!(found, &version);
        }
    }
    assert_eq!(json_file("manifest.json")["version"], version);
    assert!(file("CHANGELOG.md").contains(&format!("## [{version}]")));
}

fn packages(server: &Value) -> &Vec<Value> {
    server["packages"].as_array().expect("packages")
}

/// Only these keys, and all of those that are needed.
#[track_caller]
fn keys(value: &Value, needed: &[&str], further: &[&str]) {
    let keys: Vec<_> = value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    for key in needed {
        assert!(keys.contains(key), "{key} is missing: {value}");
    }
    for key in keys {
        assert!(
            needed.contains(&key) || further.contains(&key),
            "{key} is unknown: {value}"
        );
    }
}

#[test]
fn the_entry_has_the_form_that_the_registry_takes() {
    let server = json_file("server.json");
    keys(
        &server,
        &["$schema", "name", "description", "version"],
        &[
            "title",
            "repository",
            "websiteUrl",
            "icons",
            "packages",
            "remotes",
            "_meta",
        ],
    );
    assert_eq!(
        server["$schema"],
        "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    );
    let name = server["name"].as_str().expect("text");
    let (namespace, rest) = name.split_once('/').expect("one slash");
    let allowed = |text: &str, further: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || further.contains(c))
    };
    assert!(allowed(namespace, ".-") && allowed(rest, "._-"), "{name}");
    assert!((3..=200).contains(&name.len()));
    for (key, most) in [("description", 100), ("title", 100), ("version", 255)] {
        let length = server[key].as_str().expect("text").chars().count();
        assert!((1..=most).contains(&length), "{key}: {length}");
    }
    keys(
        &server["repository"],
        &["url", "source"],
        &["id", "subfolder"],
    );
    assert_eq!(server["repository"]["url"], cargo("repository"));
    assert_eq!(server["repository"]["source"], "github");
}

/// The registry looks for this line in the README that a registry of crates shows, which leaves
/// comments out.
#[test]
fn the_readme_shows_the_name_of_the_entry() {
    let server = json_file("server.json");
    let name = server["name"].as_str().expect("text");
    let line = format!("mcp-name: {name}");
    assert!(
        file("README.md").lines().any(|found| found == line),
        "{line}"
    );
    let owner = name
        .strip_prefix("io.github.")
        .and_then(|name| name.split('/').next());
    let repository = cargo("repository");
    assert!(repository.starts_with(&format!("https://github.com/{}/", owner.expect("an owner"))));
}

#[test]
fn every_package_can_be_found_and_is_started_over_stdio() {
    let server = json_file("server.json");
    let mut kinds = BTreeSet::new();
    for package in packages(&server) {
        keys(
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
            // The sum is known once the bundle is built: `scripts/registry-entry` puts it in.
            "mcpb" => {
                let release = format!(
                    "{}/releases/download/v{}/",
                    cargo("repository"),
                    cargo("version")
                );
                assert!(identifier.starts_with(&release), "{identifier}");
                let name = identifier.rsplit_once('.');
                assert!(name.is_some_and(|(_, kind)| kind == "mcpb"), "{identifier}");
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
fn the_settings_of_the_entry_are_those_of_the_bundle() {
    let server = json_file("server.json");
    let manifest = json_file("manifest.json");
    let cargo = packages(&server)
        .iter()
        .find(|each| each["registryType"] == "cargo");
    let variables = cargo.expect("a crate")["environmentVariables"]
        .as_array()
        .expect("an array");
    let mut names = BTreeSet::new();
    for variable in variables {
        keys(
            variable,
            &["name", "description"],
            &[
                "isSecret",
                "isRequired",
                "format",
                "default",
                "choices",
                "placeholder",
            ],
        );
        let name = variable["name"].as_str().expect("text");
        names.insert(name.to_owned());
        let formats = ["string", "number", "boolean", "filepath"];
        assert!(
            formats.contains(&variable["format"].as_str().unwrap_or("string")),
            "{name}"
        );
        assert_eq!(
            variable.get("isSecret").is_some(),
            name == "ANTHROPIC_API_KEY",
            "{name}"
        );
        if let Some(default) = variable.get("default") {
            let choices = variable["choices"].as_array();
            assert!(default.is_string(), "{name}");
            assert!(
                choices.is_none_or(|choices| choices.contains(default)),
                "{name}"
            );
        }
    }
    let environment = manifest["server"]["mcp_config"]["env"]
        .as_object()
        .expect("env");
    assert_eq!(names, environment.keys().cloned().collect());
}

#[test]
fn archives_are_where_the_release_puts_them() {
    let workflow = file(".github/workflows/release.yml");
    for package in packages(&json_file("server.json")) {
        let identifier = package["identifier"].as_str().expect("text");
        if let Some((_, platform)) = identifier
            .trim_end_matches(".mcpb")
            .rsplit_once(&format!("managed-sessions-mcp-{}-", cargo("version")))
        {
            assert!(
                workflow.contains(&format!("platform: {platform}\n")),
                "{platform}"
            );
        }
    }
    for used in workflow
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- uses: "))
    {
        let (_, pin) = used.split_once('@').expect("a version");
        let pin = pin.split_whitespace().next().unwrap_or_default();
        assert!(
            pin.len() == 40 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{used}"
        );
    }
}
