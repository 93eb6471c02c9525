//! What tools that wait for a turn answer of it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    app::turn_end::TurnEnd,
    domain::{
        reply::Reply,
        view::row,
        waiting::{WaitingCall, first_calls},
    },
};

/// What came of a turn; nothing if it was not waited for.
#[derive(Default, Serialize, JsonSchema)]
pub(crate) struct Awaited {
    /// After waiting: its status.
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
    pub(crate) fn of(end: TurnEnd) -> Self {
        let (waiting, waiting_more) = first_calls(end.pause.waiting);
        Self {
            status: row::status(&end.session.head),
            stop_reason: end.pause.stop_reason,
            waiting,
            waiting_more,
            reply: end.reply,
        }
    }
}
