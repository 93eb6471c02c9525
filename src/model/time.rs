//! Times as services write them.

use jiff::{SignedDuration, Timestamp, civil::DateTime, fmt::rfc2822, tz::TimeZone};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Number, Value};

/// Numbers beyond this are milliseconds: as seconds they would be after the year 5000.
const LARGEST_SECONDS: f64 = 1e11;

/// A time as the API sends it: the text, and the instant if the text could be read.
///
/// The API writes RFC 3339. Compatible services also leave the offset out (then it is UTC), put a
/// space for the `T`, or send unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTime {
    text: String,
    at: Option<Timestamp>,
}

impl ApiTime {
    /// The text exactly as it was sent.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The instant, if the text could be read.
    pub fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// Whether `other` is this time as a caller may have been shown it: the same instant, or the
    /// same second if `other` has no fraction, since rows are shown to the second.
    pub fn shows_as(&self, other: &Self) -> bool {
        match (self.at, other.at) {
            (Some(one), Some(two)) if two.subsec_nanosecond() == 0 => {
                one.as_second() == two.as_second()
            }
            (Some(one), Some(two)) => one == two,
            _ => self.text == other.text,
        }
    }

    /// A value that stands for "no time": what some languages write for an empty field.
    fn is_unset(&self) -> bool {
        let zero =
            |at: Timestamp| at == Timestamp::UNIX_EPOCH || at.to_string().starts_with("0001-");
        self.text.trim().is_empty() || self.at.is_some_and(zero)
    }
}

impl From<String> for ApiTime {
    fn from(text: String) -> Self {
        let at = read(text.trim());
        Self { text, at }
    }
}

impl<'de> Deserialize<'de> for ApiTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = match Value::deserialize(deserializer)? {
            Value::String(text) => Self::from(text),
            Value::Number(number) => Self { at: unix(&number), text: number.to_string() },
            Value::Null | Value::Bool(false) => return Err(D::Error::custom("no time")),
            // An archived_at of any other form still means archived.
            other => Self { text: other.to_string(), at: None },
        };
        if time.is_unset() {
            return Err(D::Error::custom("no time"));
        }
        Ok(time)
    }
}

fn read(text: &str) -> Option<Timestamp> {
    let utc = |time: DateTime| Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp());
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    if let Ok(number) = text.parse::<Number>()
        && text.len() >= "1000000000".len()
    {
        return unix(&number);
    }
    text.parse()
        .ok()
        .and_then(utc)
        .or_else(|| rfc2822::parse(text).ok().map(|time| time.timestamp()))
}

/// Unix seconds, or milliseconds.
fn unix(number: &Number) -> Option<Timestamp> {
    let number = number.as_f64()?;
    if number.abs() > LARGEST_SECONDS {
        #[expect(clippy::cast_possible_truncation, reason = "out of range is an error below")]
        return Timestamp::from_millisecond(number as i64).ok();
    }
    let since = SignedDuration::try_from_secs_f64(number).ok()?;
    // A fraction of a float is exact to microseconds here, and no service means more.
    let since = since.round(jiff::Unit::Microsecond).ok()?;
    Timestamp::from_duration(since).ok()
}
