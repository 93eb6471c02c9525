//! A write whose answer was lost.

use super::guarded::{GuardedWrite, Written};
use crate::{app::error::Error, model::Session};

/// A write that was sent and may have been carried out.
pub(super) struct Lost<P> {
    /// The session as it was read right before.
    pub(super) before: Session,
    pub(super) prepared: P,
}

/// That a write whose answer was lost took effect.
pub(super) struct TookEffect {
    /// The session afterwards, unless it is gone.
    pub(super) after: Option<Session>,
}

/// What a write whose answer was lost did, by what was `seen` and a reading made after it.
pub(super) fn effect<W: GuardedWrite>(
    write: &W,
    lost: &Lost<W::Prepared>,
    seen: Option<bool>,
    read: &Result<Session, Error>,
) -> Option<TookEffect> {
    match read {
        Ok(session) => {
            let took_effect = seen.unwrap_or_else(|| write.verify(&lost.prepared, session).is_ok());
            took_effect.then(|| TookEffect { after: Some(session.clone()) })
        }
        Err(error) => (write.removes() && error.is_gone()).then_some(TookEffect { after: None }),
    }
}

pub(super) fn done<P: Default>(lost: Option<Lost<P>>, after: Option<Session>) -> Written<P> {
    match lost {
        Some(Lost { before, prepared }) => {
            Written::Done { before, prepared, after: after.map(Box::new) }
        }
        // Cannot be: only a lost write takes effect.
        None => Written::Unchanged(after.unwrap_or_default()),
    }
}
