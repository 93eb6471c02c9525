//! The pure rules, as tables and laws: values in, values out.

mod config;
mod diagnosis;
mod environment;
mod events;
mod filter;
mod guard;
mod money;
mod retry;
mod sizes;
mod summary;
mod text;
mod time;
mod toolset;
mod uses;
mod wire;
