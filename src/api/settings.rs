//! How a client is set up, and what a caller can change for its own requests.

use std::{fmt, sync::Arc, time::Duration};

use http::Method;
use tokio::time::Instant;
use url::Url;

use crate::api::retry::Policy;
pub use crate::api::{
    base_url::{BaseUrl, DEFAULT_BASE_URL, check_base_url, parse_base_url},
    credentials::Sources,
};

/// How the client is set up; [`Settings::default`] is the official API without a credential.
#[derive(Clone)]
pub struct Settings {
    /// From a flag or the environment; overrides a profile's. `None`: the profile's, else
    /// [`DEFAULT_BASE_URL`]. Routes are appended to its path.
    pub base_url: Option<Url>,
    /// The flag or variable that `base_url` comes from, for failures to name.
    pub base_url_source: &'static str,
    /// The `anthropic-version` header.
    pub api_version: String,
    /// How an API key is sent.
    pub auth_header: AuthHeader,
    /// The `anthropic-workspace-id` header, from a flag or the environment; overrides a profile's.
    /// Not sent with workload identity, whose tokens are already bound to a workspace.
    pub workspace_id: Option<String>,
    /// The credentials named in the environment; files are read on the first call.
    pub credentials: Sources,
    /// The time limit of a call, retries included, without [`RequestOptions::deadline`].
    pub timeout: Duration,
    /// The time limit of one attempt, reading the response included.
    pub request_timeout: Duration,
    /// The time limit for connecting, TLS included.
    pub connect_timeout: Duration,
    /// How often and after how long a request is retried.
    pub retry: Policy,
}

/// The header an API key is sent in. An OAuth token is always `Authorization: Bearer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuthHeader {
    /// `Authorization: Bearer KEY`, like the official SDKs.
    #[default]
    Authorization,
    /// `x-api-key: KEY`, which gateways and self-hosted servers may still expect.
    XApiKey,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: None,
            base_url_source: "--base-url",
            api_version: "2026-10-21".to_owned(),
            auth_header: AuthHeader::default(),
            workspace_id: None,
            credentials: Sources::default(),
            timeout: Duration::from_secs(45),
            request_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retry: Policy::default(),
        }
    }
}

/// Shows the host only: the base URL may contain a password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.base_url.as_ref().and_then(Url::host_str))
            .field("base_url_source", &self.base_url_source)
            .field("api_version", &self.api_version)
            .field("auth_header", &self.auth_header)
            .field("workspace_id", &self.workspace_id)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What a caller sets for its own requests.
#[derive(Clone, Default)]
pub struct RequestOptions {
    /// When everything must be over, however many requests are made; default:
    /// [`Settings::timeout`] from the start of each call.
    pub deadline: Option<Instant>,
    /// Called with the method right before every request, retries included, to count it against
    /// a rate.
    pub on_request: Option<Arc<OnRequest>>,
    /// What to do about a 429.
    pub rate_limits: RateLimits,
}

/// See [`RequestOptions::on_request`].
pub type OnRequest = dyn Fn(&Method) + Send + Sync;

/// What to do about a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RateLimits {
    /// Wait and retry.
    #[default]
    Wait,
    /// Return it at once, for bulk work that slows down as a whole.
    Return,
}
