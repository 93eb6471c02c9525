//! What a history has returned so far. Services repeat cursors, pages and events, and none of that
//! may pass for a longer history.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use crate::{
    domain::events,
    model::{Event, Page},
};

/// Pages in a row without an event, before the history counts as one without an end.
const MAX_EMPTY_PAGES: u32 = 100;

type Fingerprint = [u8; 16];

#[derive(Debug, Default)]
pub(crate) struct Seen {
    cursors: HashSet<Fingerprint>,
    /// Whole events that have an id.
    events: HashSet<Fingerprint>,
    ids: HashSet<Fingerprint>,
    /// Whole pages, for events without ids.
    pages: HashSet<Fingerprint>,
    empty_pages: u32,
}

impl Seen {
    /// Takes the events from the page that earlier pages had. False if it leads back: its cursor
    /// was used before, or there is nothing new on it and yet another page.
    pub(crate) fn take(&mut self, page: &mut Page<Event>) -> bool {
        let goes_on = page.next_page.is_some();
        let is_empty = page.data.is_empty();
        self.empty_pages = if is_empty { self.empty_pages + 1 } else { 0 };
        let mut hasher = Sha256::new();
        let mut has_new = false;
        page.data.retain(|event| {
            let text = serde_json::to_vec(event).unwrap_or_default();
            hasher.update(&text);
            hasher.update(b"\n");
            let Some(id) = id(event) else {
                has_new = true;
                return true;
            };
            has_new |= self.ids.insert(fingerprint(id.as_bytes()));
            self.events.insert(fingerprint(&text))
        });
        let is_new_page = self.pages.insert(short(&hasher.finalize()));
        let is_new_cursor = match &page.next_page {
            Some(cursor) => self.cursors.insert(fingerprint(cursor.as_bytes())),
            None => true,
        };
        let leads_on = is_empty || (has_new && is_new_page);
        is_new_cursor && (!goes_on || (leads_on && self.empty_pages < MAX_EMPTY_PAGES))
    }

    /// Whether none of these events is new.
    pub(crate) fn has_all(&self, events: &[Event]) -> bool {
        events.iter().filter_map(id).all(|id| self.ids.contains(&fingerprint(id.as_bytes())))
    }
}

fn id(event: &Event) -> Option<&str> {
    events::text(event, "id").filter(|id| !id.is_empty())
}

fn fingerprint(bytes: &[u8]) -> Fingerprint {
    short(&Sha256::digest(bytes))
}

fn short(digest: &[u8]) -> Fingerprint {
    let mut short = Fingerprint::default();
    short.iter_mut().zip(digest).for_each(|(to, from)| *to = *from);
    short
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Seen;
    use crate::model::{Event, Page};

    type Pages<'a> = Vec<(&'a Value, Option<&'a str>)>;

    fn page(events: &Value, next: Option<&str>) -> Page<Event> {
        let data = serde_json::from_value(events.clone()).unwrap();
        Page { data, next_page: next.map(str::to_owned), is_incomplete: false }
    }

    #[test]
    fn repetitions_are_noticed_and_overlaps_dropped() {
        let numbered = |ids: [u32; 2]| json!(ids.map(|id| json!({"id": id.to_string()})));
        let (one, two) = (numbered([1, 2]), numbered([3, 4]));
        let nameless = json!([{"type": "a"}, {"type": "a"}]);
        let restamped = json!([{"id": "1", "at": 2}, {"id": "2", "at": 2}]);
        let none = json!([]);
        let (overlap, repeated) = (numbered([2, 3]), numbered([3, 3]));
        let changed = json!([{"id": "2", "x": 1}, {"id": "3"}]);
        // The pages; how many events are kept of each; whether the last one leads on.
        let cases: [(&str, Pages<'_>, Vec<usize>, bool); 8] = [
            ("plain", vec![(&one, Some("a")), (&two, None)], vec![2, 2], true),
            (
                "A-B-A",
                vec![(&one, Some("a")), (&two, Some("b")), (&none, Some("a"))],
                vec![2, 2, 0],
                false,
            ),
            ("same page", vec![(&one, Some("a")), (&one, Some("b"))], vec![2, 0], false),
            (
                "page of other text",
                vec![(&one, Some("a")), (&restamped, Some("b"))],
                vec![2, 2],
                false,
            ),
            (
                "without ids",
                vec![(&nameless, Some("a")), (&nameless, Some("b"))],
                vec![2, 2],
                false,
            ),
            (
                "empty page",
                vec![(&none, Some("a")), (&none, Some("b")), (&one, None)],
                vec![0, 0, 2],
                true,
            ),
            (
                "overlap",
                vec![(&one, Some("a")), (&overlap, Some("b")), (&repeated, None)],
                vec![2, 1, 0],
                true,
            ),
            ("changed event", vec![(&one, Some("a")), (&changed, None)], vec![2, 2], true),
        ];
        for (name, pages, kept, leads_on) in cases {
            let mut seen = Seen::default();
            let mut found = Vec::new();
            let mut last = true;
            for (events, next) in pages {
                let mut page = page(events, next);
                last = seen.take(&mut page);
                found.push(page.data.len());
            }
            assert_eq!((found, last), (kept, leads_on), "{name}");
        }
        let mut seen = Seen::default();
        let empty = |n: u32| page(&none, Some(&n.to_string()));
        assert!(!(0..200).all(|n| seen.take(&mut empty(n))), "empty pages end too");
    }
}
