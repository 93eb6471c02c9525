//! An MCP server that looks after Claude Managed Agents sessions.

pub mod api;
pub mod config;
pub mod domain;
pub mod sandbox;
