//! The MCP adapter: tools with arguments, answers and schemas over the operations of `app`.

pub mod args;
pub mod caller;
pub mod catalog;
pub mod entry;
pub mod handler;
pub mod offered;
pub mod prompts;
pub mod result;
pub mod schema;
pub mod seal;
pub mod server;
pub mod settings;
pub mod tool;
pub mod tools;
pub mod transport;
