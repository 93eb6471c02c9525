//! The rules as tables.

use std::time::{Duration, SystemTime};

use AttemptOutcome::{NotSent, ResponseLost, Status};
use Repeat::{Idempotent, IfNotActed, Never};
use http::{HeaderMap, HeaderName, HeaderValue};

use managed_sessions_mcp::api::retry::{AttemptOutcome, Hints, Policy, Repeat, retry_after};

type Lines = [(&'static str, &'static str)];

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn headers(lines: &Lines) -> HeaderMap {
    let lines = lines.iter().map(|&(name, value)| {
        let name = HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    });
    lines.collect()
}

/// The delay after the first attempt, in milliseconds.
fn check(repeat: Repeat, outcome: AttemptOutcome, lines: &Lines, expected: Option<u64>) {
    let now = at(1_767_225_600); // Thu, 01 Jan 2026 00:00:00 GMT
    let hints = Hints::read(&headers(lines), now);
    let delay = Policy::default().delay(repeat, outcome, hints, 0, 0.0);
    let expected = expected.map(Duration::from_millis);
    assert_eq!(delay, expected, "{repeat:?} {outcome:?} {lines:?}");
}

#[test]
fn only_transient_failures_are_retried_and_only_where_that_is_safe() {
    let soon = Some(500);
    for outcome in [NotSent, Status(429)] {
        check(Idempotent, outcome, &[], soon);
        check(IfNotActed, outcome, &[], soon);
        check(Never, outcome, &[], None);
    }
    let may_have_acted = [408, 500, 502, 503, 504, 529].map(Status);
    for outcome in may_have_acted.into_iter().chain([ResponseLost]) {
        check(Idempotent, outcome, &[], soon);
        check(IfNotActed, outcome, &[], None);
    }
    for outcome in [200, 307, 400, 401, 403, 404, 409, 413, 422, 499, 501].map(Status) {
        check(Idempotent, outcome, &[], None);
        check(IfNotActed, outcome, &[], None);
    }
}

#[test]
fn x_should_retry_overrules_everything_but_the_number_of_retries() {
    let should_retry = |value| ("x-should-retry", value);
    let (yes, no) = (should_retry("true"), should_retry("false"));
    check(Idempotent, Status(409), &[yes], Some(500));
    check(IfNotActed, Status(500), &[yes], Some(500));
    for outcome in [NotSent, ResponseLost, Status(429), Status(500)] {
        check(Never, outcome, &[yes, ("retry-after", "1")], None);
    }
    check(Idempotent, Status(429), &[no], None);
    check(Idempotent, Status(500), &[no, ("retry-after", "1")], None);
    check(Idempotent, Status(500), &[should_retry("maybe")], Some(500));
    let hints = Hints::read(&headers(&[yes]), at(0));
    let third = Policy::default().delay(Idempotent, Status(429), hints, 2, 0.0);
    assert_eq!(third, None);
}

#[test]
fn delays_double_up_to_a_limit_and_retries_are_limited() {
    let (usual, patient) = (2, 40);
    for (retries, attempt, jitter, expected) in [
        (usual, 0, 0.0, Some(500)),
        (usual, 1, 0.0, Some(1000)),
        (usual, 2, 0.0, None),
        (patient, 4, 0.0, Some(8000)),
        (patient, 39, 0.0, Some(8000)),
        (patient, 39, 1.0, Some(6000)),
        (patient, 0, 1.0, Some(375)),
    ] {
        let policy = Policy { retries, ..Policy::default() };
        let delay = policy.delay(Idempotent, ResponseLost, Hints::default(), attempt, jitter);
        assert_eq!(delay, expected.map(Duration::from_millis), "{attempt}");
    }
}

#[test]
fn a_delay_the_service_asks_for_is_read_in_every_form() {
    for (value, expected) in [
        ("7", 7000),
        ("0.25", 250),
        (" 2 ", 2000),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30_000),
        // Nothing usable, or nothing to wait for: our own delay.
        ("Thu, 01 Jan 2026 00:00:00 GMT", 500),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 500),
        ("0", 500),
        ("-3", 500),
        ("NaN", 500),
        ("inf", 500),
        ("later", 500),
        ("", 500),
        // Absurd, but not an overflow.
        ("1e300", 86_400_000),
    ] {
        let lines = [("retry-after", value)];
        check(Idempotent, Status(429), &lines, Some(expected));
    }
    for (value, expected) in [("150", 150), ("soon", 7000)] {
        let lines = [("retry-after-ms", value), ("retry-after", "7")];
        check(Idempotent, Status(429), &lines, Some(expected));
    }
}

#[test]
fn a_date_counts_from_the_clock_that_wrote_it() {
    let check = |lines: &Lines, here, seconds: Option<u64>| {
        let delay = retry_after(&headers(lines), at(here));
        assert_eq!(delay, seconds.map(Duration::from_secs), "{lines:?} {here}");
    };
    let date = |date| ("date", date);
    let later = ("retry-after", "Thu, 01 Jan 1970 02:00:10 GMT");
    for here in [0, 20, 7_200, 90_000] {
        check(&[date("Thu, 01 Jan 1970 02:00:00 GMT"), later], here, Some(10));
    }
    check(&[later], 7_200, Some(10));
    check(&[date("yesterday"), later], 7_200, Some(10));
    // A time that has passed is zero.
    check(&[later], 90_000, Some(0));
    check(&[], 20, None);
}
