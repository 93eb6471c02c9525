//! A session that a plan may hold, with what the plan would make of its tools.

use std::sync::Arc;

use super::store::ToolChange;
use crate::{
    domain::{
        fingerprint::Fingerprint,
        toolset::{self, Changes, NoUndo, Patch, Toolset},
        view::size::size,
    },
    model::{Session, SessionHead},
};

/// Longest diff shown, in bytes.
const DIFF_BYTES: usize = 900;
/// Largest patch kept to take a change back, in bytes.
const UNDO_BYTES: usize = 24_000;

pub(crate) struct Candidate {
    pub head: SessionHead,
    pub fingerprint: Fingerprint,
    /// Of a plan that changes tools.
    pub tools: Option<ToolPlan>,
}

/// What a patch would make of a session's tools.
pub(crate) enum ToolPlan {
    /// They already are so.
    Unchanged,
    /// The tools that would result are impossible.
    Impossible,
    Change(Arc<ToolChange>, Changes),
}

impl Candidate {
    /// A session of a plan that leaves its tools alone.
    pub(crate) fn plain(session: Session) -> Self {
        Self { fingerprint: Fingerprint::of(&session), head: session.head, tools: None }
    }

    /// A session whose tools this patch would change.
    pub(crate) fn patched(session: Session, patch: &Arc<Patch>) -> Self {
        let before = Toolset::of(&session);
        let tools = match toolset::plan(&before, patch) {
            Err(_) => ToolPlan::Impossible,
            Ok(plan) if plan.changes.is_empty() => ToolPlan::Unchanged,
            Ok(plan) => {
                let undo = toolset::undo(&before, &plan.applied_to(&before));
                // A change without anything to undo does not exist.
                let undo = undo.unwrap_or(Err(NoUndo::Altered)).and_then(kept);
                let change = ToolChange { patch: Arc::clone(patch), undo };
                ToolPlan::Change(Arc::new(change), plan.changes.fitting(DIFF_BYTES).0)
            }
        };
        let fingerprint = Fingerprint::of(&session);
        Self { fingerprint, head: session.head, tools: Some(tools) }
    }
}

/// The patch, unless it is too large to be kept for each session of a plan.
pub(crate) fn kept(patch: Patch) -> Result<Patch, NoUndo> {
    match size(&patch.arguments()) {
        bytes if bytes > UNDO_BYTES => Err(NoUndo::TooLarge(bytes)),
        _ => Ok(patch),
    }
}
