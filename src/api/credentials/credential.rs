//! A credential that was found.

use url::Url;

use crate::api::{
    credentials::{files::TokenFile, secret::Secret, workload::Workload},
    error::ApiError,
};

#[derive(Debug, Clone)]
pub(crate) struct Credential {
    /// Its name in messages: a variable, or the profile with its name.
    pub(crate) source: String,
    pub(crate) kind: CredentialKind,
    /// The API a profile belongs to, if it names one.
    pub(crate) base_url: Option<Url>,
    /// The `anthropic-workspace-id` a profile names. Not sent with workload identity.
    pub(crate) workspace_id: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum CredentialKind {
    ApiKey(Secret),
    /// An OAuth token that cannot be renewed here.
    AuthToken(Secret),
    /// A person logged in. With a `client_id` an expired token is refreshed here; without one
    /// something else rotates the file, which is therefore read on each use.
    Login {
        client_id: Option<String>,
        file: TokenFile,
    },
    /// An identity token of the platform is exchanged.
    Workload(Workload),
}

impl Credential {
    pub(crate) fn new(source: &str, kind: CredentialKind) -> Self {
        Self { source: source.to_owned(), kind, base_url: None, workspace_id: None }
    }

    pub(crate) fn unusable(&self, cause: impl Into<String>) -> ApiError {
        ApiError::credentials(&self.source, cause)
    }
}
