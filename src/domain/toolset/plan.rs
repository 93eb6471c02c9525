//! What a patch comes to: the arrays to send, and what they change.

use serde_json::Value;

use crate::domain::toolset::{
    check::check,
    diff::{Changes, diff_without},
    merge::merge,
    patch::{Patch, Toolset},
    problem::Problem,
    warning::{self, Warning},
};

/// What a patch comes to: what to send, and what that changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolsetChange {
    /// The new `agent.tools`; `None` if they do not change and are not to be sent.
    pub tools: Option<Vec<Value>>,
    /// The new `agent.mcp_servers`; `None` if they are not to be sent.
    pub mcp_servers: Option<Vec<Value>>,
    /// What will be different; empty if there is nothing to send.
    pub changes: Changes,
    /// What is valid, but worth a look.
    pub warnings: Vec<Warning>,
}

impl ToolsetChange {
    /// The tools once this is sent, as far as the service fills nothing in.
    pub fn applied_to(&self, current: &Toolset) -> Toolset {
        let new = |new: &Option<Vec<Value>>, old: &[Value]| new.as_deref().unwrap_or(old).to_vec();
        Toolset {
            tools: new(&self.tools, &current.tools),
            mcp_servers: new(&self.mcp_servers, &current.mcp_servers),
        }
    }
}

/// Computes what to send so that `patch` is applied to `current`.
///
/// # Errors
/// Everything that is wrong with the patch or would be wrong with its result. What was already
/// wrong in the session and stays as it is does not count.
pub fn plan(current: &Toolset, patch: &Patch) -> Result<ToolsetChange, Vec<Problem>> {
    let mut problems = Vec::new();
    let result = merge(current, patch, &mut problems);
    check(current, &result, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut warnings = warning::warnings(&result);
    let new = Toolset {
        tools: result.tools.into_iter().map(|entry| entry.value).collect(),
        mcp_servers: result.servers.into_iter().map(|entry| entry.value).collect(),
    };
    let changes = diff_without(current, &new, &result.removed_configs);
    warnings.extend(warning::dropped(patch, &new, &changes));
    Ok(ToolsetChange {
        tools: (!changes.tools.is_empty()).then_some(new.tools),
        mcp_servers: (!changes.mcp_servers.is_empty()).then_some(new.mcp_servers),
        changes,
        warnings,
    })
}
