//! What the client would do, for a person who looks for the reason why it does not work.

use tokio::task::spawn_blocking;

use crate::api::{
    ApiError, AuthHeader, Client,
    credentials::{Credential, Login, Profile},
};

/// The effective set-up, secrets masked to their last four characters.
#[derive(Debug, Clone)]
pub struct Description {
    /// Where requests go, or what is wrong with it.
    pub base_url: Result<String, ApiError>,
    /// Who says so: the flag or variable, a profile, or `default`.
    pub base_url_from: String,
    /// The source that won, with its masked secret; or why there is none.
    pub credential: Result<String, ApiError>,
    /// The sources that were there too and were not used, in order, masked.
    pub passed_over: Vec<String>,
    /// The header the credential travels in.
    pub auth_header: &'static str,
    /// The workspace that is named in a header, if any.
    pub workspace_id: Option<String>,
}

impl Client {
    /// Looks at settings and disk, and never at the network: no token is refreshed for it.
    pub async fn describe(&self) -> Description {
        let (base_url, base_url_from) = match self.inner.base().await {
            Ok((base, from)) => (Ok(base.as_str().trim_end_matches('/').to_owned()), from),
            Err(error) => (Err(error), "unknown".to_owned()),
        };
        let settings = &self.inner.settings;
        let sources = settings.credentials.clone();
        let unknown = |cause: String| ApiError::Credentials {
            source: "credentials".to_owned(),
            cause,
        };
        let looked_up = spawn_blocking(move || {
            let resolved = sources.resolve()?;
            let credential = shown(&resolved.credential);
            Ok((resolved, credential))
        });
        let looked_up = match looked_up.await {
            Ok(result) => result,
            Err(error) => Err(unknown(error.to_string())),
        };
        let key_header = match settings.auth_header {
            AuthHeader::XApiKey => "x-api-key",
            AuthHeader::Authorization => "authorization",
        };
        match looked_up {
            Err(error) => Description {
                base_url,
                base_url_from,
                credential: Err(error),
                passed_over: Vec::new(),
                auth_header: key_header,
                workspace_id: settings.workspace_id.clone(),
            },
            Ok((resolved, credential)) => Description {
                base_url,
                base_url_from,
                workspace_id: self
                    .inner
                    .workspace(&resolved.credential)
                    .map(str::to_owned),
                auth_header: match resolved.credential {
                    Credential::ApiKey(_) => key_header,
                    _ => "authorization",
                },
                passed_over: resolved.passed_over,
                credential,
            },
        }
    }
}

/// A source with its masked secret; blocking.
fn shown(credential: &Credential) -> Result<String, ApiError> {
    let source = credential.source();
    let secret = match credential {
        Credential::ApiKey(secret) | Credential::AuthToken(secret) => secret.masked(),
        Credential::Profile(Profile {
            login: Login::User { tokens, .. },
            ..
        }) => match tokens.read() {
            Ok(tokens) => tokens.access.masked(),
            Err(cause) => return Err(ApiError::Credentials { source, cause }),
        },
        Credential::Workload(workload)
        | Credential::Profile(Profile {
            login: Login::Workload(workload),
            ..
        }) => match workload.identity.read() {
            Ok(_) => format!("rule {}", workload.federation_rule_id),
            Err(cause) => return Err(ApiError::Credentials { source, cause }),
        },
    };
    Ok(format!("{source} ({secret})"))
}
