//! The credential of a request: resolved once, cached, and renewed before it expires or when it
//! is rejected.
//!
//! One lock makes every renewal a single flight. A renewal runs in a task of its own: a cancelled
//! call must not drop the response to a refresh, which holds the only copy of a rotated refresh
//! token.

pub(crate) mod describe;
mod token;

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::spawn_blocking,
};
use url::Url;

use crate::api::{
    auth::token::TokenRequest,
    credentials::{
        credential::{Credential, CredentialKind},
        files::{IssuedToken, TokenFile, Tokens},
        secret::Secret,
    },
    error::{ApiError, ApiErrorKind},
    settings::{AuthHeader, BaseUrl, DEFAULT_BASE_URL, Settings, check_base_url},
    transport::Transport,
};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The beta every Sessions endpoint is in.
const BETA: &str = "managed-agents-2026-04-01";
/// OAuth tokens, whatever their source, need a second one.
const BETA_WITH_OAUTH: &str = "managed-agents-2026-04-01,oauth-2025-04-20";

/// A token is renewed this many seconds before it expires.
const MARGIN: i64 = 60;

/// What requests are authenticated with.
pub(crate) struct RequestAuth {
    pub(crate) base: BaseUrl,
    /// What every request carries; the credential is marked sensitive.
    pub(crate) headers: HeaderMap,
    /// Tells one token from the next, and is removed from what services echo.
    pub(crate) secret: Secret,
    /// Whether another one can be obtained.
    pub(crate) is_renewable: bool,
    /// Unix seconds.
    expires_at: Option<i64>,
}

#[derive(Default)]
struct CredentialCache {
    credential: Option<Arc<Credential>>,
    auth: Option<Arc<RequestAuth>>,
}

impl CredentialCache {
    /// What is cached, if it is valid for `margin` more seconds and not what was rejected.
    fn usable(&self, rejected: Option<&RequestAuth>, margin: i64) -> Option<Arc<RequestAuth>> {
        let auth = self.auth.as_ref()?;
        let is_valid = auth.expires_at.is_none_or(|at| now() + margin < at);
        let is_another = rejected.is_none_or(|rejected| rejected.secret != auth.secret);
        (is_valid && is_another).then(|| Arc::clone(auth))
    }
}

pub(crate) struct Authenticator {
    settings: Arc<Settings>,
    transport: Arc<Transport>,
    cache: Arc<Mutex<CredentialCache>>,
}

impl Authenticator {
    pub(crate) fn new(settings: Arc<Settings>, transport: Arc<Transport>) -> Self {
        Self { settings, transport, cache: Arc::default() }
    }

    /// What to use now, or after the `rejected` one; the same again if there is no other.
    pub(crate) async fn request_auth(
        self: &Arc<Self>,
        rejected: Option<Arc<RequestAuth>>,
    ) -> Result<Arc<RequestAuth>, ApiError> {
        let cache = Arc::clone(&self.cache).lock_owned().await;
        // Also if another call has renewed it in the meantime.
        if let Some(auth) = cache.usable(rejected.as_deref(), MARGIN) {
            return Ok(auth);
        }
        let renewal = tokio::spawn(Arc::clone(self).renew(cache, rejected));
        renewal.await.unwrap_or_else(|_| Err(unfinished()))
    }

    async fn renew(
        self: Arc<Self>,
        mut cache: OwnedMutexGuard<CredentialCache>,
        rejected: Option<Arc<RequestAuth>>,
    ) -> Result<Arc<RequestAuth>, ApiError> {
        if rejected.is_some() {
            // Whatever rotates the tokens may have rewritten the profile as well.
            cache.credential = None;
        }
        let credential = self.resolve(&mut cache).await?;
        let base = self.base_of(Some(&credential))?;
        let rejected_secret = rejected.as_ref().map(|auth| &auth.secret);
        let token = match self.issue(&credential, &base.url, rejected_secret).await {
            Ok(token) => token,
            Err(error) => {
                // A renewal ahead of time can be tried again later.
                let still_valid = cache.usable(rejected.as_deref(), 0);
                let Some(auth) = still_valid.filter(|_| error.is_transient()) else {
                    return Err(error);
                };
                tracing::warn!(%error, "the token could not be renewed yet");
                return Ok(auth);
            }
        };
        let auth = Arc::new(self.authenticate(&credential, base, token)?);
        let is_rotated_elsewhere = matches!(
            &credential.kind,
            CredentialKind::Login { client_id, .. } if client_id.is_none()
        );
        cache.auth = (!is_rotated_elsewhere).then(|| Arc::clone(&auth));
        Ok(auth)
    }

