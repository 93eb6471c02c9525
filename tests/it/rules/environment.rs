//! What people and hosts put into variables.

use std::path::{Path, PathBuf};

use managed_sessions_mcp::{
    config::{Config, flags::Flags},
    environment::{Environment, Key},
};

fn read(flags: &Flags, environment: &[(&str, &str)]) -> Config {
    Config::read(flags, &environment.iter().copied().collect::<Environment>()).unwrap()
}

#[test]
fn a_placeholder_is_no_key() {
    let environment = |value: &str| Environment::from_iter([("ANTHROPIC_AUTH_TOKEN", value)]);
    for placeholder in [
        "sk-ant-…",
        "sk-ant-...",
        "sk-ant-api03-...wxyz",
        "<your-key>",
        "< ANTHROPIC_API_KEY >",
        "$ANTHROPIC_API_KEY",
        "${ANTHROPIC_API_KEY}",
        " ${input:anthropic-api-key} ",
        "sk-ant-${SECRET}",
        "$env:ANTHROPIC_API_KEY",
        "$(pass anthropic)",
        "%ANTHROPIC_API_KEY%",
        "{env:ANTHROPIC_API_KEY}",
        "{{ api_key }}",
        "[your key]",
        "op://vault/anthropic/key",
        "YOUR_API_KEY",
        "your-api-key",
        "Your API key",
        "sk-ant-your-key-here",
        "changeme",
        "CHANGE_ME",
        "undefined",
        "xxxx",
        "sk-ant-api03-XXXX-XXXX",
        "****************",
        "••••••••",
        "\"<your-key>\"",
    ] {
        let is_placeholder =
            environment(placeholder).key("ANTHROPIC_AUTH_TOKEN") == Key::Placeholder;
        assert!(is_placeholder, "{placeholder}");
    }
    for unset in ["", "\"\"", "''", "${user_config.api_key}"] {
        assert!(environment(unset).key("ANTHROPIC_AUTH_TOKEN") == Key::Unset, "{unset}");
    }
}

#[test]
fn a_key_is_freed_from_what_was_pasted_with_it() {
    for (pasted, expected) in [
        ("sk-ant-api03-Ab_1-9x", "sk-ant-api03-Ab_1-9x"),
        // Words that a key may contain, and keys of services that check none.
        ("sk-ant-api03-changeme9", "sk-ant-api03-changeme9"),
        ("yourself", "yourself"),
        ("none", "none"),
        ("dummy", "dummy"),
        ("$2b$12$abcdef", "$2b$12$abcdef"),
        ("100%", "100%"),
        ("a.b..c", "a.b..c"),
        (" sk-1\n", "sk-1"),
        ("\"sk-1\"", "sk-1"),
        ("'sk-1'", "sk-1"),
        ("`sk-1`", "sk-1"),
        ("“sk-1”", "sk-1"),
        ("‘sk-1’", "sk-1"),
        ("'\" sk-1 \"'", "sk-1"),
        ("Bearer sk-1", "sk-1"),
        ("\"bearer  sk-1\"", "sk-1"),
        ("ANTHROPIC_API_KEY=sk-1", "sk-1"),
        ("export ANTHROPIC_API_KEY=\"sk-1\"", "sk-1"),
        // Half a pair is for the person to correct.
        ("\"sk-1", "\"sk-1"),
    ] {
        let environment = Environment::from_iter([("ANTHROPIC_API_KEY", pasted)]);
        assert!(environment.key("ANTHROPIC_API_KEY") == Key::Value(expected), "{pasted}");
    }
}

#[test]
fn white_space_alone_is_an_invalid_value_of_every_variable() {
    for variable in [
        "MANAGED_SESSIONS_READ_ONLY",
        "MANAGED_SESSIONS_ALLOW_AGENTS",
        "MANAGED_SESSIONS_CONFIRM_DELETES",
        "MANAGED_SESSIONS_CONFIRM_APPROVALS",
        "MANAGED_SESSIONS_DISABLED_TOOLS",
        "MANAGED_SESSIONS_TOOLSETS",
        "MANAGED_SESSIONS_EXPORT_DIR",
        "MANAGED_SESSIONS_AUDIT_LOG",
        "MANAGED_SESSIONS_BASE_URL",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_WORKSPACE_ID",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_IDENTITY_TOKEN_FILE",
    ] {
        for blank in [" ", "\t\r\n", "\u{a0}"] {
            let problem = read(&Flags::default(), &[(variable, blank)]).problem();
            let expected = format!("the variable {variable} is white space alone; give a ");
            assert!(problem.is_some_and(|found| found.starts_with(&expected)), "{variable}");
        }
    }
}

