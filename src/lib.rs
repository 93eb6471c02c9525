//! An MCP server that manages Claude Managed Agents sessions.
//!
//! One application layer that knows no protocol, and thin adapters over it. Each layer uses only
//! those to its right:
//!
//! ```text
//! main -> cli -> mcp -> explain -> app -> domain | api -> model
//! ```
//!
//! - [`cli`] runs the commands; [`config`] turns flags and [`environment`] into the settings of
//!   the other layers. Only `cli` uses `config`; only these two know clap.
//! - [`mcp`] is the MCP adapter: one file a tool with its arguments, its answer and a few lines
//!   that call an operation. Nothing else names rmcp.
//! - [`explain`] holds the only prose: it words failures, questions and progress, and names
//!   operations as the adapter does.
//! - [`app`] has the operations, one file each, and what surrounds them: `run` is the way in,
//!   `write` the only way to change a session, `plan` the work on many sessions.
//! - [`domain`] is pure: guard, tool patches, filters, diagnosis, money, and how sessions are
//!   shown. Values in, values out; no I/O and no clock.
//! - [`api`] is the client of the Sessions API, and the only user of reqwest.
//! - [`model`] is what the API speaks.
//! - [`sandbox`] is the other side of the wire: a Sessions API in memory. It uses no other layer,
//!   so that a wrong name cannot hide on both sides.
//!
//! `tests/it/layers.rs` holds these rules on the `use` lines of every file, and finds circles.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod environment;
pub mod explain;
pub mod mcp;
pub mod model;
pub mod sandbox;

/// The version, and the commit in a release build: `0.1.0 (0123456789ab)`.
pub const VERSION: &str = env!("MANAGED_SESSIONS_VERSION");
