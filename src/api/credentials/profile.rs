//! Profiles on disk: a pair of files, `configs/<name>.json` and `credentials/<name>.json`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::{
    api::{
        base_url::parse_base_url,
        credentials::{
            credential::{Credential, CredentialKind},
            files::{TokenFile, read_config},
            workload::{IdentityToken, Workload},
        },
    },
    environment::Environment,
};

/// The directory with `configs`, `credentials` and `active_config`.
pub(crate) struct ConfigDirectory {
    path: Option<PathBuf>,
    /// Set by `ANTHROPIC_CONFIG_DIR`, so that a broken active profile is an error.
    pub(crate) is_chosen: bool,
}

impl ConfigDirectory {
    pub(crate) fn from_environment(environment: &Environment) -> Self {
        let path = |name| environment.path(name).ok().flatten();
        let default = if cfg!(windows) {
            path("APPDATA").map(|roaming| roaming.join("Anthropic"))
        } else {
            // On macOS too: the official tools use one place everywhere but on Windows.
            environment.home().map(|home| home.join(".config/anthropic"))
        };
        let chosen = path("ANTHROPIC_CONFIG_DIR");
        Self { is_chosen: chosen.is_some(), path: chosen.or(default) }
    }

    /// The profile that `active_config` names.
    pub(crate) fn active(&self) -> Option<String> {
        let pointer = self.path.as_ref()?.join("active_config");
        let text = std::fs::read_to_string(pointer).ok()?;
        let name = text.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }

    pub(crate) fn config_of(&self, name: &str) -> Result<PathBuf, String> {
        check_name(name)?;
        let directory = self.path.as_ref().ok_or("no home directory to look for profiles in")?;
        Ok(directory.join("configs").join(format!("{name}.json")))
    }

    /// Reads the profile `name`, filling gaps from the environment.
    pub(crate) fn load(&self, name: &str, environment: &Environment) -> Result<Credential, String> {
        let path = self.config_of(name)?;
        let config = read_config(&path);
        let credential = config.and_then(|config| self.parse(name, &config, environment));
        credential.map_err(|problem| format!("{} {problem}", path.display()))
    }

    fn parse(
        &self,
        name: &str,
        config: &Map<String, Value>,
        environment: &Environment,
    ) -> Result<Credential, String> {
        let authentication = config
            .get("authentication")
            .and_then(Value::as_object)
            .ok_or("has no `authentication` object")?;
        let base_url = text(config, "base_url").map(parse_base_url).transpose();
        let base_url = base_url.map_err(|problem| format!("has a base_url that {problem}"))?;
        let kind = match text(authentication, "type") {
            Some("user_oauth") => {
                let path = match text(authentication, "credentials_path") {
                    Some(path) => self.resolve(&expanded(path, "credentials_path", environment)?),
                    None => self.resolve(&Path::new("credentials").join(format!("{name}.json"))),
                };
                CredentialKind::Login {
                    client_id: text(authentication, "client_id").map(str::to_owned),
                    file: TokenFile(path),
                }
            }
            Some("oidc_federation") => {
                CredentialKind::Workload(workload(config, authentication, environment)?)
            }
            _ => {
                return Err(
                    "has an `authentication.type` other than user_oauth and oidc_federation".into(),
                );
            }
        };
        Ok(Credential {
            source: format!("profile {name:?}"),
            kind,
            base_url,
            workspace_id: text(config, "workspace_id").map(str::to_owned),
        })
    }

    /// A relative path counts from the config directory, since the working directory of a server
    /// that a host started is arbitrary.
    fn resolve(&self, path: &Path) -> PathBuf {
        match &self.path {
            Some(directory) => directory.join(path),
            None => path.to_owned(),
        }
    }
}

/// A name becomes a file name, so it must not lead out of the directory.
fn check_name(name: &str) -> Result<(), String> {
    let shown: String = name.chars().take(80).collect();
    if name.starts_with('.') || name.contains(['/', '\\', '\0']) || name.trim() != name {
        return Err(format!(
            "{shown:?} is not a profile name (path, leading dot or surrounding space)"
        ));
    }
    Ok(())
}

/// `~` is the home directory.
fn expanded(path: &str, field: &str, environment: &Environment) -> Result<PathBuf, String> {
    let path = environment.expand(Path::new(path));
    path.map_err(|problem| format!("has a path in `{field}` that {problem}"))
}

fn workload(
    config: &Map<String, Value>,
    authentication: &Map<String, Value>,
    environment: &Environment,
) -> Result<Workload, String> {
    let or = |given: Option<&str>, variable| {
        let value = given.or_else(|| environment.get(variable));
        value.map(str::to_owned)
    };
    let identity = match authentication.get("identity_token") {
        None | Some(Value::Null) => environment
            .path("ANTHROPIC_IDENTITY_TOKEN_FILE")?
            .ok_or("names no identity token, and ANTHROPIC_IDENTITY_TOKEN_FILE is not set")?,
        // An incomplete entry is a mistake in the file, not a wish to use the environment.
        Some(Value::Object(identity)) if text(identity, "source") == Some("file") => {
            let path = text(identity, "path");
            let path = path.ok_or("has an `identity_token` without a path")?;
            expanded(path, "identity_token", environment)?
        }
        Some(_) => return Err("has an `identity_token` whose source is not `file`".to_owned()),
    };
    let rule = text(authentication, "federation_rule_id");
    let organization = text(config, "organization_id");
    let account = text(authentication, "service_account_id");
    Ok(Workload {
        federation_rule_id: or(rule, "ANTHROPIC_FEDERATION_RULE_ID")
            .ok_or("has no `authentication.federation_rule_id`")?,
        organization_id: or(organization, "ANTHROPIC_ORGANIZATION_ID")
            .ok_or("has no `organization_id`")?,
        service_account_id: or(account, "ANTHROPIC_SERVICE_ACCOUNT_ID"),
        workspace_id: text(config, "workspace_id").map(str::to_owned),
        identity: IdentityToken::File(identity),
    })
}

/// A string field; empty counts as absent, as in the official tools.
fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    let text = object.get(field)?.as_str()?;
    (!text.is_empty()).then_some(text)
}
