//! Totals over many sessions: how many, what they cost, by status, agent, day and metadata.

mod part;
mod totals;

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use self::totals::{active, dearer, whole};
pub use self::{part::Part, totals::Totals};
use crate::{
    domain::{
        filter::cost,
        money::Money,
        text,
        view::row::{Row, status},
    },
    model::{ApiTime, SessionHead},
};

/// How many statuses are shown where there is room for fewer entries: the API has four.
const STATUSES: usize = 4;
/// Longest title, name or value shown, in characters; there are many of them.
const NAME_CHARACTERS: usize = 40;
/// Longest id shown, in characters; longer ones come from broken services only.
const ID_CHARACTERS: usize = 100;

/// The sums of some sessions that have something in common.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Group {
    /// By status: the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// By agent: its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// By agent: its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// By day: the day of creation (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// By metadata: the value; absent for the sessions without the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The sums.
    #[serde(flatten)]
    pub totals: Totals,
}

/// One of the sessions that cost most.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ExpensiveRow {
    /// The session.
    #[serde(flatten)]
    pub row: Row,
    /// Seconds at work, if the service reports them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_seconds: Option<u64>,
}

/// What was left out of a part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct More {
    /// How many entries.
    pub left_out: usize,
    /// Their sums, if they are groups.
    #[serde(flatten)]
    pub totals: Option<Totals>,
}

/// A summary as it is answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Summarized {
    /// All sessions that match.
    pub totals: Totals,
    /// By status, the dearest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_status: Option<Vec<Group>>,
    /// By agent, the dearest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_agent: Option<Vec<Group>>,
    /// By day of creation (UTC), the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_day: Option<Vec<Group>>,
    /// By each key's value, the dearest first; a group without value lacks the key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_metadata: BTreeMap<String, Vec<Group>>,
    /// The sessions that cost most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_expensive: Option<Vec<ExpensiveRow>>,
    /// The sessions that were updated longest ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_unchanged: Option<Vec<Row>>,
    /// What each part leaves out, groups with their sums.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, More>,
}

/// Collects the totals, and the parts that are wanted.
#[derive(Debug)]
pub struct Summary {
    parts: BTreeSet<Part>,
    top: usize,
    totals: Totals,
    groups: BTreeMap<Part, BTreeMap<Option<String>, Group>>,
    dearest: Vec<(Money, ExpensiveRow)>,
    longest: Vec<(Timestamp, Row)>,
}

impl Summary {
    /// Of these parts, with at most `top` entries each.
    pub fn new(parts: impl IntoIterator<Item = Part>, top: usize) -> Self {
        Self {
            parts: parts.into_iter().collect(),
            top,
            totals: Totals::default(),
            groups: BTreeMap::new(),
            dearest: Vec::new(),
            longest: Vec::new(),
        }
    }

    /// Adds a session.
    pub fn add(&mut self, session: &SessionHead) {
        self.totals.add(session);
        for part in &self.parts {
            match part {
                Part::MostExpensive => {
                    if let Some(cost) = cost(session).filter(|cost| !cost.is_zero()) {
                        keep(&mut self.dearest, self.top, cost, dearer, || ExpensiveRow {
                            row: row(session),
                            active_seconds: active(&session.usage).map(whole),
                        });
                    }
                }
                Part::LongestUnchanged => {
                    if let Some(at) = session.updated_at.as_ref().and_then(ApiTime::at) {
                        keep(&mut self.longest, self.top, at, Ord::cmp, || row(session));
                    }
                }
                group => {
                    let groups = self.groups.entry(group.clone()).or_default();
                    let entry = groups.entry(key(group, session)).or_default();
                    describe(entry, group, session);
                    entry.totals.add(session);
                }
            }
        }
    }

    /// The summary with as many entries in each part as `fits` accepts, at most `top`.
    pub fn fitting(self, fits: impl Fn(&Summarized) -> bool) -> Summarized {
        let mut groups: BTreeMap<Part, Vec<Group>> = BTreeMap::new();
        for (part, found) in self.groups {
            let newest_first = part == Part::ByDay;
            let mut found: Vec<Group> = found.into_values().collect();
            if newest_first {
                found.reverse();
            } else {
                found.sort_by(|one, other| one.totals.larger(&other.totals));
            }
            groups.insert(part, found);
        }
        let whole = Whole {
            parts: self.parts,
            totals: self.totals,
            groups,
            dearest: self.dearest.into_iter().map(|(_, row)| row).collect(),
            longest: self.longest.into_iter().map(|(_, row)| row).collect(),
        };
        let mut most = self.top;
        loop {
            let shown = whole.cut_to(most);
            if most == 0 || fits(&shown) {
                return shown;
            }
            most -= 1;
        }
    }
}

