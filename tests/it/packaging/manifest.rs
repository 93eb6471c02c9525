//! The manifest of the bundle: the rules of manifest version 0.3, and what hosts expect.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{cargo, json_file, path};

#[test]
fn it_identifies_the_project_and_its_version() {
    let manifest = json_file("manifest.json");
    assert_eq!(manifest["manifest_version"], "0.3");
    for key in ["name", "version", "license"] {
        assert_eq!(manifest[key], cargo(key));
    }
    assert_eq!(manifest["repository"]["url"], cargo("repository"));
    assert!(manifest["description"].is_string() && manifest["author"]["name"].is_string());
    let server = &manifest["server"];
    assert_eq!(server["type"], "binary");
    assert_eq!(server["entry_point"], "server/managed-sessions-mcp");
}

#[test]
fn its_lists_have_only_the_allowed_keys() {
    let manifest = json_file("manifest.json");
    let check = |list: &str, required: &[&str], allowed: &[&str]| {
        for entry in manifest[list].as_array().expect("an array") {
            let mut keys = entry.as_object().expect("an object").keys();
            let mut required = required.iter();
            assert!(keys.all(|key| allowed.contains(&key.as_str())), "{entry}");
            assert!(required.all(|key| entry[*key].is_string()), "{entry}");
        }
    };
    check("tools", &["name", "description"], &["name", "description"]);
    check("prompts", &["name", "text"], &["name", "description", "arguments", "text"]);
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
        // Not even the key: people may be logged in with the official tools.
        assert_eq!(setting["required"], false, "{name}");
    }
    assert_eq!(settings["api_key"]["sensitive"], true);
    assert!(settings["api_key"].get("default").is_none());
}

/// Overrides replace `env` as a whole, so each repeats it.
#[test]
fn every_platform_starts_the_server_with_every_setting() {
    let manifest = json_file("manifest.json");
    let config = &manifest["server"]["mcp_config"];
    let overrides = config["platform_overrides"].as_object().expect("overrides");
    let platforms: BTreeSet<_> = overrides.keys().map(String::as_str).collect();
    assert_eq!(platforms, ["darwin", "linux", "win32"].into());
    let settings = manifest["user_config"].as_object().expect("settings");
    let variables = config["env"].as_object().expect("env").values();
    let used: BTreeSet<_> =
        variables.map(|value| value.as_str().expect("text").to_owned()).collect();
    let offered: BTreeSet<_> =
        settings.keys().map(|name| format!("${{user_config.{name}}}")).collect();
    assert_eq!(used, offered, "exactly the settings reach the program");
    for (platform, each) in overrides {
        assert_eq!(each["env"], config["env"], "{platform}");
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
