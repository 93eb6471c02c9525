//! Rate limiting of API requests: a token bucket with debt.
//!
//! Bulk work (scans, plans, exports) acquires a permit before each request. Permits are spread
//! evenly, with a burst of at most one second's worth. Single calls never wait: they take a token
//! if one is free and go into debt otherwise; bulk work pays that debt before its next permit.
//!
//! Each request is counted once, when the client sends it: through [`Pacer::on_request`] for
//! single calls, through [`Permits::on_request`] for bulk work.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::locks::lock;
use crate::api::{Client, RequestOptions};

/// Upper bound of a pause, whatever `Retry-After` asks for.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Unused permits kept for later work. A session of a plan needs two, and at a very low rate no
/// single call lasts long enough to acquire both.
const MAX_RETURNED: u32 = 2;

/// A request rate; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Pacer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    interval: Duration,
    /// Capacity of the bucket: one second's worth of tokens, at least one.
    burst: u32,
    slow_down: Duration,
    /// Bulk work queues here in order of arrival; whoever holds the lock gets the next token.
    queue: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the bucket will be full again. Taking a token moves this by one interval.
    full_at: Instant,
    /// Requests of single calls that found no free token; at most a second's worth.
    single_debt: u32,
    /// Permits that were acquired and given back unused.
    returned: u32,
    paused_until: Option<Instant>,
}

impl Pacer {
    /// A pacer with a full bucket; `slow_down` is the pause after a 429 without `Retry-After`.
    pub(crate) fn new(per_minute: NonZeroU32, slow_down: Duration) -> Self {
        Self(Arc::new(Shared {
            interval: Duration::from_secs(60) / per_minute.get(),
            burst: (per_minute.get() / 60).max(1),
            slow_down,
            queue: tokio::sync::Mutex::default(),
            state: Mutex::new(State {
                full_at: Instant::now(),
                single_debt: 0,
                returned: 0,
                paused_until: None,
            }),
        }))
    }

    /// Counts the requests of single calls. Never waits.
    pub(crate) fn on_request(&self) -> Arc<dyn Fn() + Send + Sync> {
        let pacer = self.clone();
        Arc::new(move || {
            let mut state = lock(&pacer.0.state);
            let nobody_waits = pacer.0.queue.try_lock().is_ok();
            if !nobody_waits || pacer.take_token(&mut state).is_err() {
                state.single_debt = pacer.0.burst.min(state.single_debt + 1);
            }
        })
    }

    pub(crate) fn permits(&self) -> Permits {
        Permits(Arc::new(Available { pacer: self.clone(), count: AtomicU32::new(0) }))
    }

    /// Pauses bulk work for the time of a `Retry-After` header, or for the default, but for at
    /// most 60 s. Overlapping pauses are merged. Returns the time asked for, without that bound.
    pub(crate) fn pause_for(&self, wait: Option<Duration>) -> Duration {
        let wait = wait.unwrap_or(self.0.slow_down);
        let until = Instant::now() + wait.min(MAX_PAUSE);
        let mut state = lock(&self.0.state);
        state.paused_until = state.paused_until.max(Some(until));
        wait
    }

    /// How long the current pause still lasts, if it lasts beyond `deadline`.
    pub(crate) fn pause_beyond(&self, deadline: Instant) -> Option<Duration> {
        let until = lock(&self.0.state).paused_until.filter(|until| *until >= deadline)?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// How long the current pause still lasts, if it is longer than one without `Retry-After`.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.pause_beyond(Instant::now() + self.0.slow_down)
    }

    async fn acquire(&self) {
        // Debt that arises from now on is left to later permits, or single calls could delay
        // this one forever.
        let mut to_pay = lock(&self.0.state).single_debt;
        let _head_of_queue = self.0.queue.lock().await;
        while let Err(retry_at) = self.try_acquire(&mut to_pay) {
            sleep_until(retry_at).await;
        }
    }

    fn try_acquire(&self, to_pay: &mut u32) -> Result<(), Instant> {
        let mut state = lock(&self.0.state);
        if let Some(until) = state.paused_until
            && until > Instant::now()
        {
            return Err(until);
        }
        if state.returned > 0 {
            state.returned -= 1;
            return Ok(());
        }
        loop {
            self.take_token(&mut state)?;
            if *to_pay == 0 || state.single_debt == 0 {
                return Ok(());
            }
            *to_pay -= 1;
            state.single_debt -= 1;
        }
    }

    /// Takes a token, or returns when there will be one.
    fn take_token(&self, state: &mut State) -> Result<(), Instant> {
        let tolerance = self.0.interval * (self.0.burst - 1);
        if state.full_at > Instant::now() + tolerance {
            return Err(state.full_at - tolerance);
        }
        self.overdraw(state);
        Ok(())
    }

    /// Takes a token from the future, which delays those after it.
    fn overdraw(&self, state: &mut State) {
        state.full_at = state.full_at.max(Instant::now()) + self.0.interval;
    }
}

/// Permits acquired by one piece of bulk work and not used yet; clones share them. Each of its
/// requests uses one. What is left on drop goes back to the pacer.
#[derive(Debug, Clone)]
pub(crate) struct Permits(Arc<Available>);

#[derive(Debug)]
struct Available {
    pacer: Pacer,
    count: AtomicU32,
}