/// All that was collected, each part in its order.
struct Whole {
    parts: BTreeSet<Part>,
    totals: Totals,
    groups: BTreeMap<Part, Vec<Group>>,
    dearest: Vec<ExpensiveRow>,
    longest: Vec<Row>,
}

impl Whole {
    /// With at most so many entries in each part.
    fn cut_to(&self, most: usize) -> Summarized {
        let mut shown = Summarized { totals: self.totals.clone(), ..Summarized::default() };
        for part in &self.parts {
            let left_out = match part {
                Part::MostExpensive => {
                    let rows = shown.most_expensive.insert(first(&self.dearest, most));
                    More { left_out: self.dearest.len() - rows.len(), totals: None }
                }
                Part::LongestUnchanged => {
                    let rows = shown.longest_unchanged.insert(first(&self.longest, most));
                    More { left_out: self.longest.len() - rows.len(), totals: None }
                }
                group => {
                    let all = self.groups.get(group).map(Vec::as_slice).unwrap_or_default();
                    let most = match group {
                        Part::ByStatus if most > 0 => most.max(STATUSES),
                        _ => most,
                    };
                    let mut more = More::default();
                    for group in all.iter().skip(most) {
                        more.left_out += 1;
                        more.totals.get_or_insert_default().merge(&group.totals);
                    }
                    shown.show(group, first(all, most));
                    more
                }
            };
            if left_out.left_out > 0 {
                shown.more.insert(part.name(), left_out);
            }
        }
        shown
    }
}

impl Summarized {
    fn show(&mut self, part: &Part, groups: Vec<Group>) {
        match part {
            Part::ByStatus => self.by_status = Some(groups),
            Part::ByAgent => self.by_agent = Some(groups),
            Part::ByDay => self.by_day = Some(groups),
            Part::ByMetadata(key) => drop(self.by_metadata.insert(key.clone(), groups)),
            Part::MostExpensive | Part::LongestUnchanged => {}
        }
    }
}

fn first<T: Clone>(all: &[T], most: usize) -> Vec<T> {
    all.iter().take(most).cloned().collect()
}

/// What the sessions of a group have in common; of metadata the whole value, since two that begin
/// alike are two.
fn key(part: &Part, session: &SessionHead) -> Option<String> {
    match part {
        Part::ByStatus => status(session),
        Part::ByAgent => session.agent.id.clone(),
        Part::ByDay => {
            let created = session.created_at.as_ref().and_then(ApiTime::at);
            created.map(|at| at.strftime("%Y-%m-%d").to_string())
        }
        Part::ByMetadata(key) => session.metadata.get(key).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }),
        Part::MostExpensive | Part::LongestUnchanged => None,
    }
}

/// Names the group after one of its sessions.
fn describe(group: &mut Group, part: &Part, session: &SessionHead) {
    let unknown = || Some("unknown".to_owned());
    match part {
        Part::ByStatus => {
            group.status = key(part, session).map(|name| short(&name)).or_else(unknown);
        }
        Part::ByDay => group.day = key(part, session).or_else(unknown),
        Part::ByMetadata(_) if group.value.is_none() => {
            group.value = key(part, session).map(|value| short(&value));
        }
        Part::ByAgent => {
            let id = session.agent.id.as_deref();
            group.id = id.map(|id| text::shortened(&text::visible(id), ID_CHARACTERS));
            let name = session.agent.name.as_deref();
            // The newest sessions come first, and with them the agent's present name.
            group.name = group.name.take().or_else(|| name.map(short));
        }
        _ => {}
    }
}

/// Escaped before it is cut, since escapes count toward the length.
fn short(name: &str) -> String {
    text::shortened(&text::visible(name), NAME_CHARACTERS)
}

fn row(session: &SessionHead) -> Row {
    let mut row = Row::of(session);
    row.title = row.title.map(|title| short(&title));
    row.status = row.status.map(|status| short(&status));
    if let Some(agent) = &mut row.agent {
        agent.name = agent.name.take().map(|name| short(&name));
        agent.id = agent.id.take().map(|id| text::shortened(&text::visible(&id), ID_CHARACTERS));
    }
    row
}

/// Inserts an entry at its place in `order`, if it is among the first `most`.
fn keep<K, R>(
    kept: &mut Vec<(K, R)>,
    most: usize,
    key: K,
    order: impl Fn(&K, &K) -> Ordering,
    entry: impl FnOnce() -> R,
) {
    let place = kept.partition_point(|(other, _)| order(other, &key) != Ordering::Greater);
    if place < most {
        kept.insert(place, (key, entry()));
        kept.truncate(most);
    }
}
