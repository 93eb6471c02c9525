//! The events of a history that are newer than a given one.

use serde_json::{Map, Value};

use super::fitting::fitting;
use crate::{
    app::{
        context::Context,
        error::Error,
        scan::{PAGE_SIZE, gap::Gap, source::Source},
        services::Services,
    },
    domain::events::{self, EventFilter},
    model::Event,
};

/// What is newer than an event, newest first.
#[derive(Default)]
pub(super) struct Newer {
    pub(super) events: Collected,
    /// The given event was found, so that nothing newer is missing.
    pub(super) found: bool,
    /// How many events were looked at.
    pub(super) scanned: usize,
    /// Why not all were, if nothing else shows that.
    pub(super) gaps: Vec<Gap>,
}

#[derive(Default)]
pub(super) struct Collected {
    /// Those that match, as they are shown.
    pub(super) matching: Vec<Map<String, Value>>,
    /// The newest of all that is not still queued.
    pub(super) newest: Option<String>,
    /// Whether the conditions on times apply to so many is not known.
    undecided: usize,
}

/// Reads a history newest first, until `since` comes. A service that ignores the order and lists
/// the oldest first is read to the end; times that differ show which of the two it does.
pub(super) async fn newer<S: Source<Item = Event>>(
    services: &Services,
    cx: &Context,
    unfiltered: S,
    filter: &EventFilter,
    since: &str,
    max_scan: usize,
    value_limit: usize,
) -> Result<Newer, Error> {
    let mut scan = services.scan(cx, unfiltered, max_scan).page_size(PAGE_SIZE);
    let mut first_at = None;
    let mut oldest_first = None;
    // What comes before `since`, and what comes after it.
    let (mut before, mut after, mut found) = (Collected::default(), Collected::default(), false);
    while let Some(event) = scan.next().await? {
        let at = events::at(&event);
        if let (Some(first), Some(at)) = (first_at, at)
            && first != at
        {
            oldest_first = oldest_first.or(Some(at > first));
        }
        first_at = first_at.or(at);
        if found && oldest_first == Some(false) {
            break;
        }
        if events::text(&event, "id") == Some(since) {
            found = true;
            continue;
        }
        let newest_last = oldest_first == Some(true);
        let side = if found { &mut after } else { &mut before };
        side.add(&event, filter, newest_last, value_limit);
    }
    let mut events = before;
    if oldest_first == Some(true) {
        if found {
            events = after;
        }
        events.matching.reverse();
    }
    let mut gaps = scan.gaps();
    if events.undecided > 0 {
        gaps.push(Gap::UnreadableTimes(events.undecided));
    }
    Ok(Newer { events, found, scanned: scan.scanned(), gaps })
}

impl Collected {
    fn add(&mut self, event: &Event, filter: &EventFilter, newest_last: bool, limit: usize) {
        if (self.newest.is_none() || newest_last)
            && !events::is_queued(event)
            && let Some(id) = events::text(event, "id")
        {
            self.newest = Some(id.to_owned());
        }
        self.undecided += usize::from(filter.is_undecided(event));
        if filter.matches(event) {
            self.matching.push(fitting(event, limit));
        }
    }
}
