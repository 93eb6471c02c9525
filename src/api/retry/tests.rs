//! The rules as a table.

use std::time::{Duration, SystemTime};

use Outcome::{Lost, NotSent, Status};
use Repeat::{Harmless, OnlyIfNotDone};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::api::retry::{Outcome, Policy, Repeat, decide, retry_after};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let line = |&(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    lines.iter().map(line).collect()
}

fn check(
    repeat: Repeat,
    outcome: Outcome,
    lines: &[(&'static str, &'static str)],
    attempt: u32,
    expected: Option<u64>,
) {
    let policy = Policy::default();
    let now = at(1_767_225_600); // Thu, 01 Jan 2026 00:00:00 GMT
    let waited = decide(&policy, repeat, outcome, &headers(lines), attempt, now, 0.0);
    assert_eq!(
        waited.map(|wait| wait.as_millis()),
        expected.map(u128::from),
        "{repeat:?} {outcome:?} {lines:?} attempt {attempt}"
    );
}

#[test]
fn what_is_retried_and_after_how_many_milliseconds() {
    let soon = Some(500);
    for (outcome, harmless, only_if_not_done) in [
        (NotSent, soon, soon),
        (Lost, soon, None),
        (Status(408), soon, None),
        (Status(429), soon, soon),
        (Status(500), soon, None),
        (Status(502), soon, None),
        (Status(503), soon, None),
        (Status(504), soon, None),
        (Status(529), soon, None),
        (Status(400), None, None),
        (Status(401), None, None),
        (Status(403), None, None),
        (Status(404), None, None),
        (Status(409), None, None),
        (Status(413), None, None),
        (Status(422), None, None),
    ] {
        check(Harmless, outcome, &[], 0, harmless);
        check(OnlyIfNotDone, outcome, &[], 0, only_if_not_done);
    }
}

#[test]
fn the_service_has_the_last_word() {
    let (yes, no) = (("x-should-retry", "true"), ("x-should-retry", "false"));
    check(Harmless, Status(409), &[yes], 0, Some(500));
    check(OnlyIfNotDone, Status(500), &[yes], 0, Some(500));
    check(Harmless, Status(429), &[no], 0, None);
    check(Harmless, Status(500), &[no, ("retry-after", "1")], 0, None);
    check(
        Harmless,
        Status(500),
        &[("x-should-retry", "maybe")],
        0,
        Some(500),
    );
}

#[test]
fn waits_double_up_to_a_limit_and_tries_are_counted() {
    check(Harmless, Lost, &[], 0, Some(500));
    check(Harmless, Lost, &[], 1, Some(1000));
    check(Harmless, Lost, &[], 2, None);
    check(
        Harmless,
        Status(429),
        &[("x-should-retry", "true")],
        2,
        None,
    );
    let patient = Policy {
        retries: 40,
        ..Policy::default()
    };
    let wait = |attempt, jitter| {
        let none = HeaderMap::new();
        decide(&patient, Harmless, Lost, &none, attempt, at(0), jitter).unwrap()
    };
    assert_eq!(wait(4, 0.0), Duration::from_secs(8));
    assert_eq!(wait(39, 0.0), Duration::from_secs(8));
    assert_eq!(wait(39, 1.0), Duration::from_secs(6));
    assert_eq!(wait(0, 1.0), Duration::from_millis(375));
}

#[test]
fn a_wait_the_service_names_is_taken_in_every_form() {
    for (lines, expected) in [
        (&[("retry-after", "7")][..], 7000),
        (&[("retry-after", "0.25")], 250),
        (&[("retry-after", " 2 ")], 2000),
        (&[("retry-after-ms", "150"), ("retry-after", "7")], 150),
        (&[("retry-after-ms", "soon"), ("retry-after", "7")], 7000),
        (&[("retry-after", "Thu, 01 Jan 2026 00:00:30 GMT")], 30_000),
        // Nothing usable, or nothing to wait for: our own pace.
        (&[("retry-after", "Thu, 01 Jan 2026 00:00:00 GMT")], 500),
        (&[("retry-after", "Wed, 31 Dec 2025 00:00:00 GMT")], 500),
        (&[("retry-after", "0")], 500),
        (&[("retry-after", "-3")], 500),
        (&[("retry-after", "NaN")], 500),
        (&[("retry-after", "inf")], 500),
        (&[("retry-after", "later")], 500),
        (&[("retry-after", "")], 500),
        // Absurd, but not an overflow.
        (&[("retry-after", "1e300")], 86_400_000),
    ] {
        check(Harmless, Status(429), lines, 0, Some(expected));
    }
}

#[test]
fn a_time_that_has_passed_is_zero_and_no_time_is_none() {
    let past = headers(&[("retry-after", "Thu, 01 Jan 1970 00:00:10 GMT")]);
    assert_eq!(retry_after(&past, at(20)), Some(Duration::ZERO));
    assert_eq!(retry_after(&HeaderMap::new(), at(20)), None);
}

#[test]
fn a_date_counts_from_the_clock_that_wrote_it() {
    let later = "Thu, 01 Jan 1970 02:00:10 GMT";
    let by_their_clock = [
        ("date", "Thu, 01 Jan 1970 02:00:00 GMT"),
        ("retry-after", later),
    ];
    for here in [0, 20, 7_200, 90_000] {
        let wait = retry_after(&headers(&by_their_clock), at(here));
        assert_eq!(wait, Some(Duration::from_secs(10)), "{here}");
    }
    let without = headers(&[("retry-after", later)]);
    assert_eq!(
        retry_after(&without, at(7_200)),
        Some(Duration::from_secs(10))
    );
    let garbled = headers(&[("date", "yesterday"), ("retry-after", later)]);
    assert_eq!(
        retry_after(&garbled, at(7_200)),
        Some(Duration::from_secs(10))
    );
}
