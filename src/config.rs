//! What flags and environment mean, validated: the only reader of the environment.

mod environment;

pub use environment::Environment;
