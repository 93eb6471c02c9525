//! Profiles on disk: a pair of files, `configs/<name>.json` and `credentials/<name>.json`.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use url::Url;

use crate::api::credentials::{
    Variables,
    files::{TokenFile, read_config},
    workload::{Identity, Workload},
};

/// A profile whose config file was read; its tokens are read when they are needed.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The name it is chosen by.
    pub name: String,
    /// How it gets an access token.
    pub login: Login,
    /// To be sent as `anthropic-workspace-id`; `None` for a workload login, whose tokens are
    /// bound to a workspace already.
    pub workspace_id: Option<String>,
    /// The API it belongs to, when it names one.
    pub base_url: Option<Url>,
}

/// How a profile gets an access token.
#[derive(Debug, Clone)]
pub enum Login {
    /// A person logged in. With a `client_id` an expired token is refreshed here; without one
    /// something else rotates the file, which is therefore read anew on each use.
    User {
        /// The OAuth client the refresh token was given to.
        client_id: Option<String>,
        /// Where the tokens are.
        tokens: TokenFile,
    },
    /// An identity token of the platform is exchanged.
    Workload(Workload),
}

/// The config directory, and whether somebody chose it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory {
    pub(crate) path: Option<PathBuf>,
    /// Set by `ANTHROPIC_CONFIG_DIR`, so that a broken active profile is an error.
    pub(crate) chosen: bool,
    pub(crate) home: Option<PathBuf>,
}

impl Directory {
    /// The content of `active_config`, if there is any.
    pub(crate) fn active(&self) -> Option<String> {
        let pointer = self.path.as_ref()?.join("active_config");
        let text = std::fs::read_to_string(pointer).ok()?;
        let name = text.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Where the config file of `name` is.
    pub(crate) fn config_of(&self, name: &str) -> Result<PathBuf, String> {
        check_name(name)?;
        let directory = self.path.as_ref().ok_or(
            "there is no home directory to look for profiles in; set ANTHROPIC_CONFIG_DIR",
        )?;
        Ok(directory.join("configs").join(format!("{name}.json")))
    }

    /// Reads the profile `name`, filling what it leaves open from the environment.
    pub(crate) fn load(&self, name: &str, variables: &Variables) -> Result<Profile, String> {
        let config_path = self.config_of(name)?;
        let config = read_config(&config_path)?;
        let path = config_path.display();
        let authentication = config
            .get("authentication")
            .and_then(Value::as_object)
            .ok_or_else(|| format!("{path} has no `authentication` object"))?;
        let base_url =
            match text(&config, "base_url") {
                None => None,
                Some(url) => Some(url.parse().map_err(|error| {
                    format!("{path} has a base_url that cannot be read: {error}")
                })?),
            };
        let workspace_id = text(&config, "workspace_id").map(str::to_owned);
        let (login, workspace_id) = match text(authentication, "type") {
            Some("user_oauth") => {
                let tokens = match text(authentication, "credentials_path") {
                    Some(path) => self.expand(path),
                    None => self.credentials_of(name),
                };
                let client_id = text(authentication, "client_id").map(str::to_owned);
                let tokens = TokenFile::new(tokens);
                (Login::User { client_id, tokens }, workspace_id)
            }
            Some("oidc_federation") => {
                let workload = workload(&config, authentication, variables)
                    .map_err(|problem| format!("{path} {problem}"))?;
                (Login::Workload(workload), None)
            }
            _ => {
                return Err(format!(
                    "{path} has an `authentication.type` other than user_oauth and oidc_federation"
                ));
            }
        };
        Ok(Profile {
            name: name.to_owned(),
            login,
            workspace_id,
            base_url,
        })
    }

    fn credentials_of(&self, name: &str) -> PathBuf {
        let file = format!("{name}.json");
        self.relative(&Path::new("credentials").join(file))
    }

    /// `~/` is the home directory; a relative path counts from the config directory, since the
    /// working directory of a server that a host started means nothing.
    fn expand(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.relative(Path::new(path)),
        }
    }

    fn relative(&self, path: &Path) -> PathBuf {
        self.path
            .as_ref()
            .map_or_else(|| path.to_owned(), |directory| directory.join(path))
    }
}

/// A name becomes a file name, so it must not lead out of the directory.
fn check_name(name: &str) -> Result<(), String> {
    let shown: String = name.chars().take(80).collect();
    if name.starts_with('.') || name.contains(['/', '\\', '\0']) || name.trim() != name {
        return Err(format!(
            "{shown:?} is not a profile name (no path, no leading dot, no surrounding space)"
        ));
    }
    Ok(())
}

fn workload(
    config: &Map<String, Value>,
    authentication: &Map<String, Value>,
    variables: &Variables,
) -> Result<Workload, &'static str> {
    let or = |given: Option<&str>, variable: &Option<String>| {
        given.map(str::to_owned).or_else(|| variable.clone())
    };
    let identity = match authentication.get("identity_token") {
        None | Some(Value::Null) => variables
            .identity_token_file
            .clone()
            .ok_or("names no identity token, and ANTHROPIC_IDENTITY_TOKEN_FILE is not set")?,
        // An incomplete entry is a mistake in the file, not a wish to use the environment.
        Some(Value::Object(identity)) if text(identity, "source") == Some("file") => {
            text(identity, "path")
                .map(PathBuf::from)
                .ok_or("has an `identity_token` without a path")?
        }
        Some(_) => return Err("has an `identity_token` whose source is not `file`"),
    };
    Ok(Workload {
        federation_rule_id: or(
            text(authentication, "federation_rule_id"),
            &variables.federation_rule_id,
        )
        .ok_or("has no `authentication.federation_rule_id`")?,
        organization_id: or(text(config, "organization_id"), &variables.organization_id)
            .ok_or("has no `organization_id`")?,
        service_account_id: or(
            text(authentication, "service_account_id"),
            &variables.service_account_id,
        ),
        workspace_id: text(config, "workspace_id").map(str::to_owned),
        identity: Identity::File(identity),
    })
}

/// A field that is a string with something in it: the official tools take empty as absent.
fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    object
        .get(field)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}
