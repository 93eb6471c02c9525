//! The pure rules, as tables: values in, values out.

mod config;
mod diagnosis;
mod money;
mod retry;
mod toolset;
