//! Properties of scans, on lists in memory.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use proptest::{
    collection::{btree_map, btree_set, vec},
    prelude::*,
};
use tokio::{runtime, time::Instant};

use crate::{
    api::{ApiError, Client, Settings},
    app::{
        error::About,
        pace::{Pacer, PerKind},
        scan::{Position, Scan, SortKey, Source},
    },
    model::{Order, Page},
};

type Entry = (u32, bool);

/// A list whose cursors are times of entries, as those of databases are.
#[derive(Debug, Clone)]
struct List {
    entries: BTreeMap<u32, bool>,
    order: Order,
    max_page_size: usize,
    has_ids: bool,
}

impl List {
    fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.entries.clone().into_iter().collect();
        if self.order == Order::Desc {
            entries.reverse();
        }
        entries
    }

    fn matches(&self) -> Vec<u32> {
        let matches = self.entries().into_iter().filter(|(_, matches)| *matches);
        matches.map(|(number, _)| number).collect()
    }
}

impl Source for List {
    type Item = Entry;

    async fn page(
        &self,
        _: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> Result<Page<Entry>, ApiError> {
        let mut entries = self.entries();
        if let Some(last) = cursor.map(|cursor| cursor.parse().unwrap()) {
            let seen = entries.iter().position(|(number, _)| match self.order {
                Order::Asc => *number > last,
                Order::Desc => *number < last,
            });
            entries.drain(..seen.unwrap_or(entries.len()));
        }
        let size = self.max_page_size.min(size as usize);
        let has_more = entries.len() > size;
        entries.truncate(size);
        let last = entries.last().filter(|_| has_more);
        Ok(Page {
            next_page: last.map(|(number, _)| number.to_string()),
            data: entries,
            is_incomplete: false,
        })
    }

    fn matches(&self, (_, matches): &Entry) -> bool {
        *matches
    }

    fn about(&self) -> About {
        About::SessionList
    }

    fn sort_key(&self, (number, _): &Entry) -> SortKey {
        SortKey {
            id: self.has_ids.then(|| number.to_string()),
            at: Timestamp::from_second((*number).into()).ok(),
        }
    }

    fn order(&self) -> Order {
        self.order
    }
}

/// One call: returns at most `rows` matches and scans at most `limit` entries.
fn call(
    list: &List,
    page_size: u32,
    rows: usize,
    limit: usize,
    from: Option<Position>,
) -> (Vec<u32>, Option<Position>) {
    let runtime = runtime::Builder::new_current_thread().enable_time().build();
    runtime.unwrap().block_on(async {
        let client = Client::new(Settings::default());
        let per_minute = 1_000_000.try_into().unwrap();
        let pacer = Pacer::new(PerKind { reads: per_minute, writes: per_minute }, Duration::ZERO);
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut scan = Scan::new(list.clone(), &client, &pacer, limit, deadline)
            .page_size(page_size)
            .resume_from(from);
        let mut found = Vec::new();
        // Reads one more than it returns, as tools do when an answer is full.
        while let Some(entry) = scan.next().await.unwrap() {
            if found.len() == rows {
                scan.unread(entry);
                break;
            }
            found.push(entry.0);
        }
        let position = serde_json::to_string(&scan.position()).unwrap();
        (found, serde_json::from_str(&position).unwrap())
    })
}

fn lists() -> impl Strategy<Value = List> {
    let entries = btree_map(0_u32..300, any::<bool>(), 0..60);
    let order = prop_oneof![Just(Order::Asc), Just(Order::Desc)];
    let strategy = (entries, order, 1_usize..20, any::<bool>());
    strategy.prop_map(|(entries, order, max_page_size, has_ids)| List {
        entries,
        order,
        max_page_size,
        has_ids,
    })
}

proptest! {
    #[test]
    fn every_match_is_returned_exactly_once(
        list in lists(), page_size in 1_u32..20, rows in 1_usize..15, limit in 1_usize..40,
    ) {
        let (mut found, mut from) = (Vec::new(), None);
        for _ in 0..200 {
            let (more, position) = call(&list, page_size, rows, limit, from);
            prop_assert!(more.len() <= rows);
            found.extend(more);
            from = position;
            if from.is_none() {
                break;
            }
        }
        prop_assert_eq!(from, None, "the list ends");
        prop_assert_eq!(found, list.matches());
    }

    #[test]
    fn entries_added_or_removed_in_between_neither_repeat_nor_hide_others(
        mut list in lists(), keep in vec(any::<bool>(), 60), added in btree_set(0_u32..600, 0..20),
        page_size in 1_u32..20, rows in 1_usize..15,
    ) {
        list.has_ids = true;
        let (mut found, position) = call(&list, page_size, rows, 1_000, None);
        let mut keep = keep.into_iter();
        list.entries.retain(|_, _| keep.next().unwrap());
        let kept = list.matches();
        // New entries are the newest, so they are seen only in ascending order.
        list.entries.extend(added.into_iter().map(|number| (1_000 + number, true)));
        if position.is_some() {
            found.extend(call(&list, page_size, 1_000, 10_000, position).0);
        }
        for number in kept {
            let times = found.iter().filter(|each| **each == number).count();
            prop_assert_eq!(times, 1, "{}", number);
        }
    }
}
