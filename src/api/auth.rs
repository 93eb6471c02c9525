//! The credential of a request: resolved once, kept, renewed before it ends or when it is refused.
//!
//! One lock makes every renewal a single flight. A renewal runs in a task of its own: a call
//! that is cancelled must not drop the answer to a refresh, which holds the only copy of a
//! rotated refresh token.

mod token;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};
use tokio::{sync::OwnedMutexGuard, task::spawn_blocking};
use url::Url;

use crate::api::{
    ApiError, AuthHeader, DEFAULT_BASE_URL, Inner, check_base_url,
    credentials::{Credential, Login, Profile, Resolved, Secret, TokenFile, Tokens},
    send::{X_API_KEY, setting},
};

/// A token is renewed this many seconds before it ends.
const MARGIN: i64 = 60;

/// What requests are made with.
pub(crate) struct Access {
    /// Where they go; has passed [`check_base_url`].
    pub(crate) base: Url,
    pub(crate) header: HeaderName,
    /// Marked sensitive.
    pub(crate) value: HeaderValue,
    pub(crate) oauth: bool,
    pub(crate) workspace: Option<HeaderValue>,
    /// For taking it out of what services echo, and for telling one token from the next.
    pub(crate) secret: Secret,
    /// Whether there is a place to get another one from.
    pub(crate) renewable: bool,
}

/// What is known about credentials so far.
#[derive(Default)]
pub(crate) struct Held {
    resolved: Option<Arc<Resolved>>,
    current: Option<Current>,
}

struct Current {
    access: Arc<Access>,
    /// Unix seconds.
    ends: Option<i64>,
}

impl Held {
    /// The credential at hand, if it will do.
    fn usable(&self, rejected: Option<&Access>, margin: i64) -> Option<Arc<Access>> {
        let current = self.current.as_ref()?;
        let lasts = current.ends.is_none_or(|ends| now() + margin < ends);
        let another = rejected.is_none_or(|rejected| rejected.secret != current.access.secret);
        (lasts && another).then(|| Arc::clone(&current.access))
    }
}

/// A secret and when it ends; `again` when its file is to be read anew on the next use.
struct Fresh {
    secret: Secret,
    ends: Option<i64>,
    again: bool,
}

impl Fresh {
    fn lasting(secret: Secret) -> Self {
        Self {
            secret,
            ends: None,
            again: false,
        }
    }
}

impl Inner {
    /// The credential to use now, or, with the one that was `rejected`, the next one. It can be
    /// the same, when nothing has changed.
    pub(crate) async fn access(
        self: &Arc<Self>,
        rejected: Option<Arc<Access>>,
    ) -> Result<Arc<Access>, ApiError> {
        let held = Arc::clone(&self.held).lock_owned().await;
        // Also when another call has renewed it in the meantime.
        if let Some(access) = held.usable(rejected.as_deref(), MARGIN) {
            return Ok(access);
        }
        let task = Arc::clone(self).obtain(held, rejected);
        tokio::spawn(task).await.map_err(|error| broken(&error))?
    }

    async fn obtain(
        self: Arc<Self>,
        mut held: OwnedMutexGuard<Held>,
        rejected: Option<Arc<Access>>,
    ) -> Result<Arc<Access>, ApiError> {
        if rejected.is_some() {
            // Whoever rotates the tokens may have rewritten the profile as well.
            held.resolved = None;
        }
        let resolved = self.resolved(&mut held).await?;
        let (base, _) = self.base_of(Some(&resolved))?;
        let refused = rejected.as_ref().map(|access| &access.secret);
        let fresh = match self.fresh(&resolved.credential, &base, refused).await {
            Ok(fresh) => fresh,
            Err(error) => {
                // Renewed ahead of time, so there is time to try again later.
                let still_good = held.usable(rejected.as_deref(), 0);
                let Some(access) = still_good.filter(|_| error.is_transient()) else {
                    return Err(error);
                };
                tracing::warn!(%error, "the token could not be renewed yet");
                return Ok(access);
            }
        };
        let access = Arc::new(self.access_with(&resolved.credential, base, fresh.secret)?);
        held.current = (!fresh.again).then(|| Current {
            access: Arc::clone(&access),
            ends: fresh.ends,
        });
        Ok(access)
    }

