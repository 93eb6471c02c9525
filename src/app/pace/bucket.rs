//! A token bucket with debt.

use std::{num::NonZeroU32, sync::Mutex, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::app::locks::lock;

/// Unused permits kept for later work. A session of a plan needs two reads, and at a very low rate
/// no single call lasts long enough to acquire both.
const MAX_RETURNED: u32 = 2;

#[derive(Debug)]
pub(super) struct Bucket {
    interval: Duration,
    /// The capacity: one second's worth of tokens, at least one.
    burst: u32,
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
}

impl Bucket {
    /// A full one.
    pub(super) fn new(per_minute: NonZeroU32) -> Self {
        Self {
            interval: Duration::from_secs(60) / per_minute.get(),
            burst: (per_minute.get() / 60).max(1),
            queue: tokio::sync::Mutex::default(),
            state: Mutex::new(State { full_at: Instant::now(), single_debt: 0, returned: 0 }),
        }
    }

    /// Takes a token if one is free that nobody waits for, and owes one otherwise.
    pub(super) fn take_or_owe(&self) {
        let mut state = lock(&self.state);
        let nobody_waits = self.queue.try_lock().is_ok();
        if !nobody_waits || self.take_token(&mut state).is_err() {
            state.single_debt = self.burst.min(state.single_debt + 1);
        }
    }

    /// Waits for a token, and for the end of a pause.
    pub(super) async fn acquire(&self, paused_until: impl Fn() -> Option<Instant>) {
        // Debt that arises from now on is left to later permits, or single calls could delay
        // this one forever.
        let mut to_pay = lock(&self.state).single_debt;
        let _head_of_queue = self.queue.lock().await;
        loop {
            let pause = paused_until().filter(|until| *until > Instant::now());
            let acquired = pause.map_or_else(|| self.try_acquire(&mut to_pay), Err);
            match acquired {
                Ok(()) => return,
                Err(retry_at) => sleep_until(retry_at).await,
            }
        }
    }

    fn try_acquire(&self, to_pay: &mut u32) -> Result<(), Instant> {
        let mut state = lock(&self.state);
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
        let tolerance = self.interval * (self.burst - 1);
        if state.full_at > Instant::now() + tolerance {
            return Err(state.full_at - tolerance);
        }
        self.take_one(state);
        Ok(())
    }

    /// Takes a token from the future, which delays those after it.
    pub(super) fn overdraw(&self) {
        self.take_one(&mut lock(&self.state));
    }

    fn take_one(&self, state: &mut State) {
        state.full_at = state.full_at.max(Instant::now()) + self.interval;
    }

    /// Keeps permits that were not used for other work.
    pub(super) fn give_back(&self, count: u32) {
        let mut state = lock(&self.state);
        state.returned = MAX_RETURNED.min(state.returned + count);
    }
}
