use jiff::{SignedDuration, Timestamp};

use managed_sessions_mcp::domain::time::{InvalidTime, age, compact, parse};

#[test]
fn a_time_is_rfc_3339_a_date_or_an_age() {
    let now: Timestamp = "2026-03-15T12:00:00Z".parse().unwrap();
    for (text, expected) in [
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00Z"),
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("7d", "2026-03-08T12:00:00Z"),
        ("36h", "2026-03-14T00:00:00Z"),
        ("2 weeks", "2026-03-01T12:00:00Z"),
        ("1 month", "2026-02-15T12:00:00Z"),
        (" 90 minutes ", "2026-03-15T10:30:00Z"),
    ] {
        assert_eq!(parse(text, now), Ok(expected.parse().unwrap()), "{text}");
    }
    for text in ["-7d", "yesterday", "", "7"] {
        assert_eq!(parse(text, now), Err(InvalidTime), "{text}");
    }
}

#[test]
fn an_age_is_given_in_its_largest_unit() {
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    for (at, expected) in [
        ("2026-11-01T08:00:00Z", "21 days"),
        ("2026-11-21T11:59:59Z", "1 day"),
        ("2026-11-22T10:30:00Z", "1 hour"),
        ("2026-11-22T11:59:50Z", "0 minutes"),
        ("2026-11-23T00:00:00Z", "0 minutes"),
    ] {
        assert_eq!(age(at.parse().unwrap(), now), expected);
    }
}

#[test]
fn a_compact_time_span_has_at_most_two_units() {
    for (seconds, expected) in [
        (0, "0s"),
        (-5, "0s"),
        (59, "59s"),
        (3_600, "1h"),
        (3_601, "1h"),
        (90_061, "1d 1h"),
        (843, "14m 3s"),
    ] {
        assert_eq!(compact(SignedDuration::from_secs(seconds)), expected);
    }
}
