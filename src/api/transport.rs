//! The HTTP clients underneath, built once, off the async threads, when they are first needed.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect};
use tokio::sync::OnceCell;
use url::{Host, Url};

use crate::api::ApiError;

/// The clients, by where they lead. Most processes build only one of them.
#[derive(Debug, Default)]
pub(crate) struct Transport {
    world: OnceCell<Client>,
    /// This machine: never through a proxy, which could not reach it and would see the
    /// credential, with plain http in the clear.
    here: OnceCell<Client>,
    here_tls: OnceCell<Client>,
}

impl Transport {
    /// The client for `base`, which has passed [`check_base_url`].
    ///
    /// # Errors
    /// [`ApiError::Unreachable`] when the trust store of the system cannot be read.
    pub(crate) async fn client(
        &self,
        base: &Url,
        connect_timeout: Duration,
    ) -> Result<&Client, ApiError> {
        let common = common(connect_timeout);
        let (cell, builder) = match (base.scheme(), is_loopback(base)) {
            ("https", false) => (&self.world, common.https_only(true)),
            ("https", true) => (&self.here_tls, common.https_only(true).no_proxy()),
            // Without TLS there is no need for a trust store.
            _ => (&self.here, common.no_proxy().tls_certs_only([])),
        };
        cell.get_or_try_init(|| build(builder)).await
    }
}

async fn build(builder: ClientBuilder) -> Result<Client, ApiError> {
    // Reading the trust store takes some 40 ms of disk and CPU.
    let built = tokio::task::spawn_blocking(move || {
        // reqwest panics without a provider; somebody else's, installed earlier, is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        builder.build()
    });
    let cause = match built.await {
        Ok(Ok(client)) => return Ok(client),
        Ok(Err(error)) => chain(&error),
        Err(error) => error.to_string(),
    };
    Err(ApiError::Unreachable {
        cause: format!("the HTTPS client could not be set up: {cause}"),
    })
}

fn common(connect_timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("managed-sessions-mcp/", env!("CARGO_PKG_VERSION")))
        // Following would send the credential to whatever host an answer names.
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(connect_timeout)
        // Finds out about a connection that died in silence while no call was waiting.
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .http2_adaptive_window(true)
}

/// An error and its causes in one line; reqwest's own text stops at the first.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        // Some wrappers repeat what they wrap.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}

/// Whether requests may be sent to `url`: `https`, or `http` to this machine; nothing in it but
/// host, port and a path that the routes are appended to.
///
/// # Errors
/// One clause saying what is wrong; it does not repeat the URL, which may hold a password.
pub fn check_base_url(url: &Url) -> Result<(), &'static str> {
    if url.host().is_none() {
        return Err("has no host");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(url) => {}
        "http" => return Err("is plain http, which is only used to reach this machine; use https"),
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

/// Whether `url` names this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
