//! The rate limiter: how fast bulk work may ask.
//!
//! Bulk requests (scans, clean-up, exports) take turns, evenly spread, with a burst of at most a
//! second's worth. Single calls are never held up: they take from the same allowance and go on.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use tokio::time::Instant;

/// The longest that one answer of the service can hold everyone up.
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// A rate of requests; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    /// Requests that went on without an allowance, to be made up for by bulk work.
    owed: AtomicU32,
    most_owed: u32,
    /// Nobody's turn comes before.
    held_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// So many requests a minute.
    pub(crate) fn new(per_minute: NonZeroU32) -> Self {
        let burst = NonZeroU32::new(per_minute.get() / 60).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(Duration::from_secs(60) / per_minute.get())
            .unwrap_or_else(|| Quota::per_minute(per_minute))
            .allow_burst(burst);
        let clock = DefaultClock::default();
        Self {
            shared: Arc::new(Shared {
                limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
                clock,
                owed: AtomicU32::new(0),
                most_owed: burst.get(),
                held_until: Mutex::new(None),
            }),
        }
    }

    /// Takes a request from the allowance without waiting for one. At most a second's worth is
    /// remembered, so that bulk work is never starved by single calls.
    pub(crate) fn note(&self) {
        if self.shared.limiter.check().is_err() {
            let most = self.shared.most_owed;
            let more = |owed: u32| (owed < most).then_some(owed + 1);
            // An error means that the most is owed already.
            let _ = self
                .shared
                .owed
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }

    /// Waits until one more bulk request may be sent.
    pub(crate) async fn turn(&self) {
        loop {
            let held = *self.held();
            if let Some(until) = held.filter(|until| *until > Instant::now()) {
                tokio::time::sleep_until(until).await;
                continue;
            }
            match self.shared.limiter.check() {
                Ok(()) if self.pay() => {}
                Ok(()) => return,
                Err(early) => {
                    let wait = early.wait_time_from(self.shared.clock.now());
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Nobody's turn comes for that long (the service said that it is too much). Several such
    /// answers at once count as one.
    pub(crate) fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_HOLD);
        let mut held = self.held();
        *held = Some(held.map_or(until, |earlier| earlier.max(until)));
    }

    /// Until when nobody's turn comes, if the service asked for that.
    pub(crate) fn held_until(&self) -> Option<Instant> {
        *self.held()
    }

    /// Gives the allowance just taken for a request that went on without one.
    fn pay(&self) -> bool {
        let less = |owed: u32| owed.checked_sub(1);
        self.shared
            .owed
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.shared
            .held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::time::{Duration, Instant};

    // Only lower bounds: a busy machine may always be slower.

    #[tokio::test]
    async fn turns_come_evenly_after_a_second_s_worth() {
        let pace = Pace::new(1_200.try_into().unwrap());
        let started = Instant::now();
        for _ in 0..26 {
            pace.turn().await;
        }
        assert!(started.elapsed() >= Duration::from_millis(6 * 50 - 5));
    }

    #[tokio::test]
    async fn single_calls_are_paid_for_by_bulk_work() {
        let pace = Pace::new(1_200.try_into().unwrap());
        let started = Instant::now();
        for _ in 0..24 {
            pace.note();
        }
        pace.turn().await;
        assert!(started.elapsed() >= Duration::from_millis(5 * 50 - 5));
    }

    #[tokio::test]
    async fn a_hold_holds_everyone() {
        let pace = Pace::new(60_000.try_into().unwrap());
        let started = Instant::now();
        pace.hold(Duration::from_millis(120));
        pace.hold(Duration::from_millis(20));
        pace.clone().turn().await;
        assert!(started.elapsed() >= Duration::from_millis(120));
    }
}
