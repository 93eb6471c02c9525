//! What tools that wait for a turn answer of it.

use std::mem;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    app::{recent_events::Pause, turn_end::TurnEnd},
    domain::{
        reply::Reply,
        view::row,
        waiting::{WaitingCall, first_calls},
    },
};

/// What came of a turn; nothing if it was not waited for.
#[derive(Default, Serialize, JsonSchema)]
pub(crate) struct Awaited {
    /// After waiting: its status now.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// After waiting: why it stopped, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<Map<String, Value>>,
    /// After waiting: the calls that it waits for now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<WaitingCall>,
    /// How many more calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_more: Option<usize>,
    #[serde(flatten)]
    reply: Option<Reply>,
}

impl Awaited {
    /// And what else is known of why it paused.
    pub(crate) fn of(end: TurnEnd) -> (Self, Pause) {
        let mut pause = end.pause;
        let (waiting, waiting_more) = first_calls(mem::take(&mut pause.waiting));
        let awaited = Self {
            status: row::status(&end.session.head),
            stop_reason: pause.stop_reason.take(),
            waiting,
            waiting_more,
            reply: end.reply,
        };
        (awaited, pause)
    }
}
