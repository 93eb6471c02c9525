//! The client of the Sessions API: with `api/auth.rs` the only user of reqwest.

pub mod types;
