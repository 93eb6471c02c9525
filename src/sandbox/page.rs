//! Pages of lists: order, limits and cursors.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{
    clock::Timestamp,
    query::{Query, TimeRange},
    quirks::{Quirk, Quirks},
    rejection::{Rejection, Result},
};

const CURSOR_PREFIX: &str = "page_";

/// What a list is sorted by: a time or rank, then a serial number.
pub(super) type SortKey = (i64, u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Ascending,
    Descending,
}

/// Where a page begins or, backwards, ends: next to this key.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    order: Order,
    backwards: bool,
    key: SortKey,
}

/// Which page of a list is asked for.
#[derive(Debug)]
pub(super) struct PageRequest {
    /// Tells the cursors of different lists apart.
    list: &'static str,
    order: Order,
    limit: usize,
    cursor: Option<Cursor>,
}

/// The body of a list response.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    data: Vec<T>,
    next_page: Option<String>,
    #[serde(skip)]
    prev_page: Option<String>,
}

/// The same with a cursor to the previous page, which only the list of sessions has.
#[derive(Debug, Serialize)]
pub(super) struct TwoWayList<T> {
    #[serde(flatten)]
    list: List<T>,
    prev_page: Option<String>,
}

impl PageRequest {
    /// Reads `limit`, `order` and `page`. `order` is the default one; none if the list has no
    /// such parameter. `limits` are the default and the maximum.
    pub(super) fn new(
        query: &Query,
        quirks: &Quirks,
        list: &'static str,
        order: Option<Order>,
        limits: (usize, usize),
    ) -> Result<Self> {
        let limit = read_limit(query, quirks, limits)?;
        let order = match order {
            None => Order::Ascending,
            Some(default) => {
                let given = match query.one("order")? {
                    None => default,
                    Some("asc") => Order::Ascending,
                    Some("desc") => Order::Descending,
                    Some(_) => return Err(Rejection::field("order", "must be asc or desc")),
                };
                let ignored = quirks.has(Quirk::IgnoresOrder);
                if ignored { default } else { given }
            }
        };
        let decode = |text: &str| Cursor::decode(list, text);
        let cursor = query.read("page", decode, "not a cursor of this list")?;
        if cursor.is_some_and(|cursor| cursor.order != order) {
            let complaint = "this cursor was made with another order";
            return Err(Rejection::field("page", complaint));
        }
        Ok(Self { list, order, limit, cursor })
    }

    /// Rejects a cursor whose place in a list sorted by creation is outside `range`.
    pub(super) fn check_created_at(&self, range: &TimeRange) -> Result<()> {
        let place = self.cursor.map(|cursor| Timestamp::from_micros(cursor.key.0));
        if place.is_none_or(|place| range.contains(Some(place))) {
            return Ok(());
        }
        let complaint = "created_at excludes the place of this cursor";
        Err(Rejection::field("page", complaint))
    }

    /// The page out of all matching items, which are in ascending order.
    pub(super) fn select<T>(&self, items: impl Iterator<Item = (SortKey, T)>) -> List<T> {
        let mut items: Vec<_> = items.collect();
        if self.order == Order::Descending {
            items.reverse();
        }
        let precedes = |a: SortKey, b: SortKey| match self.order {
            Order::Ascending => a < b,
            Order::Descending => a > b,
        };
        let (start, end) = match self.cursor {
            None => (0, self.limit),
            Some(Cursor { key, backwards, .. }) if backwards => {
                let end = items.partition_point(|(other, _)| precedes(*other, key));
                (end.saturating_sub(self.limit), end)
            }
            Some(Cursor { key, .. }) => {
                let start = items.partition_point(|(other, _)| !precedes(key, *other));
                (start, start.saturating_add(self.limit))
            }
        };
        let more = end < items.len();
        let shown = items.into_iter().skip(start).take(end - start);
        let (keys, data): (Vec<_>, Vec<_>) = shown.unzip();
        let next = keys.last().filter(|_| more);
        let previous = keys.first().filter(|_| start > 0);
        List {
            data,
            next_page: next.map(|key| self.encode(*key, false)),
            prev_page: previous.map(|key| self.encode(*key, true)),
        }
    }

    /// The page out of the items of a list without sort keys.
    pub(super) fn select_by_rank<T>(&self, items: impl IntoIterator<Item = T>) -> List<T> {
        self.select((0..).map(|rank| (0, rank)).zip(items))
    }

    fn encode(&self, (major, minor): SortKey, backwards: bool) -> String {
        let order = match self.order {
            Order::Ascending => 'a',
            Order::Descending => 'd',
        };
        let direction = if backwards { 'p' } else { 'n' };
        let cursor = format!("{}.{order}.{direction}.{major}.{minor}", self.list);
        format!("{CURSOR_PREFIX}{}", URL_SAFE_NO_PAD.encode(cursor))
    }
}

impl<T> List<T> {
    pub(super) fn map<U>(self, show: impl FnMut(T) -> U) -> List<U> {
        List {
            data: self.data.into_iter().map(show).collect(),
            next_page: self.next_page,
            prev_page: self.prev_page,
        }
    }

    pub(super) fn two_way(mut self) -> TwoWayList<T> {
        TwoWayList { prev_page: self.prev_page.take(), list: self }
    }
}

impl Cursor {
    /// None if the cursor was not made for this list.
    fn decode(list: &str, text: &str) -> Option<Self> {
        let text = text.strip_prefix(CURSOR_PREFIX)?;
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let parts: Vec<&str> = text.split('.').collect();
        let [made_for, order, direction, major, minor] = *parts.as_slice() else {
            return None;
        };
        let order = match order {
            "a" => Order::Ascending,
            "d" => Order::Descending,
            _ => return None,
        };
        let key = (major.parse().ok()?, minor.parse().ok()?);
        let backwards = direction == "p";
        (made_for == list).then_some(Self { order, backwards, key })
    }
}

fn read_limit(query: &Query, quirks: &Quirks, limits: (usize, usize)) -> Result<usize> {
    let (default, max) = limits;
    let given = query.read("limit", |text| text.parse().ok(), "must be an integer")?;
    let Some(given): Option<i64> = given else {
        return Ok(default);
    };
    match usize::try_from(given) {
        Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
        limit if quirks.has(Quirk::ClampsLimit) => Ok(limit.unwrap_or(1).clamp(1, max)),
        _ => {
            let complaint = format!("must be between 1 and {max}");
            Err(Rejection::field("limit", complaint))
        }
    }
}
