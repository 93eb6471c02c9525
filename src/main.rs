//! The `managed-sessions-mcp` program.
fn main() {}
