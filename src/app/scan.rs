//! Walking the pages of a list, filtered here, and being able to go on later exactly there.
//!
//! One page is held at a time. The first request of a walk goes out at once, further ones are
//! paced. A walk ends at the end of the list, after so many entries, or with the time.

pub mod sources;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

pub(crate) use crate::app::scan::sources::Sessions;
use crate::{
    api::{ApiError, ApiErrorKind, Client, Order, RequestOptions},
    app::pace::{Allowance, Pace},
    domain::filter::Filter,
    model::Page,
};

/// Entries a page, where the caller does not need fewer.
pub(crate) const PAGE: u32 = 100;
/// How long a 429 without `retry-after` holds everyone up.
const USUAL_HOLD: Duration = Duration::from_secs(1);

/// A list of the API that can be walked.
pub(crate) trait Source: Send + Sync {
    /// What the list is of.
    type Item: Send + Sync;

    /// Asks for one page.
    fn page(
        &self,
        client: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> impl Future<Output = Result<Page<Self::Item>, ApiError>> + Send;

    /// Whether the entry is wanted. Services ignore filters, so each entry is looked at.
    fn matches(&self, item: &Self::Item) -> bool;

    /// Whether the entry counts as one that was looked at.
    fn counts(&self, _: &Self::Item) -> bool {
        true
    }

    /// The entry's id and the time by which the list is ordered, as far as they are known.
    fn mark(&self, item: &Self::Item) -> Mark;

    /// The order asked for.
    fn order(&self) -> Order;
}

/// By what an entry is found again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) id: Option<String>,
    pub(crate) at: Option<Timestamp>,
}

/// Where a walk goes on: after `consumed` entries of the page of this cursor.
///
/// The last entry consumed is remembered too, so that entries which came or went in between
/// neither repeat nor hide others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(rename = "s")]
    size: u32,
    #[serde(rename = "n", default)]
    consumed: usize,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    last_at: Option<String>,
}

impl Position {
    fn is_within_a_page(&self) -> bool {
        self.consumed > 0 || self.last.is_some() || self.last_at.is_some()
    }
}

/// A walk over sessions.
pub(crate) type Scan = Walk<Sessions>;

impl Scan {
    /// A walk over the sessions that match, `most` of all looked at, until `until`.
    pub(crate) fn new(
        client: &Client,
        pace: &Pace,
        filter: Filter,
        order: Order,
        most: usize,
        until: Instant,
    ) -> Self {
        Self::over(Sessions { filter, order }, client, pace, most, until)
    }
}

/// A walk over a list.
pub(crate) struct Walk<S: Source> {
    source: S,
    client: Client,
    allowance: Allowance,
    most: usize,
    until: Instant,
    size: u32,
    /// The cursor of the page in hand.
    page: Option<String>,
    /// What is left of it.
    rest: VecDeque<S::Item>,
    consumed: usize,
    /// The last entry consumed, and the one before.
    last: [Mark; 2],
    next_page: Option<String>,
    /// Where an earlier walk stopped, until that place is found.
    seeking: Option<Position>,
    pages: usize,
    scanned: usize,
}

impl<S: Source> Walk<S> {
    pub(crate) fn over(
        source: S,
        client: &Client,
        pace: &Pace,
        most: usize,
        until: Instant,
    ) -> Self {
        Self {
            source,
            client: client.clone(),
            allowance: pace.allowance(),
            most,
            until,
            size: PAGE,
            page: None,
            rest: VecDeque::new(),
            consumed: 0,
            last: Default::default(),
            next_page: None,
            seeking: None,
            pages: 0,
            scanned: 0,
        }
    }

