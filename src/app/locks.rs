//! One write at a time for each session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::OwnedMutexGuard;

use crate::model::SessionId;

/// Whose turn it is, for every session that is being written now.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<SessionId, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits until no other call writes this session; the turn ends when the guard is dropped.
    pub(crate) async fn take(&self, id: &SessionId) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            turns.get(id).and_then(Weak::upgrade).unwrap_or_else(|| {
                let turn = Arc::default();
                turns.insert(id.clone(), Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}