impl Permits {
    pub(crate) async fn acquire(&self) {
        self.0.pacer.acquire().await;
        self.0.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn available(&self) -> u32 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Moves `count` permits, or as many as there are, to a part of the work.
    pub(crate) fn split(&self, count: u32) -> Self {
        let part = self.0.pacer.permits();
        part.0.count.store(self.0.take(count), Ordering::Relaxed);
        part
    }

    pub(crate) fn merge(&self, part: &Self) {
        let left = part.0.count.swap(0, Ordering::Relaxed);
        self.0.count.fetch_add(left, Ordering::Relaxed);
    }

    /// The client, with its requests counted as those of this work.
    pub(crate) fn bind(&self, client: &Client) -> Client {
        client.with_options(RequestOptions {
            on_request: Some(self.on_request()),
            ..client.options().clone()
        })
    }

    /// Counts the requests of this work. One without a permit is paid for by later permits.
    fn on_request(&self) -> Arc<dyn Fn() + Send + Sync> {
        let permits = self.clone();
        Arc::new(move || {
            if permits.0.take(1) == 0 {
                let pacer = permits.pacer();
                pacer.overdraw(&mut lock(&pacer.0.state));
            }
        })
    }

    pub(crate) fn pacer(&self) -> &Pacer {
        &self.0.pacer
    }
}

impl Available {
    fn take(&self, count: u32) -> u32 {
        let less = |available: u32| Some(available.saturating_sub(count));
        self.count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .map_or(0, |available| available.min(count))
    }
}

impl Drop for Available {
    fn drop(&mut self) {
        let mut state = lock(&self.pacer.0.state);
        state.returned = MAX_RETURNED.min(state.returned + *self.count.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::{join, join_all};
    use tokio::time::{Instant, sleep, timeout};

    use crate::app::pace::Pacer;

    fn pacer(per_minute: u32) -> Pacer {
        Pacer::new(per_minute.try_into().unwrap(), Duration::from_secs(1))
    }

    async fn time_to_acquire(pacer: &Pacer, count: u32) -> Duration {
        let started = Instant::now();
        for _ in 0..count {
            pacer.acquire().await;
        }
        started.elapsed()
    }

    const INTERVAL: Duration = Duration::from_millis(50);

    #[tokio::test(start_paused = true)]
    async fn permits_are_evenly_spread_after_a_burst_of_one_second() {
        let pacer = pacer(1_200);
        assert_eq!(time_to_acquire(&pacer, 20).await, Duration::ZERO);
        for _ in 0..1_200 {
            assert_eq!(time_to_acquire(&pacer, 1).await, INTERVAL);
        }
        sleep(Duration::from_secs(5)).await;
        assert_eq!(time_to_acquire(&pacer, 26).await, INTERVAL * 6);
    }

    #[tokio::test(start_paused = true)]
    async fn bulk_work_pays_one_second_of_debt_of_single_calls_and_all_of_its_own() {
        let owed_by_single_calls = [(20, 0, 1), (24, 0, 5), (1_000, 0, 21)];
        let owed_by_bulk_work = [(0, 20, 1), (0, 1_000, 981), (30, 5, 16)];
        for (single, bulk, waited) in [owed_by_single_calls, owed_by_bulk_work].concat() {
            let pacer = pacer(1_200);
            let permits = pacer.permits();
            let (on_single, on_bulk) = (pacer.on_request(), permits.on_request());
            (0..single).for_each(|_| on_single());
            (0..bulk).for_each(|_| on_bulk());
            assert_eq!(time_to_acquire(&pacer, 1).await, INTERVAL * waited);
            assert_eq!(time_to_acquire(&pacer, 1).await, INTERVAL);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn endless_single_calls_do_not_starve_bulk_work() {
        let pacer = pacer(60);
        pacer.acquire().await;
        let on_request = pacer.on_request();
        let single_calls = async {
            loop {
                on_request();
                sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            biased;
            () = single_calls => {}
            waited = time_to_acquire(&pacer, 2) => assert_eq!(waited, Duration::from_secs(4)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn permits_are_acquired_in_order_of_arrival() {
        let pacer = pacer(60);
        let first = timeout(Duration::from_millis(500), time_to_acquire(&pacer, 2));
        let others = join_all((0..4).map(|_| time_to_acquire(&pacer, 1)));
        let (first, others) = join(first, others).await;
        assert!(first.is_err(), "cancelled while it waited");
        assert_eq!(others, [1, 2, 3, 4].map(Duration::from_secs));
    }

    #[tokio::test(start_paused = true)]
    async fn unused_permits_are_kept_for_other_work() {
        // The rate itself yields one permit a minute.
        let pacer = pacer(1);
        let permits = pacer.permits();
        for _ in 0..4 {
            permits.acquire().await;
        }
        let part = permits.split(3);
        assert_eq!((permits.available(), part.available()), (1, 3));
        let on_request = part.on_request();
        on_request();
        permits.merge(&part.split(1));
        assert_eq!((permits.available(), part.available()), (2, 1));
        permits.merge(&part);
        assert_eq!((permits.split(9).available(), permits.available()), (3, 0));
        assert_eq!(time_to_acquire(&pacer, 2).await, Duration::ZERO);
        assert_eq!(time_to_acquire(&pacer, 1).await, Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_pauses_all_bulk_work() {
        let pauses: [(&[_], _); 3] = [(&[None], 1), (&[Some(3), Some(2)], 3), (&[Some(90)], 60)];
        for (waits, expected) in pauses {
            let (pacer, expected) = (pacer(60_000), Duration::from_secs(expected));
            for wait in waits {
                let asked_for = pacer.pause_for(wait.map(Duration::from_secs));
                assert_eq!(asked_for, Duration::from_secs(wait.unwrap_or(1)));
            }
            assert_eq!(pacer.pause_beyond(Instant::now()), Some(expected));
            assert_eq!(time_to_acquire(&pacer.clone(), 1).await, expected);
        }
    }
}
