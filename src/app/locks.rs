//! Serializes the writes of this process to each session.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::OwnedMutexGuard;

use crate::model::SessionId;

/// A lock for every session that is being written.
#[derive(Debug, Default)]
pub(crate) struct SessionLocks(Mutex<HashMap<SessionId, Weak<tokio::sync::Mutex<()>>>>);

impl SessionLocks {
    /// Waits until no other call writes this session; dropping the guard releases it.
    pub(crate) async fn acquire(&self, id: &SessionId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            locks.get(id).and_then(Weak::upgrade).unwrap_or_else(|| {
                let lock = Arc::default();
                locks.insert(id.clone(), Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }
}
