//! One test binary; a module for each concern. Tests go through the front door: a real MCP
//! client, the real server, real HTTP behind it.

mod binary;
mod client;
mod guard;
mod inventory;
mod packaging;
mod sandbox;
mod support;
mod tools;
