//! The tools and MCP servers of one session, changed as a patch.
//!
//! The API replaces whole arrays; people want to change one thing and keep the rest. [`plan`]
//! computes the arrays to send from what the session has and what is asked, checks the result and
//! reports what changes; [`verify()`] compares the service's answer with that.
//!
//! # Identity
//! See [`Identity`]. A tool of an unknown type is identified by `type` and `name` or
//! `mcp_server_name`, and carried through unchanged: key order, large integers, decimals. Several
//! tools of an unknown type without a name are accepted in mode replace, where the service can
//! decide, and refused in mode merge, where one of them would have to be picked.
//!
//! # Merging
//! Given keys override, other keys stay. `configs` merge by tool name, `default_config` key by
//! key. Null removes a key (RFC 7396). Anything else, such as a custom tool's `input_schema`, is
//! replaced as a whole. New entries are added as given.
//!
//! # Removing
//! Removals apply to what the session has, in both modes. Names to remove from an array that is
//! given in mode replace are a contradiction, and so is a name that is both removed and given.
//! Removing a server removes the toolset that refers to it, unless that toolset is given. A config
//! that is removed by name is a change even if it repeats the default.
//!
//! # Undoing
//! See [`undo()`].
//!
//! # What counts as a change
//! Values are compared by meaning: numbers exactly and by value (1.50 is 1.5), objects regardless
//! of key order, URLs after normalization. The API answers in a resolved form; its defaults are
//! taken to be:
//! - `default_config`: enabled, and `always_allow` for built-in toolsets, `always_ask` for MCP;
//! - `configs`: built-in tools may come back with one each, repeating `default_config`, so leaving
//!   such a config out is no change. *Adding* one, or one of an MCP toolset, is a change even if it
//!   repeats the default: it pins its tool. Doubtful changes are reported.
//! - the domain lists and other settings of the web tools: unset, the same as null.

mod check;
mod config_name;
mod diff;
mod identity;
mod merge;
mod patch;
mod plan;
mod problem;
mod resolve;
mod undo;
mod uses;
mod value;
mod value_path;
mod verify;
mod warning;

pub use crate::domain::toolset::{
    diff::{Changed, Changes, Diff, diff},
    identity::{Identity, Section},
    patch::{Mode, Patch, Toolset},
    plan::{ToolsetChange, plan},
    problem::{Expected, MOST_DOMAINS, Problem, ProblemKind},
    undo::{NoUndo, undo},
    uses::{Unused, Wanted},
    value::{covers, same},
    verify::{Difference, verify},
    warning::{BUILT_IN_TOOLS, Dropped, Warning},
};
pub(crate) use crate::domain::toolset::{uses::Lacking, warning::added_without_vault};
