//! What flags and environment mean, validated: the only reader of the environment.

pub mod credentials;
mod environment;

pub use environment::Environment;
