//! Transports between the host and the server.

mod envelope;
mod handshake;
pub(crate) mod lines;
mod opening;
mod pending;
#[cfg(unix)]
pub(crate) mod stdio;
