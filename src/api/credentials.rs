//! Which credential is used, and which others are present and ignored.
//!
//! The order is that of the official tools: `ANTHROPIC_API_KEY`, `ANTHROPIC_AUTH_TOKEN`, the
//! profile that `ANTHROPIC_PROFILE` names, workload identity from the environment, the active
//! profile on disk. Nothing here makes a request.

pub(crate) mod credential;
pub(crate) mod files;
mod profile;
pub(crate) mod secret;
pub(crate) mod workload;

use crate::{
    api::{
        credentials::{
            credential::{Credential, CredentialKind},
            profile::ConfigDirectory,
            secret::Secret,
            workload::Workload,
        },
        error::{ApiError, ApiErrorKind},
    },
    environment::{Environment, Key},
};

/// The credentials the environment names, not yet looked up.
#[derive(Debug, Clone, Default)]
pub struct Sources(Environment);

impl Sources {
    /// The variables read as text.
    pub const VARIABLES: [&str; 7] = [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_FEDERATION_RULE_ID",
        "ANTHROPIC_ORGANIZATION_ID",
        "ANTHROPIC_SERVICE_ACCOUNT_ID",
        "ANTHROPIC_IDENTITY_TOKEN",
    ];
    /// The variables read as paths.
    pub const PATHS: [&str; 2] = ["ANTHROPIC_IDENTITY_TOKEN_FILE", "ANTHROPIC_CONFIG_DIR"];

    /// Reads no files yet.
    pub fn from_environment(environment: &Environment) -> Self {
        Self(environment.clone())
    }

    /// Only this API key, for the sandbox and for tests.
    pub fn from_api_key(key: &str) -> Self {
        Self(Environment::from_iter([("ANTHROPIC_API_KEY", key)]))
    }

    /// The first credential in order, and the others that are present, masked; blocking, since it
    /// reads config files. Fails without a credential, or if one that was chosen on purpose is broken.
    pub(crate) fn resolve(&self) -> Result<(Credential, Vec<String>), ApiError> {
        let environment = &self.0;
        let mut search = Search::default();
        let api_key = CredentialKind::ApiKey as fn(_) -> _;
        for (name, kind) in
            [("ANTHROPIC_API_KEY", api_key), ("ANTHROPIC_AUTH_TOKEN", CredentialKind::AuthToken)]
        {
            let secret = match environment.key(name) {
                Key::Value(text) => Secret::new(text),
                Key::Unset => None,
                Key::Placeholder => {
                    let placeholder = format!("{name} (a placeholder)");
                    search.looked_for.push(placeholder.clone());
                    search.ignored.push(placeholder);
                    continue;
                }
            };
            match secret {
                Some(secret) => search.add(format!("{name} ({})", secret.masked()), || {
                    check_key(&secret)?;
                    Ok(Credential::new(name, kind(secret)))
                })?,
                None => search.looked_for.push(format!("{name} (not set)")),
            }
        }
        let directory = ConfigDirectory::from_environment(environment);
        let profile = environment.get("ANTHROPIC_PROFILE");
        match profile {
            Some(name) => search.add(format!("ANTHROPIC_PROFILE ({name:?})"), || {
                directory.load(name, environment)
            })?,
            None => search.looked_for.push("ANTHROPIC_PROFILE (not set)".to_owned()),
        }
        match Workload::from_environment(environment) {
            Ok(workload) => {
                let variables = Workload::VARIABLES.join(" + ");
                search.add(format!("workload identity ({variables})"), || {
                    let source = "workload identity (ANTHROPIC_FEDERATION_RULE_ID)";
                    Ok(Credential::new(source, CredentialKind::Workload(workload)))
                })?;
            }
            Err(missing) if missing.len() < Workload::VARIABLES.len() => {
                let missing = missing.join(" and ");
                let incomplete = format!("workload identity (incomplete: {missing} not set)");
                search.looked_for.push(incomplete.clone());
                search.ignored.push(incomplete);
            }
            Err(missing) => search.looked_for.push(format!("{} (not set)", missing.join(" + "))),
        }
        search.add_active_profile(&directory, profile, environment)?;
        let looked_for = search.looked_for;
        let missing = || ApiErrorKind::CredentialsMissing { looked_for };
        Ok((search.credential.ok_or_else(missing)?, search.ignored))
    }
}

/// More was pasted than the key, or other text: nothing to be sent anywhere.
fn check_key(secret: &Secret) -> Result<(), String> {
    let is_foreign = |c: char| c.is_whitespace() || "\"'`“”‘’".contains(c);
    if secret.expose().contains(is_foreign) {
        return Err("contains white space or a quotation mark".to_owned());
    }
    Ok(())
}

#[derive(Default)]
struct Search {
    credential: Option<Credential>,
    ignored: Vec<String>,
    looked_for: Vec<String>,
}

impl Search {
    /// Uses a credential that is present, or ignores it if an earlier one is used.
    fn add(
        &mut self,
        source: String,
        load: impl FnOnce() -> Result<Credential, String>,
    ) -> Result<(), ApiError> {
        if self.credential.is_some() {
            self.ignored.push(source);
        } else {
            let loaded = load().map_err(|cause| ApiError::credentials(&source, cause));
            self.credential = Some(loaded?);
        }
        Ok(())
    }

    /// The profile that `active_config` names, else `default`. `named` is the one that
    /// `ANTHROPIC_PROFILE` names.
    fn add_active_profile(
        &mut self,
        directory: &ConfigDirectory,
        named: Option<&str>,
        environment: &Environment,
    ) -> Result<(), ApiError> {
        let active = directory.active();
        let is_chosen = directory.is_chosen || active.is_some();
        let name = active.unwrap_or_else(|| "default".to_owned());
        let path = directory.config_of(&name);
        let exists = path.as_ref().is_ok_and(|path| path.exists());
        let source = format!("the active profile ({name:?})");
        if self.credential.is_some() {
            if exists && named != Some(&name) {
                self.ignored.push(source);
            }
            return Ok(());
        }
        let problem = if exists || is_chosen {
            match directory.load(&name, environment) {
                Ok(credential) => {
                    self.credential = Some(credential);
                    return Ok(());
                }
                Err(cause) if is_chosen => return Err(ApiError::credentials(&source, cause)),
                // Nobody chose this file: it is mentioned, and not an error.
                Err(cause) => format!("broken: {cause}"),
            }
        } else {
            let place = path.map_or_else(|cause| cause, |path| path.display().to_string());
            format!("{place}, not found")
        };
        let looked_for = format!("the active profile ({problem})");
        self.looked_for.push(looked_for);
        Ok(())
    }
}
