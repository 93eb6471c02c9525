//! Reading and showing times and time spans.

use jiff::{SignedDuration, Span, Timestamp, civil::Date, tz::TimeZone};

use crate::model::ApiTime;

/// A text that is neither a time, a date nor an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidTime;

/// Reads RFC 3339, a date (its start in UTC), or an age counted back from `now`, such as `7d`.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, InvalidTime> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(date) = text.parse::<Date>()
        && let Ok(start) = date.to_zoned(TimeZone::UTC)
    {
        return Ok(start.timestamp());
    }
    let age = text.parse::<Span>().ok().filter(|age| !age.is_negative());
    age.and_then(|age| now.to_zoned(TimeZone::UTC).checked_sub(age).ok())
        .map(|at| at.timestamp())
        .ok_or(InvalidTime)
}

/// RFC 3339 to the second, in UTC; unreadable text stays as it is.
pub(crate) fn to_the_second(time: &ApiTime) -> String {
    let second = time
        .at()
        .and_then(|at| Timestamp::from_second(at.as_second()).ok());
    second.map_or_else(|| time.text().to_owned(), |at| at.to_string())
}

/// The time since `at` in its largest unit: `3 days`, `1 hour`, `0 minutes`.
pub(crate) fn age(at: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(at).as_secs().max(0) / 60;
    let (count, unit) = match minutes {
        1_440.. => (minutes / 1_440, "day"),
        60.. => (minutes / 60, "hour"),
        _ => (minutes, "minute"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// A time span in its two largest units: `2d 5h`, `14m 3s`.
pub(crate) fn compact(span: SignedDuration) -> String {
    let mut rest = span.as_secs().max(0);
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)].map(|(unit, length)| {
        let count = rest / length;
        rest %= length;
        (count, unit)
    });
    let significant = units.into_iter().skip_while(|(count, _)| *count == 0);
    let shown: Vec<String> = significant
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if shown.is_empty() {
        return "0s".to_owned();
    }
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use crate::domain::time::{InvalidTime, age, compact, parse};

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
}
