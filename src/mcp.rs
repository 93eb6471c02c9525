//! The MCP adapter.

pub mod args;
pub mod call;
pub mod catalog;
pub mod handler;
pub mod prompts;
pub mod schema;
pub mod server;
pub mod settings;
pub mod tools;
pub mod transport;
