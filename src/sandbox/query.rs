//! Query parameters. Unknown ones are ignored, as the API does.

use super::{
    clock::Timestamp,
    quirks::{Quirk, Quirks},
    rejection::{Rejection, Result},
};

/// The decoded query of a request.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(raw: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The value of a parameter that may be given only once.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Rejection::field(name, "given more than once")),
            (first, None) => Ok(first.map(|(_, value)| value.as_str())),
        }
    }

    /// The values of `name[]`, or of a repeated `name`.
    pub(super) fn many(&self, name: &str) -> Vec<&str> {
        let matches = |key: &str| key.strip_suffix("[]").unwrap_or(key) == name;
        let pairs = self.0.iter().filter(|(key, _)| matches(key));
        pairs.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of `name`, converted.
    pub(super) fn read<T>(
        &self,
        name: &str,
        convert: impl FnOnce(&str) -> Option<T>,
        complaint: &str,
    ) -> Result<Option<T>> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        match convert(text) {
            None => Err(Rejection::field(name, complaint)),
            converted => Ok(converted),
        }
    }

    pub(super) fn boolean(&self, name: &str) -> Result<bool> {
        let boolean = self.read(name, |text| text.parse().ok(), "must be true or false");
        Ok(boolean?.unwrap_or(false))
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<u64>> {
        self.read(name, |text| text.parse().ok(), "must be an integer")
    }

    /// The `created_at[…]` bounds.
    pub(super) fn created_at(&self, quirks: &Quirks) -> Result<TimeRange> {
        let bound = |name| {
            let name = format!("created_at[{name}]");
            self.read(&name, Timestamp::parse, "must be an RFC 3339 time")
        };
        let (gt, gte, lt, lte) = (bound("gt")?, bound("gte")?, bound("lt")?, bound("lte")?);
        if quirks.has(Quirk::IgnoresCreatedAt) {
            return Ok(TimeRange::default());
        }
        Ok(TimeRange { gt, gte, lt, lte })
    }

    /// The bounds of lists that know only `created_at[gte]` and `created_at[lte]`.
    pub(super) fn created_at_inclusive(&self, quirks: &Quirks) -> Result<TimeRange> {
        let range = self.created_at(quirks)?;
        Ok(TimeRange { gt: None, lt: None, ..range })
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct TimeRange {
    gt: Option<Timestamp>,
    gte: Option<Timestamp>,
    lt: Option<Timestamp>,
    lte: Option<Timestamp>,
}

impl TimeRange {
    /// Whether `at` is within the bounds; no time at all is only within an unbounded range.
    pub(super) fn contains(&self, at: Option<Timestamp>) -> bool {
        let Some(at) = at else {
            return *self == Self::default();
        };
        self.gt.is_none_or(|bound| at > bound)
            && self.gte.is_none_or(|bound| at >= bound)
            && self.lt.is_none_or(|bound| at < bound)
            && self.lte.is_none_or(|bound| at <= bound)
    }
}