    /// Failures are not cached, so that they can be corrected while the server runs.
    async fn resolve(&self, cache: &mut CredentialCache) -> Result<Arc<Credential>, ApiError> {
        if let Some(credential) = &cache.credential {
            return Ok(Arc::clone(credential));
        }
        let sources = self.settings.credentials.clone();
        let resolved = spawn_blocking(move || sources.resolve()).await;
        let (credential, _) = resolved.unwrap_or_else(|_| Err(unfinished()))?;
        tracing::debug!(source = credential.source, "credential found");
        let credential = Arc::new(credential);
        cache.credential = Some(Arc::clone(&credential));
        Ok(credential)
    }

    /// The base URL; makes no request.
    pub(crate) async fn base(&self) -> Result<BaseUrl, ApiError> {
        if self.settings.base_url.is_some() {
            return self.base_of(None);
        }
        match self.resolve(&mut *self.cache.lock().await).await {
            Ok(credential) => self.base_of(Some(&credential)),
            // Without a credential there is no profile that could name another host.
            Err(error) if matches!(error.kind(), ApiErrorKind::CredentialsMissing { .. }) => {
                self.base_of(None)
            }
            Err(error) => Err(error),
        }
    }

    fn base_of(&self, credential: Option<&Credential>) -> Result<BaseUrl, ApiError> {
        let from = |url, source: &str| Ok(BaseUrl { url, source: source.to_owned() });
        if let Some(base) = &self.settings.base_url {
            let source = self.settings.base_url_source;
            check_base_url(base).map_err(|cause| invalid(source, cause))?;
            return from(base.clone(), source);
        }
        if let Some(credential) = credential
            && let Some(base) = &credential.base_url
        {
            check_base_url(base)
                .map_err(|cause| credential.unusable(format!("its base_url {cause}")))?;
            return from(base.clone(), &credential.source);
        }
        let base = DEFAULT_BASE_URL.parse();
        let base = base.map_err(|_| invalid("--base-url", "has a broken default"))?;
        from(base, "default")
    }

