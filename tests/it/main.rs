//! One test binary, a module for each concern. Tests go through the front door: a real MCP
//! client, the real server, real HTTP behind it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy only sees that in functions marked as tests"
)]

mod arguments;
mod attack;
mod binary;
mod client;
mod contract;
mod examples;
mod faults;
mod fleet;
mod guard;
mod inventory;
mod layers;
mod operator;
mod packaging;
mod plain;
mod program;
mod reading;
mod reply;
mod robustness;
mod rules;
mod sandbox;
mod services;
mod support;
mod terminal;
mod tools;
mod undo;
mod work;
