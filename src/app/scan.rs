//! Scans the pages of a list, filters the entries here, and can resume where a scan stopped.
//!
//! One page is held at a time. The first request of a scan is sent at once, later ones are paced.
//! A scan ends at the end of the list, at its limit or at its deadline; [`Scan::gaps`] says why
//! else it may not be whole.

pub(crate) mod carried;
pub(crate) mod gap;
pub(crate) mod lists;
pub(crate) mod position;
pub(crate) mod source;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    mem,
};

use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout_at};

use self::{
    gap::{Gap, LimitsMet},
    position::Position,
    source::{SortKey, Source},
};
use super::{
    error::Error,
    pace::{Kind, Pacer, Permits},
};
use crate::{
    api::{ApiErrorKind, Client, RateLimits, RequestOptions},
    model::{Order, Page},
};

/// Entries a page, unless the caller needs fewer.
pub(crate) const PAGE_SIZE: u32 = 100;

/// Pages in a row without an entry, before the list counts as one without an end.
const MAX_EMPTY_PAGES: u32 = 100;

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
    /// The identities of all entries consumed, since some services repeat pages.
    seen: HashSet<String>,
    /// What else services repeat: the cursors, and pages as a whole.
    cursors: HashSet<String>,
    pages: HashSet<u64>,
    empty_pages: u32,
    undecided: usize,
    found: usize,
    /// The scan ended before the list did.
    ended_early: bool,
    /// What kept the list from being read to its end.
    end: Option<Gap>,
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
            seen: HashSet::new(),
            cursors: HashSet::new(),
            pages: HashSet::new(),
            empty_pages: 0,
            undecided: 0,
            found: 0,
            ended_early: false,
            end: None,
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
                let identity = self.source.identity(&item);
                if identity.is_some_and(|identity| !self.seen.insert(identity)) {
                    continue;
                }
                self.scanned += usize::from(self.source.counts(&item));
                self.undecided += usize::from(self.source.is_undecided(&item));
                let [last, before] = &mut self.last;
                *before = mem::replace(last, self.source.sort_key(&item));
                if self.source.matches(&item) {
                    self.found += 1;
                    return Ok(Some(item));
                }
            }
            if self.scanned >= self.limit
                || !self.has_next_page()
                || self.stopped().is_some()
                || !self.fetch_page().await?
            {
                self.ended_early = self.position().is_some();
                return Ok(None);
            }
        }
    }

    /// Puts back the entry that [`Self::next`] has just returned.
    pub(crate) fn unread(&mut self, item: S::Item) {
        if let Some(identity) = self.source.identity(&item) {
            self.seen.remove(&identity);
        }
        self.entries.push_front(item);
        self.consumed = self.consumed.saturating_sub(1);
        self.scanned = self.scanned.saturating_sub(1);
        self.found = self.found.saturating_sub(1);
        self.last.swap(0, 1);
    }

    pub(crate) fn scanned(&self) -> usize {
        self.scanned
    }

    /// Whether no further entry can match, and none was left out for another reason.
    pub(crate) fn is_complete(&self) -> bool {
        self.position().is_none() && self.end.is_none() && self.undecided == 0
    }

    /// What the reader of an answer has to know about its completeness.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let undecided = (self.undecided > 0).then_some(Gap::UnreadableTimes(self.undecided));
        // Where all was looked at, leaving filters out cost nothing but time.
        let filters = self.ended_early && self.source.leaves_out_filters();
        let filters = filters.then_some(Gap::FiltersUnsupported);
        let empty = if self.found == 0 { self.source.why_empty() } else { None };
        self.end.iter().cloned().chain(undecided).chain(filters).chain(empty).collect()
    }

    /// The rate limit that stopped the scan, which can be resumed after it.
    fn stopped(&self) -> Option<&Gap> {
        self.end.as_ref().filter(|end| matches!(end, Gap::RateLimited(_)))
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

    /// Fetches the next page. At the deadline, and where a rate limit outlasts it, it returns false
    /// and changes nothing; a rate limit before the first page is an error.
    async fn fetch_page(&mut self) -> Result<bool, Error> {
        let is_first = !self.has_started;
        let about = self.source.about();
        // Repetitions are counted here, and the first request does not wait for bulk work.
        let client = self.client.with_options(RequestOptions {
            rate_limits: RateLimits::Return,
            ..self.client.options().clone()
        });
        let bulk = self.permits.bind(&client.with_deadline(self.deadline));
        let mut limits = LimitsMet::default();
        let page = loop {
            if !is_first && !self.acquire_permit().await {
                return Ok(false);
            }
            let client = if is_first { &client } else { &bulk };
            let page = self.source.page(client, self.next_page.clone(), self.page_size).await;
            let error = match page {
                Ok(page) => break page,
                Err(error) => error,
            };
            if error.http_status() == Some(429) {
                let wait = self.permits.pacer().pause_for(error.retry_after());
                let is_in_time = Instant::now() + wait < self.deadline;
                match limits.allow_repetition(&error) && is_in_time {
                    true if is_first => sleep(wait).await,
                    true => {}
                    false if is_first => {
                        let known = error.retry_after().or_else(|| self.permits.pacer().pause());
                        return Err(Error::api(about, error.with_retry_after(known)));
                    }
                    false => {
                        self.end = Some(Gap::RateLimited(error.retry_after()));
                        return Ok(false);
                    }
                }
            } else if matches!(error.kind(), ApiErrorKind::TimedOut) && !is_first {
                return Ok(false);
            } else {
                return Err(Error::api(about, error));
            }
        };
        self.take(page);
        Ok(true)
    }

    /// Waits for the next permit; false where that takes longer than the scan may.
    async fn acquire_permit(&mut self) -> bool {
        let pacer = self.permits.pacer();
        if let Some(pause) = pacer.pause_beyond(self.deadline) {
            self.end = Some(Gap::RateLimited(Some(pause)));
            return false;
        }
        timeout_at(self.deadline, self.permits.acquire(Kind::Read)).await.is_ok()
    }

    fn take(&mut self, page: Page<S::Item>) {
        let is_known = |item: &S::Item| {
            self.source.identity(item).is_some_and(|identity| self.seen.contains(&identity))
        };
        // A service that returns a cursor or a page again would keep the scan here forever.
        let goes_on = page.next_page.is_some() && !page.data.is_empty();
        let is_known_page = !self.pages.insert(self.page_hash(&page.data));
        let repeats_page = goes_on && (is_known_page || page.data.iter().all(is_known));
        self.empty_pages = if page.data.is_empty() { self.empty_pages + 1 } else { 0 };
        self.has_started = true;
        self.page = self.next_page.take();
        self.next_page = page.next_page;
        if page.is_incomplete {
            self.end = Some(Gap::NoCursor);
        }
        self.cursors.extend(self.page.clone());
        let leads_back = self.next_page.as_ref().is_some_and(|next| self.cursors.contains(next));
        if leads_back || (self.next_page.is_some() && self.empty_pages > MAX_EMPTY_PAGES) {
            self.next_page = None;
            self.end = Some(Gap::Repeats);
        }
        self.entries = page.data.into();
        self.consumed = 0;
        if repeats_page {
            self.entries.clear();
            self.next_page = None;
            self.end = Some(Gap::Repeats);
        }
        self.skip_consumed();
    }

    /// Of the entries' identities, or of all that is known of those without.
    fn page_hash(&self, entries: &[S::Item]) -> u64 {
        let mut hasher = DefaultHasher::new();
        for item in entries {
            let identity = self.source.identity(item);
            identity.unwrap_or_else(|| format!("{item:?}")).hash(&mut hasher);
        }
        hasher.finish()
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
