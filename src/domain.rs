//! The rules, as pure functions on values: no I/O, no protocol, no clock, and no text for a
//! reader, which is worded in `explain`.

pub mod agents;
pub mod answer;
pub mod code;
pub mod details;
pub mod diagnosis;
pub mod event_types;
pub mod events;
pub mod filter;
pub mod fingerprint;
pub mod guard;
pub mod money;
pub mod new_session;
pub mod reply;
pub mod text;
pub mod time;
pub mod toolset;
pub mod triage;
pub mod turns;
pub mod view;
pub mod waiting;
