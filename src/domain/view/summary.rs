//! Totals over many sessions: how many, what they cost, by status, agent and day.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{
        filter::cost,
        money::{Money, Sums},
        text,
        view::row::{Row, status, tokens},
    },
    model::{ApiTime, SessionHead},
};

/// Statuses with totals of their own: the API has four, services may add some.
const STATUSES: usize = 10;
/// How many agents, days and rows are kept.
const AGENTS: usize = 20;
const DAYS: usize = 31;
const ROWS: usize = 10;
/// Longest title or name shown, in characters; there are many of them.
const NAME_CHARACTERS: usize = 60;

/// The totals of some sessions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// How many.
    pub sessions: u64,
    /// Cost at list price by currency, exact.
    #[serde(skip_serializing_if = "Sums::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub list_cost: Sums,
    /// Tokens of all kinds.
    pub tokens: u64,
    /// Seconds at work.
    pub active_seconds: u64,
    /// How many have no cost, or one that cannot be added exactly.
    #[serde(skip_serializing_if = "is_zero")]
    pub cost_unknown: u64,
    #[serde(skip)]
    active: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "required by serde")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Totals {
    fn add(&mut self, session: &SessionHead) {
        self.sessions += 1;
        let known = cost(session).is_some_and(|cost| self.list_cost.add(&cost));
        self.cost_unknown += u64::from(!known);
        let tokens = tokens(&session.usage).unwrap_or_default();
        self.tokens = self.tokens.saturating_add(tokens);
        let active = session.usage.active_seconds.as_ref();
        self.active += active.and_then(serde_json::Number::as_f64).unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole seconds of a time that is never negative; saturates"
        )]
        let whole = self.active.round() as u64;
        self.active_seconds = whole;
    }

    /// The cost in US dollars, else in the first currency there is.
    fn main_cost(&self) -> Option<&Money> {
        let costs = self.list_cost.iter();
        costs.min_by_key(|cost| cost.currency() != "USD")
    }
}

/// The totals of one agent's sessions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct AgentTotals {
    /// The agent's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The sums.
    #[serde(flatten)]
    pub totals: Totals,
}

/// The totals of the sessions created on one day (UTC).
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct DayTotals {
    /// The day.
    pub day: String,
    /// The sums.
    #[serde(flatten)]
    pub totals: Totals,
}

/// Collects the totals.
#[derive(Debug, Default)]
pub struct Summary {
    totals: Totals,
    by_status: BTreeMap<String, Totals>,
    by_agent: BTreeMap<Option<String>, AgentTotals>,
    by_day: BTreeMap<String, Totals>,
    dearest: Vec<(Money, Row)>,
    longest: Vec<(Timestamp, Row)>,
}

/// A summary as it is answered.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Summarized {
    /// All sessions that match.
    pub totals: Totals,
    /// By status.
    pub by_status: BTreeMap<String, Totals>,
    /// By agent, the dearest first.
    pub by_agent: Vec<AgentTotals>,
    /// By day of creation (UTC), the newest first.
    pub by_day: Vec<DayTotals>,
    /// The dearest sessions.
    pub dearest: Vec<Row>,
    /// The sessions that were updated longest ago.
    pub longest_unchanged: Vec<Row>,
    /// How many entries were left out of a list.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<&'static str, usize>,
}

impl Summary {
    /// Adds a session.
    pub fn add(&mut self, session: &SessionHead) {
        self.totals.add(session);
        let mut status = status(session).map_or("unknown".to_owned(), |name| short(&name));
        if self.by_status.len() >= STATUSES && !self.by_status.contains_key(&status) {
            "other".clone_into(&mut status);
        }
        self.by_status.entry(status).or_default().add(session);
        let id = session.agent.id.clone();
        let agent = self.by_agent.entry(id.clone()).or_default();
        agent.id = id;
        let name = session.agent.name.as_deref();
        agent.name = name.map(short).or(agent.name.take());
        agent.totals.add(session);
        let created = session.created_at.as_ref().and_then(ApiTime::at);
        let day = created.map_or("unknown".to_owned(), |at| at.strftime("%Y-%m-%d").to_string());
        self.by_day.entry(day).or_default().add(session);
        if let Some(cost) = cost(session).filter(|cost| !cost.is_zero()) {
            keep(&mut self.dearest, cost, session, dearer);
        }
        if let Some(at) = session.updated_at.as_ref().and_then(ApiTime::at) {
            keep(&mut self.longest, at, session, Ord::cmp);
        }
    }

