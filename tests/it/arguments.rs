//! What holds for the arguments of all tools.

mod agent;
mod blank;
