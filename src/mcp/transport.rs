//! How messages reach the server.

pub mod lines;
pub mod opening;
#[cfg(unix)]
pub mod stdio;
