//! Transports between the host and the server.

mod envelope;
pub mod lines;
mod opening;
#[cfg(unix)]
pub mod stdio;