    /// Which source wins; looked up until there is one, so that a person can mend it meanwhile.
    async fn resolved(&self, held: &mut Held) -> Result<Arc<Resolved>, ApiError> {
        if let Some(resolved) = &held.resolved {
            return Ok(Arc::clone(resolved));
        }
        let sources = self.settings.credentials.clone();
        let looked_up = spawn_blocking(move || sources.resolve()).await;
        let resolved = Arc::new(looked_up.map_err(|error| broken(&error))??);
        tracing::debug!(source = resolved.credential.source(), "credential found");
        held.resolved = Some(Arc::clone(&resolved));
        Ok(resolved)
    }

    /// The base URL and where it comes from; the network is not asked.
    pub(crate) async fn base(&self) -> Result<(Url, String), ApiError> {
        if self.settings.base_url.is_some() {
            return self.base_of(None);
        }
        let resolved = self.resolved(&mut *self.held.lock().await).await;
        match resolved {
            Ok(resolved) => self.base_of(Some(&resolved)),
            // Without a credential there is no profile that could name another host.
            Err(ApiError::CredentialsMissing { .. }) => self.base_of(None),
            Err(error) => Err(error),
        }
    }

    fn base_of(&self, resolved: Option<&Resolved>) -> Result<(Url, String), ApiError> {
        let invalid = |cause: &str| ApiError::InvalidConfiguration {
            variable: "ANTHROPIC_BASE_URL".to_owned(),
            cause: cause.to_owned(),
        };
        if let Some(base) = &self.settings.base_url {
            check_base_url(base).map_err(invalid)?;
            let place = "--base-url or ANTHROPIC_BASE_URL".to_owned();
            return Ok((base.clone(), place));
        }
        if let Some(Resolved {
            credential: credential @ Credential::Profile(profile),
            ..
        }) = resolved
            && let Some(base) = &profile.base_url
        {
            check_base_url(base).map_err(|problem| ApiError::Credentials {
                source: credential.source(),
                cause: format!("its base_url {problem}"),
            })?;
            return Ok((base.clone(), credential.source()));
        }
        let base = DEFAULT_BASE_URL.parse().map_err(|_| invalid("is broken"))?;
        Ok((base, "default".to_owned()))
    }

    fn access_with(
        &self,
        credential: &Credential,
        base: Url,
        secret: Secret,
    ) -> Result<Access, ApiError> {
        let key = matches!(credential, Credential::ApiKey(_));
        let (header, text) = match self.settings.auth_header {
            AuthHeader::XApiKey if key => (X_API_KEY, secret.expose().to_owned()),
            _ => (header::AUTHORIZATION, format!("Bearer {}", secret.expose())),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| unusable(credential, "cannot be sent in a header"))?;
        value.set_sensitive(true);
        let workspace = match self.workspace(credential) {
            Some(workspace) => Some(setting(workspace, "ANTHROPIC_WORKSPACE_ID")?),
            None => None,
        };
        Ok(Access {
            base,
            header,
            value,
            oauth: !key,
            workspace,
            secret,
            renewable: matches!(credential, Credential::Profile(_) | Credential::Workload(_)),
        })
    }

    /// The workspace to name in a header, if any.
    pub(crate) fn workspace<'a>(&'a self, credential: &'a Credential) -> Option<&'a str> {
        let of_profile = match credential {
            // These tokens are bound to a workspace when they are made.
            Credential::Workload(_)
            | Credential::Profile(Profile {
                login: Login::Workload(_),
                ..
            }) => return None,
            Credential::Profile(profile) => profile.workspace_id.as_ref(),
            Credential::ApiKey(_) | Credential::AuthToken(_) => None,
        };
        let given = self.settings.workspace_id.as_ref();
        given.or(of_profile).map(String::as_str)
    }

