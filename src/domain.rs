//! The pure core: values in, values out. No io, no MCP, no HTTP, no clock.

pub mod money;
pub mod toolset;
