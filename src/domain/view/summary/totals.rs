//! The sums over some sessions.

use std::{cmp::Ordering, collections::BTreeMap};

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    domain::{
        filter::cost,
        money::{Money, Sums},
        view::row::tokens,
    },
    model::{SessionHead, Usage},
};

/// How many currencies are added up: only a broken service has more, and an answer has to stay
/// small.
const CURRENCIES: usize = 8;

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
    pub(super) fn add(&mut self, session: &SessionHead) {
        self.sessions += 1;
        let known = cost(session).is_some_and(|cost| self.add_cost(&cost));
        self.cost_unknown += u64::from(!known);
        let tokens = tokens(&session.usage).unwrap_or_default();
        self.tokens = self.tokens.saturating_add(tokens);
        self.add_active(active(&session.usage).unwrap_or_default());
    }

    /// Adds what others add up to.
    pub(super) fn merge(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.cost_unknown += other.cost_unknown;
        for cost in other.list_cost.iter() {
            if !self.add_cost(cost) {
                // How many of them have a cost in this currency is not known.
                self.cost_unknown += other.sessions.saturating_sub(other.cost_unknown);
            }
        }
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.add_active(other.active);
    }

    /// False, and nothing is added, if the sum cannot be exact.
    fn add_cost(&mut self, cost: &Money) -> bool {
        let has_room = self.list_cost.iter().count() < CURRENCIES
            || self.list_cost.iter().any(|sum| sum.currency() == cost.currency());
        has_room && self.list_cost.add(cost)
    }

    fn add_active(&mut self, seconds: f64) {
        self.active += seconds;
        self.active_seconds = whole(self.active);
    }

    /// The cost in US dollars, else in the first currency there is.
    fn main_cost(&self) -> Option<&Money> {
        let costs = self.list_cost.iter();
        costs.min_by_key(|cost| cost.currency() != "USD")
    }

    /// Orders the larger first: by cost, then by the number of sessions.
    pub(super) fn larger(&self, other: &Self) -> Ordering {
        match (self.main_cost(), other.main_cost()) {
            (Some(one), Some(other)) => dearer(one, other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        }
        .then(other.sessions.cmp(&self.sessions))
    }
}

/// Seconds at work, if the service reports them.
pub(super) fn active(usage: &Usage) -> Option<f64> {
    usage.active_seconds.as_ref()?.as_f64()
}

pub(super) fn whole(seconds: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole seconds of a time that is never negative; saturates"
    )]
    let whole = seconds.round() as u64;
    whole
}

/// Orders the dearer first. Currencies are not compared: US dollars first, then by their codes.
pub(super) fn dearer(one: &Money, other: &Money) -> Ordering {
    let currency = |money: &Money| (money.currency() != "USD", money.currency().to_owned());
    other.partial_cmp(one).unwrap_or_else(|| currency(one).cmp(&currency(other)))
}
