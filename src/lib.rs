//! An MCP server that looks after Claude Managed Agents sessions.
//!
//! How the code is laid out, in the direction in which data flows:
//!
//! - [`cli`] is what was typed, [`config`] what it means; [`commands`] is what each command does,
//!   [`doctor`], [`demo`] and [`hosts`] the larger of them, and [`mod@print`] their way to stdout.
//! - [`server`] is the MCP side: what hosts see, and the fence around every call.
//! - `tools` is the registry and one file a tool: arguments, answer, a short handler. All words
//!   of failures stand in `tools/error.rs`.
//! - `prompts` is what people can ask for, and what a model is told before its first call.
//! - `lifecycle` is the one way in which a session is changed: read, guard, write, verify.
//! - `confirm`, `export` and `audit` are what a cautious operator can put before, around and
//!   after a write.
//! - `fleet` plans a clean-up of many sessions and carries it out in steps.
//! - `scan` walks the pages of a list, `cursor` lets a caller go on there, and `pace` is how fast
//!   bulk work may ask.
//! - [`domain`] is the pure core: guard, tool patches, filters, what is shown.
//! - [`api`] is the client of the Sessions API, and the only user of HTTP.
//! - [`sandbox`] is the other side of the wire: a Sessions API in memory. It shares no code with
//!   [`api`], so that neither inherits the other's mistakes.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod environment;
mod explain;
pub mod mcp;
pub mod model;
pub mod sandbox;

/// The version, and the commit in a release build: `0.1.0 (0123456789ab)`.
pub const VERSION: &str = env!("MANAGED_SESSIONS_VERSION");
