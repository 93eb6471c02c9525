//! Plans of many sessions, and how far each is.
//!
//! A plan is made once and never changed; what changes is its state. Every session of a plan is
//! in exactly one place of it: remaining, claimed, done, skipped, or failed. A session is claimed
//! by one call at a time, so that a plan applied twice, or twice at once, does nothing twice.

pub(crate) mod action;
pub(crate) mod candidate;
pub(crate) mod draft;
pub(crate) mod progress;
pub(crate) mod store;
