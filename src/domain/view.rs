//! How sessions are shown.

pub mod record;
pub mod row;
pub mod size;
pub mod summary;