    /// Gets a secret that is good now and is not the `rejected` one, if there is a way.
    async fn fresh(
        &self,
        credential: &Credential,
        base: &Url,
        rejected: Option<&Secret>,
    ) -> Result<Fresh, ApiError> {
        let workload = match credential {
            Credential::ApiKey(secret) | Credential::AuthToken(secret) => {
                return Ok(Fresh::lasting(secret.clone()));
            }
            Credential::Profile(Profile {
                login: Login::User { client_id, tokens },
                ..
            }) => {
                return match client_id {
                    Some(client) => self.user(credential, base, client, tokens, rejected).await,
                    None => Ok(Fresh {
                        again: true,
                        ..Fresh::lasting(read(credential, tokens).await?.access)
                    }),
                };
            }
            Credential::Profile(Profile {
                login: Login::Workload(workload),
                ..
            })
            | Credential::Workload(workload) => workload,
        };
        let identity = workload.identity.clone();
        let identity = blocking(credential, move || identity.read()).await?;
        let request =
            token::Request::exchange(workload, &identity, self.settings.workspace_id.as_deref());
        let granted = self.grant(credential, base, &request).await?;
        Ok(Fresh {
            secret: granted.access,
            ends: Some(granted.ends),
            again: false,
        })
    }

    /// The token of a person's login, refreshed when it is over.
    async fn user(
        &self,
        credential: &Credential,
        base: &Url,
        client: &str,
        file: &TokenFile,
        rejected: Option<&Secret>,
    ) -> Result<Fresh, ApiError> {
        // Read each time: another process with the same profile may have refreshed it already.
        let tokens = read(credential, file).await?;
        let good = |tokens: &Tokens, margin| {
            tokens.expires_at.is_some_and(|ends| now() + margin < ends)
                && rejected != Some(&tokens.access)
        };
        if good(&tokens, MARGIN) {
            return Ok(Fresh {
                secret: tokens.access,
                ends: tokens.expires_at,
                again: false,
            });
        }
        let Some(refresh) = tokens.refresh.clone() else {
            let path = file.path().display();
            return Err(unusable(
                credential,
                &format!("the token is over, and {path} has no refresh_token; log in again"),
            ));
        };
        let target = file.clone();
        let replacement = blocking(credential, move || target.replacement()).await?;
        let request = token::Request::refresh(client, &refresh);
        let granted = match self.grant(credential, base, &request).await {
            Ok(granted) => granted,
            Err(error) => {
                // Two processes may refresh at once: the loser finds the winner's tokens. And what
                // is renewed ahead of time can do without for a little longer.
                let theirs = read(credential, file).await?;
                let another = theirs.access != tokens.access;
                if good(&theirs, 0) && (another || error.is_transient()) {
                    tracing::debug!(%error, another, "going on with the token in the file");
                    return Ok(Fresh {
                        secret: theirs.access,
                        ends: theirs.expires_at,
                        again: false,
                    });
                }
                return Err(error);
            }
        };
        let next = tokens.followed_by(granted.access.clone(), granted.ends, granted.refresh);
        let saved = blocking(credential, move || replacement.save(&next)).await;
        if let Err(error) = saved {
            // The token is good for now; failing the call would not bring the file back.
            tracing::warn!(%error, "the refreshed login could not be saved; it will have to be renewed by hand");
        }
        Ok(Fresh {
            secret: granted.access,
            ends: Some(granted.ends),
            again: false,
        })
    }
}

async fn read(credential: &Credential, file: &TokenFile) -> Result<Tokens, ApiError> {
    let file = file.clone();
    blocking(credential, move || file.read()).await
}

/// Runs something that waits for the disk.
async fn blocking<T: Send + 'static>(
    credential: &Credential,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, ApiError> {
    let done = spawn_blocking(work).await.map_err(|error| broken(&error))?;
    done.map_err(|cause| unusable(credential, &cause))
}

pub(crate) fn unusable(credential: &Credential, cause: &str) -> ApiError {
    ApiError::Credentials {
        source: credential.source(),
        cause: cause.to_owned(),
    }
}

/// A task that panicked or was stopped with its runtime.
fn broken(error: &tokio::task::JoinError) -> ApiError {
    let cause = if error.is_panic() {
        "panicked"
    } else {
        "was stopped"
    };
    ApiError::Credentials {
        source: "credentials".to_owned(),
        cause: format!("the look-up {cause}"),
    }
}

pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
