//! The manifest of the bundle, by the rules of manifest version 0.3 and the habits of hosts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{cargo, json_file, path};

#[test]
fn it_says_who_and_what_and_in_which_version() {
    let manifest = json_file("manifest.json");
    assert_eq!(manifest["manifest_version"], "0.3");
    assert_eq!(manifest["name"], cargo("name"));
    assert_eq!(manifest["version"], cargo("version"));
    assert_eq!(manifest["license"], cargo("license"));
    assert_eq!(manifest["repository"]["url"], cargo("repository"));
    assert!(manifest["description"].is_string() && manifest["author"]["name"].is_string());
    assert_eq!(manifest["server"]["type"], "binary");
    assert_eq!(
        manifest["server"]["entry_point"],
        "server/managed-sessions-mcp"
    );
}

#[test]
fn its_lists_hold_only_the_keys_that_are_allowed() {
    let manifest = json_file("manifest.json");
    let check = |list: &str, needed: &[&str], allowed: &[&str]| {
        for entry in manifest[list].as_array().expect("an array") {
            let keys: Vec<_> = entry.as_object().expect("an object").keys().collect();
            assert!(
                keys.iter().all(|key| allowed.contains(&key.as_str())),
                "{list}: {entry}"
            );
            assert!(
                needed.iter().all(|key| entry[*key].is_string()),
                "{list}: {entry}"
            );
        }
    };
    check("tools", &["name", "description"], &["name", "description"]);
    check(
        "prompts",
        &["name", "text"],
        &["name", "description", "arguments", "text"],
    );
    let settings = manifest["user_config"].as_object().expect("settings");
    for (name, setting) in settings {
        for (key, value) in setting.as_object().expect("an object") {
            let known = match key.as_str() {
                "type" => ["string", "number", "boolean", "directory", "file"]
                    .contains(&value.as_str().unwrap_or_default()),
                "title" | "description" => value.is_string(),
                "required" | "sensitive" => value.is_boolean(),
                "default" => !value.is_null(),
                _ => false,
            };
            assert!(known, "{name}.{key}");
        }
        // A setting that is required would keep a person with a login of the official tools out.
        assert_eq!(setting["required"], false, "{name}");
    }
    assert_eq!(settings["api_key"]["sensitive"], true);
    assert!(settings["api_key"].get("default").is_none());
}

/// Overrides replace `env` as a whole: each has to repeat all of it.
#[test]
fn every_platform_starts_the_server_with_every_setting() {
    let manifest = json_file("manifest.json");
    let start = &manifest["server"]["mcp_config"];
    let overrides = start["platform_overrides"].as_object().expect("overrides");
    let platforms: BTreeSet<_> = overrides.keys().map(String::as_str).collect();
    assert_eq!(platforms, ["darwin", "linux", "win32"].into());
    let settings = manifest["user_config"].as_object().expect("settings");
    let used: BTreeSet<_> = start["env"]
        .as_object()
        .expect("env")
        .values()
        .cloned()
        .collect::<Vec<_>>()
        .iter()
        .map(|value| value.as_str().expect("text").to_owned())
        .collect();
    let offered: BTreeSet<_> = settings
        .keys()
        .map(|name| format!("${{user_config.{name}}}"))
        .collect();
    assert_eq!(
        used, offered,
        "every setting reaches the program, and nothing else does"
    );
    for (platform, each) in overrides {
        assert_eq!(each["env"], start["env"], "{platform}");
        assert!(each["args"].is_array(), "{platform}");
    }
    let launcher = Value::from("${__dirname}/server/launch.sh");
    for platform in ["darwin", "linux"] {
        assert_eq!(overrides[platform]["command"], "/bin/sh", "{platform}");
        assert_eq!(overrides[platform]["args"][0], launcher, "{platform}");
    }
    let program = &overrides["win32"]["command"];
    assert_eq!(program, "${__dirname}/server/managed-sessions-mcp.exe");
}

#[test]
fn the_icon_is_a_png_of_512_by_512() {
    let manifest = json_file("manifest.json");
    let icon = manifest["icon"].as_str().expect("a path");
    let bytes = std::fs::read(path(icon)).expect("the icon is there");
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((side(16), side(20)), (512, 512));
}