#[cfg(unix)]
#[test]
fn only_paths_may_be_other_than_utf_8() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    let bytes = OsString::from_vec(b"/true\xc2".to_vec());
    let read = |variable: &str| {
        let environment = Environment::from_iter([(variable, bytes.clone())]);
        Config::read(&Flags::default(), &environment).unwrap()
    };
    for variable in [
        "MANAGED_SESSIONS_READ_ONLY",
        "MANAGED_SESSIONS_ALLOW_AGENTS",
        "MANAGED_SESSIONS_CONFIRM_DELETES",
        "MANAGED_SESSIONS_CONFIRM_APPROVALS",
        "MANAGED_SESSIONS_DISABLED_TOOLS",
        "MANAGED_SESSIONS_TOOLSETS",
        "MANAGED_SESSIONS_BASE_URL",
        "ANTHROPIC_API_KEY",
    ] {
        let expected = format!("the variable {variable} is not UTF-8; give text, or unset it");
        assert_eq!(read(variable).problem(), Some(expected));
    }
    let config = read("MANAGED_SESSIONS_EXPORT_DIR");
    assert_eq!(config.problem(), None);
    assert_eq!(config.app.export_dir, Some(PathBuf::from(bytes.clone())));
    assert_eq!(
        read("MANAGED_SESSIONS_AUDIT_LOG").app.audit_log,
        Some(PathBuf::from(bytes.clone()))
    );
}

#[test]
fn a_path_begins_at_the_home_folder_if_it_begins_with_a_tilde() {
    let home = std::env::temp_dir();
    let home_text = home.to_str().unwrap();
    let variables = [("HOME", home_text), ("USERPROFILE", home_text)];
    let check = |path: &str, expected: &Path| {
        let more = [("MANAGED_SESSIONS_EXPORT_DIR", path), ("MANAGED_SESSIONS_AUDIT_LOG", path)];
        let environment = [variables.as_slice(), &more].concat();
        let flags = Flags { audit_log: Some(path.into()), ..Flags::default() };
        let config = read(&flags, &environment);
        assert_eq!(config.problem(), None, "{path}");
        for found in [config.app.export_dir, config.app.audit_log] {
            assert_eq!(found.as_deref(), Some(expected), "{path}");
        }
    };
    let here = std::env::current_dir().unwrap();
    check("~", &home);
    check("~/", &home);
    check("~/a b/~", &home.join("a b/~"));
    check("~//a", &home.join("a"));
    // A tilde elsewhere is a character like others.
    check("a/~", &here.join("a/~"));
    check("./~/a", &here.join("~/a"));
    check("./$a", &here.join("$a"));
    check("a~", &here.join("a~"));
}

#[test]
fn a_path_that_only_a_shell_understands_is_refused() {
    let home = [("HOME", "/home/me"), ("USERPROFILE", "/home/me")];
    for path in [
        "~root/exports",
        "~+",
        "$HOME/exports",
        "${HOME}/exports",
        "${user_config.dir}/exports",
        "%USERPROFILE%\\exports",
        "$env:USERPROFILE\\exports",
        "$(pwd)",
    ] {
        for variable in
            ["MANAGED_SESSIONS_EXPORT_DIR", "MANAGED_SESSIONS_AUDIT_LOG", "ANTHROPIC_CONFIG_DIR"]
        {
            let problem = read(&Flags::default(), &[&home[..], &[(variable, path)]].concat());
            let expected = format!(
                "the variable {variable} is {path:?}, which nothing expands here; give the whole \
                 path, or one that begins with ~/"
            );
            assert_eq!(problem.problem(), Some(expected));
        }
        let flags = Flags { export_dir: Some(path.into()), ..Flags::default() };
        let environment = home.into_iter().collect();
        let error = Config::read(&flags, &environment).unwrap_err().to_string();
        assert!(error.starts_with(&format!("--export-dir is {path:?}, which")), "{error}");
    }
    let problem = read(&Flags::default(), &[("MANAGED_SESSIONS_EXPORT_DIR", "~/x")]).problem();
    assert_eq!(
        problem.as_deref(),
        Some(
            "the variable MANAGED_SESSIONS_EXPORT_DIR is \"~/x\", but the home folder is unknown; \
             give the whole path"
        )
    );
}

