//! How a client is set up, and what a caller can change for its own requests.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;
use url::{Host, Url};

pub use crate::api::credentials::Sources;
use crate::api::retry::Policy;

/// Where requests go when neither a setting nor a profile names another place.
pub const DEFAULT_BASE_URL: &str = "https://api.anthropic.com";

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
    /// Called right before every request, retries included, to count it against a rate.
    pub on_request: Option<Arc<OnRequest>>,
    /// What to do about a 429.
    pub rate_limits: RateLimits,
}

/// See [`RequestOptions::on_request`].
pub type OnRequest = dyn Fn() + Send + Sync;

/// What to do about a 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RateLimits {
    /// Wait and retry.
    #[default]
    Wait,
    /// Return it at once, for bulk work that slows down as a whole.
    Return,
}

/// A base URL that has passed [`check_base_url`], and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// The URL.
    pub url: Url,
    /// A flag, a variable, a profile with its name, or `default`.
    pub source: String,
}

impl BaseUrl {
    /// The URL as it is shown, without a slash at its end.
    pub fn shown(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }
}

/// What people copy along with a base URL: the beginning of the routes themselves.
const ROUTES: [&[&str]; 3] = [&["v1"], &["v1", "sessions"], &["v1", "messages"]];

/// Reads a base URL; a beginning of the API's routes at its end is taken off.
///
/// # Errors
/// As [`check_base_url`].
pub fn parse_base_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let url = Url::parse(text);
    // `localhost:4010` would be a URL with the scheme `localhost`.
    if !text.contains("://") {
        return Err("does not begin with https://, or http:// for this machine".to_owned());
    }
    let mut url = url.map_err(|error| format!("is not a URL ({error})"))?;
    check_base_url(&url).map_err(str::to_owned)?;
    let path = url.path().trim_end_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    let ends_with = |route: &&&[&str]| {
        let tail = segments.len().checked_sub(route.len()).and_then(|at| segments.get(at..));
        tail.is_some_and(|tail| tail.iter().zip(**route).all(|(a, b)| a.eq_ignore_ascii_case(b)))
    };
    if let Some(route) = ROUTES.iter().find(ends_with) {
        let kept = segments.len() - route.len();
        let path = segments.iter().take(kept).copied().collect::<Vec<_>>().join("/");
        url.set_path(&path);
    }
    Ok(url)
}

/// Whether requests may be sent to `url`: `https`, or `http` to this machine, with nothing but
/// host, port and a path that routes are appended to.
///
/// # Errors
/// One clause; it does not repeat the URL, which may contain a password.
pub fn check_base_url(url: &Url) -> Result<(), &'static str> {
    if url.host().is_none() {
        return Err("has no host");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => return Err("is plain http, which only reaches this machine; https is required"),
        _ => return Err("is neither https nor http"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("contains a user name or a password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("contains a query or a fragment");
    }
    Ok(())
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
