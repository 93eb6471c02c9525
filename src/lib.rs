//! An MCP server that looks after Claude Managed Agents sessions.

pub mod sandbox;
