//! The effective set-up, for a person who looks for the reason why it does not work.

use tokio::task::spawn_blocking;

use crate::api::{
    auth::{Authenticator, unfinished},
    credentials::credential::{Credential, CredentialKind},
    error::ApiError,
    settings::AuthHeader,
};

/// The effective set-up, secrets masked to their last four characters.
#[derive(Debug, Clone)]
pub struct Description {
    /// Where requests go, or what is wrong with it.
    pub base_url: Result<String, ApiError>,
    /// Where the base URL comes from: the flag or variable, a profile, or `default`.
    pub base_url_from: String,
    /// The credential that is used, its secret masked, or why no credential can be used.
    pub credential: Result<String, ApiError>,
    /// Credentials that are present and not used, in order, masked.
    pub ignored: Vec<String>,
    /// The header the credential is sent in.
    pub auth_header: &'static str,
    /// The workspace that is named in a header, if any.
    pub workspace_id: Option<String>,
}

impl Authenticator {
    /// From settings and disk; makes no request and refreshes no token.
    pub(crate) async fn describe(&self) -> Description {
        let (base_url, base_url_from) = match self.base().await {
            Ok(base) => (Ok(base.shown().to_owned()), base.source),
            Err(error) => (Err(error), "unknown".to_owned()),
        };
        let sources = self.settings.credentials.clone();
        let found = spawn_blocking(move || {
            let (credential, ignored) = sources.resolve()?;
            let masked = masked(&credential);
            Ok((credential, ignored, masked))
        });
        let mut description = Description {
            base_url,
            base_url_from,
            credential: Err(unfinished()),
            ignored: Vec::new(),
            auth_header: match self.settings.auth_header {
                AuthHeader::XApiKey => "x-api-key",
                AuthHeader::Authorization => "authorization",
            },
            workspace_id: self.settings.workspace_id.clone(),
        };
        match found.await.unwrap_or_else(|_| Err(unfinished())) {
            Err(error) => description.credential = Err(error),
            Ok((credential, ignored, masked)) => {
                if !matches!(credential.kind, CredentialKind::ApiKey(_)) {
                    description.auth_header = "authorization";
                }
                description.workspace_id = self.workspace(&credential).map(str::to_owned);
                description.credential = masked;
                description.ignored = ignored;
            }
        }
        description
    }
}

/// The source with its masked secret; blocking.
fn masked(credential: &Credential) -> Result<String, ApiError> {
    let secret = match &credential.kind {
        CredentialKind::ApiKey(secret) | CredentialKind::AuthToken(secret) => Ok(secret.masked()),
        CredentialKind::Login { file, .. } => file.read().map(|read| read.token.access.masked()),
        CredentialKind::Workload(workload) => {
            let identity = workload.identity.read();
            identity.map(|_| format!("rule {}", workload.federation_rule_id))
        }
    };
    match secret {
        Ok(secret) => Ok(format!("{} ({secret})", credential.source)),
        Err(cause) => Err(credential.unusable(cause)),
    }
}
