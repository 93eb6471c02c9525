//! Properties of scans, on lists in memory.

use jiff::Timestamp;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, proptest};

use crate::{
    api::{ApiError, Client, Order, Settings},
    app::{
        pace::Pacer,
        scan::{
            Position, Scan,
            source::{SortKey, Source},
        },
    },
    model::Page,
};

/// An entry; its number is its time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    number: u32,
    wanted: bool,
}

/// A list whose cursors are times of entries, as those of databases are.
#[derive(Debug, Clone)]
struct List {
    entries: Vec<Entry>,
    order: Order,
    max_page_size: usize,
    has_ids: bool,
}

impl Source for List {
    type Item = Entry;

    async fn page(
        &self,
        _: &Client,
        cursor: Option<String>,
        size: u32,
    ) -> Result<Page<Entry>, ApiError> {
        let mut entries = self.entries.clone();
        entries.sort_by_key(|entry| entry.number);
        if self.order == Order::Desc {
            entries.reverse();
        }
        if let Some(after) = cursor.map(|cursor| cursor.parse::<u32>().unwrap()) {
            entries.retain(|entry| match self.order {
                Order::Asc => entry.number > after,
                Order::Desc => entry.number < after,
            });
        }
        let size = self.max_page_size.min(size as usize);
        let more = entries.len() > size;
        entries.truncate(size);
        Ok(Page {
            next_page: entries
                .last()
                .filter(|_| more)
                .map(|last| last.number.to_string()),
            data: entries,
        })
    }

    fn matches(&self, entry: &Entry) -> bool {
        entry.wanted
    }

    fn sort_key(&self, entry: &Entry) -> SortKey {
        SortKey {
            id: self.has_ids.then(|| entry.number.to_string()),
            at: Timestamp::from_second(entry.number.into()).ok(),
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = Client::new(Settings::default());
        let pacer = Pacer::new(1_000_000.try_into().unwrap(), std::time::Duration::ZERO);
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
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
            found.push(entry.number);
        }
        (found, scan.position().as_ref().map(through_json))
    })
}

fn through_json(position: &Position) -> Position {
    serde_json::from_str(&serde_json::to_string(position).unwrap()).unwrap()
}

fn lists() -> impl Strategy<Value = List> {
    let entries = prop::collection::btree_map(0_u32..300, any::<bool>(), 0..60);
    let order = prop::sample::select(vec![Order::Asc, Order::Desc]);
    (entries, order, 1_usize..20, any::<bool>()).prop_map(
        |(entries, order, max_page_size, has_ids)| List {
            entries: entries
                .into_iter()
                .map(|(number, wanted)| Entry { number, wanted })
                .collect(),
            order,
            max_page_size,
            has_ids,
        },
    )
}

proptest! {
    #[test]
    fn every_match_is_returned_exactly_once(
        list in lists(), page_size in 1_u32..20, rows in 1_usize..15, limit in 1_usize..40,
    ) {
        let mut expected: Vec<u32> =
            list.entries.iter().filter(|entry| entry.wanted).map(|entry| entry.number).collect();
        if list.order == Order::Desc {
            expected.reverse();
        }
        let mut found = Vec::new();
        let mut from = None;
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
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn entries_added_or_removed_in_between_neither_repeat_nor_hide_others(
        (list, removed) in lists().prop_flat_map(|mut list| {
            list.has_ids = true;
            let count = list.entries.len();
            (Just(list), prop::collection::vec(any::<bool>(), count))
        }),
        added in prop::collection::btree_set(0_u32..600, 0..20),
        page_size in 1_u32..20, rows in 1_usize..15,
    ) {
        let (first, position) = call(&list, page_size, rows, 1_000, None);
        let mut later = list.clone();
        later.entries = list.entries.iter().zip(&removed)
            .filter(|(_, removed)| !**removed)
            .map(|(entry, _)| entry.clone())
            .collect();
        // New entries are the newest, so they are seen only in ascending order.
        later.entries.extend(added.iter().map(|number| Entry { number: 1_000 + number, wanted: true }));
        let stayed: Vec<u32> = later.entries.iter()
            .filter(|entry| entry.wanted && entry.number < 1_000)
            .map(|entry| entry.number)
            .collect();
        let rest = match position {
            Some(position) => call(&later, page_size, 1_000, 10_000, Some(position)).0,
            None => Vec::new(),
        };
        for number in stayed {
            let times = first.iter().chain(&rest).filter(|each| **each == number).count();
            prop_assert_eq!(times, 1, "{}", number);
        }
    }
}
