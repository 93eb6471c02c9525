//! What is known about a session.

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::{
        diagnosis::waiting::{AnswerKind, waited_for},
        events,
        events::{at, kind},
        guard::Activity,
        money::Money,
    },
    model::{ApiTime, Event, Session},
};

/// A busy session without any event for longer is stuck.
const QUIET: SignedDuration = SignedDuration::from_mins(15);

/// What is known about a session.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The session as it was just read.
    pub session: &'a Session,
    /// What it is doing by its status.
    pub activity: Activity,
    /// Its newest events, newest first.
    pub events: &'a [Event],
    /// The threads of a multi-agent session.
    pub threads: &'a [Event],
    /// Its page in the console, if it has one.
    pub console_url: Option<&'a str>,
    /// When all this was read.
    pub now: Timestamp,
}

impl<'a> Facts<'a> {
    /// The newest event of this kind.
    pub(crate) fn newest(&self, wanted: &str) -> Option<&'a Event> {
        self.events.iter().find(|event| kind(event) == wanted)
    }

    /// The newest event with which the session went idle.
    pub(crate) fn pause(&self) -> Option<&'a Event> {
        self.newest("session.status_idle")
    }

    /// The waiting calls, each with its event if that is known.
    pub(crate) fn calls(&self) -> Vec<(&'a str, Option<&'a Event>)> {
        let by_id = |id| {
            let mut events = self.events.iter();
            events.find(|event| events::text(event, "id") == Some(id))
        };
        let ids = waited_for(self.events).into_iter();
        ids.map(|id| (id, by_id(id))).collect()
    }

    /// The waiting call to answer first, and how: one that needs a person before one that a
    /// program can answer by itself. A call whose event is unknown comes last, as a confirmation.
    pub(crate) fn first_call(&self) -> Option<(&'a str, AnswerKind)> {
        let kind = |(id, call): (&'a str, Option<&Event>)| (id, call.map(AnswerKind::of));
        let calls: Vec<_> = self.calls().into_iter().map(kind).collect();
        let first = calls.iter().min_by_key(|(_, kind)| match kind {
            Some(AnswerKind::Confirmation) => 0,
            Some(_) => 1,
            None => 2,
        });
        first.map(|&(id, kind)| (id, kind.unwrap_or(AnswerKind::Confirmation)))
    }

    /// Whether the budget is above the cost so far.
    pub(crate) fn has_budget_left(&self) -> bool {
        let budget = self.session.budget();
        let cost = self.session.head.usage.list_cost.as_ref();
        let budget = budget.as_ref().and_then(Money::from_amount);
        let cost = cost.and_then(Money::from_amount);
        matches!((budget, cost), (Some(budget), Some(cost)) if budget > cost)
    }

    /// When something last happened: by its events, else by its record.
    pub(crate) fn last_activity(&self) -> Option<Timestamp> {
        let newest = self.events.iter().filter_map(at).max();
        newest.or_else(|| self.updated_at())
    }

    /// Since when it has been retrying.
    pub(crate) fn rescheduled_at(&self) -> Option<Timestamp> {
        let event = self.newest("session.status_rescheduled");
        event.and_then(at).or_else(|| self.updated_at())
    }

    fn updated_at(&self) -> Option<Timestamp> {
        self.session.head.updated_at.as_ref().and_then(ApiTime::at)
    }

    /// Whether this was longer ago than a working session stays quiet.
    pub(crate) fn is_long_ago(&self, since: Option<Timestamp>) -> bool {
        since.is_some_and(|since| self.now.duration_since(since) > QUIET)
    }
}
