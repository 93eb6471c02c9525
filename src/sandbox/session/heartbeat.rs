//! Signs of life of seeded sessions that run without an end. They are made when somebody looks.

use std::time::Duration;

use serde_json::json;

use super::{Session, Status, command::Judgement, sign::Heartbeat};
use crate::sandbox::clock::Timestamp;

/// How many signs of life are recorded of a time in which nobody looked.
const MAX_RECORDED: u32 = 5;

impl Session {
    /// Lets the turn under way show a sign of life again and again; the last one was at `last`.
    pub(in crate::sandbox) fn beat(&mut self, every: Duration, last: Timestamp) {
        self.heartbeat = Some(Heartbeat { every, last, turn: self.turn.number });
        self.updated_at = self.updated_at.max(last);
    }

    /// Records the signs of life that have come due.
    pub(super) fn show_life(&mut self, now: Timestamp) {
        let Some(Heartbeat { every, last, turn }) = self.heartbeat else {
            return;
        };
        if turn != self.turn.number || self.turn.status != Status::Running {
            self.heartbeat = None;
            return;
        }
        let Ok(elapsed) = u64::try_from(now.micros() - last.micros()) else {
            return;
        };
        let missed = u128::from(elapsed) / every.as_micros().max(1);
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        if missed == 0 {
            return;
        }
        for beat in (missed.saturating_sub(MAX_RECORDED)..missed).map(|beat| beat + 1) {
            self.work_a_little(last.plus(every.saturating_mul(beat)));
        }
        let newest = last.plus(every.saturating_mul(missed));
        self.heartbeat = Some(Heartbeat { every, last: newest, turn });
        self.updated_at = self.updated_at.max(newest);
    }

    /// One tool call that needs no confirmation.
    fn work_a_little(&mut self, at: Timestamp) {
        let input = json!({"file_path": "/workspace/handbook.md"});
        let Some(call) = self.call("read", &input, Judgement::Safe) else {
            return;
        };
        let event = self.record(call.tool.call_event(), at, call.fields);
        let (kind, fields) = call.tool.result_event(&event, "ok", false);
        self.record(kind, at, fields);
    }
}
