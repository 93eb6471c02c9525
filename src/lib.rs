//! An MCP server that looks after Claude Managed Agents sessions.
//!
//! How the code is laid out, in the direction in which data flows:
//!
//! - [`cli`] is what was typed, [`config`] what it means; [`commands`] is what each command does.
//! - [`server`] is the MCP side: what hosts see, and the fence around every call.
//! - `tools` is the registry and one file a tool: arguments, answer, a short handler. All words
//!   of failures stand in `tools/error.rs`.
//! - `lifecycle` is the one way in which a session is changed: read, guard, write, verify.
//! - `confirm`, `export` and `audit` are what a cautious operator can put before, around and
//!   after a write.
//! - [`domain`] is the pure core: guard, tool patches, filters, what is shown.
//! - [`api`] is the client of the Sessions API, and the only user of HTTP.
//! - [`sandbox`] is the other side of the wire: a Sessions API in memory. It shares no code with
//!   [`api`], so that neither inherits the other's mistakes.

pub mod api;
mod audit;
pub mod cli;
pub mod commands;
pub mod config;
mod confirm;
pub mod demo;
pub mod domain;
mod export;
mod lifecycle;
pub mod sandbox;
pub mod server;
pub mod tools;
