//! The MCP adapter: tools with arguments, answers and schemas over the operations of `app`.

pub(crate) mod args;
pub(crate) mod awaited;
pub(crate) mod caller;
pub(crate) mod catalog;
pub(crate) mod confirmation;
pub(crate) mod entry;
pub(crate) mod handler;
pub(crate) mod offered;
pub(crate) mod prompts;
pub(crate) mod result;
pub(crate) mod schema;
pub(crate) mod seal;
pub mod server;
pub mod settings;
pub(crate) mod tool;
pub(crate) mod tools;
pub(crate) mod transport;
pub(crate) mod written;
