//! Base URLs: what they may be, and what people paste along with them.

use url::{Host, Url};

/// Where requests go when neither a setting nor a profile names another place.
pub const DEFAULT_BASE_URL: &str = "https://api.anthropic.com";

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

/// Reads a base URL, still to be checked; a beginning of the API's routes at its end is taken off.
///
/// # Errors
/// One clause; it does not repeat the text, which may contain a password.
pub fn parse_base_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let url = Url::parse(text);
    // `localhost:4010` would be a URL with the scheme `localhost`.
    if !text.contains("://") {
        return Err("does not begin with https://, or http:// for this machine".to_owned());
    }
    let mut url = url.map_err(|error| format!("is not a URL ({error})"))?;
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
        // Names below it are for the resolver, which may ask another machine.
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
