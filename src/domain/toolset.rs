//! The tools and MCP servers of one session, changed as a patch.
//!
//! The API replaces whole arrays; people want to change one thing and keep the rest. [`plan`]
//! works out the arrays to send from what the session has now and what is asked, checks the
//! result and says what changes; [`satisfied`] compares the service's answer with the plan. Pure:
//! reading the session and writing it are other people's work.
//!
//! # Which entry is which
//! See [`Identity`]. A tool type this project does not know is recognised by `type` and `name` or
//! `mcp_server_name`, and carried through as it is: key order, large integers, decimals. Several
//! of an unknown type without any name are let pass in mode replace, where the service can decide,
//! and refused in mode merge, where one of them would have to be picked.
//!
//! # Merging
//! Keys given override, keys not given stay. `configs` merge by tool name and `default_config`
//! key by key. Null takes a key away, as in RFC 7396. Anything else, a custom tool's
//! `input_schema` for one, is replaced whole. An entry that is not there yet is added as given.
//!
//! # Removing
//! Removals apply to what the session has, in both modes; an array given in mode replace is
//! already the whole new value, so names to remove from it are a contradiction, and so is one name
//! both removed and given. Removing a server removes the toolset that refers to it, unless that
//! toolset is given.
//!
//! # What counts as a change
//! Values are compared by meaning: numbers exactly and by value (1.50 is 1.5), objects without
//! regard to key order, addresses of servers as addresses. The API answers in a resolved form; the
//! defaults it fills in are taken to be:
//! - `default_config`: enabled, and `always_allow` for built-in toolsets, `always_ask` for MCP;
//! - `configs`: built-in tools may come back with one each, repeating `default_config`, so leaving
//!   such a config out is no change. One that is *added*, or one of an MCP toolset, is a change
//!   even when it repeats the default: it pins its tool. What is not certain is reported.
//! - the domain lists and other settings of the web tools: unset, the same as null.

mod check;
mod diff;
mod identity;
mod merge;
mod resolve;
mod spot;
mod value;
mod verify;
mod warn;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use crate::domain::toolset::merge::Entry;
pub use crate::domain::toolset::{
    diff::{Changed, Changes, Diff, diff},
    identity::Identity,
    verify::satisfied,
};

/// What a session has: `agent.tools` and `agent.mcp_servers`, empty where the service leaves them
/// out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Toolset {
    /// Toolsets and custom tools, as the service sent them.
    pub tools: Vec<Value>,
    /// The servers that MCP toolsets refer to by name.
    pub mcp_servers: Vec<Value>,
}

/// What the arrays of a patch mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// An array given is the new value: the API's own meaning. `[]` clears.
    #[default]
    Replace,
    /// Entries are added, or update the entry of the same [`Identity`]; the others stay.
    Merge,
}

/// What is asked for. An array that is not given is not touched.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    /// What the arrays mean.
    pub mode: Mode,
    /// New or changed tools.
    pub tools: Option<Vec<Value>>,
    /// New or changed servers.
    pub mcp_servers: Option<Vec<Value>>,
    /// Tools to take away: the type of a toolset, the name of an MCP server or of a custom tool.
    pub remove_tools: Vec<String>,
    /// Servers to take away, by name, together with the toolsets that refer to them.
    pub remove_mcp_servers: Vec<String>,
}

/// One reason for which a patch cannot be applied. Displayed it is one clause. All parts may quote
/// what came from the session, cut, with invisible characters as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: into the arguments (`tools[2].configs[0].permission_policy.type`), or, for what was
    /// already there, into the session (`session.tools[3].mcp_server_name`).
    pub path: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
}

impl Problem {
    fn new(path: impl Into<String>, found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            found: found.into(),
            allowed: allowed.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: found {}; allowed: {}",
            self.path, self.found, self.allowed
        )
    }
}

/// What is to be sent, and what that changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The new `agent.tools`; `None` when they are not to be sent, because they do not change.
    pub tools: Option<Vec<Value>>,
    /// The new `agent.mcp_servers`; `None` when they are not to be sent.
    pub mcp_servers: Option<Vec<Value>>,
    /// What is different afterwards; empty means there is nothing to send.
    pub changes: Changes,
    /// What is no mistake, but worth a look.
    pub warnings: Vec<String>,
}

/// Works out what to send so that `patch` is applied to `current`.
///
/// # Errors
/// Everything that is wrong with the patch or would be wrong with its result, all at once. What
/// was already wrong in the session and stays as it is does not count.
pub fn plan(current: &Toolset, patch: &Patch) -> Result<Plan, Vec<Problem>> {
    let mut problems = Vec::new();
    let outcome = merge::apply(current, patch, &mut problems);
    check::check(current, &outcome, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut warnings = outcome.warnings.clone();
    warnings.extend(warn::warnings(&outcome));
    let values = |entries: Vec<Entry<'_>>| entries.into_iter().map(|entry| entry.value).collect();
    let result = Toolset {
        tools: values(outcome.tools),
        mcp_servers: values(outcome.servers),
    };
    let changes = diff(current, &result);
    Ok(Plan {
        tools: (!changes.tools.is_empty()).then_some(result.tools),
        mcp_servers: (!changes.mcp_servers.is_empty()).then_some(result.mcp_servers),
        changes,
        warnings,
    })
}

pub type Difference = String;
pub use satisfied as verify_;
pub fn verify(p: &Plan, t: &Toolset) -> Result<(), Vec<String>> {
    satisfied(p, t)
}
