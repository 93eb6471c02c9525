//! The client of the Sessions API: with `api/auth.rs` the only user of reqwest.
//!
//! An endpoint is a few lines in `api/sessions.rs` or `api/events.rs`; everything that is the
//! same for all of them is the one private `send`. This module knows the wire and nothing about
//! tools: it never imports rmcp, and words nothing for a model.

mod auth;
mod body;
pub mod credentials;
mod describe;
mod error;
mod events;
mod exchange;
pub mod retry;
mod send;
mod sessions;
mod transport;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

pub use describe::Description;
pub use error::ApiError;
pub use events::EventQuery;
pub use sessions::{Order, SessionQuery};
use tokio::{sync::Mutex, time::Instant};
pub use transport::check_base_url;
use url::Url;

use crate::api::credentials::Sources;

/// Where requests go when neither a setting nor a profile says otherwise.
const DEFAULT_BASE_URL: &str = "https://api.anthropic.com";

/// How the client is set up; [`Settings::default`] is the official API without a credential.
#[derive(Clone)]
pub struct Settings {
    /// From a flag or the environment; beats a profile's. `None`: the profile's, else
    /// `https://api.anthropic.com`. Routes are appended to its path. See [`check_base_url`].
    pub base_url: Option<Url>,
    /// The `anthropic-version` header.
    pub api_version: String,
    /// How an API key is sent.
    pub auth_header: AuthHeader,
    /// The `anthropic-workspace-id` header, from a flag or the environment; beats a profile's.
    /// Not sent with a workload identity, whose tokens are bound to a workspace already.
    pub workspace_id: Option<String>,
    /// What was found in the environment; the disk is looked at on the first call.
    pub credentials: Sources,
    /// The whole of one call, repetitions and waits included, unless [`Client::until`] says so.
    pub timeout: Duration,
    /// One try of a request, its answer included.
    pub request_timeout: Duration,
    /// Setting up a connection, TLS included.
    pub connect_timeout: Duration,
    /// How often and how patiently a request is repeated.
    pub retry: retry::Policy,
}

/// The header an API key travels in. An OAuth token is always `Authorization: Bearer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthHeader {
    /// `Authorization: Bearer KEY`, as the official SDKs send it.
    #[default]
    Authorization,
    /// `x-api-key: KEY`, as gateways and self-hosted servers may still expect it.
    XApiKey,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: None,
            api_version: "2026-10-21".to_owned(),
            auth_header: AuthHeader::default(),
            workspace_id: None,
            credentials: Sources::default(),
            timeout: Duration::from_secs(45),
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retry: retry::Policy::default(),
        }
    }
}

/// The base URL by host only: it may have been given with a password in it.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.base_url.as_ref().and_then(Url::host_str))
            .field("api_version", &self.api_version)
            .field("auth_header", &self.auth_header)
            .field("workspace_id", &self.workspace_id)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What the service answered.
#[derive(Debug, Clone)]
pub struct ApiResponse<T> {
    /// The body, read.
    pub body: T,
    /// The `request-id` header, by which support can find the request.
    pub request_id: Option<String>,
    /// The `date` header: when it was sent, by the service's clock, in whole seconds.
    pub date: Option<SystemTime>,
}

/// A client of one Sessions API. Cheap to clone: all clones share connections and credentials.
/// A call that is dropped drops its HTTP request at once.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    deadline: Option<Instant>,
    leaves_limits: bool,
    counter: Option<Arc<Counter>>,
}

/// Called for every request right before it is sent, repetitions included.
pub type Counter = dyn Fn() + Send + Sync;

struct Inner {
    settings: Settings,
    transport: transport::Transport,
    held: Arc<Mutex<auth::Held>>,
}

impl Client {
    /// Takes the settings; no io, no TLS, no trust store.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings,
                transport: transport::Transport::default(),
                held: Arc::default(),
            }),
            deadline: None,
            leaves_limits: false,
            counter: None,
        }
    }

    /// Starts, in the background, what the first call would otherwise wait for: the credential
    /// and the HTTP client with its trust store. To be called after the handshake; does nothing
    /// outside of a tokio runtime. What fails here is reported by the first call.
    pub fn warm_up(&self) {
        let inner = Arc::clone(&self.inner);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let ready = async {
                    let base = inner.base().await?.0;
                    let connect = inner.settings.connect_timeout;
                    inner.transport.client(&base, connect).await?;
                    inner.access(None).await
                };
                if let Err(error) = ready.await {
                    tracing::debug!(%error, "not ready yet");
                }
            });
        }
    }

    /// The same client, bound to the time one tool call has: nothing is waited for beyond
    /// `deadline`, however many requests are made.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            ..self.clone()
        }
    }

    /// The same client, whose requests are counted by this one and no other: the one place where
    /// what counts against a rate is known, since a call may take several.
    #[must_use]
    pub fn counted_by(&self, counter: Arc<Counter>) -> Self {
        Self {
            counter: Some(counter),
            ..self.clone()
        }
    }

    /// The same client, for bulk work: a 429 is answered at once instead of waited for, so that
    /// the caller can slow down everything it does.
    #[must_use]
    pub fn leaving_limits(&self) -> Self {
        Self {
            leaves_limits: true,
            ..self.clone()
        }
    }

    /// The end of the time this client is bound to, if it is.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The host requests go to, without port, or `None` while the base URL is unusable. Reads
    /// the profile when it has not been read yet, and never the network.
    pub async fn host(&self) -> Option<String> {
        let (base, _) = self.inner.base().await.ok()?;
        base.host_str().map(str::to_owned)
    }

    /// Whether requests go to `api.anthropic.com`, whose sessions have a page in the Console.
    pub async fn is_official(&self) -> bool {
        self.host().await.as_deref() == Some("api.anthropic.com")
    }
}

/// Settings only; what is held is secret.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("settings", &self.inner.settings)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl<T> ApiResponse<T> {
    /// The same answer with another body.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> ApiResponse<U> {
        ApiResponse {
            body: change(self.body),
            request_id: self.request_id,
            date: self.date,
        }
    }
}
