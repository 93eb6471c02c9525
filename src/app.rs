//! The operations on sessions. This layer knows no protocol, reads no flags, and holds no
//! sentence for a reader: failures, questions and progress are values that `explain` words.
//!
//! [`run`] is the way in for every adapter; [`ops`] has one file an operation.

pub mod approval;
pub mod audit;
pub mod caller;
pub mod context;
pub mod cursor;
pub mod error;
pub mod export;
pub mod locks;
pub mod op;
pub mod ops;
pub mod pace;
pub mod plan;
pub mod recent_events;
pub mod run;
pub mod scan;
pub mod services;
pub mod settings;
pub mod suggestions;
pub mod write;
