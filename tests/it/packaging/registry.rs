//! The registry entry, by the rules of the published schema (2025-12-11) as far as they concern
//! this file.


use super::{cargo, file, json_file};

#[test]
fn the_version_is_the_same_everywhere() {
    let version = cargo("version");
    let server = json_file("server.json");
    assert_eq!(server["version"], version);
    for package in server["packages"].as_array().expect("packages") {
        if let Some(found) = package.get("version") {
            assert_eq!(found, &version);
        }
    }
    assert_eq!(json_file("manifest.json")["version"], version);
    assert!(file("CHANGELOG.md").contains(&format!("## [{version}]")));
}
