//! Locks: one for each session that is written, and those within this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::OwnedMutexGuard;

use crate::model::SessionId;

/// Locks state that a panic cannot leave half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Default)]
pub(crate) struct SessionLocks(Mutex<HashMap<SessionId, Weak<tokio::sync::Mutex<()>>>>);

impl SessionLocks {
    /// Waits until no other call writes this session; dropping the guard releases it.
    pub(crate) async fn acquire(&self, id: &SessionId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = lock(&self.0);
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
