//! Which credential source wins, and which were passed over.
//!
//! The order is that of the official tools: `ANTHROPIC_API_KEY`, `ANTHROPIC_AUTH_TOKEN`, the
//! profile that `ANTHROPIC_PROFILE` names, workload identity from the environment, the active
//! profile on disk. [`Sources`] is what the environment says and costs nothing;
//! [`Sources::resolve`] looks at the disk. Nothing here speaks to the network.

mod files;
mod profile;
mod secret;
mod workload;

use std::path::PathBuf;

pub use files::{Replacement, TokenFile, Tokens};
use profile::Directory;
pub use profile::{Login, Profile};
pub use secret::Secret;
pub use workload::{Identity, Workload};

use crate::environment::Environment;

/// The variables of workload identity, which step 4 has, as it is worded for people.
const WORKLOAD: &str =
    "ANTHROPIC_FEDERATION_RULE_ID + ANTHROPIC_ORGANIZATION_ID + ANTHROPIC_IDENTITY_TOKEN[_FILE]";

/// What the environment says about credentials, not yet looked up.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    api_key: Option<Secret>,
    auth_token: Option<Secret>,
    profile: Option<String>,
    variables: Variables,
    directory: Directory,
}

/// The variables that workload identity is made of, and that fill gaps in profiles.
#[derive(Debug, Clone, Default)]
struct Variables {
    federation_rule_id: Option<String>,
    organization_id: Option<String>,
    service_account_id: Option<String>,
    workspace_id: Option<String>,
    identity_token: Option<Secret>,
    identity_token_file: Option<PathBuf>,
}

/// The source that won.
#[derive(Debug, Clone)]
pub enum Credential {
    /// `ANTHROPIC_API_KEY`.
    ApiKey(Secret),
    /// `ANTHROPIC_AUTH_TOKEN`: an OAuth token that nothing here can renew.
    AuthToken(Secret),
    /// A profile, named or active.
    Profile(Profile),
    /// Workload identity from the environment.
    Workload(Workload),
}

impl Credential {
    /// What to call it in a message: a variable, or the profile with its name.
    #[must_use]
    pub fn source(&self) -> String {
        match self {
            Self::ApiKey(_) => "ANTHROPIC_API_KEY".to_owned(),
            Self::AuthToken(_) => "ANTHROPIC_AUTH_TOKEN".to_owned(),
            Self::Profile(profile) => format!("profile {:?}", profile.name),
            Self::Workload(_) => "workload identity (ANTHROPIC_FEDERATION_RULE_ID)".to_owned(),
        }
    }
}

/// The winner, and what stood behind it.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What requests are made with.
    pub credential: Credential,
    /// Sources that were there too and were not used, in order, secrets masked.
    pub passed_over: Vec<String>,
}

/// Why no source could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// There is none; the places looked at, in order, each with what was found there.
    Missing(Vec<String>),
    /// There is one, chosen on purpose, and it is broken.
    Broken {
        /// What to call it.
        source: String,
        /// One clause.
        cause: String,
    },
}

impl Sources {
    /// Takes what is set; reads no file.
    #[must_use]
    pub fn from_environment(environment: &Environment) -> Self {
        let text = |name| environment.get(name).map(str::trim).map(str::to_owned);
        let secret = |name| environment.get(name).and_then(Secret::new);
        let home = text("HOME")
            .or_else(|| text("USERPROFILE"))
            .map(PathBuf::from);
        let default = if cfg!(windows) {
            text("APPDATA").map(|roaming| PathBuf::from(roaming).join("Anthropic"))
        } else {
            // On macOS too: the official tools use one place everywhere but on Windows.
            home.as_ref().map(|home| home.join(".config/anthropic"))
        };
        let chosen = text("ANTHROPIC_CONFIG_DIR").map(PathBuf::from);
        Self {
            api_key: secret("ANTHROPIC_API_KEY"),
            auth_token: secret("ANTHROPIC_AUTH_TOKEN"),
            profile: text("ANTHROPIC_PROFILE"),
            variables: Variables {
                federation_rule_id: text("ANTHROPIC_FEDERATION_RULE_ID"),
                organization_id: text("ANTHROPIC_ORGANIZATION_ID"),
                service_account_id: text("ANTHROPIC_SERVICE_ACCOUNT_ID"),
                workspace_id: text("ANTHROPIC_WORKSPACE_ID"),
                identity_token: secret("ANTHROPIC_IDENTITY_TOKEN"),
                identity_token_file: text("ANTHROPIC_IDENTITY_TOKEN_FILE").map(PathBuf::from),
            },
            directory: Directory {
                chosen: chosen.is_some(),
                path: chosen.or(default),
                home,
            },
        }
    }

    /// Only this API key, whatever the environment says: for the sandbox and for tests.
    #[must_use]
    pub fn from_api_key(key: &str) -> Self {
        Self {
            api_key: Secret::new(key),
            ..Self::default()
        }
    }

