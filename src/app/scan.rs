//! Scans the pages of a list, filters the entries here, and can resume where a scan stopped.
//!
//! One page is held at a time. The first request of a scan is sent at once, later ones are paced.
//! A scan ends at the end of the list, at its limit or at its deadline.

pub(crate) mod lists;
pub(crate) mod position;
pub(crate) mod source;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, mem};

use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use self::{
    position::Position,
    source::{SortKey, Source},
};
use super::{
    error::Error,
    pace::{Pacer, Permits},
};
use crate::{
    api::{ApiError, ApiErrorKind, Client},
    model::Order,
};

/// Entries a page, unless the caller needs fewer.
pub(crate) const PAGE_SIZE: u32 = 100;

pub(crate) struct Scan<S: Source> {
    source: S,
    client: Client,
    permits: Permits,
    limit: usize,
    deadline: Instant,
    page_size: u32,
    has_started: bool,
    page: Option<String>,
    /// Entries of the current page that are left.
    entries: VecDeque<S::Item>,
    consumed: usize,
    /// The last entry consumed, and the one before.
    last: [SortKey; 2],
    next_page: Option<String>,
    /// Where an earlier scan stopped, until that place is found.
    resume_from: Option<Position>,
    scanned: usize,
}

impl<S: Source> Scan<S> {
    pub(crate) fn new(
        source: S,
        client: &Client,
        pacer: &Pacer,
        limit: usize,
        deadline: Instant,
    ) -> Self {
        Self {
            source,
            client: client.clone(),
            permits: pacer.permits(),
            limit,
            deadline,
            page_size: PAGE_SIZE,
            has_started: false,
            page: None,
            entries: VecDeque::new(),
            consumed: 0,
            last: Default::default(),
            next_page: None,
            resume_from: None,
            scanned: 0,
        }
    }

    pub(crate) fn page_size(mut self, page_size: u32) -> Self {
        self.page_size = page_size;
        self
    }

    /// Resumes an earlier scan of the same list, with its page size.
    pub(crate) fn resume_from(mut self, position: Option<Position>) -> Self {
        if let Some(position) = position {
            self.page_size = position.page_size;
            self.next_page.clone_from(&position.page);
            let is_within_page =
                position.consumed > 0 || position.last.is_some() || position.last_at.is_some();
            self.resume_from = is_within_page.then_some(position);
        }
        self
    }

    /// The next entry that matches; `None` at the end of the list, the limit or the deadline.
    pub(crate) async fn next(&mut self) -> Result<Option<S::Item>, Error> {
        loop {
            while self.scanned < self.limit
                && let Some(item) = self.entries.pop_front()
            {
                self.consumed += 1;
                self.scanned += usize::from(self.source.counts(&item));
                let [last, before] = &mut self.last;
                *before = mem::replace(last, self.source.sort_key(&item));
                if self.source.matches(&item) {
                    return Ok(Some(item));
                }
            }
            if self.scanned >= self.limit || !self.has_next_page() {
                return Ok(None);
            }
            let fetched = self.fetch_page().await;
            if !fetched.map_err(|error| Error::api(self.source.about(), error))? {
                return Ok(None);
            }
        }
    }

    /// Puts back the entry that [`Self::next`] has just returned.
    pub(crate) fn unread(&mut self, item: S::Item) {
        self.entries.push_front(item);
        self.consumed = self.consumed.saturating_sub(1);
        self.scanned = self.scanned.saturating_sub(1);
        self.last.swap(0, 1);
    }

    pub(crate) fn scanned(&self) -> usize {
        self.scanned
    }

    /// Whether no further entry can match.
    pub(crate) fn is_complete(&self) -> bool {
        self.position().is_none()
    }

