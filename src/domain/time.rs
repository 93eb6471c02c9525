//! Reading and showing times and time spans.

use jiff::{SignedDuration, Span, Timestamp, civil::Date, tz::TimeZone};

use crate::{domain::text, model::ApiTime};

/// Longest unreadable time shown, in characters.
const TEXT_CHARACTERS: usize = 80;

/// A text that is neither a time, a date nor an age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidTime;

/// Reads RFC 3339, a date (its start in UTC), or an age counted back from `now`, such as `7d` or
/// `7 days ago`.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, InvalidTime> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(date) = text.parse::<Date>()
        && let Ok(start) = date.to_zoned(TimeZone::UTC)
    {
        return Ok(start.timestamp());
    }
    let age = without_ago(text).parse::<Span>().ok().filter(|age| !age.is_negative());
    age.and_then(|age| now.to_zoned(TimeZone::UTC).checked_sub(age).ok())
        .map(|at| at.timestamp())
        .ok_or(InvalidTime)
}

fn without_ago(age: &str) -> &str {
    match age.rsplit_once(char::is_whitespace) {
        Some((age, ago)) if ago.eq_ignore_ascii_case("ago") => age.trim_end(),
        _ => age,
    }
}

/// RFC 3339 to the second, in UTC; unreadable text stays as it is.
pub fn to_the_second(time: &ApiTime) -> String {
    let second = time.at().and_then(|at| Timestamp::from_second(at.as_second()).ok());
    second.map_or_else(|| text::shortened(time.text(), TEXT_CHARACTERS), |at| at.to_string())
}

/// The time since `at` in its largest unit: `3 days`, `1 hour`, `0 minutes`.
pub fn age(at: Timestamp, now: Timestamp) -> String {
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
pub fn compact(span: SignedDuration) -> String {
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
