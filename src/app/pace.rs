//! The rate limiter: how fast bulk work may ask.
//!
//! Bulk requests (scans, clean-up, exports) take turns, evenly spread, with a burst of at most a
//! second's worth. Single calls are never held up: they take from the same rate and go on.
//!
//! Every request counts once, where the client sends it: single calls by [`Pace::counter`], bulk
//! work by the [`Allowance`] that holds the turns it has taken.

use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use tokio::time::Instant;

use crate::api::OnRequest;

/// The longest that one answer of the service can hold everyone up.
const LONGEST_HOLD: Duration = Duration::from_secs(60);
/// How many turns are kept for later that were taken and not used. At a very low rate the time of
/// one call does not see the two that a session of a clean-up needs.
const MOST_KEPT: u32 = 2;

/// A rate of requests; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    most_owed: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Requests of single calls that went on without a turn, to be made up for by bulk work.
    owed: u32,
    /// Requests of bulk work itself beyond the turns it had taken.
    overdrawn: u32,
    /// Turns that were taken and not used.
    kept: u32,
    /// How many wait for a turn now.
    waiting: u32,
    /// Nobody's turn comes before.
    held_until: Option<Instant>,
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
                most_owed: burst.get(),
                state: Mutex::default(),
            }),
        }
    }

    /// Counts the requests of single calls.
    pub(crate) fn counter(&self) -> Arc<OnRequest> {
        let pace = self.clone();
        Arc::new(move || pace.note())
    }

    /// For work that takes turns.
    pub(crate) fn allowance(&self) -> Allowance {
        Allowance(Arc::new(Turns {
            pace: self.clone(),
            left: AtomicU32::new(0),
        }))
    }

    /// Counts a request that did not wait for its turn. At most a second's worth is remembered,
    /// so that bulk work is never starved by single calls.
    fn note(&self) {
        let mut state = self.state();
        if !self.is_free(&state) {
            state.owed = self.shared.most_owed.min(state.owed + 1);
        }
    }

    /// Counts a request of bulk work beyond its turns. It is not forgotten: it was bulk work's.
    fn overdraw(&self) {
        let mut state = self.state();
        if !self.is_free(&state) {
            state.overdrawn += 1;
        }
    }

    /// Takes one request from the rate, if it has one now that nobody waits for.
    fn is_free(&self, state: &State) -> bool {
        state.waiting == 0 && self.shared.limiter.check().is_ok()
    }

    /// Waits until one more bulk request may be sent.
    async fn turn(&self) {
        // What others owe from now on is for the turns after this one, so that it comes.
        let mut to_pay = self.state().owed;
        let _waiting = Waiting::begin(self);
        loop {
            if let Some(until) = self.held_until().filter(|until| *until > Instant::now()) {
                tokio::time::sleep_until(until).await;
                continue;
            }
            if self.take_kept() {
                return;
            }
            match self.shared.limiter.check() {
                Ok(()) if self.pay(&mut to_pay) => {}
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
        let mut state = self.state();
        let held = state.held_until;
        state.held_until = Some(held.map_or(until, |earlier| earlier.max(until)));
    }

    /// Until when nobody's turn comes, if the service asked for that.
    pub(crate) fn held_until(&self) -> Option<Instant> {
        self.state().held_until
    }

    /// Gives what the rate has just allowed for a request that went on without.
    fn pay(&self, to_pay: &mut u32) -> bool {
        let mut state = self.state();
        if state.overdrawn > 0 {
            state.overdrawn -= 1;
            return true;
        }
        let pays = *to_pay > 0 && state.owed > 0;
        if pays {
            *to_pay -= 1;
            state.owed -= 1;
        }
        pays
    }

    fn take_kept(&self) -> bool {
        let mut state = self.state();
        let is_kept = state.kept > 0;
        state.kept -= u32::from(is_kept);
        is_kept
    }

    fn keep(&self, turns: u32) {
        let mut state = self.state();
        state.kept = MOST_KEPT.min(state.kept + turns);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for a turn: what becomes free meanwhile is theirs.
struct Waiting<'a>(&'a Pace);

impl<'a> Waiting<'a> {
    fn begin(pace: &'a Pace) -> Self {
        pace.state().waiting += 1;
        Self(pace)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

/// Turns that some bulk work has taken and not used yet; clones share them. Each of its requests
/// uses one. What is left when the work ends is kept for other work.
#[derive(Debug, Clone)]
pub(crate) struct Allowance(Arc<Turns>);

#[derive(Debug)]
struct Turns {
    pace: Pace,
    left: AtomicU32,
}

impl Allowance {
    /// Waits for one more turn.
    pub(crate) async fn fill(&self) {
        self.0.pace.turn().await;
        self.0.left.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there are.
    pub(crate) fn turns(&self) -> u32 {
        self.0.left.load(Ordering::Relaxed)
    }

    /// Gives so many of them, or as many as there are, to a part of the work.
    pub(crate) fn split(&self, turns: u32) -> Self {
        let given = (0..turns).filter(|_| self.take()).count();
        let part = self.0.pace.allowance();
        part.0
            .left
            .store(u32::try_from(given).unwrap_or(turns), Ordering::Relaxed);
        part
    }

    /// Takes what a part of the work has left.
    pub(crate) fn take_back(&self, part: &Self) {
        let left = part.0.left.swap(0, Ordering::Relaxed);
        self.0.left.fetch_add(left, Ordering::Relaxed);
    }

    /// Counts the requests of this work.
    pub(crate) fn counter(&self) -> Arc<OnRequest> {
        let allowance = self.clone();
        Arc::new(move || {
            if !allowance.take() {
                allowance.0.pace.overdraw();
            }
        })
    }

    /// The rate that the turns are of.
    pub(crate) fn pace(&self) -> &Pace {
        &self.0.pace
    }

    fn take(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.0
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.pace.keep(*self.left.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::app::pace::Pace;

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
    async fn what_bulk_work_asks_beyond_its_turns_is_made_up_for_in_full() {
        let pace = Pace::new(1_200.try_into().unwrap());
        let allowance = pace.allowance();
        allowance.fill().await;
        let count = allowance.counter();
        // A second's worth is twenty: one turn of its own, nineteen free ones, ten overdrawn.
        (0..30).for_each(|_| count());
        assert_eq!(allowance.turns(), 0);
        let started = Instant::now();
        allowance.fill().await;
        assert!(started.elapsed() >= Duration::from_millis(11 * 50 - 5));
    }

    #[tokio::test]
    async fn single_calls_without_end_do_not_starve_bulk_work() {
        let pace = Pace::new(60.try_into().unwrap());
        pace.turn().await;
        let calls = async {
            loop {
                pace.note();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let long = Duration::from_secs(30);
        tokio::select! {
            () = calls => {}
            came = tokio::time::timeout(long, pace.turn()) => assert_eq!(came, Ok(())),
        }
    }

    #[tokio::test]
    async fn turns_that_were_not_used_are_kept_for_the_next_work() {
        let pace = Pace::new(1.try_into().unwrap());
        let allowance = pace.allowance();
        allowance.fill().await;
        let part = allowance.split(1);
        assert_eq!((allowance.turns(), part.turns()), (0, 1));
        allowance.take_back(&part);
        drop(part);
        drop(allowance);
        // The rate itself would give the next one in a minute.
        let next = tokio::time::timeout(Duration::from_secs(30), pace.turn());
        assert_eq!(next.await, Ok(()));
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
