//! Which credential is used, and the errors when none can be.

use std::{fs, path::Path};

use managed_sessions_mcp::{
    api::{ApiError, ApiErrorKind, Client, Settings, credentials::Sources},
    environment::Environment,
};
use tempfile::TempDir;

use super::{
    client_with, id, read_error,
    server::{Server, http_error, response, session},
    settings,
};

/// A config directory with these profiles: name, config, credentials.
pub(super) fn directory(profiles: &[(&str, &str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for folder in ["configs", "credentials"] {
        fs::create_dir(directory.path().join(folder)).unwrap();
    }
    for (name, config, credentials) in profiles {
        let file = format!("{name}.json");
        write(&directory.path().join("configs").join(&file), config, 0o644);
        let credentials_file = directory.path().join("credentials").join(&file);
        write(&credentials_file, credentials, 0o600);
    }
    directory
}

pub(super) fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = mode;
}

pub(super) const USER: &str = r#"{"authentication":{"type":"user_oauth"}}"#;
const BAD_BASE_URL: &str = r#"{"authentication":{"type":"user_oauth"},"base_url":"no url"}"#;
const FEDERATION: &str = r#"{"authentication":{"type":"oidc_federation"},"organization_id":"o"}"#;
const FEDERATION_BY_URL: &str =
    r#"{"authentication":{"type":"oidc_federation","identity_token":{"source":"url"}}}"#;

/// The credential that is sent with these variables.
async fn sent_with(variables: &[(&str, &str)]) -> Result<String, ApiError> {
    let grant = r#"{"id":"sesn_1","access_token":"exchanged","expires_in":600}"#;
    let server = Server::start([response(200, &[], grant)]).await;
    client_with(&server, variables).get_session(&id()).await?;
    let seen = server.seen();
    let header = seen.last().unwrap().header("authorization").unwrap();
    Ok(header.trim_start_matches("Bearer ").to_owned())
}

#[tokio::test]
async fn the_first_credential_in_order_is_used() {
    let files = directory(&[
        ("default", USER, r#"{"access_token":"of-default"}"#),
        ("work", USER, r#"{"access_token":"of-work"}"#),
    ]);
    let place = files.path().to_str().unwrap();
    let all = [
        ("ANTHROPIC_API_KEY", "the-key"),
        ("ANTHROPIC_AUTH_TOKEN", "the-token"),
        ("ANTHROPIC_PROFILE", "work"),
        ("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_1"),
        ("ANTHROPIC_ORGANIZATION_ID", "org"),
        ("ANTHROPIC_IDENTITY_TOKEN", "jwt"),
        ("ANTHROPIC_CONFIG_DIR", place),
    ];
    for (skip, expected) in [
        (0, "the-key"),
        (1, "the-token"),
        (2, "of-work"),
        (3, "exchanged"),
        (4, "of-default"),
        (6, "of-default"),
    ] {
        assert_eq!(sent_with(&all[skip..]).await.as_deref(), Ok(expected));
    }
    fs::write(files.path().join("active_config"), "work\n").unwrap();
    assert_eq!(sent_with(&all[6..]).await.as_deref(), Ok("of-work"));
    // By default it is in the home directory.
    let home = TempDir::new().unwrap();
    fs::create_dir_all(home.path().join(".config")).unwrap();
    fs::rename(files.path(), home.path().join(".config/anthropic")).unwrap();
    if cfg!(unix) {
        let home = [("HOME", home.path().to_str().unwrap())];
        assert_eq!(sent_with(&home).await.as_deref(), Ok("of-work"));
    }
}

#[tokio::test]
async fn a_placeholder_gives_way_and_quotes_are_not_sent() {
    let key = |value| ("ANTHROPIC_API_KEY", value);
    let token = |value| ("ANTHROPIC_AUTH_TOKEN", value);
    for (variables, expected) in [
        ([key("\"the-key\""), token("the-token")], "the-key"),
        ([key("sk-ant-…"), token("'the-token'")], "the-token"),
        ([key("<your-key>"), token("Bearer the-token")], "the-token"),
    ] {
        assert_eq!(sent_with(&variables).await.as_deref(), Ok(expected));
    }
    let error = sent_with(&[key("$ANTHROPIC_API_KEY"), token("changeme")]).await.unwrap_err();
    let ApiErrorKind::CredentialsMissing { looked_for } = error.kind() else { panic!("{error:?}") };
    assert_eq!(
        looked_for[..2],
        ["ANTHROPIC_API_KEY (a placeholder)", "ANTHROPIC_AUTH_TOKEN (a placeholder)"]
    );
    for half in ["\"sk-ant-012345", "sk-ant-012345 6", "key: sk-ant-012345"] {
        let (_, cause) = credentials_error(&sent_with(&[key(half)]).await.unwrap_err());
        assert_eq!(cause, "contains white space or a quotation mark");
    }
}

#[tokio::test]
async fn files_of_credentials_are_found_in_the_home_folder() {
    let home = TempDir::new().unwrap();
    let place = home.path().to_str().unwrap();
    let at_home = [("HOME", place), ("USERPROFILE", place)];
    for folder in ["a/configs", "a/credentials", "tokens"] {
        fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    write(&home.path().join("tokens/jwt"), "jwt", 0o600);
    write(&home.path().join("tokens/login.json"), r#"{"access_token":"of-home"}"#, 0o600);
    let config = home.path().join("a/configs/default.json");
    let sent = |more: Vec<(&'static str, &'static str)>| async move {
        sent_with(&[at_home.as_slice(), &more].concat()).await
    };
    let workload = vec![
        ("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_1"),
        ("ANTHROPIC_ORGANIZATION_ID", "org"),
        ("ANTHROPIC_IDENTITY_TOKEN_FILE", "~/tokens/jwt"),
    ];
    assert_eq!(sent(workload).await.as_deref(), Ok("exchanged"));
    let authentication = |more: &str| {
        let text = format!(r#"{{"authentication":{{{more}}},"organization_id":"o"}}"#);
        write(&config, &text, 0o644);
    };
    let in_home = || vec![("ANTHROPIC_CONFIG_DIR", "~/a")];
    authentication(r#""type":"user_oauth","credentials_path":"~/tokens/login.json""#);
    assert_eq!(sent(in_home()).await.as_deref(), Ok("of-home"));
    authentication(
        r#""type":"oidc_federation","federation_rule_id":"r","identity_token":{"source":"file","path":"~/tokens/jwt"}"#,
    );
    assert_eq!(sent(in_home()).await.as_deref(), Ok("exchanged"));
    authentication(r#""type":"user_oauth","credentials_path":"~me/login.json""#);
    let (_, cause) = credentials_error(&sent(in_home()).await.unwrap_err());
    assert!(
        cause.contains("has a path in `credentials_path` that is \"~me/login.json\""),
        "{cause}"
    );
}

#[tokio::test]
async fn a_profile_precedes_workload_identity_only_if_it_is_named() {
    let files = directory(&[("default", USER, r#"{"access_token":"of-default"}"#)]);
    let place = files.path().to_str().unwrap();
    let variables = [
        ("ANTHROPIC_CONFIG_DIR", place),
        ("ANTHROPIC_FEDERATION_RULE_ID", "fdrl_1"),
        ("ANTHROPIC_ORGANIZATION_ID", "org"),
        ("ANTHROPIC_IDENTITY_TOKEN", "jwt"),
        ("ANTHROPIC_PROFILE", "default"),
    ];
    assert_eq!(sent_with(&variables[..4]).await.as_deref(), Ok("exchanged"));
    assert_eq!(sent_with(&variables).await.as_deref(), Ok("of-default"));
}

#[tokio::test]
async fn without_a_credential_the_error_lists_the_places_in_order() {
    let error =
        sent_with(&[("ANTHROPIC_ORGANIZATION_ID", "org"), ("HOME", "/nowhere")]).await.unwrap_err();
    let ApiErrorKind::CredentialsMissing { looked_for } = error.kind() else { panic!("{error:?}") };
    let names = [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_PROFILE",
        "workload identity (incomplete: ANTHROPIC_FEDERATION_RULE_ID and ANTHROPIC_IDENTITY_TOKEN[_FILE] not set)",
        "the active profile (/nowhere/.config/anthropic/configs/default.json, not found)",
    ];
    assert_eq!(looked_for.len(), names.len());
    for (found, name) in looked_for.iter().zip(names) {
        assert!(found.starts_with(name), "{found}");
    }
}

#[tokio::test]
async fn a_missing_credential_is_found_once_it_exists() {
    let files = directory(&[]);
    let server = Server::start([session(false)]).await;
    let place = files.path().to_str().unwrap();
    let client = client_with(&server, &[("ANTHROPIC_CONFIG_DIR", place)]);
    let error = read_error(&client).await;
    assert!(matches!(error.kind(), ApiErrorKind::Credentials { .. }), "{error:?}");
    write(&files.path().join("configs/default.json"), USER, 0o644);
    let tokens = files.path().join("credentials/default.json");
    write(&tokens, r#"{"access_token":"now"}"#, 0o600);
    client.get_session(&id()).await.unwrap();
}

/// Source and cause of the error with these files and variables.
async fn broken(files: &TempDir, variables: &[(&str, &str)]) -> (String, String) {
    let place = files.path().to_str().unwrap();
    let mut all = vec![("ANTHROPIC_CONFIG_DIR", place)];
    all.extend_from_slice(variables);
    credentials_error(&sent_with(&all).await.unwrap_err())
}

fn credentials_error(error: &ApiError) -> (String, String) {
    match error.kind().clone() {
        ApiErrorKind::Credentials { source, cause } => (source, cause),
        other => panic!("{other:?}"),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn unsafe_files_are_rejected() {
    let secret = r#"{"access_token":"leaked-token"}"#;
    let files = directory(&[("default", USER, secret)]);
    let config = files.path().join("configs/default.json");
    let tokens = files.path().join("credentials/default.json");
    for mode in [0o640, 0o604, 0o620, 0o666] {
        write(&tokens, secret, mode);
        let (_, cause) = broken(&files, &[]).await;
        assert!(cause.contains("can be read by group or others"), "{mode:o}: {cause}");
    }
    write(&tokens, secret, 0o600);
    for mode in [0o664, 0o646] {
        write(&config, USER, mode);
        let (_, cause) = broken(&files, &[]).await;
        assert!(cause.contains("can be written by group or others"), "{mode:o}: {cause}");
    }
    write(&config, USER, 0o644);
    let elsewhere = files.path().join("elsewhere.json");
    fs::rename(&tokens, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &tokens).unwrap();
    let (source, cause) = broken(&files, &[]).await;
    assert!(cause.contains("symlink"), "{cause}");
    assert_eq!(source, "profile \"default\"");
}

#[tokio::test]
async fn broken_profiles_are_explained_without_secrets() {
    let configs = [
        ("{", "configs/default.json is not a JSON object"),
        ("[]", "configs/default.json is not a JSON object"),
        ("{}", "no `authentication`"),
        (r#"{"authentication":{"type":"x"}}"#, "authentication.type"),
        (FEDERATION, "identity token"),
        (FEDERATION_BY_URL, "`identity_token`"),
        (BAD_BASE_URL, "base_url"),
    ];
    let credentials = [
        ("{", "credentials/default.json is not a JSON object"),
        (r#""SECRET-token""#, "credentials/default.json is not a JSON object"),
        ("{}", "no access_token"),
        (r#"{"access_token":"SECRET","expires_at":"2026-01-01"}"#, "expires_at"),
        (r#"{"access_token":"SECRET","type":"private_key"}"#, "type other than"),
    ];
    let configs = configs.map(|(config, expected)| (config, "{}", expected));
    let credentials = credentials.map(|(tokens, expected)| (USER, tokens, expected));
    for (config, tokens, expected) in configs.into_iter().chain(credentials) {
        let files = directory(&[("default", config, tokens)]);
        let (_, cause) = broken(&files, &[]).await;
        assert!(cause.contains(expected), "{config} {tokens}: {cause}");
        assert!(!cause.contains("SECRET"), "{cause}");
    }
    let files = directory(&[]);
    for name in ["../etc/passwd", ".hidden", "a/b", "a\\b", "absent"] {
        let (source, cause) = broken(&files, &[("ANTHROPIC_PROFILE", name)]).await;
        assert!(source.starts_with("ANTHROPIC_PROFILE"), "{source}");
        let expected = if name == "absent" { "cannot be read" } else { "not a profile name" };
        assert!(cause.contains(expected), "{name}: {cause}");
    }
}

#[tokio::test]
async fn a_broken_profile_nobody_chose_is_ignored() {
    let home = TempDir::new().unwrap();
    let configs = home.path().join(".config/anthropic/configs");
    fs::create_dir_all(&configs).unwrap();
    write(&configs.join("default.json"), "{", 0o644);
    if cfg!(unix) {
        let error = sent_with(&[("HOME", home.path().to_str().unwrap())]).await;
        let error = error.unwrap_err();
        let ApiErrorKind::CredentialsMissing { looked_for } = error.kind() else {
            panic!("{error:?}")
        };
        assert!(looked_for[4].contains("broken"), "{looked_for:?}");
    }
}

#[tokio::test]
async fn the_description_names_used_and_ignored_credentials_and_masks_them() {
    let files = directory(&[
        ("default", USER, "{}"),
        (
            "work",
            r#"{"authentication":{"type":"user_oauth"},"workspace_id":"wrkspc_p"}"#,
            r#"{"access_token":"sk-ant-oat01-aaaaaaaawork"}"#,
        ),
    ]);
    let place = files.path().to_str().unwrap();
    let all = [
        ("ANTHROPIC_API_KEY", "sk-ant-api03-aaaaaaaaaaaakey1"),
        ("ANTHROPIC_AUTH_TOKEN", "sk-ant-oat01-aaaaaaaaaaaatok2"),
        ("ANTHROPIC_PROFILE", "work"),
        ("ANTHROPIC_CONFIG_DIR", place),
    ];
    let server = Server::start([session(false)]).await;
    let shown = client_with(&server, &all).describe().await;
    assert_eq!(shown.credential.as_deref(), Ok("ANTHROPIC_API_KEY (…key1)"));
    assert_eq!(
        shown.ignored,
        [
            "ANTHROPIC_AUTH_TOKEN (…tok2)",
            "ANTHROPIC_PROFILE (\"work\")",
            "the active profile (\"default\")",
        ]
    );
    assert_eq!(shown.base_url, Ok(server.url()));
    assert_eq!(shown.base_url_from, "--base-url");
    let shown = client_with(&server, &all[2..]).describe().await;
    assert_eq!(shown.credential.as_deref(), Ok("profile \"work\" (…work)"));
    assert_eq!(shown.workspace_id.as_deref(), Some("wrkspc_p"));
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_profile_sets_workspace_and_base_url_unless_flags_do() {
    let server = Server::start([session(false)]).await;
    let config = format!(
        r#"{{"authentication":{{"type":"user_oauth"}},"workspace_id":"wrkspc_p","base_url":"{}/p/v1/"}}"#,
        server.url()
    );
    let files = directory(&[("default", &config, r#"{"access_token":"t"}"#)]);
    let variables = [("ANTHROPIC_CONFIG_DIR", files.path().to_str().unwrap())];
    let environment: Environment = variables.into_iter().collect();
    let from_profile = Settings {
        base_url: None,
        credentials: Sources::from_environment(&environment),
        ..settings(&server)
    };
    let flags = Settings {
        base_url: Some(format!("{}/f", server.url()).parse().unwrap()),
        workspace_id: Some("wrkspc_f".to_owned()),
        ..from_profile.clone()
    };
    for settings in [from_profile, flags] {
        Client::new(settings).get_session(&id()).await.unwrap();
    }
    let sent = server.seen();
    let sent = sent.iter().map(|seen| (seen.line.as_str(), seen.header("anthropic-workspace-id")));
    assert_eq!(
        sent.collect::<Vec<_>>(),
        [
            ("GET /p/v1/sessions/sesn_1", Some("wrkspc_p")),
            ("GET /f/v1/sessions/sesn_1", Some("wrkspc_f")),
        ]
    );
}

#[tokio::test]
async fn a_profile_cannot_send_its_token_unencrypted() {
    let server = Server::start([session(false)]).await;
    let config = r#"{"authentication":{"type":"user_oauth"},"base_url":"http://example.com"}"#;
    let files = directory(&[("default", config, r#"{"access_token":"t"}"#)]);
    let environment: Environment =
        [("ANTHROPIC_CONFIG_DIR", files.path().to_str().unwrap())].into_iter().collect();
    let client = Client::new(Settings {
        base_url: None,
        credentials: Sources::from_environment(&environment),
        ..settings(&server)
    });
    let (source, cause) = credentials_error(&read_error(&client).await);
    assert_eq!(source, "profile \"default\"");
    assert!(cause.contains("https"), "{cause}");
}

#[tokio::test]
async fn a_rejected_key_is_not_sent_again() {
    let server = Server::start([http_error(401)]).await;
    for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"] {
        let error = read_error(&client_with(&server, &[(name, "k")])).await;
        assert_eq!(error.http_status(), Some(401));
    }
    assert_eq!(server.seen().len(), 2);
}