    /// The summary, its lists shortened until `fits` accepts it or they are empty.
    pub fn fitting(self, fits: impl Fn(&Summarized) -> bool) -> Summarized {
        let mut by_agent: Vec<_> = self.by_agent.into_values().collect();
        by_agent.sort_by(|one, other| {
            let (one, other) = (&one.totals, &other.totals);
            match (one.main_cost(), other.main_cost()) {
                (Some(one), Some(other)) => dearer(one, other),
                (one, other) => other.is_some().cmp(&one.is_some()),
            }
            .then(other.sessions.cmp(&one.sessions))
        });
        let by_day = self.by_day.into_iter().rev();
        let by_day = by_day.map(|(day, totals)| DayTotals { day, totals });
        let mut shown = Summarized {
            totals: self.totals,
            by_status: self.by_status,
            by_agent,
            by_day: by_day.collect(),
            dearest: self.dearest.into_iter().map(|(_, row)| row).collect(),
            longest_unchanged: self.longest.into_iter().map(|(_, row)| row).collect(),
            left_out: BTreeMap::new(),
        };
        while shown.by_agent.len() > AGENTS {
            shown.leave_out("by_agent");
        }
        while shown.by_day.len() > DAYS {
            shown.leave_out("by_day");
        }
        while !fits(&shown) {
            let Some(list) = shown.largest_list() else {
                break;
            };
            shown.leave_out(list);
        }
        shown
    }
}

impl Summarized {
    /// The list that takes most space, if there is any. A row counts as three totals.
    fn largest_list(&self) -> Option<&'static str> {
        let sizes = [
            ("by_agent", self.by_agent.len()),
            ("by_day", self.by_day.len()),
            ("dearest", 3 * self.dearest.len()),
            ("longest_unchanged", 3 * self.longest_unchanged.len()),
        ];
        let (list, size) = sizes.into_iter().max_by_key(|(_, size)| *size)?;
        (size > 0).then_some(list)
    }

    fn leave_out(&mut self, list: &'static str) {
        match list {
            "by_agent" => drop(self.by_agent.pop()),
            "by_day" => drop(self.by_day.pop()),
            "dearest" => drop(self.dearest.pop()),
            _ => drop(self.longest_unchanged.pop()),
        }
        *self.left_out.entry(list).or_default() += 1;
    }
}

/// Escaped before it is cut, since escapes count toward the length.
fn short(name: &str) -> String {
    text::shortened(&text::visible(name), NAME_CHARACTERS)
}

/// Inserts a row at its place in `order`, if it is among the first.
fn keep<K>(
    kept: &mut Vec<(K, Row)>,
    key: K,
    session: &SessionHead,
    order: impl Fn(&K, &K) -> Ordering,
) {
    let place = kept.partition_point(|(other, _)| order(other, &key) != Ordering::Greater);
    if place < ROWS {
        let mut row = Row::of(session);
        row.title = row.title.map(|title| short(&title));
        if let Some(agent) = &mut row.agent {
            agent.name = agent.name.take().map(|name| short(&name));
        }
        kept.insert(place, (key, row));
        kept.truncate(ROWS);
    }
}

/// Orders the dearer first. Currencies are not compared: US dollars first, then by their codes.
fn dearer(one: &Money, other: &Money) -> Ordering {
    let currency = |money: &Money| (money.currency() != "USD", money.currency().to_owned());
    other.partial_cmp(one).unwrap_or_else(|| currency(one).cmp(&currency(other)))
}