#[test]
fn a_base_url_loses_the_routes_that_were_pasted_with_it() {
    for (given, expected) in [
        ("https://host", "https://host/"),
        ("https://host/v1", "https://host/"),
        ("https://host/v1/", "https://host/"),
        ("https://host/v1/sessions", "https://host/"),
        ("https://host/v1/sessions/", "https://host/"),
        ("https://host/v1/messages", "https://host/"),
        ("HTTPS://HOST/V1", "https://host/"),
        ("https://host/V1/Sessions//", "https://host/"),
        ("http://127.0.0.1:4010/v1", "http://127.0.0.1:4010/"),
        (" https://host/proxy/v1 ", "https://host/proxy"),
        ("https://host/proxy/v1/sessions/", "https://host/proxy"),
        ("https://host/a%2Fb/v1", "https://host/a%2Fb"),
        // Not at the end, or another name.
        ("https://host/v1/proxy", "https://host/v1/proxy"),
        ("https://host/v1/account/anthropic/v1", "https://host/v1/account/anthropic"),
        ("https://host/apiv1", "https://host/apiv1"),
        ("https://host/v10", "https://host/v10"),
        ("https://host/sessions", "https://host/sessions"),
        ("https://host/proxy/", "https://host/proxy/"),
    ] {
        for (flags, variables) in [
            (Flags { base_url: Some(given.into()), ..Flags::default() }, vec![]),
            (Flags::default(), vec![("MANAGED_SESSIONS_BASE_URL", given)]),
            (Flags::default(), vec![("ANTHROPIC_BASE_URL", given)]),
        ] {
            let config = read(&flags, &variables);
            let found = config.app.api.base_url.as_ref().map(ToString::to_string);
            assert_eq!(found.as_deref(), Some(expected), "{given} {:?}", config.problem());
        }
    }
}

#[test]
fn the_own_variable_of_the_base_url_beats_the_shared_one() {
    let own = ("MANAGED_SESSIONS_BASE_URL", "https://own.example");
    let shared = ("ANTHROPIC_BASE_URL", "https://gateway.example");
    let flag = Flags { base_url: Some("https://flag.example".into()), ..Flags::default() };
    let check = |flags: &Flags, variables: &[(&str, &str)], host, source| {
        let config = read(flags, variables);
        assert_eq!(config.problem(), None);
        let settings = config.app.api;
        assert_eq!(settings.base_url.as_ref().and_then(|url| url.host_str()), Some(host));
        assert_eq!(settings.base_url_source, source);
    };
    check(&flag, &[own, shared], "flag.example", "--base-url");
    check(&Flags::default(), &[shared, own], "own.example", "MANAGED_SESSIONS_BASE_URL");
    check(&Flags::default(), &[shared], "gateway.example", "ANTHROPIC_BASE_URL");
    let left_blank = ("MANAGED_SESSIONS_BASE_URL", "${user_config.base_url}");
    check(&Flags::default(), &[left_blank, shared], "gateway.example", "ANTHROPIC_BASE_URL");
    // What is not used may say anything; what is used must be right, and nothing takes its place.
    let nonsense = ("ANTHROPIC_BASE_URL", "nonsense");
    check(&Flags::default(), &[own, nonsense], "own.example", "MANAGED_SESSIONS_BASE_URL");
    let config =
        read(&Flags::default(), &[("MANAGED_SESSIONS_BASE_URL", "localhost:4010"), shared]);
    assert_eq!(config.app.api.base_url, None);
    assert_eq!(
        config.problem().as_deref(),
        Some(
            "the variable MANAGED_SESSIONS_BASE_URL does not begin with https://, or http:// for \
             this machine"
        )
    );
}
