//! Requests whose answers have not been written yet. While there are too many, nothing more is
//! read: a host that does not read its answers would otherwise fill the memory with them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rmcp::model::RequestId;
use tokio::sync::Notify;

/// Far more than any host has at once; an answer takes up to 80 KB.
pub(crate) const MAX_PENDING: usize = 512;

/// Clones share everything.
#[derive(Clone, Default)]
pub(crate) struct Pending(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Default)]
struct State {
    /// Without an answer yet.
    running: HashSet<RequestId>,
    /// Answers on their way to the host.
    unwritten: usize,
}

impl Pending {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a request; false if another one with this id has no answer yet.
    pub(crate) fn enter(&self, id: &RequestId) -> bool {
        self.state().running.insert(id.clone())
    }

    /// A cancelled request is not answered.
    pub(crate) fn cancel(&self, id: &RequestId) {
        self.state().running.remove(id);
        self.0.freed.notify_waiters();
    }

    /// Counts the answer to a request until the result is dropped.
    pub(crate) fn answer(&self, id: &RequestId) -> Answer {
        let mut state = self.state();
        state.running.remove(id);
        state.unwritten += 1;
        Answer(self.clone())
    }

    /// Waits until another request may be read.
    pub(crate) async fn room(&self) {
        loop {
            let mut freed = std::pin::pin!(self.0.freed.notified());
            freed.as_mut().enable();
            let pending = {
                let state = self.state();
                state.running.len() + state.unwritten
            };
            if pending < MAX_PENDING {
                return;
            }
            freed.await;
        }
    }
}

/// An answer that is being written.
pub(crate) struct Answer(Pending);

impl Drop for Answer {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.unwritten = state.unwritten.saturating_sub(1);
        drop(state);
        self.0.0.freed.notify_waiters();
    }
}
