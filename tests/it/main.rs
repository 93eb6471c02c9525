//! One test binary; a module for each concern.

mod client;
mod sandbox;
