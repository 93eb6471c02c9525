//! The operations on sessions. This layer knows no protocol, reads no flags, and holds no
//! sentence for a reader: failures, questions and progress are values that `explain` words.
//!
//! `run` is the way in for every adapter; `ops` has one file an operation.

pub(crate) mod agents;
pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod caller;
pub(crate) mod context;
pub(crate) mod creation;
pub(crate) mod cursor;
pub(crate) mod deletions;
pub(crate) mod error;
pub(crate) mod examination;
pub(crate) mod export;
pub(crate) mod locks;
pub(crate) mod lookup;
pub(crate) mod lost;
pub(crate) mod op;
pub(crate) mod ops;
pub(crate) mod pace;
pub(crate) mod plan;
pub(crate) mod recent_events;
pub(crate) mod regular_file;
pub(crate) mod run;
pub(crate) mod scan;
pub(crate) mod services;
pub mod settings;
pub(crate) mod suggestions;
pub(crate) mod threads;
pub(crate) mod trail;
pub(crate) mod turn_end;
pub(crate) mod waiting;
pub(crate) mod write;
