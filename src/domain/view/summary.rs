//! Sums over many sessions: how many, what they cost, by status, agent and day.

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

/// How many statuses are told apart: there are four, and what services add.
const STATUSES: usize = 10;
/// How many agents, days and rows are kept.
const AGENTS: usize = 20;
const DAYS: usize = 31;
const ROWS: usize = 10;
/// How much of a title or a name is shown: there are many.
const NAME_CHARACTERS: usize = 60;

/// What some sessions come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Totals {
    /// How many.
    pub sessions: u64,
    /// Cost at list price by currency, exact.
    #[serde(skip_serializing_if = "Sums::is_empty")]
    pub list_cost: Sums,
    /// Tokens of all kinds.
    pub tokens: u64,
    /// Seconds at work.
    pub active_seconds: u64,
    /// How many have no cost, or none that can be added.
    #[serde(skip_serializing_if = "is_zero")]
    pub cost_unknown: u64,
    #[serde(skip)]
    active: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Totals {
    fn add(&mut self, session: &SessionHead) {
        self.sessions += 1;
        let known = cost(session).is_some_and(|cost| self.list_cost.add(&cost));
        self.cost_unknown += u64::from(!known);
        self.tokens = self
            .tokens
            .saturating_add(tokens(&session.usage).unwrap_or_default());
        let active = session.usage.active_seconds.as_ref();
        self.active += active
            .and_then(serde_json::Number::as_f64)
            .unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole seconds of a time that is never negative; saturates"
        )]
        let whole = self.active.round() as u64;
        self.active_seconds = whole;
    }
}

/// What an agent's sessions come to.
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

/// What the sessions created on a day (UTC) come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct DayTotals {
    /// The day.
    pub day: String,
    /// The sums.
    #[serde(flatten)]
    pub totals: Totals,
}

/// A summary in the making.
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
    /// Counts a session.
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
        let day = created.map_or("unknown".to_owned(), |at| {
            at.strftime("%Y-%m-%d").to_string()
        });
        self.by_day.entry(day).or_default().add(session);
        if let Some(cost) = cost(session).filter(|cost| !cost.is_zero()) {
            keep(&mut self.dearest, cost, session, |one, other| {
                dearer(one, other)
            });
        }
        if let Some(at) = session.updated_at.as_ref().and_then(ApiTime::at) {
            keep(&mut self.longest, at, session, Ord::cmp);
        }
    }

    /// The summary, with lists so short that `fits` says yes, if they can be.
    #[must_use]
    pub fn fitting(self, fits: impl Fn(&Summarized) -> bool) -> Summarized {
        let mut by_agent: Vec<_> = self.by_agent.into_values().collect();
        by_agent.sort_by(|one, other| {
            let (one, other) = (&one.totals, &other.totals);
            let cost =
                |totals: &Totals| totals.list_cost.iter().max_by(|a, b| dearer(b, a)).cloned();
            match (cost(one), cost(other)) {
                (Some(one), Some(other)) => dearer(&one, &other),
                (one, other) => other.is_some().cmp(&one.is_some()),
            }
            .then(other.sessions.cmp(&one.sessions))
        });
        let by_day = self.by_day.into_iter().rev();
        let by_day: Vec<_> = by_day
            .map(|(day, totals)| DayTotals { day, totals })
            .collect();
        let rows = |rows: usize| rows.min(ROWS);
        let mut lengths = [
            by_agent.len().min(AGENTS),
            by_day.len().min(DAYS),
            rows(self.dearest.len()),
            rows(self.longest.len()),
        ];
        loop {
            let [agents, days, dearest, longest] = lengths;
            let head = |rows: &[Row], count: usize| rows.iter().take(count).cloned().collect();
            let dearest_rows: Vec<Row> = self.dearest.iter().map(|(_, row)| row.clone()).collect();
            let longest_rows: Vec<Row> = self.longest.iter().map(|(_, row)| row.clone()).collect();
            let left_out = [
                ("by_agent", by_agent.len() - agents),
                ("by_day", by_day.len() - days),
                ("dearest", self.dearest.len() - dearest),
                ("longest_unchanged", self.longest.len() - longest),
            ];
            let shown = Summarized {
                totals: self.totals.clone(),
                by_status: self.by_status.clone(),
                by_agent: by_agent.iter().take(agents).cloned().collect(),
                by_day: by_day.iter().take(days).cloned().collect(),
                dearest: head(&dearest_rows, dearest),
                longest_unchanged: head(&longest_rows, longest),
                left_out: left_out
                    .into_iter()
                    .filter(|(_, count)| *count > 0)
                    .collect(),
            };
            // Rows take about three times the room of sums.
            let weights = [1, 1, 3, 3];
            let longest = lengths
                .iter_mut()
                .zip(weights)
                .max_by_key(|(length, weight)| **length * weight);
            match longest {
                Some((length, _)) if *length > 0 && !fits(&shown) => *length -= 1,
                _ => return shown,
            }
        }
    }
}

