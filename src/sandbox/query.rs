//! Queries and cursors: what the lists can be asked for.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    clock::Instant,
    quirks::{Quirk, Quirks},
    refusal::{Outcome, Refusal},
};

/// The decoded parameters of a query. Unknown ones are left alone, as the API does.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

/// In which direction a list runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

impl Query {
    pub(super) fn parse(raw: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// The value of a parameter that is given at most once.
    pub(super) fn one(&self, name: &str) -> Outcome<Option<&str>> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Refusal::invalid(format!("{name}: given more than once"))),
            (first, None) => Ok(first.map(|(_, value)| value.as_str())),
        }
    }

    /// The values of `name[]`, or of a repeated `name`.
    pub(super) fn many(&self, name: &str) -> Vec<&str> {
        let matches = |key: &str| key.strip_suffix("[]").unwrap_or(key) == name;
        self.0
            .iter()
            .filter(|(key, _)| matches(key))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub(super) fn boolean(&self, name: &str) -> Outcome<bool> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::invalid(format!("{name}: must be true or false"))),
        }
    }

    pub(super) fn integer(&self, name: &str) -> Outcome<Option<u64>> {
        let integer = |text: &str| {
            text.parse()
                .map_err(|_| Refusal::invalid(format!("{name}: must be an integer")))
        };
        self.one(name)?.map(integer).transpose()
    }

    pub(super) fn limit(&self, default: usize, most: usize, quirks: &Quirks) -> Outcome<usize> {
        let Some(text) = self.one("limit")? else {
            return Ok(default);
        };
        let given: i64 = text
            .parse()
            .map_err(|_| Refusal::invalid("limit: must be an integer"))?;
        match usize::try_from(given) {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            Ok(limit) if quirks.has(Quirk::ClampsLimit) => Ok(limit.clamp(1, most)),
            Err(_) if quirks.has(Quirk::ClampsLimit) => Ok(1),
            _ => Err(Refusal::invalid(format!(
                "limit: must be between 1 and {most}"
            ))),
        }
    }

    pub(super) fn order(&self, default: Order, quirks: &Quirks) -> Outcome<Order> {
        let order = match self.one("order")? {
            None => default,
            Some("asc") => Order::Ascending,
            Some("desc") => Order::Descending,
            Some(_) => return Err(Refusal::invalid("order: must be asc or desc")),
        };
        Ok(if quirks.has(Quirk::IgnoresOrder) {
            default
        } else {
            order
        })
    }

    /// The `created_at[…]` bounds.
    pub(super) fn created(&self, quirks: &Quirks) -> Outcome<Range> {
        let bound = |name: &str| {
            let name = format!("created_at[{name}]");
            let instant = |text: &str| {
                let complaint = || Refusal::invalid(format!("{name}: must be an RFC 3339 time"));
                Instant::parse(text).ok_or_else(complaint)
            };
            self.one(&name)?.map(instant).transpose()
        };
        let (gt, gte, lt, lte) = (bound("gt")?, bound("gte")?, bound("lt")?, bound("lte")?);
        if quirks.has(Quirk::IgnoresCreatedAt) {
            return Ok(Range::default());
        }
        Ok(Range { gt, gte, lt, lte })
    }

    /// The cursor of `page`, which must have been made for lists of this `kind` and `order`.
    pub(super) fn cursor(&self, kind: &str, order: Order) -> Outcome<Option<Cursor>> {
        let cursor = |text: &str| {
            let foreign = || Refusal::invalid("page: not a cursor of this list");
            let (made_for, cursor) = Cursor::decode(kind, text).ok_or_else(foreign)?;
            if made_for == order {
                Ok(cursor)
            } else {
                Err(Refusal::invalid(
                    "page: this cursor was made with another order",
                ))
            }
        };
        self.one("page")?.map(cursor).transpose()
    }
}

/// Bounds of time; each may be absent.
#[derive(Debug, Default)]
pub(super) struct Range {
    gt: Option<Instant>,
    gte: Option<Instant>,
    lt: Option<Instant>,
    lte: Option<Instant>,
}

impl Range {
    pub(super) fn holds(&self, at: Instant) -> bool {
        self.gt.is_none_or(|bound| at > bound)
            && self.gte.is_none_or(|bound| at >= bound)
            && self.lt.is_none_or(|bound| at < bound)
            && self.lte.is_none_or(|bound| at <= bound)
    }

    /// Whether `at` matches; what has no time yet matches only an open range.
    pub(super) fn holds_maybe(&self, at: Option<Instant>) -> bool {
        let open = [self.gt, self.gte, self.lt, self.lte]
            .iter()
            .all(Option::is_none);
        at.map_or(open, |at| self.holds(at))
    }
}

/// Where a page begins or ends: an item's key, and whether the page lies before or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) key: (i64, u64),
    pub(super) backwards: bool,
}

impl Cursor {
    fn encode(self, kind: &str, order: Order) -> String {
        let order = if order == Order::Ascending { 'a' } else { 'd' };
        let direction = if self.backwards { 'p' } else { 'n' };
        let (major, minor) = self.key;
        URL_SAFE_NO_PAD.encode(format!("{kind}.{order}.{direction}.{major}.{minor}"))
    }

    fn decode(kind: &str, text: &str) -> Option<(Order, Self)> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = text.split('.');
        let mut part = || parts.next();
        if part()? != kind {
            return None;
        }
        let order = match part()? {
            "a" => Order::Ascending,
            "d" => Order::Descending,
            _ => return None,
        };
        let backwards = part()? == "p";
        let key = (part()?.parse().ok()?, part()?.parse().ok()?);
        Some((order, Self { key, backwards }))
    }
}

/// The keys of one page, and the cursors to its neighbours.
#[derive(Debug)]
pub(super) struct Page<K> {
    pub(super) keys: Vec<K>,
    pub(super) next: Option<String>,
    pub(super) previous: Option<String>,
}

/// Cuts a page out of all matching keys, which come in ascending order.
pub(super) fn page(
    mut keys: Vec<(i64, u64)>,
    kind: &str,
    order: Order,
    cursor: Option<Cursor>,
    limit: usize,
) -> Page<(i64, u64)> {
    if order == Order::Descending {
        keys.reverse();
    }
    let before = |key: (i64, u64), pivot: (i64, u64)| match order {
        Order::Ascending => key < pivot,
        Order::Descending => key > pivot,
    };
    let (start, end) = match cursor {
        None => (0, limit),
        Some(Cursor {
            key: pivot,
            backwards: true,
        }) => {
            let end = keys.partition_point(|key| before(*key, pivot));
            (end.saturating_sub(limit), end)
        }
        Some(Cursor {
            key: pivot,
            backwards: false,
        }) => {
            let start = keys.partition_point(|key| !before(pivot, *key));
            (start, start.saturating_add(limit))
        }
    };
    let end = end.min(keys.len());
    let cut = keys.get(start..end).unwrap_or_default().to_vec();
    let mark = |key: Option<&(i64, u64)>, backwards| {
        key.map(|key| {
            Cursor {
                key: *key,
                backwards,
            }
            .encode(kind, order)
        })
    };
    Page {
        next: mark(cut.last().filter(|_| end < keys.len()), false),
        previous: mark(cut.first().filter(|_| start > 0), true),
        keys: cut,
    }
}
