//! Rate limiting of API requests: a bucket of tokens for those that read, and one for those that
//! change something.
//!
//! Bulk work (scans, plans, triage, exports) acquires a permit before each request. Permits are
//! spread evenly, with a burst of at most one second's worth. Single calls never wait: they take a
//! token if one is free and go into debt otherwise; bulk work pays that debt before its next
//! permit.
//!
//! Each request is counted once, when the client sends it: through [`Pacer::on_request`] for
//! single calls, through [`Permits::on_request`] for bulk work.

mod bucket;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::future::join;
use http::Method;
use tokio::time::Instant;

use self::bucket::Bucket;
use super::locks::lock;
use crate::api::{Client, OnRequest, RequestOptions};

/// Upper bound of a pause, whatever `Retry-After` asks for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What a request does, by its method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Read, Self::Write];

    fn of(method: &Method) -> Self {
        if method.is_safe() { Self::Read } else { Self::Write }
    }
}

/// One for each kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PerKind<T> {
    pub(crate) reads: T,
    pub(crate) writes: T,
}

impl<T> PerKind<T> {
    fn of(&self, kind: Kind) -> &T {
        match kind {
            Kind::Read => &self.reads,
            Kind::Write => &self.writes,
        }
    }
}

/// The request rates; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Pacer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    buckets: PerKind<Bucket>,
    slow_down: Duration,
    paused_until: Mutex<Option<Instant>>,
}

impl Pacer {
    /// A pacer with full buckets; `slow_down` is the pause after a 429 without `Retry-After`.
    pub(crate) fn new(per_minute: PerKind<NonZeroU32>, slow_down: Duration) -> Self {
        Self(Arc::new(Shared {
            buckets: PerKind {
                reads: Bucket::new(per_minute.reads),
                writes: Bucket::new(per_minute.writes),
            },
            slow_down,
            paused_until: Mutex::default(),
        }))
    }

    /// Counts the requests of single calls. Never waits.
    pub(crate) fn on_request(&self) -> Arc<OnRequest> {
        let pacer = self.clone();
        Arc::new(move |method| pacer.bucket(Kind::of(method)).take_or_owe())
    }

    pub(crate) fn permits(&self) -> Permits {
        Permits(Arc::new(Available { pacer: self.clone(), counts: PerKind::default() }))
    }

    /// Pauses bulk work for the time of a `Retry-After` header, or for the default, but for at
    /// most 60 s. Overlapping pauses are merged. Returns the time asked for, without that bound.
    pub(crate) fn pause_for(&self, wait: Option<Duration>) -> Duration {
        let wait = wait.unwrap_or(self.0.slow_down);
        let until = Instant::now() + wait.min(MAX_PAUSE);
        let mut paused_until = lock(&self.0.paused_until);
        *paused_until = paused_until.max(Some(until));
        wait
    }

    /// How long the current pause still lasts, if it lasts beyond `deadline`.
    pub(crate) fn pause_beyond(&self, deadline: Instant) -> Option<Duration> {
        let until = self.paused_until().filter(|until| *until >= deadline)?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// How long the current pause still lasts, if it is longer than one without `Retry-After`.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.pause_beyond(Instant::now() + self.0.slow_down)
    }

    fn paused_until(&self) -> Option<Instant> {
        *lock(&self.0.paused_until)
    }

    fn bucket(&self, kind: Kind) -> &Bucket {
        self.0.buckets.of(kind)
    }

    async fn acquire(&self, kind: Kind) {
        self.bucket(kind).acquire(|| self.paused_until()).await;
    }
}

/// Permits acquired by one piece of bulk work and not used yet; clones share them. Each of its
/// requests uses one of its kind. What is left on drop goes back to the pacer.
#[derive(Debug, Clone)]
pub(crate) struct Permits(Arc<Available>);

#[derive(Debug)]
struct Available {
    pacer: Pacer,
    counts: PerKind<AtomicU32>,
}

impl Permits {
    pub(crate) async fn acquire(&self, kind: Kind) {
        self.pacer().acquire(kind).await;
        self.0.counts.of(kind).fetch_add(1, Ordering::Relaxed);
    }

    /// Acquires what is missing of `wanted`. What was acquired stays when this is cancelled.
    pub(crate) async fn acquire_up_to(&self, wanted: PerKind<u32>) {
        let reads = self.acquire_up_to_count(Kind::Read, wanted.reads);
        join(reads, self.acquire_up_to_count(Kind::Write, wanted.writes)).await;
    }

    async fn acquire_up_to_count(&self, kind: Kind, wanted: u32) {
        while self.0.available(kind) < wanted {
            self.acquire(kind).await;
        }
    }

    /// Whether there are as many as `wanted`.
    pub(crate) fn has(&self, wanted: PerKind<u32>) -> bool {
        Kind::ALL.iter().all(|&kind| self.0.available(kind) >= *wanted.of(kind))
    }

    /// Moves `wanted` permits, or as many as there are, to a part of the work.
    pub(crate) fn split(&self, wanted: PerKind<u32>) -> Self {
        let part = self.pacer().permits();
        for kind in Kind::ALL {
            let taken = self.0.take(kind, *wanted.of(kind));
            part.0.counts.of(kind).store(taken, Ordering::Relaxed);
        }
        part
    }

    pub(crate) fn merge(&self, part: &Self) {
        for kind in Kind::ALL {
            let left = part.0.counts.of(kind).swap(0, Ordering::Relaxed);
            self.0.counts.of(kind).fetch_add(left, Ordering::Relaxed);
        }
    }

    /// The client, with its requests counted as those of this work.
    pub(crate) fn bind(&self, client: &Client) -> Client {
        client.with_options(RequestOptions {
            on_request: Some(self.on_request()),
            ..client.options().clone()
        })
    }

    /// Counts the requests of this work. One without a permit is paid for by later permits.
    fn on_request(&self) -> Arc<OnRequest> {
        let permits = self.clone();
        Arc::new(move |method| {
            let kind = Kind::of(method);
            if permits.0.take(kind, 1) == 0 {
                permits.pacer().bucket(kind).overdraw();
            }
        })
    }

    pub(crate) fn pacer(&self) -> &Pacer {
        &self.0.pacer
    }
}

impl Available {
    fn available(&self, kind: Kind) -> u32 {
        self.counts.of(kind).load(Ordering::Relaxed)
    }

    fn take(&self, kind: Kind, count: u32) -> u32 {
        let less = |available: u32| Some(available.saturating_sub(count));
        self.counts
            .of(kind)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .map_or(0, |available| available.min(count))
    }
}

impl Drop for Available {
    fn drop(&mut self) {
        for kind in Kind::ALL {
            self.pacer.bucket(kind).give_back(self.available(kind));
        }
    }
}
