//! How sessions are shown. What is absent is left out, so that a model pays only for content.

pub mod agent;
pub mod bound;
pub mod brief;
pub(crate) mod fit;
pub mod lost;
pub mod record;
pub mod row;
mod schemas;
pub mod size;
pub mod summary;
pub mod threads;
