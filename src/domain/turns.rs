//! Which turn a session is in, by its events.

use crate::{
    domain::{events, events::kind},
    model::Event,
};

/// The events that tell it.
pub(crate) const STATUS_KINDS: [&str; 4] = [
    "session.status_idle",
    "session.status_running",
    "session.status_rescheduled",
    "session.status_terminated",
];

/// The event with which the newest turn began, among `events`, newest first. A retry begins none.
pub(crate) fn newest_turn(events: &[Event]) -> Option<&str> {
    let mut statuses = statuses(events).peekable();
    while let Some(status) = statuses.next() {
        let is_retry =
            statuses.peek().is_some_and(|before| kind(before) == "session.status_rescheduled");
        if kind(status) == "session.status_running" && !is_retry {
            return events::text(status, "id");
        }
    }
    None
}

/// Whether the newest turn has ended.
pub(crate) fn has_ended(events: &[Event]) -> bool {
    let newest = statuses(events).next().map(kind);
    matches!(newest, Some("session.status_idle" | "session.status_terminated"))
}

fn statuses(events: &[Event]) -> impl Iterator<Item = &Event> {
    events.iter().filter(|event| STATUS_KINDS.contains(&kind(event)))
}
