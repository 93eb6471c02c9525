//! The client of the Sessions API, and the only user of reqwest.
//!
//! An endpoint is a few lines in `sessions.rs`, `events.rs`, `threads.rs`, `files.rs`,
//! `agents.rs` or `environments.rs`; what all endpoints share is the one private `send` in `client.rs`, which
//! authenticates a request and has `attempt.rs` retry it.
//! Errors carry causes, not sentences for readers.

mod absence;
mod agents;
mod attempt;
mod auth;
mod base_url;
mod body;
mod client;
pub mod credentials;
mod environments;
mod error;
mod events;
mod files;
mod json;
mod request;
mod response;
pub mod retry;
mod scrub;
mod sessions;
pub mod settings;
mod threads;
mod transport;

pub use absence::{Absence, ErrorBody, Place};
pub use agents::AgentQuery;
pub use auth::describe::Description;
pub use client::Client;
pub use error::{Acted, ApiError, ApiErrorKind, HttpError};
pub use events::EventQuery;
pub use files::Download;
pub use response::ApiResponse;
pub use sessions::SessionQuery;
pub use settings::{OnRequest, RateLimits, RequestOptions, Settings};
pub use threads::ThreadQuery;
