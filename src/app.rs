//! The operations on sessions, without any protocol.

pub mod approval;
pub mod audit;
pub mod cursor;
pub mod export;
pub mod locks;
pub mod op;
pub mod pace;
pub mod plan;
pub mod recent;
pub mod scan;
pub mod settings;
pub mod suggestions;
pub mod write;
