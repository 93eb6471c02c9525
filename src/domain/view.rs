//! How sessions are shown. What is absent is left out, so that a model pays only for content.

pub mod record;
pub mod row;
pub mod size;
pub mod summary;
