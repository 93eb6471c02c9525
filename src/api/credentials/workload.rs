//! Workload identity: exchanging a token of the platform for one of the API.

use std::{fs::File, io::Read as _, path::PathBuf};

use secrecy::zeroize::Zeroizing;

use crate::{
    api::credentials::secret::Secret,
    environment::{Environment, Key},
};

/// Identity tokens are below 4 KiB; more is a wrong path, and must not be sent anywhere.
const LARGEST: u64 = 16 * 1024;

/// The parameters of the exchange at `/v1/oauth/token`.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    /// `fdrl_…`
    pub(crate) federation_rule_id: String,
    /// The organization's UUID.
    pub(crate) organization_id: String,
    /// `svac_…`, if the rule covers several.
    pub(crate) service_account_id: Option<String>,
    /// `wrkspc_…` or `default`: the token is bound to it, so no header is sent later.
    pub(crate) workspace_id: Option<String>,
    pub(crate) identity: IdentityToken,
}

impl Workload {
    /// The variables that are required.
    pub(crate) const VARIABLES: [&str; 3] = [
        "ANTHROPIC_FEDERATION_RULE_ID",
        "ANTHROPIC_ORGANIZATION_ID",
        "ANTHROPIC_IDENTITY_TOKEN[_FILE]",
    ];

    /// Fails with those of [`Self::VARIABLES`] that are not set.
    pub(crate) fn from_environment(environment: &Environment) -> Result<Self, Vec<&'static str>> {
        let text = |name| environment.get(name).map(str::to_owned);
        let file = environment.path("ANTHROPIC_IDENTITY_TOKEN_FILE").ok().flatten();
        let token = match environment.key("ANTHROPIC_IDENTITY_TOKEN") {
            Key::Value(token) => Secret::new(token),
            Key::Unset | Key::Placeholder => None,
        };
        let identity = match file {
            Some(path) => Some(IdentityToken::File(path)),
            None => token.map(IdentityToken::Text),
        };
        let rule = text("ANTHROPIC_FEDERATION_RULE_ID");
        let organization = text("ANTHROPIC_ORGANIZATION_ID");
        let is_set = [rule.is_some(), organization.is_some(), identity.is_some()];
        if let (Some(rule), Some(organization), Some(identity)) = (rule, organization, identity) {
            return Ok(Self {
                federation_rule_id: rule,
                organization_id: organization,
                service_account_id: text("ANTHROPIC_SERVICE_ACCOUNT_ID"),
                workspace_id: text("ANTHROPIC_WORKSPACE_ID"),
                identity,
            });
        }
        let variables = Self::VARIABLES.into_iter().zip(is_set);
        let missing = variables.filter(|(_, is_set)| !is_set);
        Err(missing.map(|(name, _)| name).collect())
    }
}

/// Where the platform's identity token is.
#[derive(Debug, Clone)]
pub(crate) enum IdentityToken {
    /// In the environment.
    Text(Secret),
    /// In a file that the platform rotates: read anew for each exchange.
    File(PathBuf),
}

impl IdentityToken {
    /// The token as it is now; blocking. Errors are one clause.
    pub(crate) fn read(&self) -> Result<Secret, String> {
        let path = match self {
            Self::Text(secret) => return checked(secret.clone(), "ANTHROPIC_IDENTITY_TOKEN"),
            Self::File(path) => path,
        };
        let place = path.display().to_string();
        let mut text = Zeroizing::new(String::new());
        File::open(path)
            .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
            .map_err(|error| format!("{place} cannot be read: {error}"))?;
        let secret = Secret::new(&text).ok_or_else(|| format!("{place} is empty"))?;
        checked(secret, &place)
    }
}

fn checked(secret: Secret, place: &str) -> Result<Secret, String> {
    if secret.expose().len() as u64 > LARGEST {
        return Err(format!("{place} is too large to be an identity token"));
    }
    Ok(secret)
}