    /// Looks for the winner; reads config files, and is blocking for that.
    ///
    /// # Errors
    /// [`Unusable`], without any secret in it.
    pub fn resolve(&self) -> Result<Resolved, Unusable> {
        let mut winner = None;
        let mut passed_over = Vec::new();
        let mut looked_for = Vec::new();

        let keys = [
            (
                "ANTHROPIC_API_KEY",
                &self.api_key,
                Credential::ApiKey as fn(_) -> _,
            ),
            (
                "ANTHROPIC_AUTH_TOKEN",
                &self.auth_token,
                Credential::AuthToken,
            ),
        ];
        for (name, secret, credential) in keys {
            match secret {
                Some(secret) if winner.is_none() => winner = Some(credential(secret.clone())),
                Some(secret) => passed_over.push(format!("{name} ({})", secret.masked())),
                None => looked_for.push(format!("{name} (not set)")),
            }
        }

        match &self.profile {
            Some(name) if winner.is_none() => {
                winner = Some(Credential::Profile(self.load(name).map_err(|cause| {
                    Unusable::Broken {
                        source: format!("ANTHROPIC_PROFILE ({name:?})"),
                        cause,
                    }
                })?));
            }
            Some(name) => passed_over.push(format!("ANTHROPIC_PROFILE ({name:?})")),
            None => looked_for.push("ANTHROPIC_PROFILE (not set)".to_owned()),
        }

        match self.workload() {
            Ok(workload) if winner.is_none() => winner = Some(Credential::Workload(workload)),
            Ok(_) => passed_over.push(format!("workload identity ({WORKLOAD})")),
            Err(missing) if missing.len() < 3 => {
                let incomplete = format!(
                    "workload identity (incomplete: {} not set)",
                    missing.join(" and ")
                );
                looked_for.push(incomplete.clone());
                passed_over.push(incomplete);
            }
            Err(_) => looked_for.push(format!("{WORKLOAD} (not set)")),
        }

        self.active(&mut winner, &mut passed_over, &mut looked_for)?;
        match winner {
            Some(credential) => Ok(Resolved {
                credential,
                passed_over,
            }),
            None => Err(Unusable::Missing(looked_for)),
        }
    }

    /// Step 5: the profile that `active_config` names, else `default`.
    fn active(
        &self,
        winner: &mut Option<Credential>,
        passed_over: &mut Vec<String>,
        looked_for: &mut Vec<String>,
    ) -> Result<(), Unusable> {
        let pointed_at = self.directory.active();
        let chosen = self.directory.chosen || pointed_at.is_some();
        let name = pointed_at.unwrap_or_else(|| "default".to_owned());
        let path = self.directory.config_of(&name);
        let exists = path.as_ref().is_ok_and(|path| path.exists());
        if winner.is_some() {
            // A profile that was named has been mentioned already.
            if exists && self.profile.as_ref() != Some(&name) {
                passed_over.push(format!("the active profile ({name:?})"));
            }
            return Ok(());
        }
        if !exists && !chosen {
            let place = path.map_or_else(|cause| cause, |path| path.display().to_string());
            looked_for.push(format!("the active profile ({place}, not there)"));
            return Ok(());
        }
        match self.load(&name) {
            Ok(profile) => *winner = Some(Credential::Profile(profile)),
            Err(cause) if chosen => {
                let source = format!("the active profile ({name:?})");
                return Err(Unusable::Broken { source, cause });
            }
            // Nobody asked for this file: it must not stand in the way, but it is mentioned.
            Err(cause) => looked_for.push(format!("the active profile (broken: {cause})")),
        }
        Ok(())
    }

    fn load(&self, name: &str) -> Result<Profile, String> {
        self.directory.load(name, &self.variables)
    }

    /// Workload identity from the environment, or the variables that are missing.
    fn workload(&self) -> Result<Workload, Vec<&'static str>> {
        let variables = &self.variables;
        let identity = match (&variables.identity_token_file, &variables.identity_token) {
            (Some(path), _) => Some(Identity::File(path.clone())),
            (None, Some(token)) => Some(Identity::Text(token.clone())),
            (None, None) => None,
        };
        let parts = (
            &variables.federation_rule_id,
            &variables.organization_id,
            &identity,
        );
        if let (Some(rule), Some(organization), Some(identity)) = parts {
            return Ok(Workload {
                federation_rule_id: rule.clone(),
                organization_id: organization.clone(),
                service_account_id: variables.service_account_id.clone(),
                workspace_id: variables.workspace_id.clone(),
                identity: identity.clone(),
            });
        }
        let (rule, organization, identity) = parts;
        let missing = [
            (rule.is_none(), "ANTHROPIC_FEDERATION_RULE_ID"),
            (organization.is_none(), "ANTHROPIC_ORGANIZATION_ID"),
            (identity.is_none(), "ANTHROPIC_IDENTITY_TOKEN[_FILE]"),
        ];
        Err(missing
            .into_iter()
            .filter_map(|(absent, name)| absent.then_some(name))
            .collect())
    }
}