    /// Where to resume; `None` if the scan is complete.
    pub(crate) fn position(&self) -> Option<Position> {
        let start_of = |page: &Option<String>| Position {
            page: page.clone(),
            page_size: self.page_size,
            ..Position::default()
        };
        if let Some(position) = &self.resume_from {
            return self
                .has_next_page()
                .then(|| Position { page: self.next_page.clone(), ..position.clone() });
        }
        if !self.entries.iter().any(|item| self.source.matches(item)) {
            return self.has_next_page().then(|| start_of(&self.next_page));
        }
        let mut position = start_of(&self.page);
        if self.consumed > 0 {
            let [last, _] = &self.last;
            position.consumed = self.consumed;
            position.last.clone_from(&last.id);
            position.last_at = last.at.map(|at| at.to_string());
        }
        Some(position)
    }

    fn has_next_page(&self) -> bool {
        !self.has_started || self.next_page.is_some()
    }

    /// Fetches the next page. At the deadline it returns false and changes nothing.
    async fn fetch_page(&mut self) -> Result<bool, ApiError> {
        let is_first = !self.has_started;
        let mut client =
            if is_first { self.client.clone() } else { self.client.with_deadline(self.deadline) };
        let mut is_paced = !is_first;
        let page = loop {
            if is_paced {
                let Ok(()) = timeout_at(self.deadline, self.permits.acquire()).await else {
                    return Ok(false);
                };
                client = self.permits.bind(&client);
            }
            let source = &self.source;
            let page = source.page(&client, self.next_page.clone(), self.page_size);
            match page.await {
                Ok(page) => break page,
                Err(error) if matches!(error.kind(), ApiErrorKind::TimedOut) && !is_first => {
                    return Ok(false);
                }
                Err(error) if error.http_status() == Some(429) => {
                    let wait = self.permits.pacer().pause_for(error.retry_after());
                    let is_too_long = Instant::now() + wait >= self.deadline;
                    match (is_too_long, is_first) {
                        (true, true) => return Err(error),
                        (true, false) => return Ok(false),
                        (false, _) => is_paced = true,
                    }
                }
                Err(error) => return Err(error),
            }
        };
        self.has_started = true;
        self.page = self.next_page.take();
        // A service that returns the cursor of the same page would keep the scan here forever.
        self.next_page = page.next_page.filter(|next| self.page.as_ref() != Some(next));
        self.entries = page.data.into();
        self.consumed = 0;
        self.skip_consumed();
        Ok(true)
    }

    /// Drops the entries that the scan to be resumed has consumed.
    fn skip_consumed(&mut self) {
        let Some(position) = self.resume_from.take() else {
            return;
        };
        let is_last = |item: &S::Item| {
            position.last.is_some() && self.source.sort_key(item).id == position.last
        };
        let last_at = position.last_at.as_ref().and_then(|at| at.parse().ok());
        self.consumed = match (self.entries.iter().position(is_last), last_at) {
            (Some(index), _) => index + 1,
            // The entry is gone, or others were added before it: go by time.
            (None, Some(last_at)) => {
                let mut entries = self.entries.iter().enumerate();
                let first_after = entries.position(|(index, item)| {
                    !self.is_before(item, last_at, index < position.consumed)
                });
                first_after.unwrap_or(self.entries.len())
            }
            (None, None) => position.consumed.min(self.entries.len()),
        };
        let skipped = self.entries.drain(..self.consumed).next_back();
        let last = skipped.map(|item| self.source.sort_key(&item));
        self.last = [last.unwrap_or_default(), SortKey::default()];
        if self.entries.is_empty() && self.next_page.is_some() && last_at.is_some() {
            self.resume_from = Some(Position { consumed: 0, ..position });
        }
    }

    /// Whether the entry comes before one of that time, or `otherwise` if times do not decide.
    fn is_before(&self, item: &S::Item, last_at: Timestamp, otherwise: bool) -> bool {
        match (self.source.sort_key(item).at, self.source.order()) {
            (Some(at), Order::Desc) if at != last_at => at > last_at,
            (Some(at), Order::Asc) if at != last_at => at < last_at,
            _ => otherwise,
        }
    }
}
