//! Services that attack: what they send must neither leak, nor mislead, nor exhaust.

mod memory;
mod records;
mod secrets;
mod words;
