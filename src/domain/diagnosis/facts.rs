//! What is known about a session.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    domain::{
        details,
        diagnosis::{
            calls::{AnswerKind, OpenCall, open_calls, reason_type, stop_reason},
            runs::{OpenRun, open_runs},
        },
        events,
        events::{at, is_queued, kind},
        guard::Activity,
    },
    model::{ApiTime, Event, Session},
};

/// A busy session without any sign of life for longer is stuck.
const QUIET: SignedDuration = SignedDuration::from_mins(15);
/// Within this time of an answer, or of a raised budget, a session goes on by itself.
const RESUMES_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// What is known about a session.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The session as it was just read.
    pub session: &'a Session,
    /// What it is doing by its status.
    pub activity: Activity,
    /// Its newest events, newest first; older ones that matter behind them.
    pub events: &'a [Event],
    /// The threads of a multi-agent session.
    pub threads: &'a [Event],
    /// The newest events of threads whose own history was read, newest first.
    pub thread_events: &'a [ThreadEvents],
    /// Its page in the console, if it has one.
    pub console_url: Option<&'a str>,
    /// When all this was read.
    pub now: Timestamp,
}

/// The newest events of one thread, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadEvents {
    /// The thread's id.
    pub thread_id: String,
    /// Its events.
    pub events: Vec<Event>,
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

    /// Why it is idle by its record, as some services have it there.
    pub(crate) fn recorded_pause(&self) -> Option<&'a Value> {
        self.session.fields.get("stop_reason").filter(|reason| !reason.is_null())
    }

    /// Why it is idle: by its newest pause, else by its record.
    pub(crate) fn stop_reason(&self) -> Option<&'a str> {
        match self.pause() {
            Some(pause) => stop_reason(pause),
            None => self.recorded_pause().and_then(reason_type),
        }
    }

    /// The calls without a result.
    pub(crate) fn open_calls(&self) -> Vec<OpenCall<'a>> {
        open_calls(self.events, self.recorded_pause())
    }

    /// The calls that wait for a person or a program.
    pub(crate) fn waiting_calls(&self) -> Vec<OpenCall<'a>> {
        let mut calls = self.open_calls();
        calls.retain(|call| call.waits_for.is_some());
        calls
    }

    /// The calls being carried out, each with the thread whose own history has it.
    pub(crate) fn running_calls(&self) -> Vec<(&'a Event, Option<&'a str>)> {
        let own = self.open_calls().into_iter().map(|call| (call, None));
        let of_threads = self.thread_events.iter().flat_map(|thread| {
            let calls = open_calls(&thread.events, None).into_iter();
            calls.map(|call| (call, Some(thread.thread_id.as_str())))
        });
        let running = |(call, thread): (OpenCall<'a>, _)| {
            (call.waits_for.is_none()).then_some((call.event?, thread))
        };
        own.chain(of_threads).filter_map(running).collect()
    }

    /// The waiting call to answer first, and how: one that needs a person before one that a
    /// program can answer by itself. A call whose event is unknown comes last, as a confirmation.
    pub(crate) fn first_call(&self) -> Option<(&'a str, AnswerKind)> {
        let calls = self.waiting_calls().into_iter();
        let first = calls.min_by_key(|call| match (call.event, call.waits_for) {
            (None, _) => 2,
            (_, Some(AnswerKind::Confirmation)) => 0,
            _ => 1,
        });
        first.and_then(|call| Some((call.id, call.waits_for?)))
    }

    /// The workflow runs that have not ended.
    pub(crate) fn open_runs(&self) -> Vec<OpenRun> {
        open_runs(self.events)
    }

    /// The errors of the last turn, newest first, each once.
    pub(crate) fn errors(&self) -> Vec<&'a Event> {
        let mut errors: Vec<&Event> = Vec::new();
        for event in self.last_turn().filter(|event| kind(event) == "session.error") {
            if errors.iter().all(|known| known.get("error") != event.get("error")) {
                errors.push(event);
            }
        }
        errors
    }

    /// The events since the turn under way, or the last one, began.
    fn last_turn(&self) -> impl Iterator<Item = &'a Event> {
        let mut beginning = None;
        let mut has_status = false;
        for (index, event) in self.events.iter().enumerate() {
            match kind(event) {
                // A retry begins no turn: it began before that.
                "session.status_rescheduled" => beginning = None,
                "session.status_running" if beginning.is_none() => beginning = Some(index + 1),
                "session.status_idle" if !has_status => {}
                "session.status_idle" | "session.status_running" => {
                    beginning = beginning.or(Some(index));
                    break;
                }
                _ => continue,
            }
            has_status = true;
        }
        self.events.iter().take(beginning.unwrap_or(self.events.len()))
    }

    /// Whether an interrupt ended the last turn.
    pub(crate) fn was_interrupted(&self) -> bool {
        let mut turn = self.last_turn();
        turn.any(|event| kind(event) == "user.interrupt" && at(event).is_some())
    }

    /// Whether the budget that stopped it has been raised above the cost so far, or removed.
    pub(crate) fn is_budget_lifted(&self) -> bool {
        details::is_budget_lifted(self.session)
    }

    /// When it last gave a sign of life: by an event of its own or of a thread, or by a record.
    pub(crate) fn last_activity(&self) -> Option<Timestamp> {
        let own = self.events.iter().filter_map(at);
        let of_threads = self.thread_events.iter().flat_map(|thread| &thread.events);
        let records = self.threads.iter().filter_map(updated_at).chain(self.updated_at());
        own.chain(of_threads.filter_map(at)).chain(records).max()
    }

    /// Since when it has been retrying.
    pub(crate) fn rescheduled_at(&self) -> Option<Timestamp> {
        let event = self.newest("session.status_rescheduled");
        event.and_then(at).or_else(|| self.updated_at())
    }

    pub(crate) fn updated_at(&self) -> Option<Timestamp> {
        self.session.head.updated_at.as_ref().and_then(ApiTime::at)
    }

    /// Whether this was longer ago than a working session stays quiet.
    pub(crate) fn is_long_ago(&self, since: Option<Timestamp>) -> bool {
        since.is_some_and(|since| self.now.duration_since(since) > QUIET)
    }

    /// Whether a session that goes on by itself after this would not be seen to do so yet.
    pub(crate) fn is_moment_ago(&self, since: Option<Timestamp>) -> bool {
        since.is_some_and(|since| self.now.duration_since(since) <= RESUMES_WITHIN)
    }

    /// When what it waited for was last answered; now, if that answer is still queued.
    pub(crate) fn answered_at(&self) -> Option<Timestamp> {
        let answers = ["user.tool_confirmation", "user.custom_tool_result", "user.tool_result"];
        let answer = self.events.iter().find(|event| answers.contains(&kind(event)))?;
        at(answer).or_else(|| is_queued(answer).then_some(self.now))
    }

    /// When a turn began that its record does not show yet.
    pub(crate) fn newly_running_since(&self) -> Option<Timestamp> {
        let statuses = ["session.status_running", "session.status_idle"];
        let newest = self.events.iter().find(|event| statuses.contains(&kind(event)))?;
        if kind(newest) == "session.status_running" { at(newest) } else { None }
    }
}

/// When a thread's record last changed.
pub(crate) fn updated_at(thread: &Event) -> Option<Timestamp> {
    let text = events::text(thread, "updated_at")?;
    ApiTime::from(text.to_owned()).at()
}
