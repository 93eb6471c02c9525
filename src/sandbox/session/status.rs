//! Changes of status, each with the events that record it. The primary thread's status changes
//! together with the session's.

use serde_json::{Value, json};

use super::{Session, Status, stop::Stop};
use crate::sandbox::{
    clock::{Clock, Timestamp},
    json::with_field,
};

/// The running time that costs one cent.
const MICROS_A_CENT: u64 = 3_600_000_000 / 8;

impl Session {
    /// Records that the session entered a status. `stop` belongs to [`Status::Idle`], which its
    /// usage precedes. Returns the time of the session's own event.
    pub(in crate::sandbox) fn record_status(
        &mut self,
        status: Status,
        stop: Option<&Stop>,
        mut stamp: impl FnMut() -> Timestamp,
    ) -> Timestamp {
        let stop = stop.map_or_else(|| json!({}), Stop::to_json);
        let thread = self.primary_thread_id();
        let agent_name = self.agent.name.clone();
        if status == Status::Running {
            let at = stamp();
            self.record("session.status_running", at, json!({}));
            self.record_thread_status(&thread, &agent_name, status, stamp(), &stop);
            return at;
        }
        self.record_thread_status(&thread, &agent_name, status, stamp(), &stop);
        let kind = match status {
            Status::Idle => {
                self.record_usage(stamp());
                "session.status_idle"
            }
            Status::Rescheduling => "session.status_rescheduled",
            Status::Running | Status::Terminated => "session.status_terminated",
        };
        let at = stamp();
        self.record(kind, at, stop);
        at
    }

    fn record_usage(&mut self, at: Timestamp) {
        let usage = json!({"usage": self.usage_json(at), "budget": self.budget()});
        self.record("session.usage", at, usage);
    }

    /// Records that a thread entered a status, with what an idle event says about the reason.
    pub(in crate::sandbox) fn record_thread_status(
        &mut self,
        thread: &str,
        agent_name: &str,
        status: Status,
        at: Timestamp,
        stop: &Value,
    ) {
        let kind = match status {
            Status::Running => "session.thread_status_running",
            Status::Idle => "session.thread_status_idle",
            Status::Rescheduling => "session.thread_status_rescheduled",
            Status::Terminated => "session.thread_status_terminated",
        };
        let mut fields = json!({"session_thread_id": thread, "agent_name": agent_name});
        for (key, value) in stop.as_object().into_iter().flatten() {
            fields = with_field(fields, key, Some(value.clone()));
        }
        self.record(kind, at, fields);
    }

    /// Lets the primary thread go idle, and the session with it if nothing else runs.
    pub(super) fn go_idle(&mut self, clock: &mut Clock, stop: Stop) {
        let thread = self.primary_thread_id();
        let agent_name = self.agent.name.clone();
        let fields = stop.to_json();
        self.record_thread_status(&thread, &agent_name, Status::Idle, clock.stamp(), &fields);
        if self.has_background_work() {
            self.updated_at = clock.stamp();
            self.turn.held = Some(stop);
        } else {
            self.end_session_turn(clock, stop);
        }
    }

    /// Goes idle; the status in the record follows a moment later.
    pub(super) fn end_session_turn(&mut self, clock: &mut Clock, stop: Stop) {
        let stop = self.stop_with_children(stop);
        self.charge_running_time(clock.stamp());
        self.record_usage(clock.stamp());
        let now = clock.stamp();
        self.record("session.status_idle", now, stop.to_json());
        self.updated_at = now;
        self.turn.held = None;
        self.turn.stop = Some(stop);
        self.turn.status = Status::Idle;
        if clock.status_lag.is_zero() {
            self.status = Status::Idle;
        } else if self.status != Status::Idle {
            self.turn.status_lags_until = Some(now.plus(clock.status_lag));
        }
    }

    /// Stops counting running time, and charges for it: 0.08 USD an hour.
    fn charge_running_time(&mut self, now: Timestamp) {
        let micros = self.turn.running_since.map_or(0, |since| now.micros() - since.micros());
        self.usage.cents += u64::try_from(micros).unwrap_or_default() / MICROS_A_CENT;
        self.stop_running(now);
    }

    /// Goes idle until the pending calls are answered.
    pub(super) fn require_action(&mut self, clock: &mut Clock) {
        let calls = self.turn.pending_calls.iter();
        let ids = calls.map(|call| call.event_id.clone()).collect();
        self.go_idle(clock, Stop::RequiresAction(ids));
    }

    /// Enters a status other than idle, without a delay.
    pub(super) fn enter(&mut self, clock: &mut Clock, status: Status) {
        let now = clock.stamp();
        match status {
            Status::Running => {
                self.turn.running_since.get_or_insert(now);
            }
            _ => self.charge_running_time(now),
        }
        self.set_status(status);
        self.turn.stop = None;
        if self.turn.held.take().is_some() && status == Status::Running {
            let thread = self.primary_thread_id();
            let agent_name = self.agent.name.clone();
            self.updated_at = clock.stamp();
            self.record_thread_status(&thread, &agent_name, status, self.updated_at, &json!({}));
            return;
        }
        self.updated_at = self.record_status(status, None, || clock.stamp());
    }
}
