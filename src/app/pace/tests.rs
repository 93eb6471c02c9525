use std::time::Duration;

use futures_util::future::{join, join_all};
use http::Method;
use tokio::time::{Instant, sleep, timeout};

use crate::app::pace::{Kind, Pacer, PerKind};

const READS: PerKind<u32> = PerKind { reads: 1, writes: 0 };

/// With this many reads a minute, and half as many writes.
fn pacer(per_minute: u32) -> Pacer {
    let reads = per_minute.try_into().unwrap();
    let writes = per_minute.div_ceil(2).try_into().unwrap();
    Pacer::new(PerKind { reads, writes }, Duration::from_secs(1))
}

async fn time_to_acquire(pacer: &Pacer, count: u32) -> Duration {
    let started = Instant::now();
    for _ in 0..count {
        pacer.acquire(Kind::Read).await;
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
        (0..single).for_each(|_| on_single(&Method::GET));
        (0..bulk).for_each(|_| on_bulk(&Method::GET));
        assert_eq!(time_to_acquire(&pacer, 1).await, INTERVAL * waited);
        assert_eq!(time_to_acquire(&pacer, 1).await, INTERVAL);
    }
}

#[tokio::test(start_paused = true)]
async fn endless_single_calls_do_not_starve_bulk_work() {
    let pacer = pacer(60);
    pacer.acquire(Kind::Read).await;
    let on_request = pacer.on_request();
    let single_calls = async {
        loop {
            on_request(&Method::GET);
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
        permits.acquire(Kind::Read).await;
    }
    let some = |reads| PerKind { reads, writes: 0 };
    let part = permits.split(some(3));
    assert!(permits.has(some(1)) && part.has(some(3)));
    assert!(!permits.has(some(2)) && !permits.has(PerKind { reads: 0, writes: 1 }));
    let on_request = part.on_request();
    on_request(&Method::GET);
    permits.merge(&part.split(READS));
    assert!(permits.has(some(2)) && part.has(some(1)) && !part.has(some(2)));
    permits.merge(&part);
    assert!(permits.split(some(9)).has(some(3)) && !permits.has(READS));
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

#[tokio::test(start_paused = true)]
async fn each_kind_of_request_has_its_own_limit() {
    let pacer = pacer(1_200);
    assert_eq!(time_to_acquire(&pacer, 20).await, Duration::ZERO);
    let permits = pacer.permits();
    let started = Instant::now();
    let session = PerKind { reads: 2, writes: 1 };
    for _ in 0..10 {
        permits.acquire_up_to(session).await;
        let on_request = permits.split(session).on_request();
        for method in [Method::GET, Method::GET, Method::POST] {
            on_request(&method);
        }
    }
    // Two reads each at twenty a second, beside one write at ten a second.
    assert_eq!(started.elapsed(), INTERVAL * 20);
    let on_request = pacer.permits().on_request();
    (0..3).for_each(|_| on_request(&Method::DELETE));
    (0..9).for_each(|_| on_request(&Method::POST));
    assert_eq!(time_to_acquire(&pacer, 1).await, INTERVAL, "reads do not pay for writes");
    pacer.pause_for(None);
    let started = Instant::now();
    pacer.acquire(Kind::Write).await;
    assert_eq!(started.elapsed(), Duration::from_secs(1), "both kinds rest");
}
