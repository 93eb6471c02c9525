//! What tools over a guarded write answer.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{app::write::guarded::Written, domain::view::brief::Brief};

/// The outcome of an update.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UpdateOutcome {
    Updated,
    Unchanged,
    WouldUpdate,
}

impl UpdateOutcome {
    /// The outcome, the session afterwards, and what was sent or would be.
    pub(crate) fn shown<P: Default>(written: Written<P>) -> (Self, Brief, P) {
        shown(written, Self::Updated, Self::Unchanged, Self::WouldUpdate)
    }
}

/// The fitting one of three outcomes, the session afterwards, and what was sent or would be.
pub(crate) fn shown<O, P: Default>(
    written: Written<P>,
    done: O,
    unchanged: O,
    would: O,
) -> (O, Brief, P) {
    let (outcome, session, prepared) = match written {
        Written::Unchanged(session) => (unchanged, session, P::default()),
        Written::DryRun { session, prepared, .. } => (would, session, prepared),
        Written::NeedsApproval { session, .. } => (would, session, P::default()),
        Written::Done { before, prepared, after } => {
            (done, after.map_or(before, |after| *after), prepared)
        }
    };
    (outcome, Brief::of(&session.head), prepared)
}
