//! The HTTP clients, built once, off the async threads, when they are first needed.

use std::{error::Error, time::Duration};

use reqwest::{Client, ClientBuilder, redirect};
use tokio::sync::OnceCell;
use url::Url;

use crate::api::base_url::is_loopback;
use crate::api::error::{ApiError, ApiErrorKind};

/// The HTTP clients by destination. Most processes build only one of them.
#[derive(Default)]
pub(crate) struct Transport {
    connect_timeout: Duration,
    remote: OnceCell<Client>,
    /// Never through a proxy, which cannot reach this machine and, over plain http, would see
    /// the credential.
    loopback: OnceCell<Client>,
    loopback_tls: OnceCell<Client>,
}

impl Transport {
    pub(crate) fn new(connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..Self::default() }
    }

    /// The client for `base`, which has passed [`check_base_url`].
    pub(crate) async fn client(&self, base: &Url) -> Result<&Client, ApiError> {
        let common = common(self.connect_timeout);
        let (cell, builder) = match (base.scheme(), is_loopback(base)) {
            ("https", false) => (&self.remote, common.https_only(true)),
            ("https", true) => (&self.loopback_tls, common.https_only(true).no_proxy()),
            // Without TLS there is no need for a trust store.
            _ => (&self.loopback, common.no_proxy().tls_certs_only([])),
        };
        cell.get_or_try_init(|| build(builder)).await
    }
}

async fn build(builder: ClientBuilder) -> Result<Client, ApiError> {
    // Reading the trust store takes some 40 ms of disk and CPU.
    let built = tokio::task::spawn_blocking(move || {
        // reqwest panics without a provider; one installed earlier by someone else is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        builder.build()
    });
    let cause = match built.await {
        Ok(Ok(client)) => return Ok(client),
        Ok(Err(error)) => chain(&error),
        Err(error) => error.to_string(),
    };
    let cause = format!("cannot set up the HTTPS client: {cause}");
    Err(ApiErrorKind::Unreachable { cause }.into())
}

fn common(connect_timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("managed-sessions-mcp/", env!("CARGO_PKG_VERSION")))
        // Following one would send the credential to whatever host a response names.
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(connect_timeout)
        // Detects connections that died silently while idle.
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .http2_adaptive_window(true)
}

/// An error and its sources in one line; reqwest displays only the first.
pub(crate) fn chain(error: &dyn Error) -> String {
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