    fn authenticate(
        &self,
        credential: &Credential,
        base: BaseUrl,
        token: IssuedToken,
    ) -> Result<RequestAuth, ApiError> {
        let secret = token.access;
        let is_key = matches!(credential.kind, CredentialKind::ApiKey(_));
        let (name, value) = match self.settings.auth_header {
            AuthHeader::XApiKey if is_key => (X_API_KEY, secret.expose().to_owned()),
            _ => (header::AUTHORIZATION, format!("Bearer {}", secret.expose())),
        };
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| credential.unusable("cannot be sent in a header"))?;
        value.set_sensitive(true);
        let setting = |value: &str, variable| {
            HeaderValue::from_str(value)
                .map_err(|_| invalid(variable, "contains characters that a header cannot carry"))
        };
        let version = setting(&self.settings.api_version, "MANAGED_SESSIONS_API_VERSION")?;
        let beta = if is_key { BETA } else { BETA_WITH_OAUTH };
        let mut headers = HeaderMap::new();
        headers.insert("anthropic-version", version);
        headers.insert("anthropic-beta", HeaderValue::from_static(beta));
        headers.insert(name, value);
        if let Some(workspace) = self.workspace(credential) {
            let workspace = setting(workspace, "ANTHROPIC_WORKSPACE_ID")?;
            headers.insert("anthropic-workspace-id", workspace);
        }
        let is_fixed = is_key || matches!(credential.kind, CredentialKind::AuthToken(_));
        Ok(RequestAuth {
            base,
            headers,
            secret,
            is_renewable: !is_fixed,
            expires_at: token.expires_at,
        })
    }

    /// The workspace to name in a header.
    fn workspace<'a>(&'a self, credential: &'a Credential) -> Option<&'a str> {
        // Tokens of workload identity are bound to a workspace when they are issued.
        if matches!(credential.kind, CredentialKind::Workload(_)) {
            return None;
        }
        let given = self.settings.workspace_id.as_deref();
        given.or(credential.workspace_id.as_deref())
    }

    /// A token that is valid now and is not the `rejected` one, if there is a way to get one.
    async fn issue(
        &self,
        credential: &Credential,
        base: &Url,
        rejected: Option<&Secret>,
    ) -> Result<IssuedToken, ApiError> {
        match &credential.kind {
            CredentialKind::ApiKey(secret) | CredentialKind::AuthToken(secret) => {
                Ok(IssuedToken { access: secret.clone(), expires_at: None, refresh: None })
            }
            CredentialKind::Login { client_id, file } => {
                let stored = read(credential, file).await?;
                let Some(client_id) = client_id else {
                    return Ok(stored.token);
                };
                self.refresh(credential, base, client_id, file, stored, rejected).await
            }
            CredentialKind::Workload(workload) => {
                let identity = workload.identity.clone();
                let identity = blocking(credential, move || identity.read()).await?;
                let workspace = self.settings.workspace_id.as_deref();
                let request = TokenRequest::exchange(workload, identity, workspace);
                self.request_token(credential, base, request).await
            }
        }
    }

    /// The stored token of a person's login while it is valid, else a new one.
    async fn refresh(
        &self,
        credential: &Credential,
        base: &Url,
        client_id: &str,
        file: &TokenFile,
        stored: Tokens,
        rejected: Option<&Secret>,
    ) -> Result<IssuedToken, ApiError> {
        let is_valid = |token: &IssuedToken, margin| {
            token.expires_at.is_some_and(|at| now() + margin < at)
                && rejected != Some(&token.access)
        };
        if is_valid(&stored.token, MARGIN) {
            return Ok(stored.token);
        }
        let Some(refresh) = stored.token.refresh.clone() else {
            let path = file.0.display();
            return Err(credential
                .unusable(format!("the token has expired, and {path} has no refresh_token")));
        };
        let target = file.clone();
        let replacement = blocking(credential, move || target.replacement()).await?;
        let request = TokenRequest::refresh(client_id, refresh);
        let issued = match self.request_token(credential, base, request).await {
            Ok(issued) => issued,
            Err(error) => {
                // Two processes may refresh at once: the loser finds the winner's token. And a
                // refresh ahead of time can wait a little longer.
                let current = read(credential, file).await?.token;
                let another = current.access != stored.token.access;
                if is_valid(&current, 0) && (another || error.is_transient()) {
                    tracing::debug!(%error, another, "continuing with the token in the file");
                    return Ok(current);
                }
                return Err(error);
            }
        };
        let token = issued.clone();
        let saved = blocking(credential, move || replacement.save(stored, &token)).await;
        if let Err(error) = saved {
            // The token is valid for now; failing the call would not bring the file back.
            tracing::warn!(%error, "the refreshed login could not be saved; log in again once it expires");
        }
        Ok(issued)
    }

    async fn request_token(
        &self,
        credential: &Credential,
        base: &Url,
        request: TokenRequest,
    ) -> Result<IssuedToken, ApiError> {
        let http = self.transport.client(base).await?;
        let sent = request.send(http, base, self.settings.retry).await;
        sent.map_err(|error| {
            // A transient error keeps its kind, so that it is treated as one.
            if error.is_transient() {
                return error;
            }
            let host = base.host_str().unwrap_or_default();
            credential.unusable(format!("no token from {host}: {error}"))
        })
    }
}

async fn read(credential: &Credential, file: &TokenFile) -> Result<Tokens, ApiError> {
    let file = file.clone();
    blocking(credential, move || file.read()).await
}

/// Runs blocking I/O on the blocking pool.
async fn blocking<T: Send + 'static>(
    credential: &Credential,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, ApiError> {
    let done = spawn_blocking(work).await.map_err(|_| unfinished())?;
    done.map_err(|cause| credential.unusable(cause))
}

fn invalid(variable: &str, cause: &str) -> ApiError {
    let (variable, cause) = (variable.to_owned(), cause.to_owned());
    ApiErrorKind::InvalidConfiguration { variable, cause }.into()
}

/// A task that panicked, or was cancelled with its runtime.
fn unfinished() -> ApiError {
    ApiError::credentials("credentials", "the lookup did not finish")
}

fn now() -> i64 {
    Timestamp::now().as_second()
}
