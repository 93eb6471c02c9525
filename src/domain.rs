//! The pure core: called with values, returns values. No io, no protocol, no clock of its own.

pub mod code;
pub mod details;
pub mod diagnosis;
pub mod events;
pub mod filter;
pub mod guard;
pub mod money;
pub mod step;
pub mod text;
pub mod toolset;
pub mod view;
