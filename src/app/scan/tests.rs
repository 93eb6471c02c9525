//! The laws of paging, on lists in memory.

use jiff::Timestamp;
use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, proptest};

use crate::{
    api::{ApiError, Client, Order, Settings},
    app::{
        pace::Pacer,
        scan::{Mark, Position, Source, Walk},
    },
    model::Page,
};

/// An entry: its number is its place in time, and whether it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    number: u32,
    wanted: bool,
}

/// A list that is clamped to `most` entries a page, and whose cursors are places in the time of
/// the entries, as those of a database are.
#[derive(Debug, Clone)]
struct List {
    entries: Vec<Entry>,
    order: Order,
    most: usize,
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
        let size = self.most.min(size as usize);
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

    fn mark(&self, entry: &Entry) -> Mark {
        Mark {
            id: self.has_ids.then(|| entry.number.to_string()),
            at: Timestamp::from_second(entry.number.into()).ok(),
        }
    }

    fn order(&self) -> Order {
        self.order
    }
}

/// One call: at most `limit` matches, looking at no more than `most` entries.
fn call(
    list: &List,
    size: u32,
    limit: usize,
    most: usize,
    from: Option<Position>,
) -> (Vec<u32>, Option<Position>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = Client::new(Settings::default());
        let pacer = Pacer::new(1_000_000.try_into().unwrap(), std::time::Duration::ZERO);
        let until = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        let mut walk = Walk::over(list.clone(), &client, &pacer, most, until)
            .by(size)
            .from(from);
        let mut found = Vec::new();
        // One more than is kept, as an answer does that is full.
        while let Some(entry) = walk.next().await.unwrap() {
            if found.len() == limit {
                walk.put_back(entry);
                break;
            }
            found.push(entry.number);
        }
        (found, walk.position().as_ref().map(through_json))
    })
}

fn through_json(position: &Position) -> Position {
    serde_json::from_str(&serde_json::to_string(position).unwrap()).unwrap()
}

fn lists() -> impl Strategy<Value = List> {
    let entries = prop::collection::btree_map(0_u32..300, any::<bool>(), 0..60);
    let order = prop::sample::select(vec![Order::Asc, Order::Desc]);
    (entries, order, 1_usize..20, any::<bool>()).prop_map(|(entries, order, most, has_ids)| List {
        entries: entries
            .into_iter()
            .map(|(number, wanted)| Entry { number, wanted })
            .collect(),
        order,
        most,
        has_ids,
    })
}

proptest! {
    #[test]
    fn every_match_comes_exactly_once(
        list in lists(), size in 1_u32..20, limit in 1_usize..15, most in 1_usize..40,
    ) {
        let mut expected: Vec<u32> =
            list.entries.iter().filter(|entry| entry.wanted).map(|entry| entry.number).collect();
        if list.order == Order::Desc {
            expected.reverse();
        }
        let mut found = Vec::new();
        let mut from = None;
        for _ in 0..200 {
            let (more, position) = call(&list, size, limit, most, from);
            prop_assert!(more.len() <= limit);
            found.extend(more);
            from = position;
            if from.is_none() {
                break;
            }
        }
        prop_assert_eq!(from, None, "it ends");
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn what_comes_and_goes_in_between_neither_repeats_nor_hides_others(
        (list, gone) in lists().prop_flat_map(|mut list| {
            list.has_ids = true;
            let count = list.entries.len();
            (Just(list), prop::collection::vec(any::<bool>(), count))
        }),
        come in prop::collection::btree_set(0_u32..600, 0..20),
        size in 1_u32..20, limit in 1_usize..15,
    ) {
        let (first, position) = call(&list, size, limit, 1_000, None);
        let mut later = list.clone();
        later.entries = list.entries.iter().zip(&gone)
            .filter(|(_, gone)| !**gone)
            .map(|(entry, _)| entry.clone())
            .collect();
        // New ones appear at the new end, so they are seen only by walks in that direction.
        later.entries.extend(come.iter().map(|number| Entry { number: 1_000 + number, wanted: true }));
        let stayed: Vec<u32> = later.entries.iter()
            .filter(|entry| entry.wanted && entry.number < 1_000)
            .map(|entry| entry.number)
            .collect();
        let rest = match position {
            Some(position) => call(&later, size, 1_000, 10_000, Some(position)).0,
            None => Vec::new(),
        };
        for number in stayed {
            let times = first.iter().chain(&rest).filter(|each| **each == number).count();
            prop_assert_eq!(times, 1, "{}", number);
        }
    }
}
