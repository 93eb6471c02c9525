//! Reads what tells what a session is doing or waiting for: its newest events, and threads where
//! those point at them.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::{
    app::{
        context::Context,
        error::Error,
        recent_events::{MOST_CALLS, recent_events, supplementary_events},
        services::Services,
        threads::{busy_threads, is_multiagent, recent_thread_events},
    },
    domain::{
        diagnosis::{self, CALL_KINDS, Facts, RUN_KINDS, ThreadEvents, Verdict},
        events,
        guard::Activity,
    },
    model::{Event, ObjectId, Session, SessionId},
};

const EVENTS: u32 = 100;
/// Of the events that tell which workflow runs are open, and what threads wait for.
const STATUS_EVENTS: u32 = 1_000;
const THREAD_STATUS_KINDS: [&str; 3] = [
    "session.thread_status_idle",
    "session.thread_status_running",
    "session.thread_status_terminated",
];
/// How many threads are asked for signs of life.
const MAX_HISTORIES: usize = 10;

/// What an examination is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The verdict alone: no request where the record tells.
    Verdict,
    /// The evidence too.
    Evidence,
}

/// What was read of a session.
#[derive(Debug)]
pub(crate) struct Examined {
    activity: Activity,
    events: Vec<Event>,
    threads: Vec<Event>,
    histories: Vec<ThreadEvents>,
    now: Timestamp,
}

impl Examined {
    pub(crate) fn facts<'a>(
        &'a self,
        session: &'a Session,
        console_url: Option<&'a str>,
    ) -> Facts<'a> {
        Facts {
            session,
            activity: self.activity,
            events: &self.events,
            threads: &self.threads,
            thread_events: &self.histories,
            console_url,
            now: self.now,
        }
    }

    fn is_stuck(&self, session: &Session) -> bool {
        diagnosis::diagnose(&self.facts(session, None)).verdict == Verdict::StuckRunning
    }
}

/// Whether the record alone leads to the verdict.
pub(crate) fn record_tells(services: &Services, session: &Session) -> bool {
    let activity = services.statuses.activity(&session.head);
    session.head.is_archived() || activity == Activity::Unknown
}

pub(crate) async fn examine(
    services: &Services,
    cx: &Context,
    id: &SessionId,
    session: &Session,
    depth: Depth,
) -> Result<Examined, Error> {
    let activity = services.statuses.activity(&session.head);
    let needs_events = depth == Depth::Evidence || !record_tells(services, session);
    let events =
        if needs_events { telling_events(cx, session, id, activity).await? } else { Vec::new() };
    let now = Timestamp::now();
    let (threads, histories) = (Vec::new(), Vec::new());
    let mut examined = Examined { activity, events, threads, histories, now };
    // Threads may be at work without a sign of it in the session's own history.
    let names_threads = depth == Depth::Evidence && has_threads(session, &examined.events);
    if names_threads || examined.is_stuck(session) {
        examined.threads = busy_threads(cx, id).await?;
        if examined.is_stuck(session) {
            examined.histories = thread_histories(cx, id, &examined.threads).await;
        }
    }
    Ok(examined)
}

/// The newest events, and behind them older ones that a verdict needs.
async fn telling_events(
    cx: &Context,
    session: &Session,
    id: &SessionId,
    activity: Activity,
) -> Result<Vec<Event>, Error> {
    let mut events = recent_events(cx, id, &[], EVENTS).await?;
    // Of an ended session only its errors tell more than its status.
    if events.len() < EVENTS as usize || activity == Activity::Terminated {
        return Ok(events);
    }
    let idle = "session.status_idle";
    let mut older = Vec::new();
    if activity == Activity::Idle && !events.iter().any(|each| events::kind(each) == idle) {
        older.extend(recent_events(cx, id, &[idle], 1).await?);
    }
    if has_threads(session, &events) {
        for kinds in [&RUN_KINDS[..], &THREAD_STATUS_KINDS[..]] {
            older.extend(supplementary_events(cx, id, kinds, STATUS_EVENTS).await?);
        }
    }
    add_older(&mut events, older);
    let recorded = session.fields.get("stop_reason");
    let open = diagnosis::open_calls(&events, recorded);
    if open.iter().any(|call| call.event.is_none()) {
        let calls = recent_events(cx, id, &CALL_KINDS, MOST_CALLS).await?;
        add_older(&mut events, calls);
    }
    Ok(events)
}

/// Adds those of `more` that are not there yet, all of which are older, newest first.
fn add_older(events: &mut Vec<Event>, mut more: Vec<Event>) {
    let id = |event: &Event| events::text(event, "id").map(str::to_owned);
    let known: HashSet<_> = events.iter().filter_map(id).collect();
    let is_new = |event: &Event| match id(event) {
        Some(id) => !known.contains(&id),
        None => !events.contains(event),
    };
    more.retain(is_new);
    more.sort_by_key(|event| std::cmp::Reverse(events::at(event)));
    events.extend(more);
}

/// Whether the session has, or may have, more threads than its own.
fn has_threads(session: &Session, events: &[Event]) -> bool {
    is_multiagent(session) || events.iter().any(events::is_of_other_thread)
}

/// The newest events of the running threads, as far as they can be read.
async fn thread_histories(cx: &Context, id: &SessionId, threads: &[Event]) -> Vec<ThreadEvents> {
    let running = threads.iter().filter(|each| events::text(each, "status") == Some("running"));
    let ids = running.filter_map(|each| ObjectId::parse(events::text(each, "id")?).ok());
    let mut histories = Vec::new();
    for thread in ids.take(MAX_HISTORIES) {
        match recent_thread_events(cx, id, &thread, EVENTS as usize).await {
            Ok(events) => histories.push(ThreadEvents { thread_id: thread.to_string(), events }),
            Err(error) => tracing::debug!(%error, "the events of a thread cannot be read"),
        }
    }
    histories
}
