//! Workload identity: what is needed to exchange a token of the platform for one of the API.

use std::{fs::File, io::Read as _, path::PathBuf};

use secrecy::zeroize::Zeroizing;

use crate::api::credentials::Secret;

/// Identity tokens are below 4 KiB; more is a wrong path, and must not be sent anywhere.
const LARGEST: u64 = 16 * 1024;

/// The parts of the exchange at `/v1/oauth/token`.
#[derive(Debug, Clone)]
pub struct Workload {
    /// `fdrl_…`
    pub federation_rule_id: String,
    /// The organization's UUID.
    pub organization_id: String,
    /// `svac_…`, when the rule covers several.
    pub service_account_id: Option<String>,
    /// `wrkspc_…` or `default`: the token is bound to it, so no header is sent later.
    pub workspace_id: Option<String>,
    /// The token to exchange.
    pub identity: Identity,
}

/// Where the platform's identity token is.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Given in the environment.
    Text(Secret),
    /// In a file that the platform rotates: read anew for each exchange.
    File(PathBuf),
}

impl Identity {
    /// The token as it is now; blocking.
    ///
    /// # Errors
    /// One clause: the file cannot be read, is empty, or is too large to be a token.
    pub fn read(&self) -> Result<Secret, String> {
        let (secret, place) = match self {
            Self::Text(secret) => (secret.clone(), "ANTHROPIC_IDENTITY_TOKEN".to_owned()),
            Self::File(path) => {
                let place = path.display().to_string();
                let mut text = Zeroizing::new(String::new());
                File::open(path)
                    .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
                    .map_err(|error| format!("{place} cannot be read: {error}"))?;
                let secret = Secret::new(&text).ok_or_else(|| format!("{place} is empty"))?;
                (secret, place)
            }
        };
        if secret.expose().len() as u64 > LARGEST {
            return Err(format!("{place} is too large to be an identity token"));
        }
        Ok(secret)
    }
}