/// A name as short as it is when it is shown.
fn short(name: &str) -> String {
    text::shortened(&text::visible(name), NAME_CHARACTERS)
}

/// Keeps a row in its place, if it is one of the first.
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
            let name = agent.name.take();
            agent.name = name.map(|name| short(&name));
        }
        kept.insert(place, (key, row));
        kept.truncate(ROWS);
    }
}

/// The dearer first. Currencies are not compared: US dollars first, then by their codes.
fn dearer(one: &Money, other: &Money) -> Ordering {
    let currency = |money: &Money| (money.currency() != "USD", money.currency().to_owned());
    other
        .partial_cmp(one)
        .unwrap_or_else(|| currency(one).cmp(&currency(other)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::domain::view::summary::Summary;

    fn session(id: usize, fields: &Value) -> crate::model::SessionHead {
        let mut session = json!({
            "id": format!("sesn_{id}"), "status": "idle", "agent": {"id": "agent_1", "name": "A"},
            "created_at": "2026-03-01T10:00:00Z", "updated_at": format!("2026-03-02T10:00:{id:02}Z"),
            "usage": {"input_tokens": 5, "active_seconds": 0.5,
                      "list_cost": {"amount": format!("{id}.1"), "currency": "USD"}},
        });
        session
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        serde_json::from_str(&session.to_string()).unwrap()
    }

    #[test]
    fn sums_are_exact_and_by_currency() {
        let mut summary = Summary::default();
        for id in 0..10 {
            summary.add(&session(id, &json!({})));
        }
        let euros =
            json!({"usage": {"list_cost": {"amount": "99", "currency": "EUR"}}, "status": "x"});
        summary.add(&session(11, &euros));
        summary.add(&session(12, &json!({"usage": {}, "created_at": null})));
        let shown = serde_json::to_value(summary.fitting(|_| true)).unwrap();
        assert_eq!(
            shown["totals"],
            json!({"sessions": 12, "list_cost": {"EUR": "0.99", "USD": "0.46"}, "tokens": 50,
                   "active_seconds": 5, "cost_unknown": 1})
        );
        assert_eq!(shown["by_status"]["x"]["list_cost"], json!({"EUR": "0.99"}));
        assert_eq!(shown["by_day"][1]["day"], "2026-03-01");
        assert_eq!(shown["dearest"][0]["id"], "sesn_9", "dollars first");
        assert_eq!(shown["longest_unchanged"][0]["id"], "sesn_0");
        assert_eq!(shown["dearest"].as_array().map(Vec::len), Some(10));
        assert_eq!(shown.get("left_out"), None);
    }

    #[test]
    fn lists_are_shortened_until_they_fit_and_say_so() {
        let mut summary = Summary::default();
        for id in 0..60 {
            let agent = json!({"id": format!("agent_{id}"), "name": "n".repeat(100)});
            let day = json!({"agent": agent, "created_at": format!("2026-0{}-{:02}T00:00:00Z", id / 28 + 1, id % 28 + 1)});
            summary.add(&session(id, &day));
        }
        let size = |shown: &super::Summarized| serde_json::to_string(shown).unwrap().len();
        let shown = summary.fitting(|shown| size(shown) < 6_000);
        assert!((5_000..6_000).contains(&size(&shown)), "{}", size(&shown));
        assert!(
            shown.by_agent.len() > 3 && shown.dearest.len() > 3,
            "{shown:?}"
        );
        assert_eq!(shown.left_out["by_agent"], 60 - shown.by_agent.len());
        assert_eq!(
            shown.by_agent[0].id.as_deref(),
            Some("agent_59"),
            "the dearest"
        );
    }
}