    /// With pages of this size.
    pub(crate) fn by(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    /// Going on from where an earlier walk of the same list stopped.
    pub(crate) fn from(mut self, position: Option<Position>) -> Self {
        if let Some(position) = position {
            self.size = position.size;
            self.next_page.clone_from(&position.page);
            self.seeking = position.is_within_a_page().then_some(position);
        }
        self
    }

    /// The next entry that matches; `None` at the end of the list, of `most` or of the time.
    ///
    /// # Errors
    /// What the API answered, if it is not an answer to wait for.
    pub(crate) async fn next(&mut self) -> Result<Option<S::Item>, ApiError> {
        loop {
            while self.scanned < self.most
                && let Some(item) = self.rest.pop_front()
            {
                self.consumed += 1;
                self.scanned += usize::from(self.source.counts(&item));
                let mark = self.source.mark(&item);
                let [last, before] = &mut self.last;
                *before = std::mem::replace(last, mark);
                if self.source.matches(&item) {
                    return Ok(Some(item));
                }
            }
            let at_the_end = self.pages > 0 && self.next_page.is_none();
            if !self.rest.is_empty() || at_the_end || self.scanned >= self.most {
                return Ok(None);
            }
            if !self.turn_the_page().await? {
                return Ok(None);
            }
        }
    }

    /// Takes back the entry that [`Self::next`] has just given.
    pub(crate) fn put_back(&mut self, item: S::Item) {
        self.rest.push_front(item);
        self.consumed = self.consumed.saturating_sub(1);
        self.scanned = self.scanned.saturating_sub(1);
        self.last.swap(0, 1);
    }

    /// How many entries were looked at, of those that count.
    pub(crate) fn scanned(&self) -> usize {
        self.scanned
    }

    /// Whether nothing is left to be found.
    pub(crate) fn is_complete(&self) -> bool {
        self.position().is_none()
    }

    /// Where to go on; `None` when nothing is left.
    pub(crate) fn position(&self) -> Option<Position> {
        if let Some(seeking) = &self.seeking {
            let page = self.next_page.clone();
            return (self.pages == 0 || page.is_some()).then(|| Position {
                page,
                ..seeking.clone()
            });
        }
        let start = |page: &Option<String>| Position {
            page: page.clone(),
            size: self.size,
            consumed: 0,
            last: None,
            last_at: None,
        };
        if self.rest.iter().any(|item| self.source.matches(item)) {
            let [last, _] = &self.last;
            let within = Position {
                consumed: self.consumed,
                last: last.id.clone(),
                last_at: last.at.map(|at| at.to_string()),
                ..start(&self.page)
            };
            return Some(match self.consumed {
                0 => start(&self.page),
                _ => within,
            });
        }
        let more = self.pages == 0 || self.next_page.is_some();
        more.then(|| start(&self.next_page))
    }

    /// Asks for the next page. False when the time is up; then it is as it was before.
    async fn turn_the_page(&mut self) -> Result<bool, ApiError> {
        let first = self.pages == 0;
        let mut client = if first {
            self.client.clone()
        } else {
            self.client.with_deadline(self.until)
        };
        let mut repeated = false;
        let page = loop {
            if repeated || !first {
                let Ok(()) = timeout_at(self.until, self.allowance.fill()).await else {
                    return Ok(false);
                };
                client = client.with_options(RequestOptions {
                    on_request: Some(self.allowance.counter()),
                    ..client.options().clone()
                });
            }
            let asked = self.source.page(&client, self.next_page.clone(), self.size);
            match asked.await {
                Ok(page) => break page,
                Err(error) if !first && matches!(error.kind(), ApiErrorKind::TimedOut) => {
                    return Ok(false);
                }
                Err(error) if error.http_status() == Some(429) => {
                    let wait = error.retry_after().unwrap_or(USUAL_HOLD);
                    self.allowance.pace().hold(wait);
                    let in_vain = Instant::now() + wait >= self.until;
                    match (in_vain, first) {
                        (true, true) => return Err(error),
                        (true, false) => return Ok(false),
                        (false, _) => repeated = true,
                    }
                }
                Err(error) => return Err(error),
            }
        };
        self.pages += 1;
        self.page = self.next_page.take();
        // A service that names the same page again would be asked for ever.
        self.next_page = page
            .next_page
            .filter(|next| self.page.as_ref() != Some(next));
        self.rest = page.data.into();
        self.consumed = 0;
        self.seek();
        Ok(true)
    }

    /// Drops what an earlier walk has consumed.
    fn seek(&mut self) {
        let Some(position) = self.seeking.take() else {
            return;
        };
        let is_last =
            |item: &S::Item| position.last.is_some() && self.source.mark(item).id == position.last;
        let last_at = position.last_at.as_ref().and_then(|at| at.parse().ok());
        let known = match (self.rest.iter().position(is_last), last_at) {
            (Some(index), _) => index + 1,
            // It is gone, or others came before it: go by time.
            (None, Some(last_at)) => {
                let mut places = self.rest.iter().enumerate();
                let after = places.position(|(place, item)| {
                    !self.is_before(item, last_at, place < position.consumed)
                });
                after.unwrap_or(self.rest.len())
            }
            (None, None) => position.consumed.min(self.rest.len()),
        };
        let dropped = self.rest.drain(..known).next_back();
        self.last = [
            dropped
                .map(|item| self.source.mark(&item))
                .unwrap_or_default(),
            Mark::default(),
        ];
        self.consumed = known;
        if self.rest.is_empty() && self.next_page.is_some() && last_at.is_some() {
            self.seeking = Some(Position {
                consumed: 0,
                ..position
            });
        }
    }

    /// Whether the entry comes before one of that time; `otherwise` decides where time does not.
    fn is_before(&self, item: &S::Item, last_at: Timestamp, otherwise: bool) -> bool {
        match (self.source.mark(item).at, self.source.order()) {
            (Some(at), _) if at == last_at => otherwise,
            (Some(at), Order::Desc) => at > last_at,
            (Some(at), Order::Asc) => at < last_at,
            (None, _) => otherwise,
        }
    }
}
