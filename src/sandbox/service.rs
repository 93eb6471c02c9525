//! What all requests share: the store, the request log and the request ids.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::extract::Request;
use http::{HeaderMap, Method};
use tokio::{sync::mpsc::UnboundedReceiver, time::sleep};

use super::{clock::TurnTimer, store::Store};

/// How many requests the log keeps.
const MAX_LOGGED: usize = 10_000;

/// A logged request; requests to control paths are not logged.
#[derive(Debug, Clone)]
pub struct ReceivedRequest {
    /// The method.
    pub method: Method,
    /// Path and query, still encoded.
    pub path: String,
    /// All headers, including credentials.
    pub headers: HeaderMap,
}

impl ReceivedRequest {
    /// Whether the request was meant to change something.
    pub fn is_write(&self) -> bool {
        !self.method.is_safe()
    }
}

#[derive(Debug)]
pub(super) struct Service {
    pub(super) address: SocketAddr,
    store: Mutex<Store>,
    log: Mutex<VecDeque<ReceivedRequest>>,
    request_count: AtomicU64,
}

impl Service {
    pub(super) fn new(store: Store, address: SocketAddr) -> Self {
        Self {
            address,
            store: Mutex::new(store),
            log: Mutex::default(),
            request_count: AtomicU64::new(0),
        }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, VecDeque<ReceivedRequest>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next_request_id(&self) -> String {
        let count = self.request_count.fetch_add(1, Ordering::Relaxed) + 1;
        format!("req_sandbox_{count:06}")
    }

    pub(super) fn log_request(&self, request: &Request) {
        let mut log = self.log();
        if log.len() == MAX_LOGGED {
            log.pop_front();
        }
        let uri = request.uri();
        log.push_back(ReceivedRequest {
            method: request.method().clone(),
            path: uri.path_and_query().map_or_else(|| uri.to_string(), ToString::to_string),
            headers: request.headers().clone(),
        });
    }

    /// Ends turns when their timers run out, until the sandbox stops.
    pub(super) async fn run_timers(self: Arc<Self>, mut started: UnboundedReceiver<TurnTimer>) {
        let closing = self.store().closing.clone();
        let spawn = async {
            while let Some(timer) = started.recv().await {
                let service = Arc::clone(&self);
                let closing = closing.clone();
                tokio::spawn(closing.run_until_cancelled_owned(async move {
                    sleep(timer.after).await;
                    service.store().on_timer(&timer);
                }));
            }
        };
        closing.run_until_cancelled(spawn).await;
    }
}
